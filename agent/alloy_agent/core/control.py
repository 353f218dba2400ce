"""The local control socket: length-prefixed MessagePack {id, verb, args}, peer credentials checked."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import trio

from alloy_agent.errors import AgentError

from . import logs
from .verbs import MAX_REQUEST_BYTES, Failure, Request, Response, Verbs, decode_request, encode_response

MAX_RESPONSE_BYTES = 1 << 20
MAX_CLIENTS = 8
BACKLOG = 64
"""Clients that may wait for a place; beyond it the kernel refuses them at once (EAGAIN on a Unix socket)."""
IDLE_S = 60.0
"""Longest silence of a client, and longest time it may take to read an answer."""
ANSWER_S = 20.0
"""How long a client of the socket waits for its answer: a host may stand still for some seconds."""
ACCEPT_AGAIN_S = 0.1
LOG = logs.get("control")
_LENGTH = struct.Struct(">I")


def peer_allowed(credentials: bytes, own_uid: int, own_gid: int) -> bool:
    """True for root, for the daemon's user and for its group (`SO_PEERCRED`: pid, uid, gid)."""
    _, uid, gid = struct.unpack("3i", credentials)
    return uid in (0, own_uid) or gid == own_gid


class ControlServer:
    """Serves the verb table on a Unix socket, mode 0660.

    Args:
        path: in a folder that exists.
    """

    def __init__(self, path: Path, verbs: Verbs) -> None:
        self.path = path
        self.verbs = verbs
        self._limit = trio.Semaphore(MAX_CLIENTS)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen until cancelled; the socket file is removed at the end."""
        listener = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o117)
        try:
            self.path.unlink(missing_ok=True)
            await listener.bind(str(self.path))
        except OSError as error:
            listener.close()
            raise AgentError(
                "control.bind",
                "the control socket cannot be created",
                where=str(self.path),
                got=error.strerror or str(error),
                hint="set `run_dir` in agent.yaml to a folder the daemon may write, path shorter than 100 bytes",
            ) from error
        finally:
            os.umask(before)
        listener.listen(BACKLOG)
        try:
            async with trio.open_nursery() as nursery:
                task_status.started()
                while True:
                    await self._limit.acquire()
                    try:
                        connection, _ = await listener.accept()
                    except OSError as error:
                        # a client that left again, or no descriptor free: others may come
                        self._limit.release()
                        LOG.warning("control.accept", error=error.strerror or str(error))
                        await trio.sleep(ACCEPT_AGAIN_S)
                        continue
                    nursery.start_soon(self._serve, trio.SocketStream(connection))
        finally:
            listener.close()
            self.path.unlink(missing_ok=True)

    async def _serve(self, stream: trio.SocketStream) -> None:
        try:
            async with stream:
                credentials = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
                if not peer_allowed(credentials, os.getuid(), os.getgid()):
                    refusal = Failure("control.forbidden", "this user may not control the daemon")
                    await _send(stream, msgspec.msgpack.encode(Response("", ok=False, error=refusal)))
                    return
                while True:
                    try:
                        with trio.fail_after(IDLE_S):
                            data = await _receive(stream, MAX_REQUEST_BYTES)
                    except AgentError as error:  # what follows is no frame; say so and hang up
                        await _send(stream, _refusal(error))
                        return
                    if data is None:
                        return
                    answer = await self._answer(data)
                    with trio.fail_after(IDLE_S):
                        await _send(stream, answer)
        except (trio.BrokenResourceError, trio.TooSlowError):
            return  # the client's affair; it sees a closed socket
        finally:
            self._limit.release()

    async def _answer(self, data: bytes) -> bytes:
        try:
            request, _ = decode_request(data)
        except AgentError as error:
            return _refusal(error)
        return encode_response(await self.verbs.answer(request, remote=False), as_json=False)


def _refusal(error: AgentError) -> bytes:
    return encode_response(Response("", ok=False, error=Failure(error.code, str(error))), as_json=False)


async def _send(stream: trio.SocketStream, data: bytes) -> None:
    await stream.send_all(_LENGTH.pack(len(data)) + data)


async def _exactly(stream: trio.SocketStream, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        part = await stream.receive_some(size - len(data))
        if not part:
            return None
        data += part
    return bytes(data)


async def _receive(stream: trio.SocketStream, limit: int) -> bytes | None:
    head = await _exactly(stream, 4)
    if head is None:
        return None
    (size,) = _LENGTH.unpack(head)
    if size > limit:
        raise AgentError("control.bad_request", "frame too large", got=f"{size} B", expected=f"<= {limit} B")
    return await _exactly(stream, size)


async def ask(
    path: Path, verb: str, args: Mapping[str, Any] | None = None, timeout_s: float = ANSWER_S
) -> Response:
    """Ask a running daemon one thing.

    Raises:
        AgentError: `control.unreachable`, nobody answers there.
    """
    try:
        with trio.fail_after(timeout_s):
            async with await trio.open_unix_socket(str(path)) as stream:
                await _send(stream, msgspec.msgpack.encode(Request("1", verb, dict(args or {}))))
                data = await _receive(stream, MAX_RESPONSE_BYTES)
    except (OSError, trio.TooSlowError, trio.BrokenResourceError) as error:
        raise _unreachable(path) from error
    if data is None:
        raise _unreachable(path)
    return msgspec.msgpack.decode(data, type=Response)


def _unreachable(path: Path) -> AgentError:
    return AgentError(
        "control.unreachable",
        "no daemon answers on the control socket",
        where=str(path),
        hint="is `alloy-edge run` (or `alloy-edge demo --forever`) running? give its run folder with --run-dir",
        retryable=True,
    )
