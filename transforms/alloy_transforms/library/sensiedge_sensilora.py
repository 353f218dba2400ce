"""SensiEDGE SensiLoRa: climate, motion, light and battery. Source: SensiEDGE, SensiLoRa board data sheet and its published payload format.

A LoRaWAN codec: 14 big-endian words. Acceleration, rotation and magnetic field keep the sensors' own steps: 1 mg,
1 mdeg/s, 0.1 uT.
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "pressure": {"type": "u16", "exp10": -1, "unit": "hPa", "range": (260, 1260), "quantity": "air_pressure"},
    "temperature": {"type": "i16", "exp10": -2, "unit": "Cel", "range": (-40, 125), "quantity": "air_temperature"},
    "humidity": {"type": "u16", "exp10": -2, "unit": "%", "range": (0, 100), "quantity": "relative_humidity"},
    "acceleration_x": {"type": "i16", "unit": "m[g]"},
    "acceleration_y": {"type": "i16", "unit": "m[g]"},
    "acceleration_z": {"type": "i16", "unit": "m[g]"},
    "rotation_x": {"type": "i16", "exp10": -3, "unit": "deg/s"},
    "rotation_y": {"type": "i16", "exp10": -3, "unit": "deg/s"},
    "rotation_z": {"type": "i16", "exp10": -3, "unit": "deg/s"},
    "magnetic_x": {"type": "i16", "exp10": -1, "unit": "uT"},
    "magnetic_y": {"type": "i16", "exp10": -1, "unit": "uT"},
    "magnetic_z": {"type": "i16", "exp10": -1, "unit": "uT"},
    "light": {"type": "u16", "unit": "lx"},
    "battery": {"type": "u16", "exp10": -2, "unit": "V"},
}
EXAMPLES = (
    {  # thingsboard/data-converters (Apache-2.0), SensiLora2_0
        "in": {"payload": "277d096818750001ffeefc11f993ffbafcfefe32022c0189000001a4", "port": 2},
        "out": (
            {
                "pressure": 10109,
                "temperature": 2408,
                "humidity": 6261,
                "acceleration_x": 1,
                "acceleration_y": -18,
                "acceleration_z": -1007,
                "rotation_x": -1645,
                "rotation_y": -70,
                "rotation_z": -770,
                "magnetic_x": -462,
                "magnetic_y": 556,
                "magnetic_z": 393,
                "light": 0,
                "battery": 420,
            },
        ),
    },
)


def transform(payload: bytes, port: int) -> dict:
    if port < 1 or port > 223:
        raise ValueError("not an application port")  # LoRaWAN 1.0.4 section 4.3.2
    if len(payload) != 28:
        raise ValueError("a report has 28 bytes")
    return {
        "pressure": kit.u16be(payload, 0),
        "temperature": kit.i16be(payload, 2),
        "humidity": kit.u16be(payload, 4),
        "acceleration_x": kit.i16be(payload, 6),
        "acceleration_y": kit.i16be(payload, 8),
        "acceleration_z": kit.i16be(payload, 10),
        "rotation_x": kit.i16be(payload, 12),
        "rotation_y": kit.i16be(payload, 14),
        "rotation_z": kit.i16be(payload, 16),
        "magnetic_x": kit.i16be(payload, 18),
        "magnetic_y": kit.i16be(payload, 20),
        "magnetic_z": kit.i16be(payload, 22),
        "light": kit.u16be(payload, 24),
        "battery": kit.u16be(payload, 26),
    }
