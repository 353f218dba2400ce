"""The aiomqtt client of one connection: our options in its words.

asyncio and aiomqtt are imported inside the functions: the core holds neither unless a link of this kind runs.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import LinkError
from .link import LinkOptions, Will

if TYPE_CHECKING:
    import aiomqtt


def check_installed() -> None:
    """Nothing, or the error that names the extra.

    Raises:
        LinkError: `mqtt.missing_extra`.
    """
    try:
        import aiomqtt  # noqa: F401 - only whether it is there
        import trio_asyncio  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise LinkError(
            "mqtt.missing_extra",
            "the MQTT 3.1.1 client needs aiomqtt and trio-asyncio",
            hint="install `alloy-edge[mqtt311]`",
        ) from error


def new_client(
    options: LinkOptions, will: Will | None, deliver: Callable[[aiomqtt.Message], None]
) -> aiomqtt.Client:
    """A client that is not connected yet and gives each message to `deliver` as it arrives."""
    import asyncio

    import aiomqtt

    class Straight(asyncio.Queue[aiomqtt.Message]):
        """Instead of queueing for asyncio, gives each message to its subscriptions at once."""

        def put_nowait(self, item: aiomqtt.Message) -> None:
            deliver(item)

    last_will = None
    if will is not None:
        last_will = aiomqtt.Will(will.topic, will.payload, qos=min(will.qos, 1), retain=will.retain)
    client = aiomqtt.Client(
        options.host,
        options.port,
        username=options.username,
        password=None if options.password is None else options.password.decode(),
        identifier=options.client_id,
        queue_type=Straight,
        protocol=aiomqtt.ProtocolVersion.V311,
        will=last_will,
        clean_session=False,
        timeout=options.connect_timeout_s,
        keepalive=options.keepalive_s,
        max_inflight_messages=options.inflight_maximum,
        tls_params=aiomqtt.TLSParameters(ca_certs=options.ca_file) if options.tls else None,
        # without it, Nagle costs QoS 1 about 25 ms a message (measured)
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    )
    client.pending_calls_threshold = options.inflight_maximum + 1
    return client


def leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    """The exceptions of a group and of the groups in it."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found += leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
