"""Rows that no case wants, and routes by a field that nobody delivers."""

from __future__ import annotations

import pytest
import trio

from alloy_agent.errors import AgentError
from alloy_agent.pipeline.routes import Outcome, Route
from alloy_transforms.sandbox.contract import Field

from .making import LocalStage, Row, contract, inputs


def by_kind(on: str, *, dead_letter: bool) -> tuple[Route, Outcome]:
    """What becomes of three rows where no case is declared."""

    def work(payload: object) -> list[Row]:
        assert isinstance(payload, bytes)
        return [{"kind": payload.decode()}]

    made = contract("kinds", [("payload", "bytes")], Field("kind", "text", max=8))
    route = Route([LocalStage(made, work)], None, on, {}, dead_letter=dead_letter)

    async def main() -> Outcome:
        return await route.run(inputs(b"a", b"b", b"c"))

    return route, trio.run(main)


def test_rows_become_dead_letters_when_no_case_wants_them() -> None:
    _, outcome = by_kind("kind", dead_letter=True)

    assert [(refused.index, refused.code) for refused in outcome.refused] == [
        (number, "pipeline.no_route") for number in range(3)
    ]
    assert outcome.refused[1].message == "no route for kind = b"


def test_rows_are_dropped_and_counted_when_the_route_says_so() -> None:
    route, outcome = by_kind("kind", dead_letter=False)

    assert (outcome.rows, outcome.refused, route.dropped) == (0, (), 3)


def test_error_names_the_stages_when_no_stage_delivers_the_field() -> None:
    with pytest.raises(AgentError) as caught:
        by_kind("sort", dead_letter=True)

    assert (caught.value.code, caught.value.where) == ("pipeline.no_field", "kinds")
