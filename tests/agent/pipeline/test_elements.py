"""What one chunk gives to an element-wise transform, and what its answers are worth; numpy says the numbers."""

from __future__ import annotations

import math
from array import array
from typing import Any

import numpy as np
import pytest

from alloy_agent.pipeline.elements import Answers, count, physical
from alloy_native.kernels import crc32c, pack_bits, unpack_bits
from alloy_transforms.record import Chunk, Level, Packing, Quality, Reason, Variable
from alloy_transforms.sandbox.contract import Field

FLUX = Field("flux", "f64", optional=True)
BEFORE, AFTER = "0" * 16, "1" * 16  # ids of two descriptors
PASS, SUSPECT, FAIL, MISSING = Quality.PASS, Quality.SUSPECT, Quality.FAIL, Quality.MISSING


def chunk(payload: bytes, n: int, level: Level = Level.PACKED, **marks: Any) -> Chunk:
    return Chunk(BEFORE, "r", 0, 4, (0,), (n,), level, payload, crc32c(payload), len(payload), **marks)


def bits(*flags: int) -> bytes:
    return pack_bits(bytes(flags))


def u2(*reasons: int) -> bytes:
    return array("H", reasons).tobytes()


def f8(*values: float) -> bytes:
    return array("d", values).tobytes()


@pytest.mark.parametrize(
    ("dtype", "pack"),
    [
        ("u1", None),
        ("i4", None),
        ("i8", None),
        ("f4", None),
        ("f8", None),
        ("i2", Packing(scale=0.009999999776482582, offset=-3.5)),
        ("i2", Packing(scale=0.1, offset=300.0, out="f4")),
        ("i4", Packing(exp10=-3)),
        ("u2", Packing(unsigned=True, out="u2")),
    ],
)
def test_elements_are_the_numbers_a_receiver_makes_when_they_are_packed(
    dtype: str, pack: Packing | None
) -> None:
    rng = np.random.default_rng(7)
    kind = np.dtype("<" + dtype)
    if kind.kind == "f":
        stored = rng.normal(size=100).astype(kind)
    else:
        limits = np.iinfo(kind)
        stored = rng.integers(limits.min, limits.max, 100, dtype=kind, endpoint=True)
    wanted = stored.astype("<f8")
    if pack is not None and pack.exp10 is not None:
        wanted = wanted / 10**-pack.exp10
    elif pack is not None:
        wanted = wanted * pack.scale + pack.offset
        if pack.out == "f4":
            wanted = wanted.astype("<f4").astype("<f8")
    got = physical(chunk(stored.tobytes(), 100), Variable("v", ("x",), dtype, pack=pack))
    assert got == wanted.tobytes()


def test_elements_are_taken_as_they_are_when_the_chunk_is_physical() -> None:
    values = f8(1.5, -2.0)
    assert physical(chunk(values, 2, Level.PHYSICAL), Variable("v", ("x",), "f8")) == values


def test_marks_of_the_source_stay_when_every_element_has_an_answer() -> None:
    source = chunk(bytes(3), 3, quality=SUSPECT, reasons=Reason.SCALING)
    answers = Answers(3, None)
    answers.add(0, 2, range(2), f8(1.0, -0.0), None)
    answers.add(2, 3, range(1), f8(3.0), None)
    made = answers.chunk(source, AFTER, 5, 2, FLUX)
    assert (made.payload, made.validity, made.level) == (f8(1.0, -0.0, 3.0), None, Level.PHYSICAL)
    assert (made.quality, made.reasons) == (SUSPECT, Reason.SCALING)
    assert (made.sid, made.var, made.seq, made.origin, made.shape) == (AFTER, 5, 2, (0,), (3,))
    assert made.crc == crc32c(made.payload)
    assert made.stats is not None
    assert (made.stats.n_valid, made.stats.minimum, made.stats.maximum) == (3, -0.0, 3.0)
    assert count(made) == {SUSPECT: 3}


def test_missing_elements_keep_their_reason_and_refused_ones_get_theirs() -> None:
    source = chunk(
        bytes(5), 5, validity=bits(1, 0, 1, 1, 1), quality=bytes((1, 9, 1, 3, 4)), reasons=u2(0, 1, 0, 8, 8)
    )
    answers = Answers(5, source.validity)
    # Element 2 was refused; 1 has a row without a value, as a missing element has.
    answers.add(0, 5, (0, 1, 3, 4), f8(10.0, 0.0, 30.0, 40.0), bits(1, 0, 1, 1))
    made = answers.chunk(source, AFTER, 1, 0, FLUX)
    values = np.frombuffer(made.payload)
    assert made.validity is not None
    assert list(unpack_bits(made.validity, 5)) == [1, 0, 0, 1, 1]
    assert values[[0, 3, 4]].tolist() == [10.0, 30.0, 40.0]
    assert isinstance(made.quality, bytes)
    assert isinstance(made.reasons, bytes)
    assert list(made.quality) == [PASS, MISSING, MISSING, SUSPECT, FAIL]
    assert list(array("H", made.reasons)) == [0, Reason.FILL, Reason.TRANSFORM, 8, 8]
    assert made.stats is not None
    assert (made.stats.n_valid, made.stats.maximum) == (2, 30.0)
    assert count(made) == {PASS: 1, SUSPECT: 1, FAIL: 1, MISSING: 2}


def test_element_is_absent_when_the_transform_gives_none() -> None:
    source = chunk(bytes(2), 2)
    answers = Answers(2, None)
    answers.add(0, 2, range(2), f8(1.0, 0.0), bits(1, 0))
    made = answers.chunk(source, AFTER, 1, 0, FLUX)
    assert isinstance(made.reasons, bytes)
    assert list(array("H", made.reasons)) == [0, Reason.ABSENT]
    assert made.quality == bytes((PASS, MISSING))


def test_element_stays_missing_when_a_worker_says_otherwise() -> None:
    source = chunk(bytes(2), 2, validity=bits(1, 0), quality=bytes((1, 9)), reasons=u2(0, 1))
    answers = Answers(2, source.validity)
    answers.add(0, 2, range(2), f8(1.0, 2.0), None)
    made = answers.chunk(source, AFTER, 1, 0, FLUX)
    assert made.validity == bits(1, 0)
    assert made.quality == bytes((PASS, MISSING))


def test_not_finite_and_out_of_range_answers_are_marked() -> None:
    source = chunk(bytes(4), 4)
    answers = Answers(4, None)
    answers.add(0, 4, range(4), f8(math.nan, math.inf, 5.0, 50.0), None)
    made = answers.chunk(source, AFTER, 1, 0, Field("flux", "f64", range=(None, 10.0), optional=True))
    assert made.quality == bytes((MISSING, FAIL, PASS, FAIL))
    assert isinstance(made.reasons, bytes)
    assert array("H", made.reasons)[0] == Reason.NOT_FINITE
    assert array("H", made.reasons)[3] == Reason.OUT_OF_RANGE


def test_chunk_without_elements_gives_one_without() -> None:
    made = Answers(0, None).chunk(chunk(b"", 0), AFTER, 1, 0, FLUX)
    assert (made.payload, count(made)) == (b"", {})
