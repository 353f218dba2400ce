"""The MQTT sink: what the broker's answers mean, and descriptors that are there before their blocks."""

from __future__ import annotations

import pytest
from tests.fakes.answering import FakeLink
from tests.fakes.trio_run import in_trio

from alloy_agent.errors import AgentError
from alloy_agent.pipeline.sinks import MAX_SCHEMAS, MqttSink


def sink(link: FakeLink, *, require_consumer: bool = False, qos: int = 1) -> MqttSink:
    return MqttSink(
        link,
        "data/p/s",
        "schema/",
        qos=qos,
        content_type="application/cbor",
        require_consumer=require_consumer,
    )


async def outcome(reason: int, *, require_consumer: bool = False) -> AgentError | None:
    """What a block comes to when the broker answers so."""
    link = FakeLink(reason)
    ticket = await sink(link, require_consumer=require_consumer).send((b"a", bytearray(b"b")))
    assert [(p.topic, p.payload, p.qos, p.retain) for p in link.published] == [("data/p/s", b"ab", 1, False)]
    try:
        await ticket.wait()
    except AgentError as error:
        return error
    return None


@in_trio
async def test_a_block_is_safe_when_the_broker_took_it() -> None:
    assert await outcome(0) is None
    assert await outcome(0, require_consumer=True) is None
    assert await outcome(16) is None  # MQTT 5.0 section 3.4.2.1: no matching subscribers


@in_trio
async def test_a_block_is_not_safe_when_nobody_subscribed_and_a_consumer_is_required() -> None:
    error = await outcome(16, require_consumer=True)

    assert error is not None
    assert (error.code, error.retryable) == ("sink.no_consumer", True)


@pytest.mark.parametrize(
    ("reason", "retryable"),
    [
        (0x80, True),  # unspecified error
        (0x83, True),  # implementation specific
        (0x97, True),  # quota exceeded
        (0x87, False),  # not authorised
        (0x90, False),  # topic name invalid
        (0x99, False),  # payload format invalid
    ],
)
@in_trio
async def test_a_refusal_is_tried_again_only_when_that_can_help(reason: int, retryable: bool) -> None:
    error = await outcome(reason)

    assert error is not None
    assert (error.code, error.retryable, error.got) == ("sink.refused", retryable, f"reason 0x{reason:02x}")


@in_trio
async def test_the_descriptor_is_retained_before_the_first_block() -> None:
    link = FakeLink(16)

    await sink(link).announce("abc", b"descriptor")

    (said,) = link.published
    assert (said.topic, said.payload, said.qos, said.retain) == ("schema/abc", b"descriptor", 1, True)


@pytest.mark.parametrize(("reason", "retryable"), [(0x87, False), (0x97, True)])
@in_trio
async def test_a_stream_does_not_begin_when_the_broker_refuses_its_descriptor(
    reason: int, retryable: bool
) -> None:
    with pytest.raises(AgentError) as caught:
        await sink(FakeLink(reason)).announce("abc", b"descriptor")

    assert (caught.value.code, caught.value.retryable, caught.value.where) == (
        "sink.refused",
        retryable,
        "schema/abc",
    )


@in_trio
async def test_the_newest_descriptors_are_said_again_after_a_reconnect() -> None:
    link = FakeLink(0)
    out = sink(link)
    for number in range(MAX_SCHEMAS + 2):
        await out.announce(f"{number}", b"d")
    await out.announce("2", b"d")  # used again: now the newest
    link.published.clear()

    await out.announce_again()

    said = [p.topic.removeprefix("schema/") for p in link.published]
    assert len(said) == MAX_SCHEMAS
    assert said == [*map(str, range(3, MAX_SCHEMAS + 2)), "2"]


@in_trio
async def test_other_descriptors_are_said_again_when_the_broker_refuses_one() -> None:
    link = FakeLink(0)
    out = sink(link)
    await out.announce("a", b"d")
    await out.announce("b", b"d")
    link.published.clear()
    link.reason = 0x97

    await out.announce_again()

    assert [p.topic for p in link.published] == ["schema/a", "schema/b"]
