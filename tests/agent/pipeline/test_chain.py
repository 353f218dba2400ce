"""Chains: fields travel by name, columns stay packed, an absent value stays absent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent.pipeline.making import LocalStage, contract, inputs
from tests.fakes.trio_run import in_trio

from alloy_agent.errors import AgentError
from alloy_agent.pipeline.chain import Progress, advance, begin, gather, open_column, source_columns
from alloy_agent.pipeline.shape import Origin
from alloy_devices.source import Input
from alloy_transforms.record import ClockState
from alloy_transforms.sandbox.columns import column
from alloy_transforms.sandbox.contract import OUTPUT_TYPES, Field

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "i8": st.integers(-(2**7), 2**7 - 1),
    "i16": st.integers(-(2**15), 2**15 - 1),
    "i32": st.integers(-(2**31), 2**31 - 1),
    "i64": st.integers(-(2**63), 2**63 - 1),
    "u8": st.integers(0, 2**8 - 1),
    "u16": st.integers(0, 2**16 - 1),
    "u32": st.integers(0, 2**32 - 1),
    "f64": st.floats(allow_nan=False),
    "enum": st.integers(0, 1),
    "text": st.text(max_size=8),
    "bytes": st.binary(max_size=8),
    "time_ns": st.integers(0, 2**63 - 1),
}


def field_of(kind: str) -> Field:
    return Field(
        "f",
        kind,
        optional=True,
        names=("off", "on") if kind == "enum" else (),
        max=64 if kind in ("text", "bytes") else 0,
    )


@st.composite
def selections(draw: st.DrawFn) -> tuple[str, list[Any], list[int]]:
    """A kind of field, a column of it with absent values, and rows of it in any order, repeats included."""
    kind = draw(st.sampled_from(sorted(VALUES)))
    values = draw(st.lists(st.none() | VALUES[kind], max_size=20))
    wanted = draw(st.lists(st.integers(0, len(values) - 1), max_size=30)) if values else []
    return kind, values, wanted


def test_every_type_of_field_is_drawn() -> None:
    assert set(VALUES) == set(OUTPUT_TYPES)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(selections())
def test_the_same_values_come_out_when_rows_are_gathered_in_any_order(
    selection: tuple[str, list[Any], list[int]],
) -> None:
    kind, values, wanted = selection
    field = field_of(kind)

    taken = gather(column(field.dtype, values), field, len(values), wanted)

    assert open_column(taken, field, len(wanted)) == [values[row] for row in wanted]
    assert taken == gather(taken, field, len(wanted), range(len(wanted)))
    if taken.validity is not None and len(wanted) % 8:
        assert taken.validity[-1] >> len(wanted) % 8 == 0  # zero past the end


@pytest.mark.parametrize("wanted", [range(3), [0, 1, 2]])
def test_the_column_itself_is_handed_on_when_every_row_is_wanted_once(wanted: list[int]) -> None:
    packed = column("i8", [1, None, 3])

    assert gather(packed, field_of("i64"), 3, wanted) is packed


def test_a_column_is_not_handed_on_when_the_first_rows_alone_are_wanted() -> None:
    packed = column("i2", [1, 2, 3])

    assert open_column(gather(packed, field_of("i16"), 3, range(2)), field_of("i16"), 2) == [1, 2]


def pair(text: bytes) -> list[dict[str, object] | None]:
    """`a` and, for longer texts, `b`; two rows for a text that begins with 2."""
    row: dict[str, object] = {"a": int(text), "note": text.decode()}
    if len(text) > 1:
        row["b"] = len(text)
    return [row, {**row, "a": -int(text)}] if text.startswith(b"2") else [row]


FIRST = contract(
    "first",
    [("payload", "bytes")],
    Field("a", "i64"),
    Field("b", "i64", optional=True),
    Field("note", "text", max=16),
)


@in_trio
async def test_fields_are_carried_past_a_stage_that_makes_several_rows_or_none() -> None:
    seen: list[tuple[object, object]] = []

    def twice(a: int, b: int | None) -> list[dict[str, object] | None]:
        seen.append((a, b))
        if a < 0:
            raise ValueError("negative")
        return [] if a == 1 else [{"a": a * 10}, {"a": a * 10 + 1}]

    first = LocalStage(FIRST, pair)
    second = LocalStage(contract("second", [("a", "int"), ("b", "int")], Field("a", "i64")), twice)
    batch = inputs(b"1", b"22", b"x", b"300")
    progress = Progress()

    start = await begin(progress, first, source_columns(FIRST, batch), len(batch))
    reply = await advance(progress, start, [second])

    assert seen == [(1, None), (22, 2), (-22, 2), (300, 3)]
    assert list(reply.src) == [1, 1, 3, 3]
    assert reply.named("a") == [220, 221, 3000, 3001]  # of the latest stage that has it
    assert reply.named("b") == [2, 2, 3, 3]
    assert reply.named("note") == ["22", "22", "300", "300"]
    assert [(r.index, r.stage, r.line) for r in reply.refused] == [(2, "first", 7), (1, "second", 7)]


@in_trio
async def test_the_chosen_rows_keep_their_origin_when_they_are_selected() -> None:
    batch = inputs(b"1", b"22", b"3")
    reply = await begin(Progress(), LocalStage(FIRST, pair), source_columns(FIRST, batch), 3)

    picked = reply.select([3, 1]).select([1, 0])

    assert picked.named("a") == [22, 3]
    assert list(picked.src) == [1, 2]
    assert picked.column(Origin(0, 1), FIRST.outputs[1]).validity == b"\x01"


@in_trio
async def test_a_field_nobody_delivers_is_refused_by_name() -> None:
    reply = await begin(Progress(), LocalStage(FIRST, pair), [[b"1"]], 1)

    with pytest.raises(AgentError) as caught:
        reply.field("nothing")

    assert caught.value.code == "pipeline.no_field"


def test_a_field_is_none_for_the_input_alone_that_does_not_have_it() -> None:
    made = contract("t", [("payload", "bytes"), ("topic", "text")], Field("a", "i64"))
    with_topic = Input(b"a", 1, ClockState.FREE, {"topic": "x"})

    columns = source_columns(made, [with_topic, *inputs(b"b")])

    assert columns == [[b"a", b"b"], ["x", None]]


@in_trio
async def test_no_stage_is_asked_twice_when_a_batch_is_taken_up_again() -> None:
    first = LocalStage(FIRST, pair)
    second = LocalStage(contract("second", [("a", "int")], Field("c", "i64")), lambda a: [{"c": a}])
    second.failing.append(OSError("the zygote died"))
    progress = Progress()

    start = await begin(progress, first, [[b"1", b"5"]], 2)
    with pytest.raises(OSError, match="died"):
        await advance(progress, start, [second])
    progress.rewind()
    reply = await advance(progress, await begin(progress, first, [[b"1", b"5"]], 2), [second])

    assert (first.calls, second.calls) == (1, 1)
    assert reply.named("c") == [1, 5]
