"""Bosch BME280: compensated temperature, pressure and humidity, in floating point. Source: BME280 data sheet BST-BME280-DS002, sections 4.2.2 and 8.1.

`payload` is the raw readout, registers f7 to fe. `calibration` is what the sensor keeps: registers 88 to a1 and e1 to
e7, 33 bytes, read once. For hosts with 64-bit floats; `bme280` is the form for boards. A value that was not measured
(8000 or 80000) is absent. The BMP280 is read by the same formulas.
"""
import kit

INPUT = {"payload": "bytes", "calibration": "bytes"}
OUTPUT = {
    "temperature": {"type": "f64", "unit": "Cel", "range": (-40, 85), "optional": True, "quantity": "air_temperature"},
    "pressure": {"type": "f64", "unit": "Pa", "range": (30000, 110000), "optional": True, "quantity": "air_pressure"},
    "humidity": {"type": "f64", "unit": "%", "range": (0, 100), "optional": True, "quantity": "relative_humidity"},
}
EXAMPLES = (
    {  # Bosch's example of the same formulas, BMP280 data sheet BST-BMP280-DS001, section 3.12: 25.08 Cel, 100653.27 Pa
        "in": {
            "payload": "655ac07eed008000",
            "calibration": "706b436718fc7d8e43d6d00b270b8c00f9ff8c3cf8c67017000000000000000000",
        },
        "out": ({"temperature": 25.08247793081682, "pressure": 100653.26677582515},),
    },
)


def fine(cal: bytes, raw: float) -> float:
    """t_fine, the temperature that the other formulas use."""
    t1 = float(kit.u16le(cal, 0))
    v1 = (raw / 16384.0 - t1 / 1024.0) * float(kit.i16le(cal, 2))
    d = raw / 131072.0 - t1 / 8192.0
    return v1 + d * d * float(kit.i16le(cal, 4))


def pascals(cal: bytes, raw: float, t: float) -> float:
    """Pressure [Pa]; 0 where the calibration makes no sense."""
    v1 = t / 2.0 - 64000.0
    v2 = v1 * v1 * float(kit.i16le(cal, 16)) / 32768.0
    v2 = v2 + v1 * float(kit.i16le(cal, 14)) * 2.0
    v2 = v2 / 4.0 + float(kit.i16le(cal, 12)) * 65536.0
    v1 = (float(kit.i16le(cal, 10)) * v1 * v1 / 524288.0 + float(kit.i16le(cal, 8)) * v1) / 524288.0
    v1 = (1.0 + v1 / 32768.0) * float(kit.u16le(cal, 6))
    p = 0.0
    if v1 != 0.0:
        p = (1048576.0 - raw - v2 / 4096.0) * 6250.0 / v1
        v1 = float(kit.i16le(cal, 22)) * p * p / 2147483648.0
        v2 = p * float(kit.i16le(cal, 20)) / 32768.0
        p = p + (v1 + v2 + float(kit.i16le(cal, 18))) / 16.0
    return p


def moisture(cal: bytes, raw: float, t: float) -> float:
    """Relative humidity [%]."""
    h1 = float(cal[25])
    h2 = float(kit.i16le(cal, 26))
    h3 = float(cal[28])
    h4 = float((kit.i8(cal, 29) << 4) | (cal[30] & 15))
    h5 = float((kit.i8(cal, 31) << 4) | (cal[30] >> 4))
    h6 = float(kit.i8(cal, 32))
    v = t - 76800.0
    x = raw - (h4 * 64.0 + h5 / 16384.0 * v)
    y = h2 / 65536.0 * (1.0 + h6 / 67108864.0 * v * (1.0 + h3 / 67108864.0 * v))
    v = x * y
    v = v * (1.0 - h1 * v / 524288.0)
    if v > 100.0:
        v = 100.0
    elif v < 0.0:
        v = 0.0
    return v


def transform(payload: bytes, calibration: bytes) -> dict:
    if len(payload) != 8 or len(calibration) != 33:
        raise ValueError("the readout has 8 bytes, the calibration 33")
    out = {}
    t_raw = kit.u24be(payload, 3) >> 4
    if t_raw != 0x80000:
        t = fine(calibration, float(t_raw))
        out["temperature"] = t / 5120.0
        p_raw = kit.u24be(payload, 0) >> 4
        if p_raw != 0x80000:
            p = pascals(calibration, float(p_raw), t)
            if p > 0.0:
                out["pressure"] = p
        h_raw = kit.u16be(payload, 6)
        if h_raw != 0x8000:
            out["humidity"] = moisture(calibration, float(h_raw), t)
    return out
