"""The rules of `Normaliser`, said once more in numpy: slow, plain, and independent of the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FILL, MISSING_VALUE, DEFAULT_FILL, OUT_OF_RANGE, NOT_FINITE = 1, 2, 4, 8, 16


@dataclass
class Rules:
    dtype: str
    big_endian: bool = False
    unsigned: str = ""
    fills: tuple[Any, ...] = ()
    missing_values: tuple[Any, ...] = ()
    implicit: Any = None
    valid: tuple[Any, Any] | None = None
    valid_physical: bool = False
    scale: float = 1.0
    offset: float = 0.0
    out: str = "f8"

    def keywords(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "dtype"}


@dataclass
class Expected:
    values: np.ndarray
    there: np.ndarray
    quality: np.ndarray
    reasons: np.ndarray
    physical: np.ndarray  # f8, before rounding to `out`


def meaning(rules: Rules, number: Any) -> Any:
    """A stored sentinel or limit as the number it means; None where it cannot occur."""
    if rules.dtype.startswith("f"):
        return np.dtype(rules.dtype).type(number)
    if isinstance(number, float):
        if not number.is_integer():
            return None
        number = int(number)
    bits = 8 * int(rules.dtype[1])
    if rules.unsigned == "reinterpret" and -(2 ** (bits - 1)) <= number < 0:
        return number + 2**bits
    if rules.unsigned == "offset":
        return number + 2 ** (bits - 1)
    return number


def equals(values: np.ndarray, number: Any) -> np.ndarray:
    if number is None:
        return np.zeros(len(values), bool)
    if values.dtype.kind == "f":
        return np.isnan(values) if np.isnan(number) else values == number
    return np.array([int(v) == number for v in values], bool)


def normalise(rules: Rules, stored: bytes, quality: int = 1, reasons: int = 0) -> Expected:
    native = np.frombuffer(stored, (">" if rules.big_endian else "<") + rules.dtype)
    native = native.astype(rules.dtype)
    values = native
    if rules.unsigned:
        values = native.view("u" + rules.dtype[1])
        if rules.unsigned == "offset":
            values = values ^ values.dtype.type(1 << (8 * values.itemsize - 1))
    n = len(values)
    why = np.zeros(n, "u2")
    for bit, numbers in (
        (FILL, rules.fills),
        (MISSING_VALUE, rules.missing_values),
        (DEFAULT_FILL, () if rules.implicit is None else (rules.implicit,)),
    ):
        for number in numbers:
            why[equals(values, meaning(rules, number))] |= bit
    missing = why != 0
    with np.errstate(all="ignore"):
        physical = values.astype("f8") * rules.scale + rules.offset
    if values.dtype.kind == "f":
        why[np.isnan(values) & ~missing] |= NOT_FINITE
        missing |= np.isnan(values)
        why[np.isinf(values) & ~missing] |= NOT_FINITE
    if rules.valid is not None:
        low, high = rules.valid
        why[outside(rules, values, physical, low, high) & ~missing] |= OUT_OF_RANGE
    codes = np.full(n, quality, "u1")
    codes[why != 0] = max(quality, 4)
    codes[missing] = 9
    return Expected(values, ~missing, codes, why | reasons, physical)


def outside(rules: Rules, values: np.ndarray, physical: np.ndarray, low: Any, high: Any) -> np.ndarray:
    if rules.valid_physical:
        bad = np.zeros(len(values), bool)
        if low is not None:
            bad |= physical < low
        if high is not None:
            bad |= physical > high
        return bad
    if values.dtype.kind == "f":
        kind = values.dtype.type
        bad = np.zeros(len(values), bool)
        if low is not None:
            bad |= values < kind(low)
        if high is not None:
            bad |= values > kind(high)
        return bad
    numbers = [int(v) for v in values]
    low = low if low is None or isinstance(low, float) else meaning(rules, low)
    high = high if high is None or isinstance(high, float) else meaning(rules, high)
    return np.array([(low is not None and v < low) or (high is not None and v > high) for v in numbers], bool)


def each(value: int | bytes, n: int, dtype: str) -> np.ndarray:
    """A constant or one value each, as an array."""
    if isinstance(value, int):
        return np.full(n, value, dtype)
    return np.frombuffer(value, "<" + dtype)


def flags(validity: bytes | None, n: int) -> np.ndarray:
    if validity is None:
        return np.ones(n, bool)
    return np.unpackbits(np.frombuffer(validity, "u1"), bitorder="little")[:n].astype(bool)
