"""Xiaomi thermometers with the ATC or pvvx firmware: climate and battery from advertisements. Source: pvvx ATC_MiThermometer, "Bluetooth advertising formats"; atc1441's "Advertising format".

Service data 0x181a in two forms, told apart by their length: atc1441 (13 bytes, tenths of a degree) and pvvx "custom"
(15 bytes, hundredths). Encrypted advertisements (8 or 11 bytes) end with an error, those of other devices give no row.
Takes bare advertising data or a whole HCI event.
"""
import kit

INPUT = {"payload": "bytes"}
OUTPUT = {
    "form": {"type": "enum", "names": ("atc1441", "pvvx")},
    "address": {"type": "i64"},  # 48-bit hardware address, as a number
    "rssi": {"type": "i8", "unit": "dB{mW}", "optional": True},
    "temperature": {"type": "i32", "exp10": -2, "unit": "Cel", "range": (-40, 85), "quantity": "air_temperature"},
    "humidity": {"type": "u16", "exp10": -2, "unit": "%", "range": (0, 100), "quantity": "relative_humidity"},
    "battery": {"type": "u8", "unit": "%", "range": (0, 100)},
    "battery_voltage": {"type": "u16", "exp10": -3, "unit": "V"},
    "counter": {"type": "u8"},
    "flags": {"type": "u8", "optional": True},  # pvvx: bit 0 reed switch, bit 1 trigger output, bit 2 trigger event
}
EXAMPLES = (
    {  # ble_monitor's unit tests (MIT), captured: an HCI event of each form
        "in": {"payload": "043e1d02010000f4830238c1a41110161a18a4c1380283f400a22f5f0bf819df"},
        "out": (
            {
                "form": 0,
                "address": 0xA4C1380283F4,
                "rssi": -33,
                "temperature": 1620,
                "humidity": 4700,
                "battery": 95,
                "battery_voltage": 3064,
                "counter": 25,
            },
        ),
    },
    {
        "in": {"payload": "043e1f02010000f4830238c1a41312161a18f4830238c1a4a9066911b60b58f70dde"},
        "out": (
            {
                "form": 1,
                "address": 0xA4C1380283F4,
                "rssi": -34,
                "temperature": 1705,
                "humidity": 4457,
                "battery": 88,
                "battery_voltage": 2998,
                "counter": 247,
                "flags": 13,
            },
        ),
    },
)


def transform(payload: bytes) -> dict:
    i = kit.adv_find(payload, 0x16, 0x181A)
    if i >= 0:
        size = kit.adv_size(payload, i)
        if size == 8 or size == 11:
            raise ValueError("encrypted advertisement")
        if size == 13 or size == 15:
            out = {}
            rssi = kit.adv_rssi(payload)
            if rssi != 127:
                out["rssi"] = rssi
            if size == 13:
                out["form"] = 0
                out["address"] = (kit.u16be(payload, i) << 32) | kit.u32be(payload, i + 2)
                out["temperature"] = kit.i16be(payload, i + 6) * 10
                out["humidity"] = kit.u8(payload, i + 8) * 100
                out["battery"] = kit.u8(payload, i + 9)
                out["battery_voltage"] = kit.u16be(payload, i + 10)
                out["counter"] = kit.u8(payload, i + 12)
            else:
                out["form"] = 1
                out["address"] = (kit.u16le(payload, i + 4) << 32) | kit.u32le(payload, i)
                out["temperature"] = kit.i16le(payload, i + 6)
                out["humidity"] = kit.u16le(payload, i + 8)
                out["battery_voltage"] = kit.u16le(payload, i + 10)
                out["battery"] = kit.u8(payload, i + 12)
                out["counter"] = kit.u8(payload, i + 13)
                out["flags"] = kit.u8(payload, i + 14)
            yield out
