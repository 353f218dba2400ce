"""The board program with the stand-ins, from a real pseudo-terminal to real brokers."""

from __future__ import annotations

import hashlib
import signal
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.devices.node.running import Wall, gateway_rows, node, play, until
from tests.fakes.brokers import MOSQUITTO, mini_broker, mosquitto
from tests.fakes.trio_run import in_trio

from alloy_agent.broker import Broker
from alloy_devices.sims.faults import FaultInjector, Faults
from alloy_devices.sims.pms5003 import Pms5003, spoil_checksum
from alloy_devices.sims.pty import PtyPort

TRANSFORM = resources.files("alloy_transforms.library").joinpath("pms5003.py").read_bytes()
pytestmark = pytest.mark.slow
MINI = ("mini", 5)  # the small broker speaks MQTT 5 only
BROKERS = [
    pytest.param(MINI, id="mini-5"),
    pytest.param(("mosquitto", 4), id="mosquitto-311", marks=pytest.mark.interop),
    pytest.param(("mosquitto", 5), id="mosquitto-5", marks=pytest.mark.interop),
]


def frames(count: int, seed: int = 3) -> list[bytes]:
    sensor = Pms5003(seed=seed, period_s=0.0)
    return [sensor.due(float(second)) or b"" for second in range(count)]


async def published(wall: Wall, uart: PtyPort, injector: FaultInjector) -> tuple[list[dict[str, Any]], int]:
    """Play 150 frames, as many at once as the node's queue holds; the gateway's rows and how many frames it refuses."""
    sent, every = b"", frames(150)
    for first in range(0, len(every), 25):
        sent += await play(uart, injector.script(every[first : first + 25]))
        rows, refused = gateway_rows(sent)
        await wall.reached(len(rows))
    return rows, refused


@pytest.fixture
def uart(tmp_path: Path) -> PtyPort:
    port = PtyPort(tmp_path / "uart")
    port.plug()
    return port


@pytest.mark.parametrize("kind", BROKERS)
@in_trio
async def test_published_records_are_the_gateways_when_the_line_is_bad(
    kind: tuple[str, int], tmp_path: Path, uart: PtyPort
) -> None:
    name, version = kind
    if name == "mosquitto" and MOSQUITTO is None:
        pytest.skip("no mosquitto binary on this machine (apt install mosquitto)")
    wall = Wall()
    faults = Faults(split=0.3, merge=0.1, garbage=0.3, checksum=0.15, flip=0.1, duplicate=0.1, seed=7)
    injector = FaultInjector(faults, spoil=spoil_checksum)
    async with (
        mini_broker() if name == "mini" else mosquitto(tmp_path) as broker,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(wall.watch, broker.port)
        async with node(tmp_path / "node", broker.port, uart, version):
            await until(lambda: len(wall.states) > 0)
            rows, refused = await published(wall, uart, injector)
        await until(lambda: wall.states[-1]["state"] == "offline")
        nursery.cancel_scope.cancel()
    uart.unplug()

    assert injector.counts.damaged > 10 < refused
    assert wall.rows() == rows
    assert [message["n"] for message in wall.data] == list(range(len(wall.data)))
    times = [message["ms"] for message in wall.data]
    assert times == sorted(times)
    assert {message["transform"] for message in wall.data} == {"pms5003"}
    assert len({message["boot"] for message in (*wall.data, *wall.states)}) == 1
    assert wall.states[0]["source"] == hashlib.sha256(TRANSFORM).hexdigest()


@in_trio
async def test_the_last_will_is_published_when_the_node_is_killed(tmp_path: Path, uart: PtyPort) -> None:
    wall = Wall()
    async with mini_broker() as broker, trio.open_nursery() as nursery:
        await nursery.start(wall.watch, broker.port)
        async with node(tmp_path / "node", broker.port, uart, 5) as process:
            await until(lambda: len(wall.states) > 0)
            process.send_signal(signal.SIGKILL)
            await until(lambda: wall.states[-1]["state"] == "offline")
        nursery.cancel_scope.cancel()
    uart.unplug()

    assert wall.states[-1] == {"state": "offline", "boot": wall.states[0]["boot"]}
    assert (wall.states[0]["reset"], wall.states[0]["lost"], wall.states[0]["link"]) == (1, 0, "")


async def serve(broker: Broker, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
    """The broker runs until the scope it gives is cancelled."""
    async with trio.open_nursery() as nursery:
        await nursery.start(broker.run)
        task_status.started(nursery.cancel_scope)


@in_trio
async def test_every_record_arrives_when_the_broker_is_away_for_a_while(
    tmp_path: Path, uart: PtyPort
) -> None:
    wall, broker = Wall(), Broker()
    batches = [frames(20, seed) for seed in (1, 2, 3)]
    async with trio.open_nursery() as nursery:
        life = await nursery.start(serve, broker)
        await nursery.start(wall.watch, broker.port)
        async with node(tmp_path / "node", broker.port, uart, 5):
            await play(uart, FaultInjector(Faults()).script(batches[0]))
            await until(lambda: len(wall.data) == 20)
            life.cancel()
            await play(uart, FaultInjector(Faults()).script(batches[1], interval_s=0.01))
            await nursery.start(serve, broker)
            await until(lambda: wall.data[-1]["n"] == 39)
            await play(uart, FaultInjector(Faults()).script(batches[2]))
            await until(lambda: wall.data[-1]["n"] == 59)
        nursery.cancel_scope.cancel()
    uart.unplug()

    rows, refused = gateway_rows(b"".join(b"".join(batch) for batch in batches))
    assert wall.rows() == rows
    assert refused == 0
    assert len(wall.data) == 60
    assert wall.repeats < sum(state["state"] == "online" for state in wall.states)  # only what was in flight
    assert [state["state"] for state in wall.states[:3]] == ["online", "offline", "online"]
    assert "Errno" in wall.states[2]["link"]


@in_trio
async def test_the_node_goes_on_when_the_sensor_is_unplugged_and_comes_back(
    tmp_path: Path, uart: PtyPort
) -> None:
    wall = Wall()
    async with mini_broker() as broker, trio.open_nursery() as nursery:
        await nursery.start(wall.watch, broker.port)
        async with node(tmp_path / "node", broker.port, uart, 5) as process:
            await play(uart, FaultInjector(Faults()).script(frames(5)))
            await until(lambda: len(wall.data) == 5)
            uart.unplug()
            await trio.sleep(0.05)
            uart.plug()
            await uart.wait_ready()
            await play(uart, FaultInjector(Faults()).script(frames(5, seed=9)))
            await until(lambda: len(wall.data) == 10)
            assert process.poll() is None
        nursery.cancel_scope.cancel()
    uart.unplug()

    assert wall.rows() == gateway_rows(b"".join(frames(5) + frames(5, seed=9)))[0]
