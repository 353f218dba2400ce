"""Decentlab DL-PM particle sensor with temperature, humidity and pressure. Source: Decentlab, DL-PM datasheet and "Decentlab decoder" payload description, protocol version 2.

A LoRaWAN codec. Words of 16 bits follow the flags; bit 0 of the flags: the battery, bit 1: ten values of particles,
bit 2: temperature and humidity (the sensor's own linear formulas), bit 3: pressure.
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "protocol_version": {"type": "u8"},
    "device_id": {"type": "u16"},
    "battery_voltage": {"type": "u16", "exp10": -3, "unit": "V", "optional": True},
    "pm1_0_mass_concentration": {"type": "u16", "exp10": -1, "unit": "ug/m3", "optional": True, "quantity": "mass_concentration_of_pm1_ambient_aerosol_particles_in_air"},
    "pm2_5_mass_concentration": {"type": "u16", "exp10": -1, "unit": "ug/m3", "optional": True, "quantity": "mass_concentration_of_pm2p5_ambient_aerosol_particles_in_air"},
    "pm4_mass_concentration": {"type": "u16", "exp10": -1, "unit": "ug/m3", "optional": True},
    "pm10_mass_concentration": {"type": "u16", "exp10": -1, "unit": "ug/m3", "optional": True, "quantity": "mass_concentration_of_pm10_ambient_aerosol_particles_in_air"},
    "typical_particle_size": {"type": "u16", "unit": "nm", "optional": True},
    "pm0_5_number_concentration": {"type": "u16", "exp10": -1, "unit": "/cm3", "optional": True},
    "pm1_0_number_concentration": {"type": "u16", "exp10": -1, "unit": "/cm3", "optional": True},
    "pm2_5_number_concentration": {"type": "u16", "exp10": -1, "unit": "/cm3", "optional": True},
    "pm4_number_concentration": {"type": "u16", "exp10": -1, "unit": "/cm3", "optional": True},
    "pm10_number_concentration": {"type": "u16", "exp10": -1, "unit": "/cm3", "optional": True},
    "air_temperature": {"type": "f64", "unit": "Cel", "optional": True, "range": (-40, 125), "quantity": "air_temperature"},
    "air_humidity": {"type": "f64", "unit": "%", "optional": True, "range": (0, 100), "quantity": "relative_humidity"},
    "barometric_pressure": {"type": "u32", "unit": "Pa", "optional": True, "range": (30000, 110000), "quantity": "air_pressure"},
}
EXAMPLES = (
    {  # Decentlab's own examples
        "in": {"payload": "021b50000f0c25002500270027002701f50107012c012d012d012d67bd618dbd10", "port": 1},
        "out": (
            {
                "protocol_version": 2,
                "device_id": 6992,
                "battery_voltage": 3109,
                "pm1_0_mass_concentration": 37,
                "pm2_5_mass_concentration": 39,
                "pm4_mass_concentration": 39,
                "pm10_mass_concentration": 39,
                "typical_particle_size": 501,
                "pm0_5_number_concentration": 263,
                "pm1_0_number_concentration": 300,
                "pm2_5_number_concentration": 301,
                "pm4_number_concentration": 301,
                "pm10_number_concentration": 301,
                "air_temperature": 24.35660461425781,
                "air_humidity": 41.63221740722656,
                "barometric_pressure": 96800,
            },
        ),
    },
    {"in": {"payload": "021b5000010c25", "port": 1}, "out": ({"protocol_version": 2, "device_id": 6992, "battery_voltage": 3109},)},
)


def transform(payload: bytes, port: int) -> dict:
    if port < 1 or port > 223:
        raise ValueError("not an application port")  # LoRaWAN 1.0.4 section 4.3.2
    if kit.u8(payload, 0) != 2:
        raise ValueError("not protocol version 2")
    flags = kit.u16be(payload, 3)
    if flags > 15:
        raise ValueError("values that this sensor does not have")
    out = {}
    out["protocol_version"] = 2
    out["device_id"] = kit.u16be(payload, 1)
    i = 5
    if flags & 1 != 0:
        out["battery_voltage"] = kit.u16be(payload, i)
        i = i + 2
    if flags & 2 != 0:
        out["pm1_0_mass_concentration"] = kit.u16be(payload, i)
        out["pm2_5_mass_concentration"] = kit.u16be(payload, i + 2)
        out["pm4_mass_concentration"] = kit.u16be(payload, i + 4)
        out["pm10_mass_concentration"] = kit.u16be(payload, i + 6)
        out["typical_particle_size"] = kit.u16be(payload, i + 8)
        out["pm0_5_number_concentration"] = kit.u16be(payload, i + 10)
        out["pm1_0_number_concentration"] = kit.u16be(payload, i + 12)
        out["pm2_5_number_concentration"] = kit.u16be(payload, i + 14)
        out["pm4_number_concentration"] = kit.u16be(payload, i + 16)
        out["pm10_number_concentration"] = kit.u16be(payload, i + 18)
        i = i + 20
    if flags & 4 != 0:
        out["air_temperature"] = 175.72 * float(kit.u16be(payload, i)) / 65536.0 - 46.85
        out["air_humidity"] = 125.0 * float(kit.u16be(payload, i + 2)) / 65536.0 - 6.0
        i = i + 4
    if flags & 8 != 0:
        out["barometric_pressure"] = kit.u16be(payload, i) * 2
        i = i + 2
    if i != len(payload):
        raise ValueError("wrong length")
    return out
