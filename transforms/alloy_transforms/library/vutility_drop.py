"""Vutility HotDrop, VoltDrop and PulseDrop energy sensors. Source: Vutility, "HotDrop", "VoltDrop" and "PulseDrop" payload descriptions (developer documentation).

A LoRaWAN codec; the first byte is the number of the packet: 28 pulses, 38 to 45 voltages, currents and energy of
three phases, 50 current. The three diagnostic packets (46, 47) give their number and `data`. Scaled bytes (capacitor,
temperature, phase angle) are thirds and fifths of a unit, hence floating point.
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "packet": {"type": "u8"},
    "capacitor_voltage": {"type": "f64", "unit": "V", "range": (0, 5), "optional": True},
    "temperature": {"type": "f64", "unit": "Cel", "range": (-40, 80), "optional": True},
    "pulses": {"type": "u32", "unit": "{#}", "optional": True},
    "no_response": {"type": "bool", "optional": True},
    "invalid_response": {"type": "bool", "optional": True},
    "charge": {"type": "i64", "exp10": -1, "unit": "A.h", "optional": True},
    "average_current": {"type": "i32", "exp10": -1, "unit": "A", "optional": True},
    "maximum_current": {"type": "i32", "exp10": -3, "unit": "A", "optional": True},
    "minimum_current": {"type": "i32", "exp10": -3, "unit": "A", "optional": True},
    "voltage_l1": {"type": "f64", "unit": "V", "optional": True},
    "voltage_l2": {"type": "f64", "unit": "V", "optional": True},
    "voltage_l3": {"type": "f64", "unit": "V", "optional": True},
    "phase_angle_l1": {"type": "f64", "unit": "deg", "optional": True},
    "phase_angle_l2": {"type": "f64", "unit": "deg", "optional": True},
    "phase_angle_l3": {"type": "f64", "unit": "deg", "optional": True},
    "power_factor_l1": {"type": "i8", "unit": "%", "range": (-100, 100), "optional": True},
    "power_factor_l2": {"type": "i8", "unit": "%", "range": (-100, 100), "optional": True},
    "power_factor_l3": {"type": "i8", "unit": "%", "range": (-100, 100), "optional": True},
    "current_l1": {"type": "f64", "unit": "A", "optional": True},
    "current_l2": {"type": "f64", "unit": "A", "optional": True},
    "current_l3": {"type": "f64", "unit": "A", "optional": True},
    "maximum_current_l1": {"type": "f64", "unit": "A", "optional": True},
    "maximum_current_l2": {"type": "f64", "unit": "A", "optional": True},
    "maximum_current_l3": {"type": "f64", "unit": "A", "optional": True},
    "active_energy": {"type": "i64", "unit": "W.h", "optional": True},
    "apparent_energy": {"type": "i64", "unit": "V.A.h", "optional": True},
    "average_power_factor": {"type": "f64", "unit": "%", "optional": True},
    "data": {"type": "bytes", "max": 11, "optional": True},
}
EXAMPLES = (
    {  # chirpstack-device-profiles (MIT), hotdrop and pulsedrop
        "in": {"payload": "3200000000000000000000", "port": 3},
        "out": (
            {
                "packet": 50,
                "charge": 0,
                "average_current": 0,
                "maximum_current": 0,
                "minimum_current": 0,
                "capacitor_voltage": 0.0,
                "temperature": -40.0,
            },
        ),
    },
    {
        "in": {"payload": "1cc57d00000de800000000", "port": 3},
        "out": (
            {
                "packet": 28,
                "capacitor_voltage": 3.8627450980392157,
                "temperature": 18.823529411764703,
                "pulses": 3560,
                "no_response": False,
                "invalid_response": False,
            },
        ),
    },
)


def share(value: int, whole: float) -> float:
    """A byte as its share of a whole at 255."""
    return float(value) * whole / 255.0


def peak(percent: int, current: float) -> float:
    """A maximum sent as 1/32 above the average."""
    return (float(percent) / 32.0 + 1.0) * current


def transform(payload: bytes, port: int) -> dict:
    if port < 1 or port > 223:
        raise ValueError("not an application port")  # LoRaWAN 1.0.4 section 4.3.2
    packet = kit.u8(payload, 0)
    size = 11
    if packet == 38:
        size = 21
    if len(payload) != size:
        raise ValueError("wrong length of the packet")
    out = {}
    out["packet"] = packet
    if packet == 28:
        out["capacitor_voltage"] = share(payload[1], 5.0)
        out["temperature"] = share(payload[2], 120.0) - 40.0
        out["pulses"] = kit.u32be(payload, 3)
        out["no_response"] = payload[10] & 1 != 0
        out["invalid_response"] = payload[10] & 2 != 0
    elif packet == 50:
        average = kit.u16be(payload, 5)
        out["charge"] = kit.u32be(payload, 1)
        out["average_current"] = average
        out["maximum_current"] = average * (100 + payload[7])
        out["minimum_current"] = average * (100 - payload[8])
        out["capacitor_voltage"] = share(payload[9], 5.0)
        out["temperature"] = share(payload[10], 120.0) - 40.0
    elif packet == 38 or packet == 39 or packet == 40:
        out["voltage_l1"] = float(kit.u16be(payload, 1)) / 64.0
        out["voltage_l2"] = float(kit.u16be(payload, 3)) / 64.0
        out["voltage_l3"] = float(kit.u16be(payload, 5)) / 64.0
        if packet == 40:
            out["power_factor_l1"] = kit.i8(payload, 7)
            out["power_factor_l2"] = kit.i8(payload, 8)
            out["power_factor_l3"] = kit.i8(payload, 9)
        else:
            out["phase_angle_l1"] = share(payload[7], 360.0)
            out["phase_angle_l2"] = share(payload[8], 360.0)
            out["phase_angle_l3"] = share(payload[9], 360.0)
        out["capacitor_voltage"] = share(payload[10], 5.0)
        if packet == 38:
            l1 = float(kit.u16be(payload, 11)) / 16.0
            l2 = float(kit.u16be(payload, 13)) / 16.0
            l3 = float(kit.u16be(payload, 15)) / 16.0
            out["current_l1"] = l1
            out["current_l2"] = l2
            out["current_l3"] = l3
            out["maximum_current_l1"] = peak(payload[17], l1)
            out["maximum_current_l2"] = peak(payload[18], l2)
            out["maximum_current_l3"] = peak(payload[19], l3)
            out["temperature"] = share(payload[20], 120.0) - 40.0
    elif packet == 41:
        l1 = float(kit.u16be(payload, 1)) / 16.0
        l2 = float(kit.u16be(payload, 3)) / 16.0
        l3 = float(kit.u16be(payload, 5)) / 16.0
        out["current_l1"] = l1
        out["current_l2"] = l2
        out["current_l3"] = l3
        out["maximum_current_l1"] = peak(payload[7], l1)
        out["maximum_current_l2"] = peak(payload[8], l2)
        out["maximum_current_l3"] = peak(payload[9], l3)
        out["temperature"] = share(payload[10], 120.0) - 40.0
    elif packet == 42 or packet == 43:
        out["active_energy"] = kit.i64be(payload, 1)
        out["average_power_factor"] = float(kit.i16be(payload, 9)) / 128.0
    elif packet == 44 or packet == 45:
        if payload[1] > 127:
            raise OverflowError("energy beyond 63 bits")
        out["apparent_energy"] = kit.i64be(payload, 1)
        out["average_power_factor"] = float(kit.i16be(payload, 9)) / 128.0
    elif packet == 46 or packet == 47:
        out["data"] = payload[0:11]
    else:
        raise ValueError("unknown packet")
    return out
