"""Quality of a column: what the transform declares (`range`) and what the site expects (`expect`).

Outside `range`: quality 4, the value is kept. Outside `expect`: quality 3. A row without a value: quality 9.
A column nobody checks is 2, "not evaluated", never 1. Source: IOOS QARTOD manuals, primary flag table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from alloy_agent.native import range_quality, unpack_bits
from alloy_transforms.record import Column, Quality, Reason
from alloy_transforms.sandbox.contract import INTEGER_TYPES, OUTPUT_TYPES, Field


@dataclass(frozen=True, slots=True)
class Expectation:
    """Physical limits of a site, in the field's unit; None = open."""

    low: float | None
    high: float | None


def has_limits(field: Field) -> bool:
    """Whether the values of a field are numbers that limits say something about."""
    return field.type in INTEGER_TYPES or field.type == "f64"


_NO_VALUE = bytes([int(Reason.ABSENT) >> 8, 0]) + bytes(254)
"""Presence bit -> high byte of the reasons; the low byte of ABSENT is zero."""


def _present(column: Column, rows: int, present: Quality) -> tuple[int | bytes, int | bytes]:
    """Quality and reasons from the validity bits alone."""
    if column.validity is None:
        return int(present), 0
    flags = unpack_bits(column.validity, rows)
    if 0 not in flags:
        return int(present), 0
    if 1 not in flags:
        return int(Quality.MISSING), int(Reason.ABSENT)
    reasons = bytearray(2 * rows)
    reasons[1::2] = flags.translate(_NO_VALUE)
    return flags.translate(bytes([Quality.MISSING, present]) + bytes(254)), bytes(reasons)


def judge(column: Column, field: Field, rows: int, expect: Expectation | None) -> Column:
    """The column with its quality and reasons; values are untouched."""
    checked = field.range is not None or expect is not None or field.type in ("enum", "bool")
    quality, reasons = _present(column, rows, Quality.PASS if checked else Quality.NOT_EVALUATED)
    limits = []
    if field.range is not None:
        limits.append((*field.range, Reason.OUT_OF_RANGE, Quality.FAIL))
    if expect is not None:
        limits.append((expect.low, expect.high, Reason.EXPECT, Quality.SUSPECT))
    dtype = OUTPUT_TYPES[field.type]
    for low, high, reason, worse in limits:
        quality, reasons = range_quality(
            column.values,
            dtype,
            rows,
            field.exp10,
            column.validity,
            low,
            high,
            int(reason),
            int(worse),
            quality,
            reasons,
        )
    return replace(column, quality=quality, reasons=reasons)
