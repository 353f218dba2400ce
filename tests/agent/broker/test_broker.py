"""The demo broker, seen by an independent client (paho) and by hand-made packets."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from queue import SimpleQueue
from typing import Any

import mqtt5
import paho.mqtt.client as paho
import pytest
import trio
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from tests.fakes.brokers import free_port, mini_broker
from tests.fakes.trio_run import in_trio

from alloy_agent.bench.mqtt import broker_process
from alloy_agent.broker import BrokerOptions, Faults
from alloy_agent.errors import BrokerError
from alloy_agent.mqtt.codec import PacketReader

WAIT_S = 60


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The broker as a user starts it, in its own process."""
    with broker_process() as number:
        yield number


@contextmanager
def paho_client(port: int, **options: Any) -> Iterator[tuple[paho.Client, SimpleQueue[Any]]]:
    """A connected paho client and everything that happens to it."""
    events: SimpleQueue[Any] = SimpleQueue()
    client = paho.Client(
        CallbackAPIVersion.VERSION2, protocol=options.pop("protocol", paho.MQTTv5), **options
    )
    client.on_connect = lambda _c, _d, _f, code, _p: events.put(("connected", code.value))
    client.on_message = lambda _c, _d, message: events.put((message.topic, message.payload, message.retain))
    client.on_subscribe = lambda _c, _d, _m, codes, _p: events.put(
        ("granted", [code.value for code in codes])
    )
    client.on_publish = lambda _c, _d, _m, code, _p: events.put(("published", code.value))
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield client, events
    finally:
        client.disconnect()
        client.loop_stop()


def test_paho_publishes_and_receives_when_it_uses_the_broker(port: int) -> None:
    with paho_client(port) as (client, events):
        assert events.get(timeout=WAIT_S) == ("connected", 0)
        client.subscribe([("lab/+", 2), ("$share/g/x", 1)])
        assert events.get(timeout=WAIT_S) == ("granted", [1, 0x9E])

        client.publish("lab/a", b"hello", 1)
        client.publish("nobody", b"", 1)

        seen = [events.get(timeout=WAIT_S) for _ in range(3)]
        assert sorted(map(repr, seen)) == sorted(
            map(repr, [("lab/a", b"hello", False), ("published", 0), ("published", 16)])
        )


def test_retained_message_is_given_when_paho_subscribes_later(port: int) -> None:
    with paho_client(port) as (client, events):
        assert events.get(timeout=WAIT_S)[0] == "connected"
        client.publish("kept/x", b"state", 1, retain=True)
        assert events.get(timeout=WAIT_S)[0] == "published"

        client.subscribe("kept/#", 1)

        assert events.get(timeout=WAIT_S)[0] == "granted"
        assert events.get(timeout=WAIT_S) == ("kept/x", b"state", True)


def test_will_is_published_when_a_socket_dies(port: int) -> None:
    with paho_client(port) as (client, events):
        assert events.get(timeout=WAIT_S)[0] == "connected"
        client.subscribe("status", 1)
        assert events.get(timeout=WAIT_S)[0] == "granted"
        with socket.create_connection(("127.0.0.1", port)) as dying:
            will = mqtt5.Will("status", payload=b"lost")
            dying.sendall(mqtt5.ConnectPacket("dying", will=will).write())
            assert dying.recv(100)

        assert events.get(timeout=WAIT_S) == ("status", b"lost", False)


def test_properties_reach_the_subscriber_when_paho_sends_them(port: int) -> None:
    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = "application/cbor"
    properties.UserProperty = ("boot", "1")
    got: SimpleQueue[Any] = SimpleQueue()
    with paho_client(port) as (client, events):
        client.on_message = lambda _c, _d, message: got.put(message.properties)
        assert events.get(timeout=WAIT_S)[0] == "connected"
        client.subscribe("props", 1)
        assert events.get(timeout=WAIT_S)[0] == "granted"

        client.publish("props", b"", 1, properties=properties)

        seen = got.get(timeout=WAIT_S)
        assert (seen.ContentType, seen.UserProperty) == ("application/cbor", [("boot", "1")])


def test_client_of_mqtt_311_is_told_so_when_it_connects(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as old:
        old.sendall(bytes.fromhex("100d00044d5154540402003c000161"))

        assert old.recv(10) == b"\x20\x02\x00\x01"  # unacceptable protocol version
        assert old.recv(10) == b""


# -- by hand -----------------------------------------------------------------------------------------------


class Raw:
    """A client that sends any bytes."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._reader = PacketReader(1 << 20)
        self._packets: list[mqtt5.Packet] = []

    async def send(self, *packets: Any) -> None:
        await self.stream.send_all(b"".join(p if isinstance(p, bytes) else p.write() for p in packets))

    async def next(self) -> Any:
        """The next packet; None when the broker closed."""
        while not self._packets:
            data = await self.stream.receive_some()
            if not data:
                return None
            self._packets = self._reader.feed(bytes(data))
        return self._packets.pop(0)


class Hand:
    """Opens clients by hand on one broker."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.streams: list[trio.SocketStream] = []

    async def open(self) -> Raw:
        """A connection without CONNECT."""
        self.streams.append(await trio.open_tcp_stream("127.0.0.1", self._port))
        return Raw(self.streams[-1])

    async def connect(self, **connect: Any) -> Raw:
        """A connection whose CONNECT was accepted."""
        client = await self.open()
        await client.send(mqtt5.ConnectPacket(**{"client_id": "raw", **connect}))
        answer = await client.next()
        assert answer.reason_code == mqtt5.ConnAckReasonCode.SUCCESS
        return client


@asynccontextmanager
async def by_hand(options: BrokerOptions | None = None, faults: Faults | None = None) -> AsyncIterator[Hand]:
    """A broker in this loop; what was opened is closed at the end."""
    async with mini_broker(options, faults) as broker:
        hand = Hand(broker.direct)
        yield hand
        for stream in hand.streams:
            await trio.aclose_forcefully(stream)


def qos1(number: int, topic: str = "t", **more: Any) -> mqtt5.PublishPacket:
    return mqtt5.PublishPacket(topic, b"x", qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number, **more)


FORBIDDEN = {
    "QoS 2": (mqtt5.PublishPacket("t", b"", qos=mqtt5.QoS.EXACTLY_ONCE, packet_id=1), 0x9B),
    "a topic alias": (mqtt5.PublishPacket("t", b"", topic_alias=1), 0x94),
    "a NUL in a topic": (mqtt5.PublishPacket("a\0b", b""), 0x90),
    "a second CONNECT": (mqtt5.ConnectPacket("raw"), 0x82),
    "a subscription id": (mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("a")], subscription_id=3), 0xA1),
    "garbage": (b"\xff\xff\xff\xff\xff\xff", 0x81),
    "a huge packet": (b"\x30\xff\xff\xff\x7f", 0x95),
}


@pytest.mark.parametrize("what", FORBIDDEN)
@in_trio
async def test_client_is_sent_away_with_its_reason_when_it_sends(what: str) -> None:
    packet, reason = FORBIDDEN[what]
    async with by_hand() as hand:
        client = await hand.connect()

        await client.send(packet)

        assert int((await client.next()).reason_code) == reason
        assert await client.next() is None


@in_trio
async def test_client_is_sent_away_when_it_exceeds_the_receive_maximum() -> None:
    async with by_hand(BrokerOptions(receive_maximum=2), Faults(delay_puback_s=60)) as hand:
        client = await hand.connect()

        await client.send(qos1(1), qos1(2), qos1(3))

        assert int((await client.next()).reason_code) == 0x93


@pytest.mark.slow
@in_trio
async def test_client_is_sent_away_when_it_misses_its_keepalive() -> None:
    async with by_hand() as hand:
        client = await hand.connect(keep_alive=1)

        assert int((await client.next()).reason_code) == 0x8D


@pytest.mark.parametrize(
    ("connect", "reason"),
    [
        ({"authentication_method": "SCRAM"}, 0x8C),
        ({"will": mqtt5.Will("t", qos=mqtt5.QoS.EXACTLY_ONCE)}, 0x9B),
        ({"client_id": "x" * 300}, 0x85),
        ({"username": "alloy", "password": b"wrong"}, 0x86),
    ],
)
@in_trio
async def test_connect_is_refused_with_its_reason_when_not_allowed(
    connect: dict[str, Any], reason: int
) -> None:
    async with by_hand(BrokerOptions(credentials=("alloy", b"right"))) as hand:
        client = await hand.open()
        packet = {"client_id": "raw", "username": "alloy", "password": b"right", **connect}

        await client.send(mqtt5.ConnectPacket(**packet))

        assert int((await client.next()).reason_code) == reason


@in_trio
async def test_publisher_is_held_back_and_loses_nothing_when_a_consumer_is_full() -> None:
    async with by_hand(BrokerOptions(queue_messages=2)) as hand:
        slow = await hand.connect(client_id="slow", receive_max=1)
        await slow.send(mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("t")]))
        await slow.next()
        fast = await hand.connect(client_id="fast")

        await fast.send(*(qos1(number) for number in range(1, 7)), mqtt5.PingReqPacket())

        answers = [await fast.next() for _ in range(4)]
        assert [type(answer).__name__ for answer in answers] == ["PubAckPacket"] * 3 + ["PingRespPacket"]
        for _ in range(6):
            message = await slow.next()
            await slow.send(mqtt5.PubAckPacket(message.packet_id))
        assert [(await fast.next()).packet_id for _ in range(3)] == [4, 5, 6]


@in_trio
async def test_publisher_goes_on_when_a_full_consumer_stalls() -> None:
    async with by_hand(BrokerOptions(queue_messages=1, stall_s=0.02)) as hand:
        stuck = await hand.connect(client_id="stuck", receive_max=1)
        await stuck.send(mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("t")]))
        await stuck.next()
        fast = await hand.connect(client_id="fast")

        await fast.send(*(qos1(number) for number in range(1, 5)))

        assert [int((await fast.next()).reason_code) for _ in range(4)] == [0, 0, 0x97, 0x97]


@in_trio
async def test_queue_of_an_absent_client_is_bounded_and_expired_messages_are_gone() -> None:
    async with by_hand(BrokerOptions(queue_messages=3)) as hand:
        away = await hand.connect(client_id="away", session_expiry_interval=100)
        await away.send(mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("t")]), mqtt5.DisconnectPacket())
        await away.next()
        assert await away.next() is None
        client = await hand.connect()

        await client.send(
            *(qos1(number, message_expiry_interval=100 * (number != 2)) for number in range(1, 6))
        )

        assert [int((await client.next()).reason_code) for _ in range(5)] == [0, 0, 0, 0x97, 0x97]
        back = await hand.open()
        await back.send(mqtt5.ConnectPacket("away"), mqtt5.PingReqPacket())
        assert (await back.next()).session_present
        assert [type(await back.next()).__name__ for _ in range(3)] == [
            "PublishPacket",
            "PublishPacket",
            "PingRespPacket",
        ]


@in_trio
async def test_session_is_forgotten_when_it_expires() -> None:
    async with by_hand() as hand:
        client = await hand.connect(client_id="brief", session_expiry_interval=0)
        await client.send(mqtt5.DisconnectPacket())
        assert await client.next() is None

        again = await hand.open()
        await again.send(mqtt5.ConnectPacket("brief"))

        assert not (await again.next()).session_present


# -- command line ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])
def test_broker_refuses_when_the_address_is_not_loopback(host: str) -> None:
    with pytest.raises(BrokerError) as caught:
        BrokerOptions(host=host)

    assert caught.value.code == "broker.address"


def test_faults_are_refused_when_nothing_could_ever_be_acknowledged() -> None:
    with pytest.raises(BrokerError) as caught:
        Faults(drop_after=1)

    assert caught.value.code == "broker.option"


@pytest.mark.slow
def test_command_says_it_is_not_for_production_and_ends_when_stdin_closes() -> None:
    wanted = free_port()
    command = [sys.executable, "-m", "alloy_agent", "broker", "--port", str(wanted), "--demo"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        first = process.stdout.readline()
        busy = subprocess.run([*command[:-1]], capture_output=True, text=True, timeout=WAIT_S, check=False)
        process.stdin.close()

        assert process.wait(WAIT_S) == 0
    assert first == f"mqtt://127.0.0.1:{wanted} (not for production)\n"
    assert busy.returncode == 1
    assert "[broker.listen]" in busy.stderr
