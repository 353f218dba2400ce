"""The registry of error codes: current, unique, and every code met by a test."""

from __future__ import annotations

import re
from pathlib import Path

from alloy_agent import errors_doc

REPOSITORY = Path(__file__).parents[2]
_DOTTED = re.compile(r"(?<![a-z0-9_])[a-z0-9_]++(?:\.[a-z0-9_]++)+")  # linear in the longest of integers, too
_RAISED = re.compile(r'[A-Z][A-Za-z]*Error\(\s*"([a-z0-9_]+\.[a-z0-9_.]+)"')
_TESTS = (".py", ".txt", ".json", ".md", ".toml", ".yaml")

UNTESTED: frozenset[str] = frozenset()
"""Registered codes whose test is still being written; empty in a release."""
UNREGISTERED: frozenset[str] = frozenset()
"""Raised codes whose line in CODES is still missing; empty in a release."""


def test_the_page_is_current_when_the_registry_is_rendered() -> None:
    """If this fails: python -m alloy_agent.errors_doc > docs/errors.md."""
    assert (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8") == errors_doc.page()


def test_no_code_has_two_meanings_when_the_packages_are_put_together() -> None:
    codes = [code for table in errors_doc.REGISTRY.values() for code in table]

    assert sorted(codes) == sorted(set(codes))


def test_every_wire_code_is_registered_or_reserved_when_looked_up() -> None:
    known = {code for table in errors_doc.REGISTRY.values() for code in table} | set(errors_doc.RESERVED)

    assert [code for code in errors_doc.WIRE.values() if code not in known] == []


def test_a_reserved_code_leaves_the_list_when_it_is_registered() -> None:
    known = {code for table in errors_doc.REGISTRY.values() for code in table}

    assert [code for code in errors_doc.RESERVED if code in known] == []


def test_every_code_is_met_by_a_test_when_the_tests_are_searched() -> None:
    """A code nobody tests is listed here; test it, or put it into RESERVED with a reason."""
    met: set[str] = set()
    for path in (REPOSITORY / "tests").rglob("*"):
        if path.suffix in _TESTS and path != Path(__file__) and path.is_file():
            met.update(_DOTTED.findall(path.read_text(encoding="utf-8", errors="replace")))

    missing = {code for table in errors_doc.REGISTRY.values() for code in table if code not in met}

    assert missing - UNTESTED == set()


def test_every_code_that_is_raised_is_registered_when_the_sources_are_searched() -> None:
    """A code that the sources raise and no CODES table explains is listed here."""
    known = {code for table in errors_doc.REGISTRY.values() for code in table} | set(errors_doc.RESERVED)
    raised: set[str] = set()
    for package in ("agent", "devices", "transforms", "ota"):
        for path in (REPOSITORY / package).rglob("*.py"):
            raised.update(_RAISED.findall(path.read_text(encoding="utf-8")))

    assert raised - known - UNREGISTERED == set()
