"""Answers of two tiers put together give the bytes of one; where they differ, the first input is named."""

from __future__ import annotations

import random
from array import array
from typing import Any

import pytest

from alloy_transforms.sandbox.builders import builder
from alloy_transforms.sandbox.contract import Field
from alloy_transforms.sandbox.merge import concatenate, difference, merge, moved, pieces, scattered
from alloy_transforms.sandbox.runner import Answer

FIELDS = (
    Field("a", "i32"),
    Field("b", "f64", optional=True),
    Field("c", "text", max=40, optional=True),
    Field("d", "bytes", max=40),
    Field("e", "bool", optional=True),
)
Row = tuple[Any, ...]


def answer(rows: list[list[Row] | int], first: int = 0) -> Answer:
    """The one answer of inputs with these rows, or a code each."""
    flat = [(first + i, row) for i, item in enumerate(rows) if isinstance(item, list) for row in item]
    codes = bytes(item if isinstance(item, int) else 0 for item in rows)
    columns = [builder(f)([row[k] for _, row in flat]) for k, f in enumerate(FIELDS)]
    errors = [(first + i, 3, f"code {code}") for i, code in enumerate(codes) if code]
    return Answer(codes, array("I", [i for i, _ in flat]).tobytes(), columns, errors)


def random_rows(rng: random.Random, n: int) -> list[list[Row] | int]:
    def row() -> Row:
        return (
            rng.randrange(-9, 9),
            rng.choice((None, 0.5, -0.0, float("inf"))),
            rng.choice((None, "", "é", "word")),
            rng.choice((b"", b"x", bytes(5))),
            rng.choice((None, True, False)),
        )

    return [
        3 if rng.random() < 0.1 else [row() for _ in range(rng.choice((0, 1, 1, 1, 3)))] for _ in range(n)
    ]


@pytest.mark.parametrize("seed", range(40))
def test_bytes_are_those_of_one_answer_when_two_are_merged(seed: int) -> None:
    rng = random.Random(seed)
    rows = random_rows(rng, rng.choice((1, 5, 40)))
    first = rng.choice((0, 7))
    places = [i for i, item in enumerate(rows) if isinstance(item, int) or rng.random() < 0.3]
    native = answer([200 if i in places else item for i, item in enumerate(rows)], first)
    native = Answer(native.codes, native.src, native.columns, [])
    ours = scattered(answer([rows[i] for i in places]), [first + i for i in places])

    merged = merge(FIELDS, native, ours, [first + i for i in places], first)

    whole = answer(rows, first)
    assert merged == whole
    assert difference(FIELDS, merged, whole) == 0
    assert 1 <= pieces(native, ours) <= 2 * len(places) + 1


@pytest.mark.parametrize("seed", range(20))
def test_bytes_are_those_of_one_answer_when_parts_follow_each_other(seed: int) -> None:
    rng = random.Random(seed)
    rows = random_rows(rng, 30)
    cut = sorted(rng.sample(range(1, 30), rng.choice((0, 1, 4))))

    parts = [moved(answer(rows[a:b]), a) for a, b in zip([0, *cut], [*cut, 30], strict=True)]

    assert concatenate(FIELDS, parts) == answer(rows)


ROW: Row = (1, 0.5, "word", b"data", True)
CHANGES = {
    "a value": (-1, *ROW[1:]),
    "the sign of a zero": (1, -0.0, *ROW[2:]),
    "a text": (*ROW[:2], "other", *ROW[3:]),
    "its length": (*ROW[:2], "words", *ROW[3:]),
    "bytes": (*ROW[:3], b"Data", True),
    "a missing value": (*ROW[:4], None),
}


@pytest.mark.parametrize("what", CHANGES)
def test_first_input_is_named_when_answers_differ_in(what: str) -> None:
    before: Row = (1, 0.0, *ROW[2:]) if "zero" in what else ROW
    rows: list[list[Row] | int] = [[before], [], [before, before], 3, [before], [before]]
    other = list(rows)
    other[4] = [CHANGES[what]]
    other[5] = [CHANGES[what]]

    assert difference(FIELDS, answer(rows), answer(other)) == 5
    other[2] = [before, CHANGES[what]]
    assert difference(FIELDS, answer(rows), answer(other)) == 3


def test_first_input_is_named_when_one_has_rows_and_the_other_none() -> None:
    rows: list[list[Row] | int] = [[ROW], [ROW], [ROW]]

    assert difference(FIELDS, answer(rows), answer([[ROW], 3, [ROW]])) == 2
    assert difference(FIELDS, answer(rows), answer([[ROW], [], [ROW]])) == 2
    assert difference(FIELDS, answer(rows), answer([[ROW], [ROW], []])) == 3
    assert difference(FIELDS, answer(rows), answer([[ROW], [ROW], [ROW, ROW]])) == 3
    assert difference(FIELDS, answer([[], [], []]), answer([[], [], [ROW]])) == 3
