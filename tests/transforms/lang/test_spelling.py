"""Spellings that CPython only warns about, or that look like those that are refused."""

from __future__ import annotations

import sys
import warnings

import pytest
from tests.transforms.lang.corpus import HEAD
from tests.transforms.lang.differential import report

PLAIN = (
    r'out["raw"] = b"\\777"',
    r'out["raw"] = b"\377\\N"',
    r'out["raw"] = rb"\777\N"',
    'out["raw"] = b"B\'"',
    'out["v"] = 0x1f if n > 3 else 1_0',
    'out["v"] = 1  # ÷ 2if \\N{x}',
)


def refusals(line: str) -> list[tuple[str, int]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = report(f"{HEAD}    {line}\n    return out\n").refusals
    return [(f.rule, f.column) for f in found]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (r'out["raw"] = b"\777"', 18),
        (r'out["raw"] = b"\\\400"', 18),
        ('out["v"] = 1if n > 3 else 2', 17),
        ('out["v"] = 0x1 if n > 3or n < 2 else 2', 28),
    ],
)
def test_a_literal_is_refused_when_boards_do_not_read_it(line: str, column: int) -> None:
    assert refusals(line) == [("L051", column)]


@pytest.mark.parametrize("line", PLAIN)
def test_a_literal_is_accepted_when_it_only_looks_like_one_that_boards_do_not_read(line: str) -> None:
    assert refusals(line) == []


@pytest.mark.skipif(sys.version_info < (3, 12), reason="syntax of Python 3.12")
def test_a_function_is_refused_when_it_is_generic() -> None:
    source = HEAD.replace("def helper(a", "def helper[T](a")

    assert [f.rule for f in report(f"{source}    return out\n").refusals] == ["L001"]
