"""docs/library.md says what ships."""

from __future__ import annotations

from pathlib import Path

from tests.transforms.library import catalogue

REPOSITORY = Path(__file__).parents[3]


def test_the_page_is_current_when_the_library_is_read() -> None:
    """If this fails: python -m tests.transforms.library.catalogue > docs/library.md."""
    assert (REPOSITORY / "docs" / "library.md").read_text("utf-8") == catalogue.page()
