"""RuuviTag data format 3 (RAWv1): climate, acceleration and battery from advertisements. Source: Ruuvi, "Data format 3 (RAWv1)".

Takes bare advertising data or a whole HCI event; an advertisement of anything else gives no row. The sign of the
temperature is a bit of its own, not two's complement.
"""
import kit

INPUT = {"payload": "bytes"}
OUTPUT = {
    "address": {"type": "i64", "optional": True},  # 48-bit hardware address, as a number
    "rssi": {"type": "i8", "unit": "dB{mW}", "optional": True},
    "temperature": {"type": "i32", "exp10": -2, "unit": "Cel", "range": (-40, 85), "quantity": "air_temperature"},
    "humidity": {"type": "u16", "exp10": -1, "unit": "%", "range": (0, 100), "quantity": "relative_humidity"},
    "pressure": {"type": "i32", "unit": "Pa", "range": (30000, 110000), "quantity": "air_pressure"},
    "acceleration_x": {"type": "i16", "unit": "m[g]"},
    "acceleration_y": {"type": "i16", "unit": "m[g]"},
    "acceleration_z": {"type": "i16", "unit": "m[g]"},
    "battery": {"type": "u16", "unit": "mV", "range": (1600, 3646)},
}
EXAMPLES = (
    {  # Ruuvi's test vectors: valid data, maximum, minimum
        "in": {"payload": "11ff990403291a1ece1efc18f94202ca0b53"},
        "out": (
            {
                "temperature": 2630,
                "humidity": 205,
                "pressure": 102766,
                "acceleration_x": -1000,
                "acceleration_y": -1726,
                "acceleration_z": 714,
                "battery": 2899,
            },
        ),
    },
    {
        "in": {"payload": "11ff990403ff7f63ffff7fff7fff7fffffff"},
        "out": (
            {
                "temperature": 12799,
                "humidity": 1275,
                "pressure": 115535,
                "acceleration_x": 32767,
                "acceleration_y": 32767,
                "acceleration_z": 32767,
                "battery": 65535,
            },
        ),
    },
    {
        "in": {"payload": "11ff99040300ff6300008001800180010000"},
        "out": (
            {
                "temperature": -12799,
                "humidity": 0,
                "pressure": 50000,
                "acceleration_x": -32767,
                "acceleration_y": -32767,
                "acceleration_z": -32767,
                "battery": 0,
            },
        ),
    },
)


def transform(payload: bytes) -> dict:
    i = kit.adv_find(payload, 0xFF, 0x0499)
    if i >= 0 and kit.adv_size(payload, i) > 0 and payload[i] == 3:
        if kit.adv_size(payload, i) != 14:
            raise ValueError("wrong length of data format 3")
        out = {}
        address = kit.adv_address(payload)
        if address >= 0:
            out["address"] = address
        rssi = kit.adv_rssi(payload)
        if rssi != 127:
            out["rssi"] = rssi
        hundredths = (payload[i + 2] & 127) * 100 + payload[i + 3]
        if payload[i + 2] > 127:
            hundredths = -hundredths
        out["temperature"] = hundredths
        out["humidity"] = payload[i + 1] * 5
        out["pressure"] = kit.u16be(payload, i + 4) + 50000
        out["acceleration_x"] = kit.i16be(payload, i + 6)
        out["acceleration_y"] = kit.i16be(payload, i + 8)
        out["acceleration_z"] = kit.i16be(payload, i + 10)
        out["battery"] = kit.u16be(payload, i + 12)
        yield out
