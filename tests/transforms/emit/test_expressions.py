"""Each operation and form of the language, compiled, on edge values: CPython's results, declined only where said."""

from __future__ import annotations

from typing import Any

import pytest
from tests.transforms.emit.agree import agree, declines_as_the_document_says
from tests.transforms.emit.compiled import Program, compile_programs
from tests.transforms.emit.snippets import inputs, sources
from tests.transforms.lang.differential import report

SOURCES = sources()
INPUTS = inputs()
_NAN_SIGN = ("w copysign", "w copysign 1", "w atan2")  # a NaN's sign is declined in addition


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Program]:
    docs: list[dict[str, Any]] = []
    for title, source in SOURCES.items():
        checked = report(source)
        assert checked.document is not None, (title, [(f.rule, f.what) for f in checked.refusals])
        docs.append(checked.document)
    return dict(zip(SOURCES, compile_programs(docs, tmp_path_factory.mktemp("snippets")), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("title", SOURCES)
def test_differential_results_are_those_of_cpython_when_an_operation_meets_edges(
    title: str, programs: dict[str, Program]
) -> None:
    out = agree(SOURCES[title], programs[title], INPUTS)

    assert out.rows + out.errors > 0
    if title not in _NAN_SIGN:
        declines_as_the_document_says(programs[title], INPUTS)
