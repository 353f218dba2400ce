"""Netvox R311, R7xx and RA07 sensors: reports and answers to settings. Source: Netvox, "LoRaWAN Application Command" (V1.8 and later), and the makers' user manuals of the devices.

A LoRaWAN codec: port 6 reports, 7 settings, 14 calibration, 20 or 32 rejoining. A payload may hold several reports of
11 bytes; of a value that comes twice the last stands. Of R718N3 the currents of report 1 are what the device counts:
report 2 in the same payload multiplies them. A report whose layout is not known gives its `data`.
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "device_type": {"type": "u8", "optional": True},
    "report_type": {"type": "u8", "optional": True},
    "battery": {"type": "u8", "exp10": -1, "unit": "V", "optional": True},
    "battery_low": {"type": "bool", "optional": True},
    "software_version": {"type": "u8", "exp10": -1, "unit": "1", "optional": True},
    "hardware_version": {"type": "u8", "optional": True},
    "date_code": {"type": "u32", "optional": True},  # decimal digits yyyymmdd
    "contact": {"type": "enum", "names": ("off", "on"), "optional": True},
    "occupied": {"type": "enum", "names": ("off", "on"), "optional": True},
    "tilt_1": {"type": "enum", "names": ("off", "on"), "optional": True},
    "tilt_2": {"type": "enum", "names": ("off", "on"), "optional": True},
    "water_leak": {"type": "enum", "names": ("dry", "leak"), "optional": True},
    "temperature": {"type": "i16", "exp10": -2, "unit": "Cel", "range": (-40, 125), "optional": True, "quantity": "air_temperature"},
    "humidity": {"type": "u16", "exp10": -2, "unit": "%", "range": (0, 100), "optional": True, "quantity": "relative_humidity"},
    "pulses": {"type": "u16", "unit": "{#}", "optional": True},
    "current": {"type": "u8", "unit": "mA", "optional": True},
    "fine_current": {"type": "u8", "exp10": -1, "unit": "mA", "optional": True},
    "current_1": {"type": "u32", "unit": "mA", "optional": True},
    "current_2": {"type": "u32", "unit": "mA", "optional": True},
    "current_3": {"type": "u32", "unit": "mA", "optional": True},
    "low_current_1": {"type": "bool", "optional": True},
    "high_current_1": {"type": "bool", "optional": True},
    "low_current_2": {"type": "bool", "optional": True},
    "high_current_2": {"type": "bool", "optional": True},
    "low_current_3": {"type": "bool", "optional": True},
    "high_current_3": {"type": "bool", "optional": True},
    "pm1_0_cf1": {"type": "u16", "unit": "ug/m3", "optional": True},
    "pm2_5_cf1": {"type": "u16", "unit": "ug/m3", "optional": True},
    "pm10_cf1": {"type": "u16", "unit": "ug/m3", "optional": True},
    "pm1_0": {"type": "u16", "unit": "ug/m3", "optional": True},
    "pm2_5": {"type": "u16", "unit": "ug/m3", "optional": True},
    "pm10": {"type": "u16", "unit": "ug/m3", "optional": True},
    "co2": {"type": "u16", "exp10": -1, "unit": "[ppm]", "optional": True},
    "noise": {"type": "u16", "exp10": -1, "unit": "dB", "optional": True},
    "wind_speed": {"type": "u16", "exp10": -2, "unit": "m/s", "optional": True, "quantity": "wind_speed"},
    "command": {
        "type": "enum",
        "names": (
            "set_config_report", "read_config_report", "set_on_off_duration", "get_on_off_duration", "set_report_type",
            "get_report_type", "set_pulse_clear_mode", "get_pulse_clear_mode", "set_rejoin", "get_rejoin",
            "set_calibration", "get_calibration",
        ),
        "optional": True,
    },
    "status": {"type": "enum", "names": ("success", "failure"), "optional": True},
    "min_time": {"type": "u16", "unit": "s", "optional": True},
    "max_time": {"type": "u16", "unit": "s", "optional": True},
    "battery_change": {"type": "u8", "exp10": -1, "unit": "V", "optional": True},
    "temperature_change": {"type": "u16", "exp10": -2, "unit": "K", "optional": True},
    "humidity_change": {"type": "u16", "exp10": -2, "unit": "%", "optional": True},
    "current_change": {"type": "u16", "unit": "mA", "optional": True},
    "on_duration": {"type": "u16", "unit": "s", "optional": True},
    "off_duration": {"type": "u16", "unit": "s", "optional": True},
    "reports_in_one": {"type": "bool", "optional": True},
    "pulse_clear_mode": {"type": "enum", "names": ("do_not_clear", "clear_when_rolled_over"), "optional": True},
    "rejoin_check_period": {"type": "u32", "unit": "s", "optional": True},
    "rejoin_threshold": {"type": "u8", "unit": "{#}", "optional": True},
    "calibrated": {"type": "u8", "optional": True},  # kind of sensor: 1 temperature, 2 humidity
    "channel": {"type": "u8", "optional": True},
    "multiplier": {"type": "u16", "optional": True},
    "divisor": {"type": "u16", "optional": True},
    "delta": {"type": "i16", "optional": True},
    "data": {"type": "bytes", "max": 11, "optional": True},
}
EXAMPLES = (
    {  # thingsboard/data-converters (Apache-2.0), Netvox R718A, R718N3, R311A and R718AB
        "in": {"payload": "010b012406701a9e000000", "port": 6},
        "out": ({"device_type": 11, "report_type": 1, "battery": 36, "battery_low": False, "temperature": 1648, "humidity": 6814},),
    },
    {
        "in": {"payload": "014a019f03e800c81b5801014a029f030a0000000000", "port": 6},
        "out": ({"device_type": 74, "report_type": 2, "battery": 31, "battery_low": True, "current_1": 1000, "current_2": 600, "current_3": 70000},),
    },
    {
        "in": {"payload": "84020005000a0000000000", "port": 7},
        "out": ({"device_type": 2, "command": 3, "on_duration": 5, "off_duration": 10},),
    },
    {
        "in": {"payload": "82010000010001fc180000", "port": 14},
        "out": ({"command": 11, "calibrated": 1, "channel": 0, "multiplier": 1, "divisor": 1, "delta": -1000},),
    },
)

MULTIPLIERS = (1, 5, 10, 100)


def onoff(value: int) -> int:
    """0 or 1 of a byte that says off or on."""
    if value > 1:
        raise ValueError("neither off nor on")
    return value


def transform(payload: bytes, port: int) -> dict:
    out = {}
    if port == 6:
        if len(payload) == 0 or len(payload) % 11 != 0:
            raise ValueError("reports have 11 bytes")
        count = len(payload) // 11
        current_2 = -1
        current_3 = -1
        for n in range(count):
            i = 11 * n
            if payload[i] != 1:
                raise ValueError("not version 1 of the commands")
            device = payload[i + 1]
            report = payload[i + 2]
            out["device_type"] = device
            out["report_type"] = report
            if report == 0:
                out["software_version"] = payload[i + 3]
                out["hardware_version"] = payload[i + 4]
                out["date_code"] = kit.bcd(payload, i + 5, i + 9)
            else:
                out["battery"] = payload[i + 3] & 127
                out["battery_low"] = payload[i + 3] > 127
                if device == 0x02 and report == 1:
                    out["contact"] = onoff(payload[i + 4])
                elif (device == 0x0B or device == 0x13) and report == 1:
                    out["temperature"] = kit.i16be(payload, i + 4)
                    out["humidity"] = kit.u16be(payload, i + 6)
                elif device == 0x12 and report == 1:
                    out["water_leak"] = onoff(payload[i + 4])
                elif device == 0x1A and report == 1:
                    out["tilt_1"] = onoff(payload[i + 4])
                elif device == 0x2F and report == 1:
                    out["tilt_1"] = onoff(payload[i + 4])
                    out["tilt_2"] = onoff(payload[i + 5])
                elif device == 0x1F and report == 1:
                    out["pulses"] = kit.u16be(payload, i + 4)
                elif device == 0x22 and report == 1:
                    out["current"] = payload[i + 4]
                    out["fine_current"] = payload[i + 5]
                elif device == 0x59 and report == 1:
                    out["occupied"] = onoff(payload[i + 4])
                elif device == 0x4A and report == 1:
                    current_2 = kit.u16be(payload, i + 6)
                    current_3 = kit.u16be(payload, i + 8)
                    out["current_1"] = kit.u16be(payload, i + 4) * payload[i + 10]
                    out["current_2"] = current_2
                    out["current_3"] = current_3
                elif device == 0x4A and report == 2:
                    if current_2 >= 0:
                        out["current_2"] = current_2 * payload[i + 4]
                        out["current_3"] = current_3 * payload[i + 5]
                elif device == 0x4A and report == 3:
                    out["current_1"] = kit.u16be(payload, i + 4) * MULTIPLIERS[payload[i + 10] & 3]
                    out["current_2"] = kit.u16be(payload, i + 6) * MULTIPLIERS[(payload[i + 10] >> 2) & 3]
                    out["current_3"] = kit.u16be(payload, i + 8) * MULTIPLIERS[(payload[i + 10] >> 4) & 3]
                elif device == 0x4A and report == 4:
                    out["low_current_1"] = payload[i + 4] & 1 != 0
                    out["high_current_1"] = payload[i + 4] & 2 != 0
                    out["low_current_2"] = payload[i + 4] & 4 != 0
                    out["high_current_2"] = payload[i + 4] & 8 != 0
                    out["low_current_3"] = payload[i + 4] & 16 != 0
                    out["high_current_3"] = payload[i + 4] & 32 != 0
                elif (device == 0x05 or device == 0x09) and report == 0x01:
                    if kit.u16be(payload, i + 4) != 0xFFFF:
                        out["pm1_0_cf1"] = kit.u16be(payload, i + 4)
                    if kit.u16be(payload, i + 6) != 0xFFFF:
                        out["pm2_5_cf1"] = kit.u16be(payload, i + 6)
                    if kit.u16be(payload, i + 8) != 0xFFFF:
                        out["pm10_cf1"] = kit.u16be(payload, i + 8)
                elif (device == 0x05 or device == 0x09) and report == 0x02:
                    if kit.u16be(payload, i + 4) != 0xFFFF:
                        out["pm1_0"] = kit.u16be(payload, i + 4)
                    if kit.u16be(payload, i + 6) != 0xFFFF:
                        out["pm2_5"] = kit.u16be(payload, i + 6)
                    if kit.u16be(payload, i + 8) != 0xFFFF:
                        out["pm10"] = kit.u16be(payload, i + 8)
                elif (device == 0x05 or device == 0x09) and report == 0x07:
                    if kit.u16be(payload, i + 4) != 0xFFFF:
                        out["co2"] = kit.u16be(payload, i + 4)
                    if kit.u16be(payload, i + 8) != 0xFFFF:
                        out["noise"] = kit.u16be(payload, i + 8)
                elif (device == 0x05 or device == 0x09) and report == 0x0C:
                    if kit.u16be(payload, i + 4) != 0xFFFF:
                        out["temperature"] = kit.i16be(payload, i + 4)
                    if kit.u16be(payload, i + 6) != 0xFFFF:
                        out["humidity"] = kit.u16be(payload, i + 6)
                    if kit.u16be(payload, i + 8) != 0xFFFF:
                        out["wind_speed"] = kit.u16be(payload, i + 8)
                else:
                    out["data"] = payload[i : i + 11]
    elif port == 7:
        if len(payload) != 11:
            raise ValueError("settings have 11 bytes")
        command = payload[0]
        device = payload[1]
        out["device_type"] = device
        if command == 0x81:
            out["command"] = 0
            out["status"] = onoff(payload[2])
        elif command == 0x82:
            out["command"] = 1
            out["min_time"] = kit.u16be(payload, 2)
            out["max_time"] = kit.u16be(payload, 4)
            if device == 0x4A:
                out["current_change"] = kit.u16be(payload, 6)
            else:
                out["battery_change"] = payload[6]
            if device == 0x0B or device == 0x13:
                out["temperature_change"] = kit.u16be(payload, 7)
                out["humidity_change"] = kit.u16be(payload, 9)
            elif device == 0x22:
                out["current_change"] = payload[7]
        elif device == 0x02 and command == 0x83:
            out["command"] = 2
            out["status"] = onoff(payload[2])
        elif device == 0x02 and command == 0x84:
            out["command"] = 3
            out["on_duration"] = kit.u16be(payload, 2)
            out["off_duration"] = kit.u16be(payload, 4)
        elif device == 0x4A and command == 0x83:
            out["command"] = 4
            out["status"] = onoff(payload[2])
        elif device == 0x4A and command == 0x84:
            out["command"] = 5
            out["reports_in_one"] = payload[2] != 0
        elif device == 0x1F and command == 0x85:
            out["command"] = 6
            out["status"] = onoff(payload[2])
        elif device == 0x1F and command == 0x86:
            out["command"] = 7
            out["pulse_clear_mode"] = onoff(payload[2])
        else:
            out["data"] = payload[0:11]
    elif port == 14:
        command = kit.u8(payload, 0)
        if command == 0x81:
            out["command"] = 10
            out["status"] = onoff(kit.u8(payload, 1))
        elif command == 0x82:
            out["command"] = 11
            out["calibrated"] = kit.u8(payload, 1)
            out["channel"] = kit.u8(payload, 2)
            out["multiplier"] = kit.u16be(payload, 3)
            out["divisor"] = kit.u16be(payload, 5)
            out["delta"] = kit.i16be(payload, 7)
        else:
            raise ValueError("unknown command")
    elif port == 20 or port == 32:
        command = kit.u8(payload, 0)
        if command == 0x81:
            out["command"] = 8
            out["status"] = onoff(kit.u8(payload, 1))
        elif command == 0x82:
            out["command"] = 9
            out["rejoin_check_period"] = kit.u32be(payload, 1)
            out["rejoin_threshold"] = kit.u8(payload, 5)
        else:
            raise ValueError("unknown command")
    else:
        raise ValueError("not a port of these devices")
    return out
