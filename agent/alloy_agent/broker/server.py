"""The broker itself: listens on loopback, owns sessions, wills and expiry."""

from __future__ import annotations

import math

import mqtt5
import trio

from ..errors import BrokerError
from .client import Client
from .options import BrokerOptions, BrokerStats, Faults
from .router import Router
from .store import Session


class Broker:
    """A small MQTT 5 broker; sessions live in memory, so `run` may be called again after it was cancelled.

    Args:
        options: bounds and address.
        faults: what goes wrong on purpose; may be changed while it runs.
    """

    def __init__(self, options: BrokerOptions | None = None, faults: Faults | None = None) -> None:
        self.options = options or BrokerOptions()
        self.faults = faults or Faults()
        self.stats = BrokerStats()
        self.router = Router(self.options, self.stats)
        self.port = self.options.port
        self._clients: dict[Client, Session | None] = {}
        self._linger: dict[Session, trio.CancelScope] = {}
        self._nursery: trio.Nursery | None = None
        self._names = 0

    async def run(self, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; `task_status` is told the port.

        Raises:
            BrokerError: `broker.listen`.
        """
        try:
            listeners = await trio.open_tcp_listeners(self.port, host=self.options.host)
        except OSError as error:
            raise BrokerError(
                "broker.listen",
                f"the port could not be opened: {error}",
                where=f"{self.options.host}:{self.port}",
                hint="choose another port, or 0 for any free one",
            ) from error
        for spare in listeners[1:]:  # "localhost" may be two addresses: one port number, one listener
            await spare.aclose()
        self.port = listeners[0].socket.getsockname()[1]
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                for session in self.router.sessions.values():
                    nursery.start_soon(self._outlive, session, None)
                task_status.started(self.port)
                await trio.serve_listeners(self._serve, listeners[:1], handler_nursery=nursery)
        finally:
            self._nursery = None
            for session in self.router.sessions.values():
                session.detach()

    async def _serve(self, stream: trio.SocketStream) -> None:
        if len(self._clients) >= self.options.max_clients:
            await stream.aclose()
            return
        client = Client(stream, self)
        self._clients[client] = None
        try:
            await client.serve()
        finally:
            del self._clients[client]

    # -- sessions ----------------------------------------------------------------------------------------

    def admit(self, client: Client, connect: mqtt5.ConnectPacket) -> tuple[Session, bool]:
        """Find or make the session of a CONNECT (MQTT 5.0, section 3.1.4)."""
        sessions = self.router.sessions
        name = connect.client_id
        if not name:
            self._names += 1
            name = f"auto-{self._names}"
        session = sessions.get(name)
        if session is not None:
            for other, owned in self._clients.items():
                if owned is session:
                    other.send_away(mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER)
                    self._clients[other] = None
            self._stop_lingering(session)
            if connect.clean_start:
                self._publish_will(session)
                self.router.forget(session)
                session = None
        present = session is not None
        if session is None:
            self._make_room()
            session = sessions[name] = Session(name, self.options)
        session.expiry_s = min(connect.session_expiry_interval, self.options.max_session_expiry_s)
        session.will = connect.will
        self._clients[client] = session
        self.stats.connects += 1
        return session, present

    def _make_room(self) -> None:
        """Bounded sessions: the oldest absent one goes."""
        sessions = self.router.sessions
        if len(sessions) >= self.options.max_sessions:
            absent = [session for session in sessions.values() if session.send is None]
            if absent:
                self._stop_lingering(absent[0])
                self.router.forget(absent[0])

    def leave(self, client: Client, session: Session, *, publish_will: bool) -> None:
        """A connection ended; its session lingers for its expiry, its will for its delay."""
        if self._clients.get(client) is not session:
            return  # another connection has taken the session over
        session.detach()
        will = session.will if publish_will else None
        session.will = will
        if self._nursery is not None:
            self._nursery.start_soon(self._outlive, session, will)

    async def _outlive(self, session: Session, will: mqtt5.Will | None) -> None:
        """The will is published after its delay or when the session ends, whichever is first (3.1.3.2.2)."""
        with trio.CancelScope() as scope:
            self._linger[session] = scope
            expiry: float = session.expiry_s if session.expiry_s != 0xFFFF_FFFF else math.inf
            delay = 0.0
            if will is not None:
                delay = min(float(will.will_delay_interval), expiry)
                if delay:
                    await trio.sleep(delay)
                self._publish_will(session)
            if expiry > delay:
                await trio.sleep(expiry - delay)
            if session.send is None:
                self.router.forget(session)
        if self._linger.get(session) is scope:
            del self._linger[session]

    def _stop_lingering(self, session: Session) -> None:
        scope = self._linger.pop(session, None)
        if scope is not None:
            scope.cancel()

    def _publish_will(self, session: Session) -> None:
        will, session.will = session.will, None
        if will is None:
            return
        packet = mqtt5.PublishPacket(
            will.topic,
            will.payload or b"",
            qos=will.qos,
            retain=will.retain,
            packet_id=1 if will.qos == mqtt5.QoS.AT_LEAST_ONCE else None,
            payload_format_indicator=will.payload_format_indicator,
            message_expiry_interval=will.message_expiry_interval,
            content_type=will.content_type,
            response_topic=will.response_topic,
            correlation_data=will.correlation_data,
            user_properties=will.user_properties,
        )
        self.router.publish(packet, None, trio.current_time())

    def wake_publishers(self) -> None:
        """A queue has room again: publishes that waited for it go on."""
        for client, session in self._clients.items():
            if session is not None:
                client.settle_blocked()
