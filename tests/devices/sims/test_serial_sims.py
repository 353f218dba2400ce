"""Simulators on real pseudo-terminals, read by the real source, judged by the real transforms' rules."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import serial
import trio

from alloy_devices.framing import FramingSpec
from alloy_devices.lines import Lines
from alloy_devices.ports import SerialOptions
from alloy_devices.sims import gpsd, pms5003
from alloy_devices.sims.faults import FaultInjector, Faults
from alloy_devices.sims.pty import PtyPort
from alloy_devices.source import Input

PMS_FRAMING = FramingSpec(
    kind="length", start=b"BM", length_offset=2, length_bytes=2, length_adjust=4, max_bytes=64
)
LINE = FramingSpec(kind="delimiter", start=b"$", max_bytes=256)


def received(path: Path, framing: FramingSpec, script: Callable[[list[bytes]], Awaitable[None]]) -> Lines:
    """Run a source on the port and a script beside it; the script ends the run."""
    got: list[bytes] = []
    source = Lines("sim", SerialOptions(str(path)), framing, backoff_max_s=0.1)

    async def emit(inputs: list[Input]) -> None:
        got.extend(each.payload for each in inputs)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source.run, emit)
            with trio.fail_after(90):
                await script(got)
            nursery.cancel_scope.cancel()

    trio.run(main)
    return source


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that the kernel brings; `received` limits the time."""
    while not condition():  # noqa: ASYNC110 - there is no event to wait for
        await trio.sleep(0.005)


def test_every_sentence_arrives_when_a_recording_is_replayed(tmp_path: Path, shared_data: Path) -> None:
    log = (shared_data / "gpsd" / "rx210.log").read_bytes()
    sent = [line.rstrip(b"\r\n") for line in gpsd.sentences(log)]
    port = PtyPort(tmp_path / "gps")
    port.plug()
    got: list[bytes] = []

    async def script(inbox: list[bytes]) -> None:
        await port.wait_ready()
        await gpsd.replay(port, log)
        await until(lambda: len(inbox) == len(sent))
        got.extend(inbox)

    source = received(port.path, LINE, script)
    port.unplug()

    assert got == sent
    assert source.stats.dropped_bytes == 0
    assert sum(line.startswith(b"#") for line in log.splitlines()) > 0


@pytest.mark.slow
def test_whole_sentences_survive_when_the_line_is_bad(tmp_path: Path, shared_data: Path) -> None:
    log = (shared_data / "gpsd" / "rx210.log").read_bytes()
    sent = {line.rstrip(b"\r\n") for line in gpsd.sentences(log)}
    port = PtyPort(tmp_path / "gps")
    port.plug()
    faults = Faults(split=0.3, merge=0.2, garbage=0.2, checksum=0.1, duplicate=0.1, flood=0.01, seed=7)
    got: list[bytes] = []
    injectors: list[FaultInjector] = []

    async def script(inbox: list[bytes]) -> None:
        await port.wait_ready()
        injectors.append(await gpsd.replay(port, log, faults=faults))
        await port.write(b"$GPTXT,last*00\r\n")
        await until(lambda: inbox[-1:] == [b"$GPTXT,last*00"])
        got.extend(inbox[:-1])

    source = received(port.path, LINE, script)
    port.unplug()
    counts = injectors[0].counts

    assert source.stats.dropped_bytes == counts.noise_bytes
    assert len(got) == counts.frames + counts.duplicated
    assert sum(line not in sent for line in got) >= counts.damaged > 0


@pytest.mark.slow
def test_the_source_comes_back_when_the_port_is_unplugged_in_the_middle(tmp_path: Path) -> None:
    port = PtyPort(tmp_path / "gps")
    port.plug()
    log = b"".join(b"$GPTXT,%d*00\r\n" % index for index in range(40))
    got: list[bytes] = []

    async def script(inbox: list[bytes]) -> None:
        await port.wait_ready()
        injector = await gpsd.replay(
            port, log, interval_s=0.01, faults=Faults(unplug=0.1, unplug_s=0.05, seed=3)
        )
        assert injector.counts.unplugs > 0
        await port.wait_ready()
        await port.write(b"$GPTXT,last*00\r\n")
        await until(lambda: b"$GPTXT,last*00" in inbox)
        got.extend(inbox)

    source = received(port.path, LINE, script)
    port.unplug()

    assert source.stats.reconnects > 0
    assert [line for line in got if not line.startswith(b"$GPTXT,")] == []


def test_readings_arrive_when_the_sensor_is_in_active_mode(tmp_path: Path) -> None:
    port = PtyPort(tmp_path / "pms")
    port.plug()
    sensor = pms5003.Pms5003(seed=5, period_s=0.02)
    got: list[bytes] = []

    async def script(inbox: list[bytes]) -> None:
        await port.wait_ready()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pms5003.run, port, sensor)
            await until(lambda: len(inbox) >= 5)
            nursery.cancel_scope.cancel()
        got.extend(inbox[:5])

    received(port.path, PMS_FRAMING, script)
    port.unplug()

    assert got == [pms5003.encode(values) for values in sensor.sent[:5]]
    assert len(set(sensor.sent)) > 1


def test_the_sensor_answers_when_a_host_reads_it_in_passive_mode(tmp_path: Path) -> None:
    port = PtyPort(tmp_path / "pms")
    port.plug()
    sensor = pms5003.Pms5003(seed=5, period_s=3600)

    def host() -> tuple[bytes, bytes]:
        with serial.Serial(str(port.path), 9600, timeout=30) as line:
            line.write(bytes.fromhex("424de100000170"))
            answer = line.read(8)
            line.reset_input_buffer()  # a frame of active mode may have been under way
            line.write(bytes.fromhex("424de200000171"))
            while True:
                frame = line.read(32)
                if frame[:4] == b"BM\x00\x1c":
                    return answer, frame

    async def main() -> tuple[bytes, bytes]:
        async with trio.open_nursery() as nursery:
            sensor.due(trio.current_time())  # the first reading of active mode, lost: nobody listens
            nursery.start_soon(pms5003.run, port, sensor)
            with trio.fail_after(90):
                result = await trio.to_thread.run_sync(host)
            nursery.cancel_scope.cancel()
        return result

    answer, frame = trio.run(main)
    port.unplug()

    assert answer == bytes.fromhex("424d0004e1000174")
    assert frame == pms5003.encode(sensor.sent[-1])


def test_the_sensor_is_silent_when_it_sleeps() -> None:
    sensor = pms5003.Pms5003()
    command = bytes.fromhex("424de400000173")

    assert sensor.receive(command[:3]) == b""
    assert sensor.receive(command[3:]) == b""
    assert sensor.due(0.0) is None
    assert sensor.receive(bytes.fromhex("424de200000171")) == b""
    assert sensor.receive(b"noise" + bytes.fromhex("424de400010174")) == b""
    assert sensor.due(1.0) is not None


def test_a_frame_is_what_the_manual_says_when_it_is_encoded() -> None:
    frame = pms5003.encode(tuple(range(12)))  # type: ignore[arg-type]

    assert len(frame) == 32
    assert frame[:4] == bytes.fromhex("424d001c")
    assert struct.unpack(">H", frame[-2:])[0] == sum(frame[:-2])


def test_the_same_things_go_wrong_when_the_seed_is_the_same() -> None:
    faults = Faults(split=0.3, merge=0.2, garbage=0.3, checksum=0.2, flip=0.2, duplicate=0.2, silence=0.1,
                    unplug=0.05, flood=0.01, seed=11)  # fmt: skip
    frames = [b"frame %d" % index for index in range(200)]

    first = list(FaultInjector(faults).script(frames))
    injector = FaultInjector(faults)
    second = list(injector.script(frames))

    assert first == second
    counts = injector.counts
    assert counts.frames == 200
    assert min(counts.damaged, counts.duplicated, counts.noise_bytes, counts.silences, counts.unplugs) > 0
