"""`alloy-edge status`: ask the running daemon how it is."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HELP = "Ask the running daemon how it is: pipelines, sources, workers, memory, sandbox layers."
EXAMPLE = "alloy-edge status --run-dir /run/alloy-edge --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `status`."""
    parser.add_argument(
        "--run-dir", type=Path, default=Path("/run/alloy-edge"), help="folder of control.sock"
    )
    parser.add_argument("--json", action="store_true", help="print the whole answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the status; 4 when no daemon answers."""
    import trio

    from alloy_agent.core.control import ask
    from alloy_agent.errors import AgentError

    try:
        response = trio.run(ask, args.run_dir / "control.sock", "status")
    except AgentError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    if not response.ok or response.error is not None:
        print(f"error: {response.error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(response.result, indent=2))
    else:
        print_status(response.result)
    return 0


def print_status(status: dict[str, Any]) -> None:
    """A plain text form, readable without colour."""
    print(
        f"alloy-edge {status['version']}  {status['state']}  pid {status['pid']}  up {status['uptime_s']:.0f} s"
    )
    layers = ", ".join(f"{name} {value}" for name, value in status["sandbox"].items())
    print(f"sandbox: {layers or 'no worker started yet'}")
    for problem in status["problems"]:
        print(f"problem: {problem}")
    print(
        f"{'pipeline':<16}{'state':<10}{'inputs':>9}{'rows':>9}{'blocks':>9}{'refused':>9}{'queued':>8}  stages"
    )
    for item in status["pipelines"]:
        stages = " -> ".join(f"{stage['name']} ({stage['tier']})" for stage in item["stages"])
        print(
            f"{item['name']:<16}{item['state']:<10}{item['inputs']:>9}{item['rows']:>9}{item['blocks']:>9}"
            f"{item['refused']:>9}{item['queued']:>8}  {stages}"
        )
        if item["reason"]:
            print(f"  {item['reason']}")
    print(f"{'process':<24}{'pid':>9}{'PSS':>11}")
    for worker in status["workers"]:
        print(f"{worker['name']:<24}{worker['pid']:>9}{worker['pss'] / 2**20:>8.1f} MB")
