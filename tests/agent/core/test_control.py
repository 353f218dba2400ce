"""The control socket: several clients, frames that are none, silence, files left behind."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from tests.fakes.stages import only
from tests.fakes.trio_run import in_trio

from alloy_agent.core.control import IDLE_S, MAX_CLIENTS, ControlServer, ask, peer_allowed
from alloy_agent.core.verbs import MAX_REQUEST_BYTES, Request, Response, Verbs
from alloy_agent.errors import AgentError


async def echo(args: Mapping[str, Any]) -> Any:
    return dict(args)


async def huge(_args: Mapping[str, Any]) -> Any:
    return {"number": 1 << 80}  # no MessagePack can hold it


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[Path]:
    """A running server; its socket."""
    verbs = Verbs()
    verbs.add("echo", echo, remote=False)
    verbs.add("huge", huge, remote=False)
    path = folder / "control.sock"
    async with trio.open_nursery() as nursery:
        await nursery.start(ControlServer(path, verbs).run)
        yield path
        nursery.cancel_scope.cancel()


def frame(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


async def whole(stream: trio.SocketStream) -> bytes:
    """Everything until the other side hangs up."""
    data = b""
    while part := await stream.receive_some(4096):
        data += part
    return data


@in_trio
async def test_every_client_is_answered_when_several_ask_at_once_and_often(tmp_path: Path) -> None:
    answered: list[int] = []
    async with server(tmp_path) as path, trio.open_nursery() as nursery:

        async def one(number: int) -> None:
            response = await ask(path, "echo", {"n": number})
            assert response.ok
            answered.append(response.result["n"])

        for number in range(4 * MAX_CLIENTS):
            nursery.start_soon(one, number)

    assert sorted(answered) == list(range(4 * MAX_CLIENTS))


@in_trio
async def test_a_client_may_ask_again_on_one_connection(tmp_path: Path) -> None:
    async with server(tmp_path) as path, await trio.open_unix_socket(str(path)) as stream:
        for number in range(3):
            request = Request(str(number), "echo", {})
            await stream.send_all(frame(msgspec.msgpack.encode(request)))
            size = struct.unpack(">I", await stream.receive_some(4))[0]
            response = msgspec.msgpack.decode(await stream.receive_some(size), type=Response)
            assert response.id == str(number)


@in_trio
async def test_the_client_is_told_and_left_when_its_frame_is_too_large(tmp_path: Path) -> None:
    async with server(tmp_path) as path:
        async with await trio.open_unix_socket(str(path)) as stream:
            await stream.send_all(struct.pack(">I", MAX_REQUEST_BYTES + 1))
            answer = await whole(stream)

        assert (await ask(path, "echo")).ok

    response = msgspec.msgpack.decode(answer[4:], type=Response)
    assert response.error is not None
    assert response.error.code == "control.bad_request"


@pytest.mark.parametrize("data", [b"", b"\xc1", b"{", b"\x81\xa2id\x05", b"\x93\x01\x02\x03"])
@in_trio
async def test_the_next_request_is_answered_when_one_cannot_be_read(data: bytes, tmp_path: Path) -> None:
    async with server(tmp_path) as path, await trio.open_unix_socket(str(path)) as stream:
        await stream.send_all(frame(data) + frame(msgspec.msgpack.encode(Request("2", "echo", {}))))
        received = b""
        while received.count(b"\xa2id") < 2:
            received += await stream.receive_some(4096)

    (size,) = struct.unpack(">I", received[:4])
    assert msgspec.msgpack.decode(received[4 : 4 + size], type=Response).ok is False
    assert msgspec.msgpack.decode(received[8 + size :], type=Response).ok is True


@in_trio
async def test_the_server_goes_on_when_an_answer_cannot_be_encoded(tmp_path: Path) -> None:
    async with server(tmp_path) as path:
        response = await ask(path, "huge")
        assert response.error is not None
        assert response.error.code == "control.failed"
        assert (await ask(path, "echo")).ok


@in_trio
async def test_the_server_goes_on_when_a_client_leaves_in_the_middle(tmp_path: Path) -> None:
    async with server(tmp_path) as path:
        for part in (b"", b"\x00", frame(b"x" * 100)[:50], frame(b"x")):
            for _ in range(MAX_CLIENTS):
                async with await trio.open_unix_socket(str(path)) as stream:
                    await stream.send_all(part)

        assert (await ask(path, "echo")).ok


def test_a_silent_client_gives_its_place_away(tmp_path: Path) -> None:
    """All places are taken by clients that say nothing; the next one is served after `IDLE_S`."""

    async def main() -> None:
        async with server(tmp_path) as path:
            silent = [await trio.open_unix_socket(str(path)) for _ in range(MAX_CLIENTS)]
            began = trio.current_time()
            assert (await ask(path, "echo", timeout_s=2 * IDLE_S)).ok
            assert trio.current_time() - began >= IDLE_S
            for stream in silent:
                assert await whole(stream) == b""
                await stream.aclose()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0.01))


@in_trio
async def test_a_socket_left_by_a_dead_daemon_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "control.sock"))

    async with server(tmp_path) as path:
        assert (await ask(path, "echo")).ok
        assert path.stat().st_mode & 0o777 == 0o660

    assert not path.exists()


@pytest.mark.parametrize("obstacle", ["folder", "long"])
def test_the_daemon_says_why_when_its_socket_cannot_be_made(obstacle: str, tmp_path: Path) -> None:
    folder = tmp_path
    if obstacle == "folder":
        (tmp_path / "control.sock" / "inside").mkdir(parents=True)
    else:
        folder = tmp_path / ("x" * 120)

    async def main() -> None:
        async with server(folder):
            raise AssertionError("it runs")

    with pytest.raises(BaseExceptionGroup) as caught:
        trio.run(main)

    error = only(caught.value)
    assert isinstance(error, AgentError)
    assert error.code == "control.bind"


@in_trio
async def test_nobody_answers_where_no_daemon_is(tmp_path: Path) -> None:
    with pytest.raises(AgentError) as caught:
        await ask(tmp_path / "control.sock", "echo")

    assert (caught.value.code, caught.value.retryable) == ("control.unreachable", True)


@pytest.mark.parametrize(
    ("uid", "gid", "allowed"),
    [
        (0, 0, True),
        (0, 99, True),
        (1000, 99, True),
        (1001, 1000, True),
        (1001, 1001, False),
        (1001, 0, False),
    ],
)
def test_peers_are_judged_by_user_and_group(uid: int, gid: int, allowed: bool) -> None:
    assert peer_allowed(struct.pack("3i", 7, uid, gid), 1000, 1000) is allowed
