"""The second `Link`: aiomqtt through trio-asyncio, for brokers that speak MQTT 3.1.1 only.

What it cannot do is declared in `capabilities`, and durable lanes refuse it: it sees no reason codes, it
acknowledges a message on receipt, and it drops messages when a consumer falls behind. Needs the extra
`alloy-edge[mqtt311]`; asyncio and paho are imported only when a link runs.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Unpack

import trio

from ..errors import LinkError
from .aiomqtt_client import check_installed, leaves, new_client
from .backoff import Backoff
from .filters import check_filter, check_topic, is_shared
from .inbound import Subscriptions, no_acknowledgement
from .inbox import Inbox
from .link import Capabilities, LinkOptions, LinkStats, Message, Properties, PublishResult, Will
from .outbox import Pending, too_large
from .ticket import Ticket

if TYPE_CHECKING:
    import asyncio

    import aiomqtt

UNREAD = 1024
"""Messages one subscription may hold unread; beyond, the newest is dropped and counted."""
HEADER_BYTES = 16
"""Room left for the fixed header and the packet id when a size is checked."""


class _Item(Pending):
    """One publish and what it says."""

    __slots__ = ("payload", "qos", "retain", "topic")

    def __init__(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        super().__init__(0, b"")
        self.topic, self.payload, self.qos, self.retain = topic, payload, qos, retain

    def finish(self, error: LinkError | None) -> None:
        """Answered, or never will be."""
        self.reason, self.error = 0, error
        if self.done is not None:
            self.done()


class AiomqttLink:
    """A `Link` over aiomqtt.

    Args:
        options: where and how; `receive_maximum` and session expiry do not exist in MQTT 3.1.1.
        dice: randomness of the back-off.
    """

    def __init__(self, options: LinkOptions, *, dice: Callable[[], float] = random.random) -> None:
        self.capabilities = Capabilities(
            reason_codes=False,
            user_properties=False,
            manual_acknowledge=False,
            will_delay=False,
            extra={"content_type": False, "back_pressure": False, "session_present": False, "expiry": False},
        )
        self.stats = LinkStats()
        self._options = options
        self._backoff = Backoff(options.backoff_first_s, options.backoff_max_s, dice)
        self._will: Will | None = None
        self._hooks: list[Callable[[bool], None]] = []
        self._unacked: dict[_Item, None] = {}  # in order
        self._ready: deque[_Item] = deque()
        self._slots = trio.lowlevel.ParkingLot()
        self._subscriptions = Subscriptions(options, self.stats)
        self._orders: deque[tuple[Inbox | str, trio.Event]] = deque()  # subscribe or unsubscribe
        self._wake: asyncio.Event | None = None  # of the present connection
        self._broken: asyncio.Event | None = None
        self._up = trio.Event()
        self._goodbye = trio.Event()
        self._closed: LinkError | None = None

    # -- life --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, serve, reconnect; returns after `disconnect`.

        Raises:
            LinkError: `mqtt.missing_extra`.
        """
        check_installed()
        import trio_asyncio

        try:
            async with trio_asyncio.open_loop() as loop:
                loop.set_exception_handler(self._on_loop_error)
                while not self._goodbye.is_set():
                    started = trio.current_time()
                    slow = await trio_asyncio.aio_as_trio(self._attempt)()
                    self._backoff.lived(trio.current_time() - started if self.stats.connects else 0.0)
                    with trio.move_on_after(self._backoff.next_s(slow=slow)):
                        await self._goodbye.wait()
        finally:
            self._closed = LinkError("mqtt.closed", "the link has ended")
            for item in tuple(self._unacked):
                item.finish(self._closed)
            self._unacked.clear()
            self._slots.unpark_all()
            self._up.set()
            for inbox in self._subscriptions.inboxes:
                inbox.end(None if inbox.confirmed else self._closed)

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """aiomqtt may register a socket that paho has just closed: an ended connection, not an ended daemon."""
        error = context.get("exception")
        if not isinstance(error, OSError):
            loop.default_exception_handler(context)
            return
        self.stats.last_error = f"mqtt.lost: {error}"
        if self._broken is not None:
            self._broken.set()

    async def _attempt(self) -> bool:
        """One connection, in asyncio; true when the next try should wait long."""
        import aiomqtt

        slow = False
        try:
            async with new_client(self._options, self._will, self.deliver) as client:
                await self._serve(client)
        except* aiomqtt.MqttError as group:
            for error in leaves(group):
                where = f"{self._options.host}:{self._options.port}"
                self.stats.last_error = str(LinkError("mqtt.lost", str(error), where=where, retryable=True))
                slow = slow or "authori" in str(error).lower() or "password" in str(error).lower()
        finally:
            self._down()
        return slow

    async def _serve(self, client: aiomqtt.Client) -> None:
        import asyncio

        self._wake = asyncio.Event()
        self._broken = asyncio.Event()
        self.stats.connects += 1
        self.stats.connected = True
        for hook in self._hooks:
            hook(False)  # aiomqtt does not tell whether the session was present
        self._ready = deque(self._unacked)
        for inbox in self._subscriptions.inboxes:
            inbox.confirmed = False
        while unknown := [inbox for inbox in self._subscriptions.inboxes if not inbox.confirmed]:
            await self._subscribe_now(client, unknown[0])
        self._up.set()
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._watch(client)),
            asyncio.create_task(self._pump(client)),
            asyncio.create_task(self._broken.wait()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _down(self) -> None:
        self._wake = self._broken = None
        self.stats.connected = False
        if self._up.is_set():
            self._up = trio.Event()
        for _, done in self._orders:
            done.set()
        self._orders.clear()

    async def _watch(self, client: aiomqtt.Client) -> None:
        async for _ in client.messages:
            pass  # `Straight` keeps nothing: this only raises when the connection ends

    async def _pump(self, client: aiomqtt.Client) -> None:
        """Start publishes in order (asyncio starts tasks first in, first out) and carry out orders."""
        import asyncio

        assert self._wake is not None
        async with asyncio.TaskGroup() as group:
            while not self._goodbye.is_set():
                while self._orders:
                    subject, done = self._orders.popleft()
                    group.create_task(self._obey(client, subject, done))
                while self._ready:
                    group.create_task(self._publish_now(client, self._ready.popleft()))
                await self._wake.wait()
                self._wake.clear()

    async def _publish_now(self, client: aiomqtt.Client, item: _Item) -> None:
        if item.sent:
            self.stats.resent += 1
        item.sent = True
        await client.publish(
            item.topic, item.payload, item.qos, item.retain, timeout=self._options.ack_timeout_s
        )
        if item in self._unacked:
            del self._unacked[item]
            self.stats.acknowledged += 1 if item.qos else 0
            item.finish(None)
            self._slots.unpark()

    # -- outbound ----------------------------------------------------------------------------------------

    async def wait_connected(self) -> None:
        """Return once the connection is up."""
        await self._up.wait()
        if self._closed is not None:
            raise self._closed

    def on_connect(self, hook: Callable[[bool], None]) -> None:
        """Call `hook(False)` after each CONNACK: whether a session was present is not visible here."""
        self._hooks.append(hook)

    def set_will(self, will: Will | None) -> None:
        """Will of the next CONNECT; its delay does not exist in MQTT 3.1.1."""
        if will is not None:
            check_topic(will.topic)
        self._will = will

    async def send(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        **properties: Unpack[Properties],
    ) -> Ticket:
        """See `Link.send`; MQTT 3.1.1 has no properties: they are left out, as `capabilities` says."""
        del properties
        await trio.lowlevel.checkpoint_if_cancelled()
        check_topic(topic)
        if qos not in (0, 1):
            raise LinkError("mqtt.unsupported", "this client publishes with QoS 0 or 1", got=f"QoS {qos}")
        size = len(payload) + len(topic.encode()) + HEADER_BYTES
        if size > self._options.max_packet_bytes:
            raise too_large(size, self._options.max_packet_bytes)
        if self._slots:
            await self._slots.park()
        while len(self._unacked) >= self._options.inflight_maximum and self._closed is None:
            await self._slots.park()
        if qos == 0:
            await self.wait_connected()
        if self._closed is not None:
            raise self._closed
        item = _Item(topic, payload, qos, retain)
        self._unacked[item] = None
        self.stats.published += 1
        self._ready.append(item)
        if self._wake is not None:
            self._wake.set()
        return Ticket(item, seen=False)

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        **properties: Unpack[Properties],
    ) -> PublishResult:
        """See `Link.publish`."""
        ticket = await self.send(topic, payload, qos=qos, retain=retain, **properties)
        return await ticket.wait()

    async def disconnect(self) -> None:
        """Send DISCONNECT (no will) and end `run`."""
        self._goodbye.set()
        if self._wake is not None:
            self._wake.set()
        await trio.lowlevel.checkpoint()

    # -- inbound -----------------------------------------------------------------------------------------

    def deliver(self, message: aiomqtt.Message) -> None:
        """Called by the client for each message, already acknowledged."""
        payload = message.payload
        topic = str(message.topic)
        self.stats.received += 1
        inboxes, _ = self._subscriptions.targets(topic)
        if not inboxes:
            self.stats.unclaimed += 1
        for inbox in inboxes:
            if len(inbox) >= UNREAD:
                self.stats.dropped += 1
                continue
            data = payload if isinstance(payload, bytes) else str(payload or "").encode()
            inbox.put(
                Message(
                    topic,
                    data,
                    message.qos,
                    message.retain,
                    False,
                    no_acknowledgement,
                    received_ns=time.time_ns(),
                )
            )

    async def subscribe(self, topic_filter: str, *, qos: int = 1, queue: int = 64) -> Inbox:
        """See `Link.subscribe`.

        Raises:
            LinkError: `mqtt.topic`, `mqtt.subscribe_refused`, `mqtt.unsupported` (shared), `mqtt.closed`.
        """
        check_filter(topic_filter)
        if is_shared(topic_filter):
            raise LinkError("mqtt.unsupported", "shared subscriptions are not offered", where=topic_filter)
        if self._closed is not None:
            raise self._closed
        inbox = Inbox(topic_filter, min(max(qos, 0), 1), max(1, queue), self._leave, self._detach)
        self._subscriptions.add(inbox)
        if self._up.is_set():
            self._order(inbox)
        try:
            await inbox.answered.wait()
        except trio.Cancelled:
            self._detach(inbox)
            raise
        if inbox.error is not None:
            raise inbox.error
        return inbox

    def _order(self, subject: Inbox | str) -> trio.Event:
        done = trio.Event()
        self._orders.append((subject, done))
        if self._wake is not None:
            self._wake.set()
        return done

    async def _obey(self, client: aiomqtt.Client, subject: Inbox | str, done: trio.Event) -> None:
        if isinstance(subject, Inbox):
            await self._subscribe_now(client, subject)
        else:
            await client.unsubscribe(subject)
        done.set()

    async def _subscribe_now(self, client: aiomqtt.Client, inbox: Inbox) -> None:
        codes = await client.subscribe(inbox.topic_filter, inbox.qos)
        code = codes[0] if codes else 0x80
        reason = code if isinstance(code, int) else int(code.value)
        if reason < 0x80:
            inbox.confirmed = True
            inbox.answered.set()
            return
        self._detach(inbox)
        inbox.end(
            LinkError(
                "mqtt.subscribe_refused",
                "the broker refused a subscription",
                where=inbox.topic_filter,
                context={"reason": reason},
            )
        )

    def _detach(self, inbox: Inbox) -> None:
        if inbox in self._subscriptions.inboxes:
            self._subscriptions.discard(inbox, trio.current_time())
            self._subscriptions.unclaimed.clear()  # acknowledged already: nobody could be asked again
        inbox.end()

    async def unsubscribe(self, topic_filter: str) -> None:
        """End every subscription of this filter."""
        for inbox in [inbox for inbox in self._subscriptions.inboxes if inbox.topic_filter == topic_filter]:
            self._detach(inbox)
        if self._up.is_set():
            await self._order(topic_filter).wait()

    async def _leave(self, inbox: Inbox) -> None:
        self._detach(inbox)
        if not any(other.topic_filter == inbox.topic_filter for other in self._subscriptions.inboxes):
            await self.unsubscribe(inbox.topic_filter)
