"""The published reference and the JSON Schemas are those of the tables the compiler checks with."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from alloy_agent.config.reference import render

DOCS = Path(__file__).parents[3] / "docs"
FILES = {
    "page": DOCS / "configuration.md",
    "agent": DOCS / "schema" / "agent.schema.json",
    "pipeline": DOCS / "schema" / "pipeline.schema.json",
}


@pytest.mark.parametrize("what", FILES)
def test_the_file_is_current_when_the_tables_are_rendered(what: str) -> None:
    """If this fails, write the file again as its first lines say."""
    assert FILES[what].read_text(encoding="utf-8") == render(what)


def _schemas(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, dict):
        return [node, *(found for value in node.values() for found in _schemas(value))]
    return [found for value in node for found in _schemas(value)] if isinstance(node, list) else []


@pytest.mark.parametrize("what", ["agent", "pipeline"])
def test_every_section_is_closed_and_every_pattern_compiles_when_read_as_a_schema(what: str) -> None:
    found = _schemas(json.loads(render(what)))

    objects = [schema for schema in found if schema.get("type") == "object"]
    assert all("additionalProperties" in schema for schema in objects)
    for schema in found:
        if isinstance(schema.get("pattern"), str):
            re.compile(schema["pattern"])


def test_every_default_is_accepted_by_its_kind_when_it_is_written_as_a_value() -> None:
    from alloy_agent.config.kinds import Choice, Integer
    from alloy_agent.config.measures import Measure
    from alloy_agent.config.report import Report
    from alloy_agent.config.shapes import Section
    from alloy_agent.config.spec_agent import AGENT
    from alloy_agent.config.spec_pipeline import PIPELINE
    from alloy_agent.config.tree import Scalar

    def defaults(section: Section) -> list[tuple[Any, str]]:
        below = [
            pair
            for key in section.keys.values()
            if isinstance(key.kind, Section)
            for pair in defaults(key.kind)
        ]
        return [(key.kind, key.default) for key in section.keys.values()] + below

    report = Report("defaults")
    for kind, default in [*defaults(AGENT), *defaults(PIPELINE)]:
        if isinstance(kind, Choice | Integer | Measure) and default and " " not in default:
            kind.read(Scalar(default, True, 1, 1), report)

    assert report.problems() == []
