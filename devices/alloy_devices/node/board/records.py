"""Rows of a transform as the gateway would take them, in the units of its OUTPUT, as one CBOR message.

A row that the gateway would refuse is refused here, too: a missing or unknown field, a value outside its type, too
many rows. A field with `exp10` leaves as a decimal fraction, so no digit changes.
"""

import boardkit

RANGES = {
    "i8": (-0x80, 0x7F),
    "i16": (-0x8000, 0x7FFF),
    "i32": (-0x80000000, 0x7FFFFFFF),
    "i64": (-0x8000000000000000, 0x7FFFFFFFFFFFFFFF),
    "time_ns": (-0x8000000000000000, 0x7FFFFFFFFFFFFFFF),
    "u8": (0, 0xFF),
    "u16": (0, 0xFFFF),
    "u32": (0, 0xFFFFFFFF),
}


def single_precision() -> bool:
    """Whether the floats of this board have 32 bits or fewer."""
    return 1.0 + 1 / (1 << 30) == 1.0


def physical(spec: dict, value):
    """One value in the unit of its field; raises ValueError where the field cannot hold it."""
    kind = spec["type"]
    if kind in RANGES:
        if value is True or value is False:
            value = int(value)
        low, high = RANGES[kind]
        if not isinstance(value, int) or value < low or value > high:
            raise ValueError("value does not fit its field")
        exp10 = spec.get("exp10", 0)
        return boardkit.Decimal(value, exp10) if exp10 else value
    if kind == "bool" and (value is True or value is False):
        return value
    if kind == "f64" and isinstance(value, (int, float)):
        return float(value)
    if kind == "enum":
        names = spec["names"]
        if isinstance(value, int) and 0 <= value < len(names):
            return names[value]
        if value in names:
            return value
    if kind == "text":
        data = value.encode() if isinstance(value, str) else value
        if isinstance(data, bytes) and len(data) <= spec.get("max", 255):
            return data.decode()  # bytes: a slice of the frame
    if kind == "bytes" and isinstance(value, bytes) and len(value) <= spec.get("max", 255):
        return value
    raise ValueError("value does not fit its field")


class Records:
    """What a transform makes of one frame.

    Raises ValueError where this board cannot run the transform: more inputs than the payload, STATE, or 64-bit floats
    on a board that has smaller ones.
    """

    def __init__(self, transform) -> None:
        self.transform = transform.transform
        self.output = transform.OUTPUT
        self.max_rows = getattr(transform, "MAX_ROWS", 1)
        if getattr(transform, "INPUT", {"payload": "bytes"}) != {"payload": "bytes"} or getattr(
            transform, "STATE", {}
        ):
            raise ValueError("a node runs transforms whose input is the payload, without STATE")
        if single_precision() and any(spec["type"] == "f64" for spec in self.output.values()):
            raise ValueError("this transform needs 64-bit floats; run it on the gateway")

    def rows(self, frame: bytes) -> list:
        """The rows of one frame, each a dict of physical values; raises what the transform raises, or ValueError."""
        made = self.transform(frame)
        if isinstance(made, dict):
            made = (made,)
        rows = []
        for row in made:
            if len(rows) == self.max_rows:
                raise ValueError("more rows than MAX_ROWS")
            rows.append(self.row(row))
        return rows

    def row(self, row: dict) -> dict:
        """One row; absent fields stay absent."""
        out = {}
        for name in row:
            if name not in self.output:
                raise ValueError("a field that OUTPUT has not")
            if row[name] is not None:
                out[name] = physical(self.output[name], row[name])
        for name in self.output:
            if name not in out and not self.output[name].get("optional", False):
                raise ValueError("a field is missing and not optional")
        return out
