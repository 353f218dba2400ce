"""Bosch BME280: compensated temperature, pressure and humidity, in integers. Source: BME280 data sheet BST-BME280-DS002, sections 4.2.2 and 4.2.3.

`payload` is the raw readout, registers f7 to fe. `calibration` is what the sensor keeps: registers 88 to a1 and e1 to
e7, 33 bytes, read once. 32-bit formulas for temperature and humidity, the 64-bit one for pressure, so the same on
every board. A value that was not measured (8000 or 80000) is absent. The BMP280 is read by the same formulas.
"""
import kit

INPUT = {"payload": "bytes", "calibration": "bytes"}
OUTPUT = {
    "temperature": {"type": "i32", "exp10": -2, "unit": "Cel", "range": (-40, 85), "optional": True, "quantity": "air_temperature"},
    "pressure": {"type": "i64", "exp10": -2, "unit": "Pa", "range": (30000, 110000), "optional": True, "quantity": "air_pressure"},
    "humidity": {"type": "i32", "exp10": -3, "unit": "%", "range": (0, 100), "optional": True, "quantity": "relative_humidity"},
}
EXAMPLES = (
    {  # Bosch's example of the same formulas, BMP280 data sheet BST-BMP280-DS001, section 3.12: 25.08 Cel, 100653.27 Pa
        # (the floating-point figure; the 64-bit formula as published gives 25767233 / 256 Pa)
        "in": {
            "payload": "655ac07eed008000",
            "calibration": "706b436718fc7d8e43d6d00b270b8c00f9ff8c3cf8c67017000000000000000000",
        },
        "out": ({"temperature": 2508, "pressure": 10065325},),
    },
    {"in": {"payload": "8000008000008000", "calibration": "000000000000000000000000000000000000000000000000000000000000000000"}, "out": ({},)},
    {"in": {"payload": "655ac07eed008000", "calibration": ""}, "error": "data.value"},
)


def quotient(a: int, b: int) -> int:
    """a / b cut towards zero, as the data sheet's C does."""
    q = abs(a) // abs(b)
    if (a < 0 and b > 0) or (a > 0 and b < 0):
        q = -q
    return q


def fine(cal: bytes, raw: int) -> int:
    """t_fine, the temperature that the other formulas use."""
    t1 = kit.u16le(cal, 0)
    v1 = (((raw >> 3) - (t1 << 1)) * kit.i16le(cal, 2)) >> 11
    d = (raw >> 4) - t1
    v2 = (((d * d) >> 12) * kit.i16le(cal, 4)) >> 14
    return v1 + v2


def pascals(cal: bytes, raw: int, t: int) -> int:
    """Pressure in 1/256 Pa; 0 where the calibration makes no sense."""
    v1 = t - 128000
    v2 = v1 * v1 * kit.i16le(cal, 16)
    v2 = v2 + ((v1 * kit.i16le(cal, 14)) << 17)
    v2 = v2 + (kit.i16le(cal, 12) << 35)
    v1 = ((v1 * v1 * kit.i16le(cal, 10)) >> 8) + ((v1 * kit.i16le(cal, 8)) << 12)
    v1 = (((1 << 47) + v1) * kit.u16le(cal, 6)) >> 33
    p = 0
    if v1 != 0:
        p = quotient((((1048576 - raw) << 31) - v2) * 3125, v1)
        v1 = (kit.i16le(cal, 22) * (p >> 13) * (p >> 13)) >> 25
        v2 = (kit.i16le(cal, 20) * p) >> 19
        p = ((p + v1 + v2) >> 8) + (kit.i16le(cal, 18) << 4)
    return p


def moisture(cal: bytes, raw: int, t: int) -> int:
    """Relative humidity in 1/1024 %."""
    h1 = cal[25]
    h2 = kit.i16le(cal, 26)
    h3 = cal[28]
    h4 = (kit.i8(cal, 29) << 4) | (cal[30] & 15)
    h5 = (kit.i8(cal, 31) << 4) | (cal[30] >> 4)
    h6 = kit.i8(cal, 32)
    v = t - 76800
    x = ((raw << 14) - (h4 << 20) - h5 * v + 16384) >> 15
    y = (((((v * h6) >> 10) * (((v * h3) >> 11) + 32768)) >> 10) + 2097152) * h2
    v = x * ((y + 8192) >> 14)
    v = v - (((((v >> 15) * (v >> 15)) >> 7) * h1) >> 4)
    v = max(v, 0)
    v = min(v, 419430400)
    return v >> 12


def transform(payload: bytes, calibration: bytes) -> dict:
    if len(payload) != 8 or len(calibration) != 33:
        raise ValueError("the readout has 8 bytes, the calibration 33")
    out = {}
    t_raw = kit.u24be(payload, 3) >> 4
    if t_raw != 0x80000:
        t = fine(calibration, t_raw)
        if t < -2000000 or t > 2000000:
            raise ValueError("temperature out of all bounds")
        out["temperature"] = (t * 5 + 128) >> 8
        p_raw = kit.u24be(payload, 0) >> 4
        if p_raw != 0x80000:
            p = pascals(calibration, p_raw, t)
            if p < 0 or p > 4294967295:
                raise ValueError("pressure out of all bounds")
            if p > 0:
                out["pressure"] = (p * 100 + 128) >> 8
        h_raw = kit.u16be(payload, 6)
        if h_raw != 0x8000:
            out["humidity"] = (moisture(calibration, h_raw, t) * 1000 + 512) >> 10
    return out
