"""Routes: which rows go to which case, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.agent.pipeline.making import LocalStage, MemorySink, Row, contract, decode_numbers, inputs
from tests.fakes.trio_run import in_trio

from alloy_agent.pipeline.outlet import Outlet
from alloy_agent.pipeline.routes import Block, Case, Outcome, Route, case_of
from alloy_devices.source import Scalar
from alloy_transforms.sandbox.contract import Field
from alloy_transforms.wire import cbor
from alloy_transforms.wire.encoding import encoding

KIND = Field("kind", "text", max=32, optional=True)
NUMBER = Field("v", "i64")


def split(payload: bytes) -> list[Row]:
    """`a1,b2`: a row for each word, its first letter is the kind; `-` has none."""
    return [
        {"v": int(word[1:])} if word[0] == "-" else {"kind": word[0], "v": int(word[1:])}
        for word in payload.decode().split(",")
    ]


def negate(v: int) -> list[Row]:
    if v == 13:
        raise ValueError("unlucky")
    return [{"w": -v}]


def route(
    *cases: str,
    kind: Field = KIND,
    work: Callable[..., list[Row]] = split,
    dead_letter: bool = True,
) -> Route:
    main = LocalStage(contract("split", [("payload", "bytes")], kind, NUMBER), work)

    def case(_name: str) -> Case:
        tail = LocalStage(contract("tail", [("v", "int")], Field("w", "i64")), negate)
        how = [(MemorySink(), encoding("cbor"))]
        contracts = [main.contract, tail.contract]
        return Case((tail,), Outlet(contracts, ["sandbox"] * 2, "here", "test", {}, how, cbor.sid, 0))

    return Route([main], None, kind.name, {name: case(name) for name in cases}, dead_letter=dead_letter)


def numbers(block: Block) -> list[int]:
    return decode_numbers(b"".join(block.messages[0]))


def blocks(outcome: Outcome) -> list[list[int]]:
    return [numbers(block) for block in outcome.blocks]


@in_trio
async def test_rows_keep_their_order_within_a_case_when_cases_are_mixed() -> None:
    outcome = await route("a", "b").run(inputs(b"a1,b2,a3", b"b4", b"a5"))

    assert blocks(outcome) == [[-1, -3, -5], [-2, -4]]
    assert [list(block.src) for block in outcome.blocks] == [[0, 0, 2], [0, 1]]
    assert (outcome.rows, outcome.refused) == (5, ())


@in_trio
async def test_a_row_of_no_case_is_a_letter_and_the_others_go_on() -> None:
    outcome = await route("a").run(inputs(b"a1", b"z2", b"-3", b"a4"))

    assert blocks(outcome) == [[-1, -4]]
    assert [(r.index, r.code, r.stage) for r in outcome.refused] == [
        (1, "pipeline.no_route", "route"),
        (2, "pipeline.no_route", "route"),
    ]
    assert "z" in outcome.refused[0].message
    assert "has no value" in outcome.refused[1].message


@in_trio
async def test_one_letter_is_enough_when_several_rows_of_an_input_have_no_case() -> None:
    outcome = await route("a").run(inputs(b"y1,a2,z3,z4", b"z5"))

    assert blocks(outcome) == [[-2]]
    assert [(r.index, r.code) for r in outcome.refused] == [
        (0, "pipeline.no_route"),
        (1, "pipeline.no_route"),
    ]


@in_trio
async def test_rows_of_no_case_are_counted_when_they_are_dropped() -> None:
    made = route("a", dead_letter=False)

    outcome = await made.run(inputs(b"a1,z2,-3", b"z4"))

    assert (blocks(outcome), outcome.refused, made.dropped) == ([[-1]], (), 3)


@in_trio
async def test_the_rest_of_a_case_goes_on_when_its_stage_refuses_a_row() -> None:
    outcome = await route("a", "b").run(inputs(b"a13", b"a1", b"b2"))

    assert blocks(outcome) == [[-1], [-2]]
    assert [(r.index, r.stage, r.line) for r in outcome.refused] == [(0, "tail", 7)]


@in_trio
async def test_a_case_is_named_by_its_meaning_when_the_field_is_an_enum() -> None:
    kind = Field("kind", "enum", names=("off", "on"))
    made = route("on", kind=kind, work=lambda payload: [{"kind": payload[0] - 48, "v": payload[1]}])

    outcome = await made.run(inputs(b"0a", b"1b", b"1c"))

    assert blocks(outcome) == [[-98, -99]]
    assert [(r.index, r.message) for r in outcome.refused] == [(0, "no route for kind = off")]


@in_trio
async def test_every_descriptor_is_announced_before_a_stage_runs() -> None:
    made = route("a", "b")
    (stage,) = made.stages
    assert isinstance(stage, LocalStage)
    stage.failing.append(OSError("not yet"))

    with pytest.raises(OSError, match="not yet"):
        await made.run(inputs(b"a1"))

    for case in made.cases.values():
        ((sink, _),) = case.outlet._sinks
        assert isinstance(sink, MemorySink)
        assert sink.announced == [case.outlet.sid]


@pytest.mark.parametrize(
    ("value", "field", "text"),
    [
        ("gga", KIND, "gga"),
        (b"ab", Field("k", "bytes", max=8), "ab"),
        (b"\xff", Field("k", "bytes", max=8), "�"),
        (7, NUMBER, "7"),
        (True, Field("k", "bool"), "true"),
        (False, Field("k", "bool"), "false"),
        (1, Field("k", "enum", names=("off", "on")), "on"),
        (9, Field("k", "enum", names=("off", "on")), "9"),
    ],
)
def test_a_value_names_its_case_as_text(value: Scalar, field: Field, text: str) -> None:
    assert case_of(value, field) == text
