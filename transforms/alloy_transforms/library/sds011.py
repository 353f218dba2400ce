"""Nova Fitness SDS011 particle sensor: PM2.5 and PM10. Source: Laser Dust Sensor Control Protocol V1.3 (2015), section 3.

Takes frames of 10 bytes (aa ... ab). Answers to commands (c5) share the line and give no row. `sensor` is the
device ID, two bytes, as the protocol prints it.
"""
import kit

INPUT = {"payload": "bytes"}
OUTPUT = {
    "pm2_5": {"type": "u16", "exp10": -1, "unit": "ug/m3", "range": (0, 999.9), "quantity": "mass_concentration_of_pm2p5_ambient_aerosol_particles_in_air"},
    "pm10": {"type": "u16", "exp10": -1, "unit": "ug/m3", "range": (0, 999.9), "quantity": "mass_concentration_of_pm10_ambient_aerosol_particles_in_air"},
    "sensor": {"type": "u16"},
}
EXAMPLES = (
    {  # the protocol's own example, section 3, "Query data command"
        "in": {"payload": "aac0d4043a0aa1601dab"},
        "out": ({"pm2_5": 1236, "pm10": 2618, "sensor": 0xA160},),
    },
    {  # the same, "Set sleep and work": an answer
        "in": {"payload": "aac506010100a16009ab"},
        "out": (),
    },
)


def transform(payload: bytes) -> dict:
    if len(payload) != 10 or payload[0] != 0xAA or payload[9] != 0xAB:
        raise ValueError("not an SDS011 frame")
    if kit.sum16(payload, 2, 8) & 0xFF != payload[8]:
        raise ValueError("wrong checksum")
    if payload[1] != 0xC0 and payload[1] != 0xC5:
        raise ValueError("unknown command")
    if payload[1] == 0xC0:
        yield {
            "pm2_5": kit.u16le(payload, 2),
            "pm10": kit.u16le(payload, 4),
            "sensor": kit.u16be(payload, 6),
        }
