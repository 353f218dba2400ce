"""Source `mqtt`: messages of a topic filter, as the daemon's broker connection delivers them.

The connection belongs to the agent, which this package may not import: `Subscriber` says what is needed of
it, and the agent's link has that shape. An input carries its topic and MQTT 5 properties as fields; its
acknowledgement is the PUBACK, so that the broker keeps a QoS 1 message until its blocks are safe.

Source: MQTT 5.0, sections 3.3 and 4.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from alloy_transforms.record import ClockState

from .errors import DeviceError
from .source import Emit, Input, Scalar, SourceStats

BATCH = 256
"""Most messages handed on in one `emit`."""
QUEUE = 256
"""QoS 0 messages that may wait unread; QoS 1 is bounded by the link's receive maximum."""


class Received(Protocol):
    """One message."""

    @property
    def topic(self) -> str:
        """Topic it was published on."""
        ...

    @property
    def payload(self) -> bytes:
        """The bytes, untouched."""
        ...

    @property
    def qos(self) -> int:
        """0 or 1."""
        ...

    @property
    def retain(self) -> bool:
        """True for a message the broker had kept."""
        ...

    @property
    def content_type(self) -> str:
        """MQTT 5 content type; empty if none."""
        ...

    @property
    def received_ns(self) -> int:
        """UTC ns when the packet was read from the socket."""
        ...

    @property
    def acknowledge(self) -> Callable[[], None]:
        """Sends the PUBACK (QoS 1)."""
        ...


class Incoming(Protocol):
    """Messages of one subscription, in order."""

    async def batch(self, limit: int) -> Sequence[Received]:
        """Wait for one message, then take up to `limit`; empty when the subscription ended."""
        ...

    def detach(self) -> None:
        """Stop reading; unread QoS 1 messages stay with the broker connection for a successor."""
        ...


class Subscriber(Protocol):
    """Something that subscribes: the agent's MQTT link."""

    async def subscribe(self, topic_filter: str, *, qos: int, queue: int) -> Incoming:
        """Subscribe, now and after every reconnect."""
        ...


class MqttSource:
    """Messages of one topic filter.

    Args:
        name: name of the pipeline, for messages.
        subscriber: the broker connection.
        topic_filter: what to subscribe to; wildcards allowed.
        qos: 0 or 1.
        manual_acknowledge: whether the connection sends PUBACK only when told to.
        clock: state of the host's clock now.
    """

    def __init__(
        self,
        name: str,
        subscriber: Subscriber,
        topic_filter: str,
        *,
        qos: int = 1,
        manual_acknowledge: bool = True,
        clock: Callable[[], ClockState],
    ) -> None:
        if qos not in (0, 1):
            raise DeviceError(
                "device.mqtt_qos", "the mqtt source reads with QoS 0 or 1", where=name, got=f"QoS {qos}"
            )
        self.name = name
        self.can_acknowledge = qos == 1 and manual_acknowledge
        self.stats = SourceStats()
        self._subscriber = subscriber
        self._topic_filter = topic_filter
        self._qos = qos
        self._clock = clock

    async def run(self, emit: Emit) -> None:
        """Emit messages in order until cancelled, or until the link ends.

        A retained message that the broker replays is an input like any other; field `retained` says so.
        """
        incoming = await self._subscriber.subscribe(self._topic_filter, qos=self._qos, queue=QUEUE)
        self.stats.connected = True
        try:
            while messages := await incoming.batch(BATCH):
                clock = self._clock()
                self.stats.inputs += len(messages)
                self.stats.bytes += sum(len(message.payload) for message in messages)
                await emit([self._input(message, clock) for message in messages])
        finally:
            incoming.detach()  # not unsubscribed: while the daemon is down, messages wait at the broker
            self.stats.connected = False

    def _input(self, message: Received, clock: ClockState) -> Input:
        fields: dict[str, Scalar] = {"topic": message.topic, "retained": message.retain}
        if message.content_type:
            fields["content_type"] = message.content_type
        acknowledge = message.acknowledge if self.can_acknowledge and message.qos else None
        return Input(message.payload, message.received_ns, clock, fields, acknowledge)
