"""Rows to encoded batches: times, numbers that have no gap, one announcement, shared encodings."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

import cbor2
import pytest
from tests.agent.pipeline.making import DISK_FULL, LocalStage, MemorySink, contract, inputs
from tests.fakes.trio_run import in_trio

from alloy_agent.errors import AgentError
from alloy_agent.pipeline.chain import ChainReply, Progress, begin, source_columns
from alloy_agent.pipeline.outlet import BLOCK_BYTES, Outlet
from alloy_agent.pipeline.quality import Expectation
from alloy_devices.source import Input
from alloy_transforms.record import ClockState, Quality
from alloy_transforms.sandbox.contract import Contract, Field
from alloy_transforms.wire import cbor
from alloy_transforms.wire.encoding import encoding

TIMED = contract(
    "timed", [("payload", "bytes")], Field("v", "i64"), Field("t", "time_ns", optional=True), stateful=False
)
PLAIN = contract("plain", [("payload", "bytes")], Field("v", "i64"), Field("note", "text", max=16_000))


def outlet(
    made: Contract, *sinks: tuple[MemorySink, str], expect: Mapping[str, Expectation] | None = None
) -> Outlet:
    pairs = [(sink, encoding(name)) for sink, name in sinks]
    return Outlet([made], ["sandbox"], "here", "test", expect or {}, pairs, cbor.sid, 0)


async def rows(made: Contract, batch: Sequence[Input], *given: dict[str, object]) -> ChainReply:
    """One row for each input."""
    left = list(given)
    stage = LocalStage(made, lambda _: [left.pop(0)])
    return await begin(Progress(), stage, source_columns(made, batch), len(batch))


@in_trio
async def test_the_receive_time_stands_in_for_the_rows_that_have_no_time() -> None:
    batch = inputs(b"a", b"b", b"c")
    reply = await rows(TIMED, batch, {"v": 1, "t": 77}, {"v": 2}, {"v": 3, "t": 0})

    made = outlet(TIMED).batch(reply, batch)

    assert array("q", made.time).tolist() == [77, 1001, 0]
    assert array("q", made.received).tolist() == [1000, 1001, 1002]
    assert len(made.columns) == 1


@in_trio
async def test_times_are_taken_as_they_are_when_every_row_has_one() -> None:
    batch = inputs(b"a", b"b")

    made = outlet(TIMED).batch(await rows(TIMED, batch, {"v": 1, "t": 5}, {"v": 2, "t": 6}), batch)

    assert array("q", made.time).tolist() == [5, 6]


@in_trio
async def test_numbers_have_no_gap_when_batches_follow_each_other() -> None:
    out = outlet(PLAIN)
    batch = inputs(b"a", b"b")

    made = [
        out.batch(await rows(PLAIN, batch, {"v": 1, "note": ""}, {"v": 2, "note": ""}), batch)
        for _ in range(3)
    ]

    assert [(b.seq, b.first_row, b.n) for b in made] == [(0, 0, 2), (1, 2, 2), (2, 4, 2)]
    assert {b.run for b in made} == {out.run}
    assert {b.sid for b in made} == {out.sid} == {cbor.sid(out.descriptor)}


def test_two_outlets_started_in_the_same_moment_have_runs_of_their_own() -> None:
    assert outlet(PLAIN).run != outlet(PLAIN).run
    assert outlet(PLAIN).sid == outlet(PLAIN).sid


@in_trio
async def test_the_descriptor_is_announced_once_when_it_is_asked_for_often() -> None:
    first, second = MemorySink(), MemorySink()
    out = outlet(PLAIN, (first, "cbor"), (second, "jsonl"))

    for _ in range(3):
        await out.announce()

    assert (first.announced, second.announced) == ([out.sid], [out.sid])


@in_trio
async def test_another_descriptor_is_announced_and_numbers_go_on_when_the_tier_changes() -> None:
    sink = MemorySink()
    out = outlet(PLAIN, (sink, "cbor"))
    batch = inputs(b"a")
    sids = []
    for tier in ("sandbox", "native", "native", "sandbox"):
        out.served_by([tier])
        await out.announce()
        reply = await rows(PLAIN, batch, {"v": 1, "note": "x"})
        made = out.batch(reply, batch)
        sids.append(made.sid)
        assert made.seq == len(sids) - 1
        assert [s.tier for s in out.descriptor.prov.stages] == [tier]

    sandbox, native = sids[:2]
    assert sids == [sandbox, native, native, sandbox]
    assert sandbox != native
    assert sink.announced == [sandbox, native, sandbox]


@in_trio
async def test_the_descriptor_is_announced_again_when_a_sink_refused_it() -> None:
    sink = MemorySink()
    out = outlet(PLAIN, (sink, "cbor"))
    sink.full = DISK_FULL
    with pytest.raises(AgentError):
        await out.announce()
    sink.full = None

    await out.announce()

    assert sink.announced == [out.sid]


@in_trio
async def test_sinks_of_one_encoding_share_its_message() -> None:
    out = outlet(PLAIN, (MemorySink(), "cbor"), (MemorySink(), "jsonl"), (MemorySink(), "cbor"))
    batch = inputs(b"a")

    messages = out.encode(out.batch(await rows(PLAIN, batch, {"v": 7, "note": "x"}), batch))

    assert messages[0] is messages[2]
    assert cbor2.loads(b"".join(messages[0]))["n"] == 1
    assert b"".join(messages[1]).endswith(b"\n")


@in_trio
async def test_rows_are_cut_into_blocks_in_order_when_they_are_large() -> None:
    count = 40
    batch = inputs(*[b"x"] * count)
    reply = await rows(PLAIN, batch, *[{"v": i, "note": "n" * 16_000} for i in range(count)])
    out = outlet(PLAIN)

    parts = out.parts(reply)

    assert len(parts) > 1
    assert [v for part in parts for v in part.named("v")] == list(range(count))
    assert [i for part in parts for i in part.src] == list(range(count))
    for part in parts:
        assert sum(len(c.values) + len(c.arena) for c in out.batch(part, batch).columns) <= BLOCK_BYTES


@in_trio
async def test_the_clock_is_that_of_the_first_rows_input() -> None:
    batch = [Input(b"a", 1, ClockState.FREE), Input(b"b", 2, ClockState.NTP)]
    reply = (await rows(PLAIN, batch, {"v": 1, "note": ""}, {"v": 2, "note": ""})).select([1])

    assert outlet(PLAIN).batch(reply, batch).clock is ClockState.NTP


@in_trio
async def test_expect_leaves_a_text_alone_when_another_case_has_a_number_of_that_name() -> None:
    """The compiler sees that some end of the pipeline has a number; this end has a text."""
    batch = inputs(b"a")
    out = outlet(PLAIN, expect={"note": Expectation(0.0, 1.0), "v": Expectation(0.0, 1.0)})

    made = out.batch(await rows(PLAIN, batch, {"v": 7, "note": "x"}), batch)

    assert made.columns[0].quality in (Quality.SUSPECT, bytes([Quality.SUSPECT]))
    assert made.columns[1].quality == Quality.NOT_EVALUATED
