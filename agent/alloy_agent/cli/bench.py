"""`alloy-edge bench`: the shipped workloads, measured on this machine, with spread and budget."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from dataclasses import asdict
from typing import Any

from alloy_agent.bench import WORKLOADS
from alloy_agent.bench.figure import Figure
from alloy_agent.bench.machine import describe
from alloy_agent.errors import ToolchainError

HELP = (
    "Measure the shipped workloads on this machine: median, spread, ratio to a peer in the same run, budget."
)
EXAMPLE = "alloy-edge bench --quick --only sandbox"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `bench`."""
    parser.add_argument("--quick", action="store_true", help="shorter runs, at most a minute in all")
    parser.add_argument(
        "--only", action="append", choices=WORKLOADS, help="run this workload only (repeatable)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def line(figure: Figure) -> str:
    """One figure as text."""
    spread = f"{number(figure.minimum)} .. {number(figure.maximum)}"
    ratio = f"{figure.ratio:.2f}x {figure.peer}" if figure.ratio is not None else ""
    text = (
        f"{figure.name:<38}{number(figure.value):>13} {figure.unit:<10}{spread:<26}{ratio[:22]:<24}"
        f"{figure.budget:<21}{figure.verdict}"
    )
    return text.rstrip()


def versions(machine: dict[str, Any]) -> str:
    """What was measured and what it is compared with, in one line."""
    return "versions: " + ", ".join(f"{name} {version}" for name, version in machine["versions"].items())


def number(value: float) -> str:
    """Four digits, without an exponent: a thousand messages read better than 1e3."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def run(args: argparse.Namespace) -> int:
    """Run the workloads one after the other; 1 when one of them failed."""
    machine = describe()
    if not args.json:
        flags = " ".join(map(str, machine["flags"])) if isinstance(machine["flags"], list) else ""
        print(
            f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_mb']} MB, kernel {machine['kernel']}, "
            f"Python {machine['python']}, load {machine['load_1min']}\nflags: {flags}\n{versions(machine)}\n"
        )
        print(f"{'figure':<38}{'median':>13} {'unit':<10}{'spread':<26}{'against':<24}{'budget':<21}verdict")
    figures: list[Figure] = []
    failed: dict[str, str] = {}
    left_out: dict[str, str] = {}
    seconds: dict[str, float] = {}
    for name in args.only or WORKLOADS:
        begun = time.perf_counter()
        try:
            new = importlib.import_module(f"alloy_agent.bench.{name}").run(args.quick)
        except ImportError as error:  # a workload whose peer library is not installed says which
            failed[name] = str(error)
            print(f"{name}: not measured: {error}", file=sys.stderr)
            continue
        except (
            ToolchainError
        ) as error:  # native modules are made on build hosts; this is none, and need not be
            left_out[name] = str(error)
            print(f"{name}: left out: {error}", file=sys.stderr)
            continue
        seconds[name] = round(time.perf_counter() - begun, 1)
        figures += new
        if not args.json:
            for figure in new:
                print(line(figure), flush=True)
    if args.json:
        document = {
            "machine": machine,
            "load_1min_after": describe()["load_1min"],
            "figures": [{**asdict(figure), "verdict": figure.verdict} for figure in figures],
            "seconds": seconds,
            "failed": failed,
            "left_out": left_out,
        }
        print(json.dumps(document, indent=2))
    else:
        judged = {figure.name: figure.verdict for figure in figures if figure.verdict}
        failing = [name for name, verdict in judged.items() if verdict != "within"]
        print(f"\nwithin budget: {len(judged) - len(failing)}; not: {', '.join(failing) or 'none'}")
        print(f"load after: {describe()['load_1min']}; a busy machine makes every time and rate worse")
        print("seconds: " + ", ".join(f"{name} {value}" for name, value in seconds.items()))
    return 1 if failed else 0
