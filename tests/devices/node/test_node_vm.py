"""The same board program on the MicroPython VM: a connected socket and a pseudo-terminal are handed to it."""

from __future__ import annotations

import json
import os
import socket
import termios
import tty
from pathlib import Path

import pytest
import trio
from tests.devices.node.running import Wall, settings, until
from tests.devices.node.test_node_process import BROKERS, published
from tests.fakes.brokers import MOSQUITTO, mini_broker, mosquitto
from tests.fakes.trio_run import in_trio
from tests.micropython.vm import VM, require_vm

from alloy_devices.node import files
from alloy_devices.sims.faults import FaultInjector, Faults
from alloy_devices.sims.pms5003 import spoil_checksum
from alloy_devices.sims.pty import PtyPort

pytestmark = pytest.mark.slow
MODULES = Path(__file__).parent / "vm_modules"
PLATFORM = """
import descriptors, os, random, time
os.urandom = lambda size: bytes(random.getrandbits(8) for _ in range(size))
time.sleep_ms = descriptors.sleep_ms
"""


def firmware(port: int, version: int) -> dict[str, bytes]:
    """The node's files with settings for this broker, and what the VM has not."""
    parts = dict(files())
    parts["node.json"] = json.dumps(settings(port, version)).encode()
    return parts | {path.name: path.read_bytes() for path in MODULES.glob("*.py")}


def opened(uart: PtyPort) -> int:
    """The node's end of the pseudo-terminal, set as a serial port is."""
    number = os.open(uart.path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(number)
    attributes = termios.tcgetattr(number)
    attributes[6][termios.VMIN] = 1  # what the simulator waits for
    termios.tcsetattr(number, termios.TCSANOW, attributes)
    return number


@pytest.mark.parametrize("kind", BROKERS)
@in_trio
async def test_published_records_are_the_gateways_when_the_program_runs_on_micropython(
    kind: tuple[str, int], tmp_path: Path
) -> None:
    require_vm()
    name, version = kind
    if name == "mosquitto" and MOSQUITTO is None:
        pytest.skip("no mosquitto binary on this machine (apt install mosquitto)")
    wall = Wall()
    uart = PtyPort(tmp_path / "uart")
    uart.plug()
    faults = Faults(split=0.3, merge=0.1, garbage=0.3, checksum=0.15, flip=0.1, duplicate=0.1, seed=11)
    injector = FaultInjector(faults, spoil=spoil_checksum)
    async with (
        mini_broker() if name == "mini" else mosquitto(tmp_path) as broker,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(wall.watch, broker.port)
        link = await trio.to_thread.run_sync(socket.create_connection, ("127.0.0.1", broker.port))
        line = opened(uart)
        vm = VM(firmware(broker.port, version), PLATFORM + "import main\nmain.main()", [link.fileno(), line])
        with vm.start() as process:
            link.close()
            os.close(line)
            try:
                await until(lambda: len(wall.states) > 0)
                rows, refused = await published(wall, uart, injector)
            finally:
                process.kill()
                output, error = process.communicate()
        await until(lambda: wall.states[-1]["state"] == "offline")
        nursery.cancel_scope.cancel()
    uart.unplug()

    assert (output, error) == (b"", b"")
    assert injector.counts.damaged > 10 < refused
    assert wall.rows() == rows
    assert [message["n"] for message in wall.data] == list(range(len(wall.data)))
    assert {"reset": 1, "silent": False, "transform": "pms5003"}.items() <= wall.states[0].items()
