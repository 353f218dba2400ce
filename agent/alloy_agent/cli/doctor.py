"""`alloy-edge doctor`: what this host offers the sandbox, tried and not guessed, and what is missing.

Facts are gathered at the edge (`gather`), judged by a pure function (`judge`), printed last.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import trio

from alloy_agent.errors import AgentError
from alloy_agent.native import jail
from alloy_agent.workers.zygote import Zygote

HELP = "Say what this host offers: kernel, sandbox layers, memory, libraries. Exit code 1 when untrusted "
HELP += "transforms would be refused."
EXAMPLE = "alloy-edge doctor --json"

LIBRARIES: Final = (
    "alloy-edge",
    "alloy-native",
    "cbor2",
    "h5py",
    "msgpack",
    "msgspec",
    "mqtt5",
    "numpy",
    "trio",
)
CHECK_S: Final = 30.0  # for the real jailed worker
MEMORY_MIN_BYTES: Final = 200 << 20  # core, workers and one decoder (budgets of the design)
OK, WEAKER, REFUSED = "ok", "weaker", "refused"


@dataclass(frozen=True)
class Facts:
    """What was found.

    Attributes:
        host: answer of `jail.probe()`.
        memory_bytes: total, or the limit of our control group where that is less.
        reached: what a jailed worker could still do; None when none could be started.
        failure: why none could be started.
        spawn_ms: from the request to the first answer of a jailed worker.
    """

    host: Mapping[str, int | str | bool]
    memory_bytes: int
    available_bytes: int
    libraries: Mapping[str, str] = field(default_factory=dict)
    reached: tuple[str, ...] | None = ()
    failure: str = ""
    spawn_ms: float = 0.0


@dataclass(frozen=True)
class Finding:
    """One line: a subject, its value, a state (`ok`, `weaker`, `refused`), and what that means."""

    name: str
    value: str
    state: str = OK
    meaning: str = ""


def judge(facts: Facts) -> list[Finding]:
    """Facts to findings; any `refused` means that untrusted transforms do not run here."""
    host = facts.host
    landlock = int(host["landlock_abi"])
    findings = [
        Finding("kernel", str(host["kernel"])),
        _either(
            "architecture",
            str(host["arch"]),
            bool(host["arch_supported"]),
            REFUSED,
            "no table of system calls for it; x86_64 and aarch64 have one",
        ),
        _either(
            "seccomp",
            "filters" if host["seccomp"] else "missing",
            bool(host["seccomp"]),
            REFUSED,
            "system calls cannot be filtered (CONFIG_SECCOMP_FILTER); only `sandbox.allow_degraded` runs "
            "untrusted transforms without it",
        ),
        Finding(
            "landlock",
            f"ABI {landlock}" if landlock else "missing",
            OK if landlock >= 6 else WEAKER,
            ""
            if landlock >= 6
            else "a second wall behind seccomp lacks "
            + (
                "network and signals (kernel 6.12 has all)"
                if landlock
                else "altogether (CONFIG_SECURITY_LANDLOCK, lsm=landlock); `verify` needs it"
            ),
        ),
        _either(
            "namespaces",
            "allowed" if host["userns"] else "not allowed",
            bool(host["userns"]),
            WEAKER,
            "workers share the network namespace; seccomp still denies them every socket",
        ),
        _either(
            "cgroup",
            str(host["cgroup"]),
            host["cgroup"] == "v2",
            WEAKER,
            "no memory limit for all workers together; each has its own",
        ),
        _either(
            "memory",
            f"{facts.memory_bytes >> 20} MiB, {facts.available_bytes >> 20} MiB free",
            facts.memory_bytes >= MEMORY_MIN_BYTES,
            WEAKER,
            "files may not be decoded beside the daemon",
        ),
        _worker(facts),
    ]
    findings += [
        _either(name, version or "missing", bool(version), WEAKER, "not installed in this environment")
        for name, version in facts.libraries.items()
    ]
    return findings


def _either(name: str, value: str, good: bool, otherwise: str, meaning: str) -> Finding:
    return Finding(name, value, OK if good else otherwise, "" if good else meaning)


def _worker(facts: Facts) -> Finding:
    if facts.reached is None:
        return Finding("jailed worker", "did not start", REFUSED, facts.failure)
    if facts.reached:
        return Finding(
            "jailed worker", f"could {', '.join(facts.reached)}", REFUSED, "the jail does not hold"
        )
    return Finding("jailed worker", f"sealed and answering after {facts.spawn_ms:.1f} ms")


def gather() -> Facts:
    """Ask the host; starts a zygote and one jailed worker."""
    total, available = _memory()
    reached: tuple[str, ...] | None = None
    failure, spawn_ms = "", 0.0
    try:
        reached, spawn_ms = trio.run(try_worker)
    except (AgentError, OSError, trio.TooSlowError) as error:
        failure = str(error)
    return Facts(jail.probe(), total, available, _versions(), reached, failure, spawn_ms)


async def try_worker(layers: Sequence[str] = ()) -> tuple[tuple[str, ...], float]:
    """What a jailed worker reached, and how long it took to answer [ms].

    Args:
        layers: jail layers to apply, empty for all: what a host without the others would give.
    """
    result: tuple[tuple[str, ...], float] | AgentError
    with trio.fail_after(CHECK_S):
        async with trio.open_nursery() as nursery:
            # Caught inside, so that a failure is not wrapped in a group by the nursery.
            try:
                entry = "alloy_transforms.sandbox.selfcheck:serve"
                zygote = await Zygote.start(nursery, name="doctor", entry=entry)
                begin = time.perf_counter()
                async with await zygote.spawn(
                    profile="transform", memory_bytes=32 << 20, layers=layers
                ) as worker:
                    answer = (await worker.receive(4096)).decode()
                    spent_ms = (time.perf_counter() - begin) * 1e3
                result = tuple(filter(None, answer.split(","))), spent_ms
                await zygote.aclose()
            except AgentError as error:
                result = error
            nursery.cancel_scope.cancel()
    if isinstance(result, AgentError):
        raise result
    return result


def _memory() -> tuple[int, int]:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    total, available = kib["MemTotal"] << 10, kib.get("MemAvailable", kib["MemFree"]) << 10
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        if line.startswith("0::"):
            limit = Path("/sys/fs/cgroup" + line[3:]) / "memory.max"
            if limit.exists() and (text := limit.read_text(encoding="ascii").strip()).isdigit():
                total = min(total, int(text))
    return total, min(total, available)


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = ""
    return versions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(args: argparse.Namespace) -> int:
    """Gather, judge, print."""
    findings = judge(gather())
    refused = any(f.state == REFUSED for f in findings)
    if args.json:
        document = {"untrusted_transforms": not refused, "findings": [asdict(f) for f in findings]}
        json.dump(document, sys.stdout, indent=2)
        print()
        return int(refused)
    width = max(len(f.name) for f in findings)
    for finding in findings:
        print(f"{finding.name:<{width}}  {finding.state:<7}  {finding.value}")
        if finding.meaning:
            print(f"{'':<{width}}           {finding.meaning}")
    print()
    print(
        "untrusted transforms are refused on this host" if refused else "untrusted transforms run in the jail"
    )
    return int(refused)
