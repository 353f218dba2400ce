"""A bad value cannot exist: what the constructors of the record model refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from tests.transforms.wire_records import CLIMATE, FIELD, ROW, climate_batch, field_chunk, field_manifest

from alloy_transforms.errors import RecordError
from alloy_transforms.record import (
    Column,
    Descriptor,
    Dimension,
    Flags,
    Packing,
    Quality,
    Reason,
    Statistics,
    TimeRef,
    Variable,
    VariableSummary,
)

NAN, INF = float("nan"), float("inf")
VALUE: dict[str, Callable[[], object]] = {
    "dimension without name": lambda: Dimension("", 1),
    "dimension with an endless name": lambda: Dimension("x" * 2000, 1),
    "dimension of negative size": lambda: Dimension("x", -1),
    "scale NaN": lambda: Packing(scale=NAN),
    "offset infinite": lambda: Packing(offset=INF),
    "exp10 and scale": lambda: Packing(exp10=-1, scale=2.0),
    "exp10 out of range": lambda: Packing(exp10=400),
    "physical type text": lambda: Packing(out="utf8"),
    "flags without meanings": lambda: Flags(values=(1, 2), meanings=("one",)),
    "masks without meanings": lambda: Flags(masks=(1,)),
    "tick 0": lambda: TimeRef(0, 0.0),
    "tick NaN": lambda: TimeRef(0, NAN),
    "time scale of Mars": lambda: TimeRef(0, 1.0, scale="MTC"),
    "variable without name": lambda: Variable("", ("row",), "f8"),
    "unknown dtype": lambda: Variable("x", ("row",), "f16"),
    "empty unit": lambda: Variable("x", ("row",), "f8", unit=""),
    "rank 33": lambda: Variable("x", ("row",) * 33, "f8"),
    "chunk of another rank": lambda: Variable("x", ("row",), "f8", chunk=(1, 1)),
    "chunk of size 0": lambda: Variable("x", ("row",), "f8", chunk=(0,)),
    "range upside down": lambda: Variable("x", ("row",), "f8", range=(2.0, 1.0)),
    "range NaN": lambda: Variable("x", ("row",), "f8", range=(NAN, None)),
    "dimension twice": lambda: Descriptor((ROW, ROW), (), CLIMATE.prov),
    "variable twice": lambda: Descriptor((ROW,), (CLIMATE.variables[0],) * 2, CLIMATE.prov),
    "undeclared dimension": lambda: Descriptor((), (CLIMATE.variables[0],), CLIMATE.prov),
    "quality 5": lambda: Column(b"", quality=5),
    "reasons of 17 bits": lambda: Column(b"", reasons=1 << 16),
    "batch of another sid": lambda: replace(climate_batch(), sid="abc"),
    "batch without run": lambda: replace(climate_batch(), run=""),
    "batch with negative seq": lambda: replace(climate_batch(), seq=-1),
    "batch with negative row": lambda: replace(climate_batch(), first_row=-1),
    "crc of 33 bits": lambda: replace(field_chunk(), crc=1 << 32),
    "chunk of quality 0": lambda: replace(field_chunk(), quality=0),
    "negative count": lambda: Statistics(-1, None, None, None),
    "summary of quality 7": lambda: VariableSummary(0, 1, {7: 1}, ""),
    "summary with half a digest": lambda: VariableSummary(0, 1, {1: 1}, "00"),
    "summary with negative blocks": lambda: VariableSummary(0, -1, {}, ""),
    "status fine": lambda: replace(field_manifest(), status="fine"),
}
SHAPE: dict[str, Callable[[], object]] = {
    "short times": lambda: replace(climate_batch(3), time=bytes(16)),
    "long receive times": lambda: replace(climate_batch(3), received=bytes(32)),
    "validity of a batch": lambda: replace(climate_batch(9), columns=(Column(b"", validity=b"\x00"),)),
    "quality of a batch": lambda: replace(climate_batch(3), columns=(Column(b"", quality=b"\x01"),)),
    "reasons of a batch": lambda: replace(climate_batch(3), columns=(Column(b"", reasons=bytes(3)),)),
    "ranks of a chunk": lambda: replace(field_chunk(), origin=(1, 2)),
    "negative origin": lambda: replace(field_chunk(), origin=(-1, 0, 0)),
    "validity of a chunk": lambda: replace(field_chunk(), validity=bytes(2)),
    "quality of a chunk": lambda: replace(field_chunk(), quality=bytes(5)),
    "reasons of a chunk": lambda: replace(field_chunk(), reasons=bytes(6)),
}


@pytest.mark.parametrize("what", VALUE)
def test_a_bad_value_is_refused(what: str) -> None:
    with pytest.raises(RecordError) as caught:
        VALUE[what]()
    assert caught.value.code == "record.value"


@pytest.mark.parametrize("what", SHAPE)
def test_lengths_that_do_not_agree_are_refused(what: str) -> None:
    with pytest.raises(RecordError) as caught:
        SHAPE[what]()
    assert caught.value.code == "record.shape"


def test_records_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        FIELD.variables[0].name = "x"  # type: ignore[misc]  # what is tested


def test_the_reasons_fit_their_mask_and_the_qualities_are_those_of_qartod() -> None:
    assert sum(Reason) < 1 << 16
    assert [int(quality) for quality in Quality] == [1, 2, 3, 4, 9]


def test_the_page_on_the_model_lists_every_reason() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "record-model.md").read_text(encoding="utf-8")

    for reason in Reason:
        assert f"| {int(reason).bit_length() - 1} | {(reason.name or '').lower()} |" in page
