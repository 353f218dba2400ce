"""Plantower PMS5003 particle sensor: all twelve values. Source: PMS5003 series data manual V2.3 (2016), appendix I.

Takes frames cut by their length field (start 42 4d, length at byte 2, two bytes, adjust 4). The answers to
commands, which share the line, give no row. `cf1` values are for standard particles in a factory; the
others are corrected for the atmosphere. Counts are of particles larger than the size named, in 0.1 L of air.
"""
import kit

INPUT = {"payload": "bytes"}
OUTPUT = {
    "pm1_0_cf1": {"type": "u16", "unit": "ug/m3", "range": (0, 1000)},
    "pm2_5_cf1": {"type": "u16", "unit": "ug/m3", "range": (0, 1000)},
    "pm10_cf1": {"type": "u16", "unit": "ug/m3", "range": (0, 1000)},
    "pm1_0": {"type": "u16", "unit": "ug/m3", "range": (0, 1000), "quantity": "mass_concentration_of_pm1_ambient_aerosol_particles_in_air"},
    "pm2_5": {"type": "u16", "unit": "ug/m3", "range": (0, 1000), "quantity": "mass_concentration_of_pm2p5_ambient_aerosol_particles_in_air"},
    "pm10": {"type": "u16", "unit": "ug/m3", "range": (0, 1000), "quantity": "mass_concentration_of_pm10_ambient_aerosol_particles_in_air"},
    "count_0_3um": {"type": "u16", "unit": "{#}/dL"},
    "count_0_5um": {"type": "u16", "unit": "{#}/dL"},
    "count_1_0um": {"type": "u16", "unit": "{#}/dL"},
    "count_2_5um": {"type": "u16", "unit": "{#}/dL"},
    "count_5_0um": {"type": "u16", "unit": "{#}/dL"},
    "count_10um": {"type": "u16", "unit": "{#}/dL"},
    "version": {"type": "u8"},
    "error": {"type": "u8"},
}
EXAMPLES = (
    {  # a capture published with PyPMS (MIT), see tests/vectors/README.md
        "in": {"payload": "424d001c00000008000800000008000800d20046002d001e00000000970002c5"},
        "out": (
            {
                "pm1_0_cf1": 0,
                "pm2_5_cf1": 8,
                "pm10_cf1": 8,
                "pm1_0": 0,
                "pm2_5": 8,
                "pm10": 8,
                "count_0_3um": 210,
                "count_0_5um": 70,
                "count_1_0um": 45,
                "count_2_5um": 30,
                "count_5_0um": 0,
                "count_10um": 0,
                "version": 151,
                "error": 0,
            },
        ),
    },
    {"in": {"payload": "424d0004e1000174"}, "out": ()},
)


def transform(payload: bytes) -> dict:
    size = len(payload)
    if size < 8 or payload[0] != 0x42 or payload[1] != 0x4D:
        raise ValueError("not a PMS5003 frame")
    length = kit.u16be(payload, 2)
    if length + 4 != size or (length != 28 and length != 4):
        raise ValueError("wrong frame length")
    if kit.sum16(payload, 0, size - 2) != kit.u16be(payload, size - 2):
        raise ValueError("wrong checksum")
    if length == 28:
        yield {
            "pm1_0_cf1": kit.u16be(payload, 4),
            "pm2_5_cf1": kit.u16be(payload, 6),
            "pm10_cf1": kit.u16be(payload, 8),
            "pm1_0": kit.u16be(payload, 10),
            "pm2_5": kit.u16be(payload, 12),
            "pm10": kit.u16be(payload, 14),
            "count_0_3um": kit.u16be(payload, 16),
            "count_0_5um": kit.u16be(payload, 18),
            "count_1_0um": kit.u16be(payload, 20),
            "count_2_5um": kit.u16be(payload, 22),
            "count_5_0um": kit.u16be(payload, 24),
            "count_10um": kit.u16be(payload, 26),
            "version": payload[28],
            "error": payload[29],
        }
