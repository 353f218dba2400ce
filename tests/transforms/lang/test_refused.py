"""Every refused snippet: rule, code, line and column, and nothing else."""

from __future__ import annotations

import pytest
from tests.transforms.lang.corpus import Case, cases
from tests.transforms.lang.differential import report

from alloy_transforms.errors import CODES
from alloy_transforms.lang.rules import RULES

REFUSED = cases("refused")


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_snippet_is_refused_with_its_place_when_it_breaks_one_rule(case: Case) -> None:
    found = report(case.source).refusals

    assert [(f.rule, f.line, f.column) for f in found] == list(case.expected), [f.what for f in found]
    assert all(f.hint and f.code in CODES and f.code == RULES[f.rule].code for f in found)


def test_corpus_is_large_enough_when_counted() -> None:
    assert len(REFUSED) >= 120
    assert len({c.title for c in REFUSED}) == len(REFUSED)
    assert len({rule for c in REFUSED for rule, _, _ in c.expected}) >= 60


def test_all_findings_come_at_once_and_sorted_when_there_are_several() -> None:
    source = (
        '"""A."""\nimport json\nOUTPUT = {"v": {"type": "u8"}}\nEXAMPLES = ()\n'
        "def transform(payload: bytes) -> dict:\n    a = [1]\n    b = round(1.5, 1)\n    return {'v': a}\n"
    )

    found = report(source).refusals

    assert [(f.rule, f.line) for f in found] == [("L003", 2), ("L017", 6), ("L021", 7)]
