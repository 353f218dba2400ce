"""Quality marks: what was checked says so, the worst verdict wins, values stay."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from alloy_agent.pipeline.quality import Expectation, judge
from alloy_transforms.record import Column, Quality, Reason
from alloy_transforms.sandbox.columns import column
from alloy_transforms.sandbox.contract import Field

PASS, UNCHECKED, SUSPECT, FAIL, MISSING = (
    Quality.PASS,
    Quality.NOT_EVALUATED,
    Quality.SUSPECT,
    Quality.FAIL,
    Quality.MISSING,
)
TENTHS = Field("t", "i16", exp10=-1, range=(-40.0, 85.0), optional=True)


def judged(
    field: Field, values: list[Any], expect: Expectation | None = None
) -> tuple[list[int], list[int], Column]:
    """Quality and reasons of each row, and the column."""
    made = judge(column(field.dtype, values), field, len(values), expect)
    n = len(values)
    quality = [made.quality] * n if isinstance(made.quality, int) else list(made.quality)
    reasons = [made.reasons] * n if isinstance(made.reasons, int) else struct.unpack(f"<{n}H", made.reasons)
    return quality, list(reasons), made


def test_a_value_fails_and_stays_when_it_is_outside_the_physical_range() -> None:
    quality, reasons, made = judged(TENTHS, [-400, -401, 850, 851])

    assert quality == [PASS, FAIL, PASS, FAIL]
    assert reasons == [0, Reason.OUT_OF_RANGE, 0, Reason.OUT_OF_RANGE]
    assert made.values == column("i2", [-400, -401, 850, 851]).values


def test_the_worst_verdict_wins_and_both_reasons_stay_when_range_and_expect_disagree() -> None:
    quality, reasons, _ = judged(TENTHS, [200, 310, 900, None], Expectation(None, 30.0))

    assert quality == [PASS, SUSPECT, FAIL, MISSING]
    assert reasons == [0, Reason.EXPECT, Reason.OUT_OF_RANGE | Reason.EXPECT, Reason.ABSENT]


def test_expect_alone_makes_a_value_suspect_never_failed() -> None:
    quality, _, _ = judged(Field("v", "f64"), [1.0, 5.0, float("inf")], Expectation(2.0, 10.0))

    assert quality == [SUSPECT, PASS, SUSPECT]


def test_no_number_fails_when_it_is_checked() -> None:
    quality, _, _ = judged(Field("v", "f64", range=(0.0, 1.0)), [float("nan"), 0.5])

    assert quality == [FAIL, PASS]


@pytest.mark.parametrize(
    ("field", "values", "expected"),
    [
        (Field("v", "f64"), [1.0, float("nan")], UNCHECKED),
        (Field("v", "i64"), [1, 2], UNCHECKED),
        (Field("v", "text", max=8), ["a", "b"], UNCHECKED),
        (Field("v", "bool"), [True, False], PASS),
        (Field("v", "enum", names=("a", "b")), [0, 1], PASS),
    ],
)
def test_one_mark_stands_for_all_rows_when_nothing_tells_them_apart(
    field: Field, values: list[Any], expected: Quality
) -> None:
    _, _, made = judged(field, values)

    assert (made.quality, made.reasons) == (expected, 0)


@pytest.mark.parametrize(
    "field", [Field("v", "i64", optional=True), Field("v", "text", max=8, optional=True)]
)
def test_absent_rows_are_missing_beside_unchecked_ones(field: Field) -> None:
    value: Any = 1 if field.type == "i64" else "a"

    quality, reasons, _ = judged(field, [value, None] * 5 + [value])

    assert quality == [UNCHECKED, MISSING] * 5 + [UNCHECKED]
    assert reasons == [0, Reason.ABSENT] * 5 + [0]


def test_one_mark_is_enough_when_every_row_is_absent() -> None:
    _, _, made = judged(Field("v", "i64", optional=True), [None] * 9)

    assert (made.quality, made.reasons) == (MISSING, Reason.ABSENT)


def test_a_column_is_judged_when_it_has_no_rows() -> None:
    _, _, made = judged(TENTHS, [], Expectation(0.0, 1.0))

    assert made.values == b""
