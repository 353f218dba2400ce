"""The rules: documented, each with a reason and a hint, each of a code that exists."""

from __future__ import annotations

from pathlib import Path

from alloy_transforms.errors import CODES
from alloy_transforms.lang.rules import RULES
from alloy_transforms.lang.rules_doc import rewritten

PAGE = Path(__file__).parents[3] / "docs" / "language.md"


def test_page_names_every_rule_when_it_is_generated() -> None:
    """If this fails: python -m alloy_transforms.lang.rules_doc docs/language.md."""
    page = PAGE.read_text("utf-8")

    assert rewritten(page) == page


def test_rules_have_reason_hint_and_code_when_read() -> None:
    for name, rule in RULES.items():
        assert rule.why, name
        assert rule.hint, name
        assert rule.code in CODES, name
