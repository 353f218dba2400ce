"""Packet ids, order and windows of unacknowledged publishes, without any I/O."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_agent.errors import LinkError
from alloy_agent.mqtt.codec import as_duplicate
from alloy_agent.mqtt.outbox import Outbox

LARGE = 1 << 20


def packet(number: int) -> bytes:
    return bytes((0x32,)) + b"%d" % number


def filled(count: int) -> Outbox:
    outbox = Outbox(1000)
    for number in range(count):
        outbox.add(outbox.take_id(), packet(number))
    return outbox


def test_nothing_is_sent_when_not_connected() -> None:
    assert filled(3).next_packets(LARGE) == []


def test_packets_go_out_in_order_when_the_window_opens() -> None:
    outbox = filled(5)
    outbox.connected(session_present=False, receive_maximum=2)

    first = outbox.next_packets(LARGE)
    assert outbox.acknowledge(1, 0)
    second = outbox.next_packets(LARGE)

    assert first == [packet(0), packet(1)]
    assert second == [packet(2)]


def test_sent_packets_carry_dup_when_the_session_is_present() -> None:
    outbox = filled(3)
    outbox.connected(session_present=False, receive_maximum=2)
    outbox.next_packets(LARGE)

    outbox.disconnected()
    outbox.connected(session_present=True, receive_maximum=10)

    assert outbox.next_packets(LARGE) == [as_duplicate(packet(0)), as_duplicate(packet(1)), packet(2)]
    assert outbox.resent == 2


def test_sent_packets_go_as_new_when_the_session_is_lost() -> None:
    outbox = filled(2)
    outbox.connected(session_present=False, receive_maximum=2)
    outbox.next_packets(LARGE)

    outbox.disconnected()
    outbox.connected(session_present=False, receive_maximum=2)

    assert outbox.next_packets(LARGE) == [packet(0), packet(1)]


def test_acknowledgement_is_refused_when_the_id_is_not_on_the_wire() -> None:
    outbox = filled(2)
    outbox.connected(session_present=False, receive_maximum=1)
    outbox.next_packets(LARGE)

    assert not outbox.acknowledge(2, 0)
    assert not outbox.acknowledge(77, 0)
    assert outbox.acknowledge(1, 0)
    assert not outbox.acknowledge(1, 0)
    assert len(outbox) == 1


def test_id_is_skipped_when_it_is_in_use() -> None:
    outbox = Outbox(10)
    outbox.add(outbox.take_id(), b"x")
    assert outbox.reserve_id() == 2
    outbox._last_id = 65_535

    assert outbox.take_id() == 3


def test_ids_run_out_loudly_when_all_are_in_use() -> None:
    outbox = Outbox(70_000)
    for _ in range(65_535):
        outbox.reserve_id()

    with pytest.raises(LinkError) as caught:
        outbox.take_id()

    assert caught.value.code == "mqtt.protocol"


@given(
    st.lists(st.sampled_from(["add", "ack", "cut", "lose", "send", "withdraw"]), max_size=60),
    st.integers(1, 4),
)
def test_every_publish_is_acknowledged_once_and_in_order_when_connections_come_and_go(
    steps: list[str], window: int
) -> None:
    outbox = Outbox(1000)
    outbox.connected(session_present=False, receive_maximum=window)
    made: list[bytes] = []
    live = []
    seen: list[bytes] = []
    on_wire: dict[bytes, int] = {}

    def send() -> None:
        for data in outbox.next_packets(LARGE):
            plain = bytes((data[0] & ~0x08,)) + data[1:]
            seen.append(plain)
            on_wire[plain] = next(p.packet_id for p in outbox._unacked.values() if p.data == plain)
            assert len(on_wire) <= window

    for step in steps:
        if step == "add":
            made.append(packet(len(made)))
            live.append(outbox.add(outbox.take_id(), made[-1]))
        elif step == "ack" and on_wire:
            assert outbox.acknowledge(on_wire.pop(next(iter(on_wire))), 0)
        elif step in ("cut", "lose"):
            outbox.disconnected()
            on_wire.clear()
            outbox.connected(session_present=step == "cut", receive_maximum=window)
        elif step == "withdraw" and live:
            gone = live.pop()
            if outbox.withdraw(gone):
                made.remove(gone.data)
        send()
    while len(outbox):
        send()
        outbox.acknowledge(on_wire.pop(next(iter(on_wire))), 0)
    assert list(dict.fromkeys(seen)) == made
