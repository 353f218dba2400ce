"""What the demo is made of: a configuration folder, a broker, instruments on pseudo-terminals, files in a folder.

The instruments replay real recordings; nothing of the daemon knows that they are simulated.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

import trio

from alloy_agent.errors import AgentError
from alloy_agent.mqtt.link import Link
from alloy_devices.sims import gpsd, lns, pms5003
from alloy_devices.sims.pty import PtyPort

STARTED_S = 60.0
"""How long a child process may take to say that it is up."""
END_S = 20.0
"""From SIGTERM to SIGKILL; a stop drains for ten seconds at most."""


def package() -> Traversable:
    """The demo's own files."""
    return resources.files("alloy_agent.demo")


def samples() -> Traversable:
    """Small recordings and files with their origin and licence."""
    return package().joinpath("samples")


def write_config(folder: Path, port: int, survey: int = 9) -> Path:
    """Fill in the shipped configuration; returns its folder.

    Args:
        folder: where everything of the demo lies.
        port: of the broker.
        survey: TCP port of the fast receiver; 9 (discard): there is none.
    """
    values = {
        "PORT": str(port),
        "STATE": str(folder / "state"),
        "RUN": str(folder / "run"),
        "GPS": str(folder / "gps"),
        "PMS": str(folder / "pms"),
        "INBOX": str(folder / "inbox"),
        "SURVEY": str(survey),
        "FAST": str(folder / "survey.cbor"),
    }
    config = folder / "config"
    (config / "pipelines").mkdir(parents=True)
    (folder / "inbox").mkdir()
    source = package().joinpath("config")
    (config / "agent.yaml").write_text(Template(source.joinpath("agent.yaml").read_text()).substitute(values))
    for entry in source.joinpath("pipelines").iterdir():
        text = Template(entry.read_text()).substitute(values)
        (config / "pipelines" / entry.name).write_text(text)
    return config


def drop_samples(inbox: Path) -> list[str]:
    """Put the sample files into the watched folder; returns their names."""
    names = []
    for entry in sorted(samples().iterdir(), key=lambda item: item.name):
        if entry.name.endswith((".nc", ".cdf", ".fits", ".h5", ".hdf5")):
            beside = inbox / f".{entry.name}.part"
            beside.write_bytes(entry.read_bytes())
            beside.replace(inbox / entry.name)  # appears whole, as a careful instrument would do it
            names.append(entry.name)
    return names


@asynccontextmanager
async def child(
    *arguments: str, log: Path, announce: bool = False
) -> AsyncIterator[tuple[trio.Process, str]]:
    """Run `alloy-edge ARGUMENTS` for the time of the block; ended by SIGTERM, then SIGKILL.

    Args:
        log: where its standard error goes.
        announce: wait for one line on its standard output and yield it.
    """
    with log.open("ab") as errors:
        async with trio.open_nursery() as nursery:
            process: trio.Process = await nursery.start(
                partial(
                    trio.run_process,
                    [sys.executable, "-m", "alloy_agent", *arguments],
                    stdout=subprocess.PIPE if announce else errors,
                    stderr=errors,
                    check=False,
                    deliver_cancel=_end,
                )
            )
            line = ""
            if announce:
                assert process.stdout is not None
                with trio.move_on_after(STARTED_S):
                    line = (await process.stdout.receive_some(4096)).decode()
                if not line:
                    raise AgentError(
                        "demo.child", f"`alloy-edge {arguments[0]}` did not come up", where=str(log)
                    )
            try:
                yield process, line
            finally:
                nursery.cancel_scope.cancel()


async def _end(process: trio.Process) -> None:
    """Cancelled as soon as the process has ended."""
    process.terminate()
    await trio.sleep(END_S)
    process.kill()


@asynccontextmanager
async def broker(log: Path) -> AsyncIterator[tuple[int, int]]:
    """The demo broker in a process of its own; yields its port and pid."""
    async with child("broker", "--json", log=log, announce=True) as (process, line):
        yield int(json.loads(line)["port"]), process.pid


async def play_gps(path: Path) -> None:
    """Replay a u-blox receiver's morning, ten sentences a second, again and again."""
    port = PtyPort(path)
    port.plug()
    await port.wait_ready()
    log = samples().joinpath("rx210.log").read_bytes()
    await gpsd.replay(port, log, interval_s=0.05, repeat=True)


async def play_air(path: Path) -> None:
    """A particle sensor in active mode."""
    port = PtyPort(path)
    port.plug()
    await port.wait_ready()
    await pms5003.run(port, pms5003.Pms5003(seed=7, period_s=0.5))


async def play_network_server(link: Link) -> None:
    """Publish LoRaWAN uplinks as a network server would, two a second."""
    lines = samples().joinpath("lns-uplinks.jsonl").read_bytes().splitlines()
    for message in lns.publications(lines, repeat=True):
        await link.publish(message.topic, message.payload, qos=1)
        await trio.sleep(0.5)
