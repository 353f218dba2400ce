"""What every `Link` promises, on every broker: one suite for all implementations."""

from __future__ import annotations

import pytest
import trio
from tests.fakes.links import Case, running
from tests.fakes.trio_run import in_trio, until

from alloy_agent.errors import LinkError
from alloy_agent.mqtt.link import Message, Subscription, Will


async def take(subscription: Subscription, count: int) -> list[Message]:
    """Read and acknowledge this many messages."""
    taken: list[Message] = []
    while len(taken) < count:
        batch = await subscription.batch(count - len(taken))
        assert batch
        for message in batch:
            message.acknowledge()
        taken += batch
    return taken


@in_trio
async def test_hooks_run_and_run_ends_when_link_connects_and_disconnects(case: Case) -> None:
    seen: list[bool] = []
    async with case.broker() as broker:
        link = case.make(broker.port)
        link.on_connect(seen.append)

        async with running(link):
            assert link.stats.connected

        assert seen == [False]
        assert not link.stats.connected
        assert link.stats.last_error == ""


@pytest.mark.parametrize("qos", [0, 1])
@in_trio
async def test_messages_arrive_in_order_when_published_one_after_the_other(case: Case, qos: int) -> None:
    async with case.broker() as broker, running(case.make(broker.port)) as link:
        subscription = await link.subscribe("lab/+/value", qos=qos)

        for number in range(50):
            result = await link.publish("lab/a/value", b"%d" % number, qos=qos)
            assert result.delivered

        messages = await take(subscription, 50)
        assert [message.payload for message in messages] == [b"%d" % number for number in range(50)]
        assert {(message.topic, message.qos, message.retain) for message in messages} == {
            ("lab/a/value", qos, False)
        }
        assert all(message.received_ns > 1_700_000_000 * 10**9 for message in messages)


@in_trio
async def test_tickets_keep_the_order_when_many_are_in_flight(case: Case) -> None:
    async with case.broker() as broker, running(case.make(broker.port, inflight_maximum=20)) as link:
        subscription = await link.subscribe("t", qos=1)
        got: list[Message] = []

        async def read() -> None:
            got.extend(await take(subscription, 200))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            tickets = [await link.send("t", b"%d" % number) for number in range(200)]

        assert [message.payload for message in got] == [b"%d" % number for number in range(200)]
        assert all([(await ticket.wait()).delivered for ticket in tickets])


@in_trio
async def test_payload_arrives_whole_when_it_is_large(case: Case) -> None:
    payload = bytes(range(256)) * 2000  # 512,000 bytes: many reads of the socket
    async with case.broker() as broker, running(case.make(broker.port)) as link:
        subscription = await link.subscribe("big", qos=1)

        await link.publish("big", payload)
        await link.publish("big", b"")

        large, empty = await take(subscription, 2)
        assert large.payload == payload
        assert empty.payload == b""


@in_trio
async def test_publish_is_refused_when_packet_exceeds_the_limit(case: Case) -> None:
    async with case.broker() as broker, running(case.make(broker.port, max_packet_bytes=2048)) as link:
        with pytest.raises(LinkError) as caught:
            await link.publish("big", b"x" * 4096)

        assert caught.value.code == "mqtt.packet_too_large"
        await link.publish("big", b"x" * 1024)


@pytest.mark.parametrize("topic", ["a/+", "#", "", "a\0b"])
@in_trio
async def test_publish_is_refused_when_topic_breaks_the_rules(case: Case, topic: str) -> None:
    async with case.broker() as broker, running(case.make(broker.port)) as link:
        with pytest.raises(LinkError) as caught:
            await link.publish(topic, b"")

        assert caught.value.code == "mqtt.topic"


@in_trio
async def test_retained_message_comes_marked_when_subscribing_later(case: Case) -> None:
    async with case.broker() as broker, running(case.make(broker.port)) as link:
        await link.publish("status", b"ready", retain=True)

        first = await take(await link.subscribe("status"), 1)
        await link.unsubscribe("status")
        await link.publish("status", b"", retain=True)
        second = await link.subscribe("status")
        await link.publish("status", b"live")
        live = await take(second, 1)

        assert (first[0].payload, first[0].retain) == (b"ready", True)
        assert (live[0].payload, live[0].retain) == (b"live", False)


@in_trio
async def test_will_is_published_when_the_connection_is_cut(case: Case) -> None:
    async with case.broker() as broker:
        link = case.make(broker.port, backoff_first_s=60.0, backoff_max_s=60.0)
        link.set_will(Will("status", b"lost", delay_s=0))
        watcher = Case("session", case.kind, case.folder).make(broker.direct, "watcher")
        async with running(watcher):
            wills = await watcher.subscribe("status")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(link.run)
                await link.wait_connected()

                await broker.proxy.cut()

                assert [message.payload for message in await take(wills, 1)] == [b"lost"]
                nursery.cancel_scope.cancel()


@in_trio
async def test_will_is_not_published_when_link_disconnects(case: Case) -> None:
    async with case.broker() as broker:
        watcher = Case("session", case.kind, case.folder).make(broker.direct, "watcher")
        async with running(watcher):
            seen = await watcher.subscribe("status")
            link = case.make(broker.port)
            link.set_will(Will("status", b"lost", delay_s=0))
            async with running(link):
                await link.publish("status", b"here")
            await watcher.publish("status", b"after")

            assert [message.payload for message in await take(seen, 2)] == [b"here", b"after"]


@in_trio
async def test_nothing_is_lost_when_the_connection_is_cut_again_and_again(case: Case) -> None:
    async with case.broker() as broker:
        watcher = Case("session", case.kind, case.folder).make(broker.direct, "watcher")
        async with running(watcher):
            subscription = await watcher.subscribe("data", qos=1)
            wanted = {b"%d" % number for number in range(300)}
            got: list[bytes] = []

            async def read() -> None:
                while set(got) != wanted:
                    got.extend(message.payload for message in await take(subscription, 1))

            async with (
                running(case.make(broker.port, inflight_maximum=32)) as link,
                trio.open_nursery() as nursery,
            ):
                nursery.start_soon(read)
                tickets = []
                for number in range(300):
                    tickets.append(await link.send("data", b"%d" % number))
                    if number % 60 == 59:
                        await broker.proxy.cut()
                for ticket in tickets:
                    await ticket.wait()

            assert link.stats.connects >= 3
            assert link.stats.resent > 0
            first_seen = list(dict.fromkeys(got))
            assert first_seen == sorted(first_seen, key=int)


@in_trio
async def test_subscription_goes_on_when_the_connection_was_cut(case: Case) -> None:
    async with case.broker() as broker, running(case.make(broker.port)) as link:
        subscription = await link.subscribe("data")

        await broker.proxy.cut()
        await until(lambda: link.stats.connects == 2)
        await link.wait_connected()
        await link.publish("data", b"after")

        assert [message.payload for message in await take(subscription, 1)] == [b"after"]


@in_trio
async def test_publish_waits_and_goes_out_when_the_broker_comes_back(case: Case) -> None:
    async with case.broker() as broker, running(case.make(broker.port)) as link:
        subscription = await link.subscribe("data")
        broker.proxy.open = False
        await broker.proxy.cut()
        await until(lambda: not link.stats.connected)

        ticket = await link.send("data", b"made while away")
        broker.proxy.open = True
        await ticket.wait()

        assert [message.payload for message in await take(subscription, 1)] == [b"made while away"]


@in_trio
async def test_memory_is_bounded_when_a_consumer_never_reads(case: Case) -> None:
    async with case.broker() as broker, running(case.make(broker.port, stall_s=0.05)) as link:
        subscription = await link.subscribe("flood", qos=0, queue=10)
        sender = Case("session", case.kind, case.folder).make(broker.direct, "sender")

        async with running(sender):
            for _ in range(3000):
                await sender.publish("flood", bytes(100), qos=0)
        await link.publish("other", b"answered although nobody reads")  # no deadlock

        assert len(subscription) <= (10 if case.native else 1024)  # type: ignore[arg-type]


@in_trio
async def test_waiting_publishers_get_an_error_when_the_link_ends(case: Case) -> None:
    codes: list[str] = []
    async with case.broker() as broker:
        link = case.make(broker.port, inflight_maximum=4)

        async def publish() -> None:
            try:
                while True:
                    await link.publish("data", bytes(100))
            except LinkError as error:
                codes.append(error.code)

        async with trio.open_nursery() as nursery, running(link):
            for _ in range(10):
                nursery.start_soon(publish)
            await until(lambda: link.stats.acknowledged > 50)

    assert codes == ["mqtt.closed"] * 10


@in_trio
async def test_reason_is_seen_or_declared_unseen_when_nobody_subscribes(case: Case) -> None:
    async with case.broker() as broker, running(case.make(broker.port)) as link:
        result = await link.publish("nobody/listens", b"")

        assert result.seen == link.capabilities.reason_codes == case.native
        assert result.reason == (16 if case.native else 0)
        assert link.stats.no_subscriber == (1 if case.native else 0)


@in_trio
async def test_subscription_ends_when_it_is_closed(case: Case) -> None:
    async with case.broker() as broker, running(case.make(broker.port)) as link:
        one, other = await link.subscribe("data"), await link.subscribe("data")

        await one.close()
        await link.publish("data", b"still")

        assert [message.payload async for message in one] == []
        assert [message.payload for message in await take(other, 1)] == [b"still"]


@pytest.mark.parametrize("topic_filter", ["a/#/b", "a+", "", "$share/group/a"])
@in_trio
async def test_subscribe_is_refused_when_filter_is_not_allowed(case: Case, topic_filter: str) -> None:
    async with case.broker() as broker, running(case.make(broker.port)) as link:
        with pytest.raises(LinkError) as caught:
            await link.subscribe(topic_filter)

        assert caught.value.code in ("mqtt.topic", "mqtt.unsupported")
