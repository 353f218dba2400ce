"""RuuviTag data format 5 (RAWv2): climate, acceleration and battery from advertisements. Source: Ruuvi, "Data format 5 (RAWv2)".

Takes bare advertising data or a whole HCI event; an advertisement of anything else gives no row. A value that the tag
marks as not available is absent.
"""
import kit

INPUT = {"payload": "bytes"}
OUTPUT = {
    "address": {"type": "i64"},  # 48-bit hardware address, as a number
    "rssi": {"type": "i8", "unit": "dB{mW}", "optional": True},
    "temperature": {"type": "i32", "exp10": -3, "unit": "Cel", "range": (-40, 85), "optional": True, "quantity": "air_temperature"},
    "humidity": {"type": "i32", "exp10": -4, "unit": "%", "range": (0, 100), "optional": True, "quantity": "relative_humidity"},
    "pressure": {"type": "i32", "unit": "Pa", "range": (30000, 110000), "optional": True, "quantity": "air_pressure"},
    "acceleration_x": {"type": "i16", "unit": "m[g]", "optional": True},
    "acceleration_y": {"type": "i16", "unit": "m[g]", "optional": True},
    "acceleration_z": {"type": "i16", "unit": "m[g]", "optional": True},
    "battery": {"type": "u16", "unit": "mV", "range": (1600, 3646), "optional": True},
    "tx_power": {"type": "i8", "unit": "dB{mW}", "optional": True},
    "movements": {"type": "u8", "unit": "{#}", "optional": True},
    "sequence": {"type": "u16", "optional": True},
}
EXAMPLES = (
    {  # Ruuvi's test vectors: valid data, maximum, minimum, invalid
        "in": {"payload": "0201061bff99040512fc5394c37c0004fffc040cac364200cdcbb8334c884f"},
        "out": (
            {
                "address": 0xCBB8334C884F,
                "temperature": 24300,
                "humidity": 534900,
                "pressure": 100044,
                "acceleration_x": 4,
                "acceleration_y": -4,
                "acceleration_z": 1036,
                "battery": 2977,
                "tx_power": 4,
                "movements": 66,
                "sequence": 205,
            },
        ),
    },
    {
        "in": {"payload": "1bff9904057ffffffefffe7fff7fff7fffffdefefffecbb8334c884f"},
        "out": (
            {
                "address": 0xCBB8334C884F,
                "temperature": 163835,
                "humidity": 1638350,
                "pressure": 115534,
                "acceleration_x": 32767,
                "acceleration_y": 32767,
                "acceleration_z": 32767,
                "battery": 3646,
                "tx_power": 20,
                "movements": 254,
                "sequence": 65534,
            },
        ),
    },
    {
        "in": {"payload": "1bff9904058001000000008001800180010000000000cbb8334c884f"},
        "out": (
            {
                "address": 0xCBB8334C884F,
                "temperature": -163835,
                "humidity": 0,
                "pressure": 50000,
                "acceleration_x": -32767,
                "acceleration_y": -32767,
                "acceleration_z": -32767,
                "battery": 1600,
                "tx_power": -40,
                "movements": 0,
                "sequence": 0,
            },
        ),
    },
    {
        "in": {"payload": "1bff9904058000ffffffff800080008000ffffffffffffffffffffff"},
        "out": ({"address": 0xFFFFFFFFFFFF},),
    },
)


def transform(payload: bytes) -> dict:
    i = kit.adv_find(payload, 0xFF, 0x0499)
    if i >= 0 and kit.adv_size(payload, i) > 0 and payload[i] == 5:
        if kit.adv_size(payload, i) != 24:
            raise ValueError("wrong length of data format 5")
        out = {}
        out["address"] = (kit.u16be(payload, i + 18) << 32) | kit.u32be(payload, i + 20)
        rssi = kit.adv_rssi(payload)
        if rssi != 127:
            out["rssi"] = rssi
        value = kit.i16be(payload, i + 1)
        if value != -32768:
            out["temperature"] = value * 5
        value = kit.u16be(payload, i + 3)
        if value != 65535:
            out["humidity"] = value * 25
        value = kit.u16be(payload, i + 5)
        if value != 65535:
            out["pressure"] = value + 50000
        value = kit.i16be(payload, i + 7)
        if value != -32768:
            out["acceleration_x"] = value
        value = kit.i16be(payload, i + 9)
        if value != -32768:
            out["acceleration_y"] = value
        value = kit.i16be(payload, i + 11)
        if value != -32768:
            out["acceleration_z"] = value
        value = kit.u16be(payload, i + 13)
        if value >> 5 != 2047:
            out["battery"] = (value >> 5) + 1600
        if value & 31 != 31:
            out["tx_power"] = (value & 31) * 2 - 40
        value = kit.u8(payload, i + 15)
        if value != 255:
            out["movements"] = value
        value = kit.u16be(payload, i + 16)
        if value != 65535:
            out["sequence"] = value
        yield out
