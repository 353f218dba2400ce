"""The native session and a broker that lies, refuses or says nothing; options that cannot work."""

from __future__ import annotations

import mqtt5
import pytest
import trio
import trio.testing
from tests.fakes.links import FAST
from tests.fakes.peer import Peer
from tests.fakes.trio_run import in_trio, until

from alloy_agent.errors import LinkError
from alloy_agent.mqtt.link import LinkOptions
from alloy_agent.mqtt.session import MqttSession

CONNACK = mqtt5.ConnAckPacket().write()
LIES = {
    "bytes that are no packet": (CONNACK + b"\xff\xff\xff\xff\xff\xff", "mqtt.malformed"),
    "text that is not UTF-8": (CONNACK + b"\x30\x05\x00\x02\xc3\x28\x00", "mqtt.malformed"),
    "a field beyond its packet": (CONNACK + b"\x30\x04\x00\x09ab", "mqtt.malformed"),
    "a packet beyond the limit": (CONNACK + b"\x30\xff\xff\xff\x7f", "mqtt.packet_too_large"),
    "a client's packet": (CONNACK + mqtt5.PingReqPacket().write(), "mqtt.protocol"),
    "no CONNACK": (mqtt5.PingRespPacket().write(), "mqtt.protocol"),
    "two CONNACKs": (CONNACK + CONNACK, "mqtt.protocol"),
    "MQTT 3.1.1": (b"\x20\x02\x00\x01", "mqtt.version"),
    "QoS 0 only": (mqtt5.ConnAckPacket(max_qos=mqtt5.QoS.AT_MOST_ONCE).write(), "mqtt.unsupported"),
    "a goodbye": (
        CONNACK + mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SERVER_SHUTTING_DOWN).write(),
        "mqtt.disconnected",
    ),
    "a topic alias": (
        CONNACK + mqtt5.PublishPacket("a", b"", topic_alias=1).write(),
        "mqtt.protocol",
    ),
    "QoS 2": (
        CONNACK + mqtt5.PublishPacket("a", b"", qos=mqtt5.QoS.EXACTLY_ONCE, packet_id=1).write(),
        "mqtt.protocol",
    ),
    "a refusal": (
        mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.QUOTA_EXCEEDED).write(),
        "mqtt.refused",
    ),
    "nothing and hangs up": (b"", "mqtt.lost"),
}


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the codec panics on bad UTF-8
@pytest.mark.parametrize("lie", LIES)
@in_trio
async def test_link_reconnects_when_the_broker_sends(lie: str) -> None:
    data, code = LIES[lie]
    peer = Peer([data])
    link = MqttSession(LinkOptions("peer", 1883, "device", **FAST), dial=peer.dial)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.run)
        await until(lambda: peer.dialled >= 2)

        assert f"[{code}]" in link.stats.last_error
        nursery.cancel_scope.cancel()


def test_link_gives_up_a_silent_broker_when_a_ping_is_not_answered() -> None:
    peer = Peer([CONNACK], hang_up=False)
    link = MqttSession(
        LinkOptions("peer", 1883, "device", keepalive_s=30, **FAST),
        dial=peer.dial,  # type: ignore[arg-type]
    )

    async def main() -> float:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run)
            await link.wait_connected()
            begun = trio.current_time()
            await until(lambda: link.stats.connects == 2, step_s=0.5)
            nursery.cancel_scope.cancel()
        return trio.current_time() - begun

    waited = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0.001))

    assert 25 <= waited <= 30  # ping after half the keep-alive, 10 s for the answer
    assert mqtt5.PingReqPacket().write() in bytes(peer.received)


def test_link_gives_up_when_the_broker_does_not_answer_connect() -> None:
    peer = Peer([b""], hang_up=False)
    link = MqttSession(
        LinkOptions("peer", 1883, "device", connect_timeout_s=5, **FAST),
        dial=peer.dial,  # type: ignore[arg-type]
    )

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run)
            await until(lambda: peer.dialled == 2, step_s=0.5)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0.001))

    assert "[mqtt.unreachable]" in link.stats.last_error


def test_link_reconnects_when_a_publish_is_never_acknowledged() -> None:
    peer = Peer([CONNACK], hang_up=False)
    options = LinkOptions("peer", 1883, "device", ack_timeout_s=20, keepalive_s=600, **FAST)  # type: ignore[arg-type]
    link = MqttSession(options, dial=peer.dial)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run)
            await link.wait_connected()
            await link.send("a", b"x")
            await until(lambda: link.stats.connects == 2, step_s=0.5)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0.001))

    assert "[mqtt.ack_timeout]" in link.stats.last_error


@in_trio
async def test_error_names_the_address_when_nobody_listens() -> None:
    link = MqttSession(LinkOptions("127.0.0.1", 9, "device", **FAST))  # type: ignore[arg-type]  # the discard port: closed on any sane host
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.run)
        await until(lambda: link.stats.last_error != "")

        assert "127.0.0.1:9" in link.stats.last_error
        nursery.cancel_scope.cancel()


@in_trio
async def test_link_stays_and_counts_when_the_broker_sends_more_than_the_receive_maximum() -> None:
    many = [
        mqtt5.PublishPacket("a", b"", qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number).write()
        for number in range(1, 71)
    ]
    peer = Peer([CONNACK + b"".join(many)], hang_up=False)
    link = MqttSession(LinkOptions("peer", 1883, "device", **FAST), dial=peer.dial)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.run)
        await until(lambda: link.stats.received == 70)

        assert link.stats.connected
        assert link.stats.overrun == 70 - LinkOptions("peer", 1883, "device").receive_maximum
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "wrong",
    [{"port": 0}, {"keepalive_s": 0}, {"receive_maximum": 0}, {"backoff_max_s": 0.0001}, {"client_id": ""}],
)
def test_options_are_refused_when_out_of_range(wrong: dict[str, object]) -> None:
    with pytest.raises(LinkError) as caught:
        LinkOptions(**{"host": "h", "port": 1, "client_id": "c", **wrong})  # type: ignore[arg-type]

    assert caught.value.code == "mqtt.option"
