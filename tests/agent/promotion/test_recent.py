"""The newest inputs that are kept: few, small, and the right ones."""

from __future__ import annotations

from alloy_agent.promotion.recent import BATCHES, BYTES, INPUTS, Recent
from alloy_transforms.sandbox.columns import input_column, values_of

INPUT = (("payload", "bytes"), ("port", "int"))


def note(recent: Recent, payloads: list[bytes], now: float, state: bytes = b"") -> None:
    n = len(payloads)
    columns = [input_column("bytes", payloads), input_column("int", list(range(n)))]
    recent.note(columns, n, state, now)


def test_the_begin_of_one_batch_a_second_is_kept() -> None:
    recent = Recent(INPUT)

    for tenth in range(35):
        note(recent, [b"%d" % (tenth * 1000 + i) for i in range(100)], tenth / 10, b"s%d" % tenth)

    kept = recent.batches()
    assert [r.state for r in kept] == [b"s0", b"s10", b"s20", b"s30"]
    assert all(r.n == INPUTS for r in kept)
    assert values_of("bytes", kept[1].columns[0], INPUTS) == [b"%d" % (10_000 + i) for i in range(INPUTS)]
    assert values_of("i8", kept[1].columns[1], INPUTS) == list(range(INPUTS))


def test_the_oldest_go_when_there_are_many_or_they_are_large() -> None:
    recent = Recent(INPUT)
    for second in range(100):
        note(recent, [b"x"], second, b"%d" % second)
    assert [r.state for r in recent.batches()] == [b"%d" % s for s in range(100 - BATCHES, 100)]

    for second in range(100, 110):
        note(recent, [bytes(BYTES // 4)], second, b"%d" % second)
    assert sum(r.size for r in recent.batches()) <= BYTES
    assert [r.state for r in recent.batches()] == [b"107", b"108", b"109"]


def test_nothing_is_kept_of_a_batch_that_is_too_large_or_empty() -> None:
    recent = Recent(INPUT)

    note(recent, [bytes(BYTES + 1)], 0)
    note(recent, [], 10)

    assert recent.batches() == ()
