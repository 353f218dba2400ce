"""Decentlab DL-ATM41 weather station (METER ATMOS 41). Source: Decentlab, DL-ATM41 datasheet and "Decentlab decoder" payload description, protocol version 2.

A LoRaWAN codec. Words of 16 bits follow the flags; bit 0 of the flags: the station's 17 values, bit 1: the battery.
Signed values are sent with an offset of 32768.
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "protocol_version": {"type": "u8"},
    "device_id": {"type": "u16"},
    "solar_radiation": {"type": "i32", "unit": "W/m2", "optional": True, "range": (0, 1750), "quantity": "surface_downwelling_shortwave_flux_in_air"},
    "precipitation": {"type": "i32", "exp10": -3, "unit": "mm", "optional": True},
    "lightning_strike_count": {"type": "i32", "unit": "{#}", "optional": True},
    "lightning_average_distance": {"type": "i32", "unit": "km", "optional": True, "range": (0, 40)},
    "wind_speed": {"type": "i32", "exp10": -2, "unit": "m/s", "optional": True, "range": (0, 30), "quantity": "wind_speed"},
    "wind_direction": {"type": "i32", "exp10": -1, "unit": "deg", "optional": True, "range": (0, 360), "quantity": "wind_from_direction"},
    "maximum_wind_speed": {"type": "i32", "exp10": -2, "unit": "m/s", "optional": True, "quantity": "wind_speed_of_gust"},
    "air_temperature": {"type": "i32", "exp10": -1, "unit": "Cel", "optional": True, "range": (-50, 60), "quantity": "air_temperature"},
    "vapor_pressure": {"type": "i32", "exp10": -2, "unit": "kPa", "optional": True, "range": (0, 47)},
    "atmospheric_pressure": {"type": "i32", "exp10": -2, "unit": "kPa", "optional": True, "range": (50, 110), "quantity": "air_pressure"},
    "relative_humidity": {"type": "i32", "exp10": -1, "unit": "%", "optional": True, "range": (0, 100), "quantity": "relative_humidity"},
    "sensor_temperature_internal": {"type": "i32", "exp10": -1, "unit": "Cel", "optional": True},
    "x_orientation_angle": {"type": "i32", "exp10": -1, "unit": "deg", "optional": True},
    "y_orientation_angle": {"type": "i32", "exp10": -1, "unit": "deg", "optional": True},
    "compass_heading": {"type": "i32", "unit": "deg", "optional": True},
    "north_wind_speed": {"type": "i32", "exp10": -2, "unit": "m/s", "optional": True},
    "east_wind_speed": {"type": "i32", "exp10": -2, "unit": "m/s", "optional": True},
    "battery_voltage": {"type": "u16", "exp10": -3, "unit": "V", "optional": True},
}
EXAMPLES = (
    {  # Decentlab's own examples
        "in": {"payload": "02035a0003800a8000800080008009812b8014810880b4a57c820c810980027fe88056800880040bf5", "port": 1},
        "out": (
            {
                "protocol_version": 2,
                "device_id": 858,
                "solar_radiation": 10,
                "precipitation": 0,
                "lightning_strike_count": 0,
                "lightning_average_distance": 0,
                "wind_speed": 9,
                "wind_direction": 299,
                "maximum_wind_speed": 20,
                "air_temperature": 264,
                "vapor_pressure": 180,
                "atmospheric_pressure": 9596,
                "relative_humidity": 524,
                "sensor_temperature_internal": 265,
                "x_orientation_angle": 2,
                "y_orientation_angle": -24,
                "compass_heading": 86,
                "north_wind_speed": 8,
                "east_wind_speed": 4,
                "battery_voltage": 3061,
            },
        ),
    },
    {"in": {"payload": "02035a00020bf5", "port": 1}, "out": ({"protocol_version": 2, "device_id": 858, "battery_voltage": 3061},)},
)


def offset(b: bytes, i: int) -> int:
    """A signed word sent with an offset of 32768."""
    return kit.u16be(b, i) - 32768


def transform(payload: bytes, port: int) -> dict:
    if port < 1 or port > 223:
        raise ValueError("not an application port")  # LoRaWAN 1.0.4 section 4.3.2
    if kit.u8(payload, 0) != 2:
        raise ValueError("not protocol version 2")
    flags = kit.u16be(payload, 3)
    if flags > 3:
        raise ValueError("values that this station does not have")
    out = {}
    out["protocol_version"] = 2
    out["device_id"] = kit.u16be(payload, 1)
    i = 5
    if flags & 1 == 1:
        out["solar_radiation"] = offset(payload, i)
        out["precipitation"] = offset(payload, i + 2)
        out["lightning_strike_count"] = offset(payload, i + 4)
        out["lightning_average_distance"] = offset(payload, i + 6)
        out["wind_speed"] = offset(payload, i + 8)
        out["wind_direction"] = offset(payload, i + 10)
        out["maximum_wind_speed"] = offset(payload, i + 12)
        out["air_temperature"] = offset(payload, i + 14)
        out["vapor_pressure"] = offset(payload, i + 16)
        out["atmospheric_pressure"] = offset(payload, i + 18)
        out["relative_humidity"] = offset(payload, i + 20)
        out["sensor_temperature_internal"] = offset(payload, i + 22)
        out["x_orientation_angle"] = offset(payload, i + 24)
        out["y_orientation_angle"] = offset(payload, i + 26)
        out["compass_heading"] = offset(payload, i + 28)
        out["north_wind_speed"] = offset(payload, i + 30)
        out["east_wind_speed"] = offset(payload, i + 32)
        i = i + 34
    if flags & 2 == 2:
        out["battery_voltage"] = kit.u16be(payload, i)
        i = i + 2
    if i != len(payload):
        raise ValueError("wrong length")
    return out
