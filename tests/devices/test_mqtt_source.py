"""The `mqtt` source on a real link and the demo broker: fields, order, acknowledgement."""

from __future__ import annotations

import pytest
import trio
from tests.fakes.brokers import Running, mini_broker
from tests.fakes.links import FAST, running
from tests.fakes.trio_run import in_trio, until

from alloy_agent.mqtt.link import LinkOptions
from alloy_agent.mqtt.session import MqttSession
from alloy_devices.errors import DeviceError
from alloy_devices.mqtt import MqttSource
from alloy_devices.source import Input, Source
from alloy_transforms.record import ClockState


def link_to(broker: Running) -> MqttSession:
    return MqttSession(LinkOptions("127.0.0.1", broker.port, "device", **FAST))  # type: ignore[arg-type]


def source_on(link: MqttSession, **options: object) -> MqttSource:
    return MqttSource("roof", link, "lns/+/up", clock=lambda: ClockState.NTP, **options)  # type: ignore[arg-type]


@in_trio
async def test_inputs_carry_topic_and_time_when_messages_arrive() -> None:
    got: list[Input] = []

    async def emit(inputs: list[Input]) -> None:
        got.extend(inputs)

    async with mini_broker() as broker, running(link_to(broker)) as link, trio.open_nursery() as nursery:
        source: Source = source_on(link)  # type: ignore[arg-type]
        nursery.start_soon(source.run, emit)
        await until(lambda: source.stats.connected)
        for number in range(20):
            await link.publish(f"lns/{number}/up", b"%d" % number, content_type="application/json")
        await until(lambda: len(got) == 20)
        nursery.cancel_scope.cancel()

    assert [item.payload for item in got] == [b"%d" % number for number in range(20)]
    assert got[3].fields == {"topic": "lns/3/up", "retained": False, "content_type": "application/json"}
    assert got[3].clock is ClockState.NTP
    assert got[3].received_ns > 1_700_000_000 * 10**9
    assert (source.stats.inputs, source.can_acknowledge) == (20, True)


@in_trio
async def test_input_comes_again_when_it_was_not_acknowledged_before_the_cut() -> None:
    got: list[Input] = []

    async def emit(inputs: list[Input]) -> None:
        got.extend(inputs)

    async with mini_broker() as broker, running(link_to(broker)) as link, trio.open_nursery() as nursery:
        source = source_on(link)
        nursery.start_soon(source.run, emit)
        await until(lambda: source.stats.connected)
        await link.publish("lns/a/up", b"safe")
        await link.publish("lns/a/up", b"not yet safe")
        await until(lambda: len(got) == 2)
        assert got[0].acknowledge is not None
        got[0].acknowledge()
        await link.publish("sync", b"")

        await broker.proxy.cut()
        await until(lambda: len(got) == 3)
        nursery.cancel_scope.cancel()

    assert got[2].payload == b"not yet safe"


@in_trio
async def test_unread_messages_wait_for_the_next_source_when_the_pipeline_restarts() -> None:
    got: list[Input] = []
    gate = trio.Event()

    async def blocked(inputs: list[Input]) -> None:
        await gate.wait()

    async def emit(inputs: list[Input]) -> None:
        got.extend(inputs)

    async with mini_broker() as broker, running(link_to(broker)) as link:
        async with trio.open_nursery() as nursery:
            source = source_on(link)
            nursery.start_soon(source.run, blocked)
            await until(lambda: source.stats.connected)
            await link.publish("lns/a/up", b"taken")
            await link.publish("lns/a/up", b"unread")
            nursery.cancel_scope.cancel()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source_on(link).run, emit)
            await until(lambda: len(got) == 1)
            nursery.cancel_scope.cancel()

    assert got[0].payload == b"unread"


def test_source_cannot_acknowledge_when_the_link_cannot() -> None:
    link = MqttSession(LinkOptions("127.0.0.1", 1, "device"))

    assert not source_on(link, manual_acknowledge=False).can_acknowledge
    assert not source_on(link, qos=0).can_acknowledge


def test_source_is_refused_when_qos_is_2() -> None:
    with pytest.raises(DeviceError) as caught:
        source_on(MqttSession(LinkOptions("127.0.0.1", 1, "device")), qos=2)

    assert caught.value.code == "device.mqtt_qos"
