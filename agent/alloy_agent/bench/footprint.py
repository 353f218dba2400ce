"""Workload `footprint`: memory, start and imports of a fresh daemon, each in processes of their own.

Three daemons are started: one without transforms (the core alone), one with four transform workers that have
each delivered a record, and one whose interpreter reports its imports. Memory is PSS; because other Python
processes on the machine share library pages and so lower it, `*_alone` counts every file page of the tree once
in full, as on a gateway that runs nothing else.
"""

from __future__ import annotations

import importlib.util
import re
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import trio

from .daemon import TOPICS, Running, daemon_process, session, write_config
from .figure import Figure
from .mqtt import broker_process

MB = 1 << 20
WORKERS = 4
CORE_MB = 36
WITH_WORKERS_MB = 52
START_S = 2.0
NATIVE_MB = 3
FORBIDDEN = ("numpy", "h5py", "netCDF4", "astropy", "yaml", "asyncio", "pydantic", "structlog", "rich")
"""Top-level modules that have no business in the core."""

_FRAME = bytes.fromhex("424d001c00000008000800000008000800d20046002d001e00000000970002c5")
"""A published PMS5003 capture, the first example of the shipped transform."""
_MEASURED_S = 1.0  # after the last record, so that what the start needed is free again
_FIRST_S = 60.0
_HEADER = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ ([0-9a-f]+) \S+ (\d+) *(.*)$")


@dataclass(frozen=True, slots=True)
class Memory:
    """One daemon, idle: PSS of the core, PSS of the tree, the tree alone on a machine, processes [bytes]."""

    core: int
    tree: int
    alone: int
    processes: int


@dataclass(frozen=True, slots=True)
class Start:
    """One start: exec to READY=1, and to the first record at a consumer [s]."""

    ready_s: float
    record_s: float


def alone_bytes(pids: Iterable[int]) -> int:
    """Memory of these processes if no other process shared a page with them [bytes].

    Each file mapping counts once, with the most pages any of them has of it; the rest is proportional.
    """
    files: dict[tuple[str, str], int] = {}
    anonymous = 0
    for pid in pids:
        key, rss = ("", ""), 0
        for line in Path(f"/proc/{pid}/smaps").read_text(errors="replace").splitlines():
            header = _HEADER.match(line)
            if header:
                offset, inode, path = header.groups()
                key = (path, offset) if inode != "0" else ("", "")
            elif line.startswith("Rss:") and key[0]:
                rss = int(line.split()[1]) * 1024
            elif line.startswith("Pss:") and not key[0]:
                anonymous += int(line.split()[1]) * 1024
            elif line.startswith("Anonymous:") and key[0]:
                own = int(line.split()[1]) * 1024  # private copies of file pages (data, relocations)
                anonymous += own
                files[key] = max(files.get(key, 0), rss - own)
    return anonymous + sum(files.values())


def memory_of(running: Running) -> Memory:
    """What the daemon takes now."""
    processes = running.memory()
    total = sum(process.pss for process in processes)
    return Memory(processes[0].pss, total, alone_bytes(p.pid for p in processes), len(processes))


def _files_pipeline(folder: Path) -> str:
    (folder / "inbox").mkdir()
    return f"source: {{files: {{path: {folder / 'inbox'}}}}}\nsink: {{mqtt: {{stream: arrays}}}}\n"


def _air_pipeline(number: int) -> str:
    return f"source: {{mqtt: {{topic: bench/air/{number}}}}}\ntransform: pms5003\nsink: {{mqtt: {{stream: air}}}}\n"


async def core_alone(port: int) -> Memory:
    """A daemon that is connected and watches a folder: no transform, so no worker."""
    with tempfile.TemporaryDirectory(prefix="alloy-") as scratch:
        config = write_config(Path(scratch), port, {"files": _files_pipeline(Path(scratch))})
        async with daemon_process(config) as running:
            await trio.sleep(_MEASURED_S)
            return memory_of(running)


async def with_workers(port: int, workers: int = WORKERS) -> tuple[Memory, Start]:
    """A daemon with one pipeline for each worker; each has delivered the record that waited at the broker."""
    with tempfile.TemporaryDirectory(prefix="alloy-") as scratch:
        pipelines = {f"air{number}": _air_pipeline(number) for number in range(workers)}
        config = write_config(Path(scratch), port, pipelines)
        async with session(port, "bench-footprint") as link:
            records = await link.subscribe(f"{TOPICS.root}/data/+/+", qos=1)
            for number in range(workers):
                await link.publish(f"bench/air/{number}", _FRAME, retain=True)
            async with daemon_process(config) as running:
                first, seen = 0.0, set[str]()
                with trio.fail_after(_FIRST_S):
                    while len(seen) < workers:
                        message = await anext(records)
                        first = first or time.perf_counter()
                        seen.add(message.topic)
                        message.acknowledge()
                await trio.sleep(_MEASURED_S)
                return memory_of(running), Start(running.ready_s, first - running.begun)


async def imported(port: int) -> dict[str, int]:
    """Modules the core imports up to READY -> own import time [us]. Its workers are interpreters of their own."""
    with tempfile.TemporaryDirectory(prefix="alloy-") as scratch:
        config = write_config(Path(scratch), port, {"air": _air_pipeline(0)})
        async with daemon_process(config, options=("-X", "importtime")) as running:
            return parse_imports(running.log.read_text(errors="replace"))


def parse_imports(log: str) -> dict[str, int]:
    """The report of `python -X importtime`: module -> own time [us]."""
    found: dict[str, int] = {}
    for line in log.splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        if line.startswith("import time:") and own.strip().isdigit():
            found[rest.rpartition("|")[2].strip()] = int(own)
    return found


def forbidden(modules: Iterable[str]) -> list[str]:
    """Which of them the core must not hold."""
    return sorted({module.partition(".")[0] for module in modules} & set(FORBIDDEN))


def native_module_bytes() -> int:
    """Size of the compiled module [bytes]."""
    spec = importlib.util.find_spec("alloy_native._native")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).stat().st_size


def run(quick: bool) -> list[Figure]:
    """Measure; about 10 s, quick 4 s."""
    return trio.run(_measure, 1 if quick else 5)


async def _measure(runs: int) -> list[Figure]:
    with broker_process() as port:
        idle = [await core_alone(port) for _ in range(runs)]
        working = [await with_workers(port) for _ in range(runs)]
        modules = await imported(port)
    busy = [memory for memory, _ in working]
    starts = [start for _, start in working]
    core, tree = f"<= {CORE_MB} MB", f"<= {WITH_WORKERS_MB} MB"
    found = forbidden(modules)
    return [
        Figure.of(
            "footprint.core_idle",
            [m.tree / MB for m in idle],
            "MB",
            budget=core,
            note="PSS of the tree: connected, watching a folder",
        ),
        Figure.of(
            "footprint.core_idle_alone", [m.alone / MB for m in idle], "MB", note="no page shared with others"
        ),
        Figure.of(
            f"footprint.with_{WORKERS}_workers",
            [m.tree / MB for m in busy],
            "MB",
            budget=tree,
            note=f"PSS of the tree, {busy[0].processes} processes, each pipeline has delivered",
        ),
        Figure.of(
            f"footprint.with_{WORKERS}_workers_alone",
            [m.alone / MB for m in busy],
            "MB",
            note="no page shared with others",
        ),
        Figure.of(
            "footprint.core_of_that", [m.core / MB for m in busy], "MB", budget=core, note="PSS of the core"
        ),
        Figure.of(
            "footprint.start_to_ready",
            [s.ready_s for s in starts],
            "s",
            budget=f"<= {START_S:g} s",
            note=f"exec to READY=1 with {WORKERS} workers loaded",
        ),
        Figure.of(
            "footprint.start_to_record",
            [s.record_s for s in starts],
            "s",
            budget=f"<= {START_S:g} s",
            note="exec to the first record at a consumer",
        ),
        Figure.of("footprint.core_modules", [len(modules)], "modules", note="imported up to READY"),
        Figure.of(
            "footprint.core_imports", [sum(modules.values()) / 1e3], "ms", note="python -X importtime, once"
        ),
        Figure.of(
            "footprint.forbidden_modules",
            [len(found)],
            "modules",
            budget="<= 0 modules",
            note=", ".join(found) or f"none of {', '.join(FORBIDDEN)}",
        ),
        Figure.of(
            "footprint.native_module",
            [native_module_bytes() / MB],
            "MB",
            budget=f"<= {NATIVE_MB} MB",
            note="compiled kernels, jail and bindings, on disk",
        ),
    ]
