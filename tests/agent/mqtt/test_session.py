"""The native session beyond the contract: faults, sessions, acknowledgements, refusals, time."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from tests.fakes.brokers import Running, mini_broker
from tests.fakes.links import FAST, running
from tests.fakes.trio_run import in_trio, until

from alloy_agent.broker import Broker, BrokerOptions, Faults
from alloy_agent.errors import LinkError
from alloy_agent.mqtt.link import LinkOptions, Will
from alloy_agent.mqtt.session import MqttSession


def session(port: int, name: str = "device", **options: object) -> MqttSession:
    return MqttSession(
        LinkOptions(**{"host": "127.0.0.1", "port": port, "client_id": name, **FAST, **options})
    )  # type: ignore[arg-type]


def mini(broker: Running) -> Broker:
    assert broker.mini is not None
    return broker.mini


# -- outbound ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@in_trio
async def test_nothing_is_lost_when_the_broker_drops_the_connection_after_packet_n() -> None:
    async with mini_broker(faults=Faults(drop_after=7)) as broker:
        watcher = session(broker.direct, "watcher")
        async with running(watcher):
            subscription = await watcher.subscribe("data")
            got: list[int] = []
            async with (
                running(session(broker.port, inflight_maximum=16)) as link,
                trio.open_nursery() as nursery,
            ):

                async def read() -> None:
                    while len(set(got)) < 100:
                        for message in await subscription.batch(10):
                            message.acknowledge()
                            got.append(int(message.payload))

                nursery.start_soon(read)
                tickets = [await link.send("data", b"%d" % number) for number in range(100)]
                for ticket in tickets:
                    assert (await ticket.wait()).delivered

        assert mini(broker).stats.faults >= 10
        assert link.stats.resent >= 10
        assert list(dict.fromkeys(got)) == list(range(100))


@in_trio
async def test_publishes_survive_when_the_broker_is_stopped_and_started() -> None:
    broker = Broker(BrokerOptions())
    async with trio.open_nursery() as outer:
        first = await outer.start(_hosted, broker)
        link, watcher = session(broker.port), session(broker.port, "watcher")
        outer.start_soon(link.run)
        outer.start_soon(watcher.run)
        subscription = await watcher.subscribe("data")
        await link.publish("data", b"0")
        first.cancel()
        await until(lambda: not link.stats.connected and not watcher.stats.connected)
        tickets = [await link.send("data", b"%d" % number) for number in range(1, 20)]

        await outer.start(_hosted, broker)

        for ticket in tickets:
            assert (await ticket.wait()).reason in (0, 16)
        got: list[bytes] = []
        while len(got) < 20:
            for message in await subscription.batch(20):
                message.acknowledge()
                got.append(message.payload)
        assert got == [b"%d" % number for number in range(20)]
        outer.cancel_scope.cancel()


async def _hosted(broker: Broker, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            await nursery.start(broker.run)
            task_status.started(scope)


def test_connection_stays_when_the_host_stood_still_longer_than_the_keepalive() -> None:
    clock = trio.testing.MockClock()

    async def main() -> None:
        async with mini_broker() as broker, running(session(broker.port, keepalive_s=4)) as link:
            for _ in range(3):
                clock.jump(100)  # broker and session wake together; neither has had the time to say anything
                await trio.testing.wait_all_tasks_blocked(0.05)

            assert link.stats.connected
            assert link.stats.connects == 1

    trio.run(main, clock=clock)


@pytest.mark.slow
@in_trio
async def test_unanswered_publish_is_sent_again_when_pubacks_carry_wrong_ids() -> None:
    faults = Faults(wrong_ids=3)
    async with (
        mini_broker(faults=faults) as broker,
        running(session(broker.port, ack_timeout_s=0.05)) as link,
    ):
        await link.publish("data", b"x")

        assert link.stats.connects > 1
        assert link.stats.resent > 0


@in_trio
async def test_publish_waits_when_puback_is_delayed() -> None:
    async with (
        mini_broker(faults=Faults(delay_puback_s=0.05)) as broker,
        running(session(broker.port)) as link,
    ):
        ticket = await link.send("data", b"x")

        assert ticket.pending.reason == -1
        assert (await ticket.wait()).reason == 16


@in_trio
async def test_reason_16_is_reported_when_the_broker_claims_no_subscriber() -> None:
    async with mini_broker(faults=Faults(reason16=True)) as broker, running(session(broker.port)) as link:
        await link.subscribe("data")

        result = await link.publish("data", b"x")

        assert (result.reason, result.delivered, link.stats.no_subscriber) == (16, False, 1)


@in_trio
async def test_publish_is_forgotten_when_cancelled_before_it_was_sent() -> None:
    async with mini_broker() as broker, running(session(broker.port)) as link:
        subscription = await link.subscribe("data")
        broker.proxy.open = False
        await broker.proxy.cut()
        await until(lambda: not link.stats.connected)

        with trio.move_on_after(0.01):
            await link.publish("data", b"cancelled")
        broker.proxy.open = True
        await link.publish("data", b"kept")

        assert (await anext(subscription)).payload == b"kept"


@in_trio
async def test_receive_maximum_of_the_broker_is_respected_when_many_are_in_flight() -> None:
    options = BrokerOptions(receive_maximum=3)
    async with (
        mini_broker(options, Faults(delay_puback_s=0.001)) as broker,
        running(session(broker.port)) as link,
    ):
        tickets = [await link.send("data", b"x") for _ in range(50)]
        for ticket in tickets:
            await ticket.wait()

        assert link.stats.connects == 1  # one more than 3 unanswered would have been a DISCONNECT


@in_trio
async def test_publish_fails_when_a_new_connection_takes_smaller_packets() -> None:
    async with mini_broker(BrokerOptions(max_packet_bytes=1024)) as broker, trio.open_nursery() as nursery:
        link = session(broker.port)
        ticket = await link.send("data", b"x" * 2000)  # not connected: the limit is not known yet
        nursery.start_soon(link.run)

        with pytest.raises(LinkError) as caught:
            await ticket.wait()

        assert caught.value.code == "mqtt.packet_too_large"
        await link.publish("data", b"x" * 500)
        nursery.cancel_scope.cancel()


# -- inbound -----------------------------------------------------------------------------------------------


@in_trio
async def test_message_is_redelivered_when_it_was_not_acknowledged() -> None:
    async with mini_broker() as broker, running(session(broker.port)) as link:
        subscription = await link.subscribe("data")
        await link.publish("data", b"one")
        await link.publish("data", b"two")
        one, two = await anext(subscription), await anext(subscription)
        two.acknowledge()
        await link.publish("sync", b"")

        await broker.proxy.cut()
        again = await anext(subscription)
        one.acknowledge()  # belongs to the old connection: nothing is sent

        assert (again.payload, again.duplicate) == (b"one", True)
        assert link.stats.stale_acks == 1
        again.acknowledge()
        again.acknowledge()
        await link.publish("sync", b"")
        assert mini(broker).router.sessions["device"].waiting == 0


@in_trio
async def test_subscription_is_made_again_when_the_session_was_lost() -> None:
    async with mini_broker() as broker, running(session(broker.port)) as link:
        present: list[bool] = []
        link.on_connect(present.append)
        subscription = await link.subscribe("data")
        mini(broker).router.forget(mini(broker).router.sessions["device"])

        await broker.proxy.cut()
        await until(lambda: link.stats.connects == 2)
        await link.publish("data", b"again")

        assert present == [False]
        assert (await anext(subscription)).payload == b"again"


@in_trio
async def test_broker_stops_sending_when_receive_maximum_messages_are_unacknowledged() -> None:
    async with mini_broker() as broker, running(session(broker.port, receive_maximum=5)) as link:
        subscription = await link.subscribe("data", queue=1)
        for number in range(20):
            await link.publish("data", b"%d" % number)

        assert len(subscription) == 5
        for number in range(20):
            message = await anext(subscription)
            message.acknowledge()
            assert message.payload == b"%d" % number


@in_trio
async def test_other_side_is_asked_for_fewer_when_messages_take_too_much_memory() -> None:
    options = {"max_packet_bytes": 8192, "inbound_bytes": 20_000}
    async with mini_broker() as broker, running(session(broker.port, **options)) as link:
        subscription = await link.subscribe("data")
        for number in range(10):
            await link.publish("data", bytes([number]) * 7000)

        got: list[int] = []
        while len(set(got)) < 10:
            message = await anext(subscription)
            assert len(subscription) <= 3
            got.append(message.payload[0])
            message.acknowledge()

        assert list(dict.fromkeys(got)) == list(range(10))
        assert link.stats.connects >= 2
        assert "[mqtt.inbound_bytes]" in link.stats.last_error


@in_trio
async def test_all_are_read_when_several_subscriptions_share_a_filter() -> None:
    async with mini_broker() as broker, running(session(broker.port)) as link:
        one, two = await link.subscribe("a/#"), await link.subscribe("a/b")
        await link.publish("a/b", b"x")
        first, second = await anext(one), await anext(two)

        first.acknowledge()
        await link.publish("sync", b"")
        assert mini(broker).router.sessions["device"].waiting == 1
        second.acknowledge()
        await link.publish("sync", b"")

        assert mini(broker).router.sessions["device"].waiting == 0


@in_trio
async def test_waiting_messages_go_to_the_subscription_when_the_process_starts_anew() -> None:
    async with mini_broker() as broker:
        async with running(session(broker.port)) as link:
            await link.subscribe("req/+")
        async with running(session(broker.direct, "other")) as other:
            await other.publish("req/ping", b"waiting")

        async with running(session(broker.port)) as link:
            await until(lambda: link.stats.received == 1)
            subscription = await link.subscribe("req/+")

            assert (await anext(subscription)).payload == b"waiting"


@in_trio
async def test_message_is_let_go_when_no_subscription_claims_it() -> None:
    async with mini_broker() as broker:
        async with running(session(broker.port)) as link:
            await link.subscribe("old")
        async with running(session(broker.direct, "other")) as other:
            await other.publish("old", b"x")

        async with running(session(broker.port, unclaimed_hold_s=0, ack_timeout_s=0.04)) as link:
            await until(lambda: link.stats.unclaimed == 1)
            await link.publish("sync", b"")

            assert mini(broker).router.sessions["device"].waiting == 0


@in_trio
async def test_unread_messages_pass_to_the_successor_when_a_subscription_detaches() -> None:
    async with mini_broker() as broker, running(session(broker.port)) as link:
        first = await link.subscribe("data")
        await link.publish("data", b"unread")

        first.detach()
        second = await link.subscribe("data")

        assert (await anext(second)).payload == b"unread"


@in_trio
async def test_answers_still_come_when_a_qos0_consumer_stalls() -> None:
    async with mini_broker() as broker, running(session(broker.port, stall_s=0.02)) as link:
        subscription = await link.subscribe("flood", qos=0, queue=4)

        for _ in range(50):
            await link.publish("flood", b"x", qos=1)

        assert len(subscription) == 4
        assert link.stats.dropped == 46


@in_trio
async def test_subscribe_raises_when_the_broker_refuses() -> None:
    async with (
        mini_broker(BrokerOptions(max_subscriptions=1)) as broker,
        running(session(broker.port)) as link,
    ):
        await link.subscribe("a")

        with pytest.raises(LinkError) as caught:
            await link.subscribe("b")

        assert (caught.value.code, caught.value.context["reason"]) == ("mqtt.subscribe_refused", 0x97)


# -- refusals and lying peers ------------------------------------------------------------------------------


@in_trio
async def test_credentials_are_used_and_a_refusal_is_shown_when_they_are_wrong() -> None:
    async with mini_broker(BrokerOptions(credentials=("alloy", b"right"))) as broker:
        async with running(session(broker.port, username="alloy", password=b"right")):
            pass
        wrong = session(broker.port, "wrong", username="alloy", password=b"wrong", backoff_max_s=60.0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wrong.run)
            await until(lambda: "BAD_USER_NAME_OR_PASSWORD" in wrong.stats.last_error)

            assert wrong.stats.connects == 0
            nursery.cancel_scope.cancel()


@in_trio
async def test_other_client_with_the_same_id_is_named_when_it_takes_the_session() -> None:
    async with mini_broker() as broker, running(session(broker.port, backoff_max_s=60.0)) as link:
        thief = session(broker.direct)
        async with running(thief):
            await until(lambda: "SESSION_TAKEN_OVER" in link.stats.last_error)

        assert "client id" in link.stats.last_error


@in_trio
async def test_will_with_delay_is_not_published_when_the_link_returns_in_time() -> None:
    async with mini_broker() as broker, running(session(broker.direct, "watcher")) as watcher:
        wills = await watcher.subscribe("status")
        link = session(broker.port)
        link.set_will(Will("status", b"lost", delay_s=30))
        async with running(link):
            await broker.proxy.cut()
            await until(lambda: link.stats.connects == 2)
            await link.wait_connected()
            await link.publish("status", b"here")

            assert (await anext(wills)).payload == b"here"


@in_trio
async def test_link_cannot_run_again_when_it_has_ended() -> None:
    async with mini_broker() as broker:
        async with running(session(broker.port)) as link:
            pass

        for call in (
            link.run,
            link.wait_connected,
            lambda: link.publish("a", b""),
            lambda: link.subscribe("a"),
        ):
            with pytest.raises(LinkError) as caught:
                await call()
            assert caught.value.code == "mqtt.closed"
