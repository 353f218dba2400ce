"""The `lines` source on real pseudo-terminals and sockets."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from alloy_devices.clock import HostClock
from alloy_devices.errors import CODES, DeviceGoneError
from alloy_devices.framing import FramingSpec
from alloy_devices.lines import Lines
from alloy_devices.ports import SerialOptions, TcpOptions, open_port, refused
from alloy_devices.sims.pty import PtyPort
from alloy_devices.source import Input
from alloy_transforms.record import ClockState

LINE = FramingSpec(kind="delimiter")
LIMIT_S = 60.0


class Inbox:
    """Collects inputs; `hold` makes the pipeline full."""

    def __init__(self) -> None:
        self.batches: list[list[Input]] = []
        self.gate = trio.Event()
        self.gate.set()

    async def emit(self, inputs: list[Input]) -> None:
        self.batches.append(inputs)
        await self.gate.wait()

    @property
    def payloads(self) -> list[bytes]:
        return [each.payload for batch in self.batches for each in batch]


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(LIMIT_S):
        while not condition():  # noqa: ASYNC110 - the condition is another process's or the kernel's
            await trio.sleep(0.005)


def with_source(source: Lines, inbox: Inbox, script: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source.run, inbox.emit)
            with trio.fail_after(LIMIT_S):
                await script()
            nursery.cancel_scope.cancel()

    trio.run(main)


def serial_source(path: Path, **options: float) -> Lines:
    return Lines("gps", SerialOptions(str(path)), LINE, backoff_max_s=0.1, **options)  # type: ignore[arg-type]


def test_lines_come_out_in_order_when_a_port_sends_them(tmp_path: Path) -> None:
    port, inbox = PtyPort(tmp_path / "gps"), Inbox()
    port.plug()
    source = serial_source(port.path)

    async def script() -> None:
        await port.wait_ready()
        for index in range(300):
            await port.write(b"line %d\r\n" % index)
        await until(lambda: len(inbox.payloads) == 300)
        assert source.stats.connected

    with_source(source, inbox, script)
    port.unplug()

    assert inbox.payloads == [b"line %d" % index for index in range(300)]
    assert (source.stats.inputs, source.stats.dropped_bytes) == (300, 0)
    assert not source.stats.connected
    times = [each.received_ns for batch in inbox.batches for each in batch]
    assert times == sorted(times)


def test_the_source_waits_and_connects_when_the_device_is_plugged_in_later(tmp_path: Path) -> None:
    port, inbox = PtyPort(tmp_path / "gps"), Inbox()
    source = serial_source(port.path)

    async def script() -> None:
        await until(lambda: "device.gone" in source.stats.last_error)
        port.plug()
        await port.wait_ready()
        await port.write(b"hello\n")
        await until(lambda: inbox.payloads == [b"hello"])

    with_source(source, inbox, script)
    port.unplug()


def test_the_source_reconnects_when_the_device_is_pulled_and_put_back(tmp_path: Path) -> None:
    port, inbox = PtyPort(tmp_path / "gps"), Inbox()
    port.plug()
    source = serial_source(port.path)

    async def script() -> None:
        await port.wait_ready()
        await port.write(b"one\nhalf a li")
        await until(lambda: inbox.payloads == [b"one"])
        port.unplug()
        await until(lambda: not source.stats.connected)
        port.plug()
        await port.wait_ready()
        await port.write(b"two\n")
        await until(lambda: inbox.payloads == [b"one", b"two"])

    with_source(source, inbox, script)
    port.unplug()

    assert source.stats.reconnects == 1
    assert "device.gone" in source.stats.last_error


def test_the_port_is_opened_again_when_it_stays_silent(tmp_path: Path) -> None:
    port, inbox = PtyPort(tmp_path / "gps"), Inbox()
    port.plug()
    source = serial_source(port.path, silence_s=0.05)

    async def script() -> None:
        await until(lambda: source.stats.reconnects >= 1)

    with_source(source, inbox, script)
    port.unplug()

    assert "device.silent" in source.stats.last_error


def test_nothing_is_read_when_the_pipeline_is_full(tmp_path: Path) -> None:
    port, inbox = PtyPort(tmp_path / "gps"), Inbox()
    port.plug()
    source = serial_source(port.path)
    line = b"x" * 99 + b"\n"

    async def script() -> None:
        await port.wait_ready()
        inbox.gate = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(port.write, line * 2000)
            await until(lambda: len(inbox.batches) == 1)
            read = source.stats.bytes
            for _ in range(50):
                await trio.lowlevel.checkpoint()
            assert source.stats.bytes == read
            assert read <= 65_536
            inbox.gate.set()
        await until(lambda: len(inbox.payloads) == 2000)

    with_source(source, inbox, script)
    port.unplug()


def test_frames_of_one_read_go_out_together_when_they_came_together(tmp_path: Path) -> None:
    port, inbox = PtyPort(tmp_path / "gps"), Inbox()
    port.plug()
    source = serial_source(port.path)

    async def script() -> None:
        await port.wait_ready()
        await port.write(b"a\nb\nc\n")
        await until(lambda: len(inbox.payloads) == 3)

    with_source(source, inbox, script)
    port.unplug()

    assert [len(batch) for batch in inbox.batches] == [3]


def test_a_burst_comes_out_when_silence_follows_it(tmp_path: Path) -> None:
    port, inbox = PtyPort(tmp_path / "modbus"), Inbox()
    port.plug()
    source = Lines("modbus", SerialOptions(str(port.path)), FramingSpec(kind="burst", gap_ms=20.0))

    async def script() -> None:
        await port.wait_ready()
        await port.write(b"\x01\x03\x02")
        await until(lambda: inbox.payloads == [b"\x01\x03\x02"])

    with_source(source, inbox, script)
    port.unplug()


def test_lines_come_out_and_reconnect_works_when_the_source_is_tcp() -> None:
    inbox = Inbox()

    async def main() -> None:
        served = 0

        async def serve(stream: trio.SocketStream) -> None:
            nonlocal served
            served += 1
            await stream.send_all(b"connection %d\npart" % served)
            await stream.aclose()

        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, serve, 0)
            port = listeners[0].socket.getsockname()[1]
            source = Lines("tcp", TcpOptions("127.0.0.1", port), LINE, backoff_max_s=0.1)
            nursery.start_soon(source.run, inbox.emit)
            await until(lambda: len(inbox.payloads) >= 2)
            nursery.cancel_scope.cancel()

    trio.run(main)

    assert inbox.payloads[:2] == [b"connection 1", b"connection 2"]


def opening(options: SerialOptions | TcpOptions) -> DeviceGoneError:
    with pytest.raises(DeviceGoneError) as caught:
        trio.run(open_port, options)
    assert caught.value.code in CODES
    assert caught.value.retryable
    return caught.value


def test_opening_says_what_to_do_when_the_port_is_not_there(tmp_path: Path) -> None:
    error = opening(SerialOptions(str(tmp_path / "ttyUSB0")))

    assert error.code == "device.gone"
    assert "/dev/serial/by-id" in error.hint


def test_opening_says_so_when_another_program_has_the_port(tmp_path: Path) -> None:
    port = PtyPort(tmp_path / "gps")
    port.plug()

    async def twice() -> str:
        first = await open_port(SerialOptions(str(port.path)))
        try:
            await open_port(SerialOptions(str(port.path)))
        except DeviceGoneError as error:
            return error.code
        finally:
            await first.aclose()
            await first.aclose()
        return ""

    assert trio.run(twice) == "device.busy"
    port.unplug()


def test_opening_fails_with_a_code_when_the_path_is_no_serial_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    assert opening(SerialOptions(str(tmp_path / "file"))).code == "device.open"


@pytest.mark.parametrize(
    ("number", "code", "hint"),
    [
        (errno.EACCES, "device.permission", "dialout"),
        (errno.EBUSY, "device.busy", "fuser"),
        (errno.ENXIO, "device.gone", "by-id"),
        (errno.EINVAL, "device.open", ""),
    ],
)
def test_opening_says_who_is_to_blame_when_the_system_refuses(number: int, code: str, hint: str) -> None:
    error = refused(SerialOptions("/dev/ttyUSB0"), OSError(number, os.strerror(number)))

    assert error.code == code
    assert code in CODES
    assert hint in error.hint
    assert error.where == "/dev/ttyUSB0"


def test_opening_fails_when_no_peer_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    assert opening(TcpOptions("127.0.0.1", port)).code == "device.gone"


def test_the_clock_is_unset_when_its_date_cannot_be() -> None:
    assert HostClock(utc_ns=lambda: 0).state() is ClockState.UNSET


def test_the_clock_state_follows_the_time_service_when_it_is_asked_again(tmp_path: Path) -> None:
    now = [0]
    mark = tmp_path / "synchronized"
    clock = HostClock(
        synchronized=str(mark), monotonic_ns=lambda: now[0], utc_ns=lambda: 1_790_000_000 * 10**9
    )

    assert clock.state() is ClockState.FREE
    mark.touch()
    assert clock.state() is ClockState.FREE
    now[0] = 10 * 10**9
    assert clock.state() is ClockState.NTP
