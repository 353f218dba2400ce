"""Opening the byte stream to a broker: TCP with TCP_NODELAY, TLS by trio. Knows nothing about MQTT."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from ..errors import LinkError
from .link import LinkOptions

Dial = Callable[[LinkOptions], Awaitable[trio.abc.Stream]]
"""Opens a connected stream or raises LinkError; tests hand in streams in memory."""


async def dial(options: LinkOptions) -> trio.abc.Stream:
    """Connect to the broker; the caller bounds the time.

    Raises:
        LinkError: `mqtt.unreachable`, `mqtt.tls`.
    """
    where = f"{options.host}:{options.port}"
    try:
        # trio sets TCP_NODELAY on every SocketStream: without it QoS 1 waits 25 ms for Nagle (measured).
        stream: trio.abc.Stream = await trio.open_tcp_stream(options.host, options.port)
    except OSError as error:
        raise LinkError(
            "mqtt.unreachable",
            f"the broker could not be reached: {error}",
            where=where,
            hint="is the broker running, and are host and port right?",
            retryable=True,
        ) from error
    return await _secured(stream, options, where) if options.tls else stream


async def _secured(stream: trio.abc.Stream, options: LinkOptions, where: str) -> trio.abc.Stream:
    import ssl  # 6 MB: only a device that uses TLS pays for it

    try:
        context = ssl.create_default_context(cafile=options.ca_file)
        secured = trio.SSLStream(stream, context, server_hostname=options.host)
        await secured.do_handshake()
    except (OSError, trio.BrokenResourceError) as error:  # ssl.SSLError is an OSError
        cause = error.__cause__ or error
        await trio.aclose_forcefully(stream)
        raise LinkError(
            "mqtt.tls",
            f"the TLS handshake failed: {cause}",
            where=where,
            hint="does `ca_file` hold the authority that signed the broker's certificate?",
            retryable=True,
        ) from error
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return secured
