"""The control socket: where it cannot be, and whom it does not answer."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import msgspec
import pytest
import trio

from alloy_agent.core.control import ControlServer
from alloy_agent.core.verbs import Response, Verbs
from alloy_agent.errors import AgentError

NOBODY = 65_534


def test_error_says_why_when_the_path_is_too_long_for_a_socket(tmp_path: Path) -> None:
    server = ControlServer(tmp_path / ("x" * 120), Verbs())

    with pytest.raises(AgentError) as caught:
        trio.run(server.run)

    assert caught.value.code == "control.bind"
    assert "run_dir" in caught.value.hint


def connected_as(path: Path, user: int) -> socket.socket:
    """A connection whose credentials are those of another user; the kernel takes them at connect()."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(10)
    os.setegid(user)
    os.seteuid(user)
    try:
        client.connect(str(path))
    finally:
        os.seteuid(0)
        os.setegid(0)
    return client


@pytest.mark.needs_root
@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_a_stranger_is_refused_when_the_socket_lets_him_connect() -> None:
    said = b""

    async def main(path: Path) -> None:
        nonlocal said
        async with trio.open_nursery() as nursery:
            await nursery.start(ControlServer(path, Verbs()).run)
            os.chmod(path, 0o666)
            with connected_as(path, NOBODY) as client:
                said = await trio.to_thread.run_sync(client.recv, 4096)
            nursery.cancel_scope.cancel()

    with tempfile.TemporaryDirectory() as folder:  # `tmp_path` lies where only root may enter
        Path(folder).chmod(0o755)
        trio.run(main, Path(folder) / "control.sock")

    answer = msgspec.msgpack.decode(said[4:], type=Response)
    assert not answer.ok
    assert answer.error is not None
    assert answer.error.code == "control.forbidden"
