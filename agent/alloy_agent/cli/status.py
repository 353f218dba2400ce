"""`alloy-edge status`: ask the running daemon how it is."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HELP = "Ask the running daemon how it is: pipelines, sources, workers, memory, sandbox layers."
EXAMPLE = "alloy-edge status --run-dir /run/alloy-edge --json"


TRUST = {
    "signed": "modules of signed updates; there are none yet",
    "local": "modules that `alloy-edge build` made on this host",
}


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


def print_transforms(transforms: list[dict[str, Any]]) -> None:
    """What each transform cost so far, and why one is out of use."""
    if not transforms:
        return
    print(
        f"{'transform':<24}{'calls':>8}{'inputs':>9}{'errors':>8}{'cpu':>9}{'p50':>8}{'p99':>8}{'max':>8}"
        f"{'memory':>9}{'out':>9}{'log':>7}{'respawn':>8}{'death':>6}  may"
    )
    for t in transforms:
        a, may = t["accounting"], t["effective"]
        has = [name for name in ("log", "state", "array") if may[name]]
        has += [f"{may['rows']} rows"] * (may["rows"] > 1)
        has += [*may["modules"], f"{may['memory_mb']} MB", f"{may['wall_ms']} ms"]
        print(
            f"{t['transform']:<24}{a['calls']:>8}{a['inputs']:>9}{sum(a['errors'].values()):>8}"
            f"{a['cpu_us'] / 1e3:>6.0f} ms{a['wall_p50_us'] / 1e3:>8.2f}{a['wall_p99_us'] / 1e3:>8.2f}"
            f"{a['wall_max_us'] / 1e3:>8.2f}{a['memory_high_bytes'] / 2**20:>6.1f} MB"
            f"{a['output_bytes'] / 1e3:>6.0f} kB{a['log_bytes']:>7}{a['respawns']:>8}{a['deaths']:>6}"
            f"  {', '.join(has)}"
        )
        for code, count in sorted(a["errors"].items()):
            print(f"  {code}: {count}")
        print_tier(t)
        if t["state"] != "in_use":
            since = datetime.fromtimestamp(t["since_ns"] / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
            print(f"  {t['state']} since {since}: {t['why']}{' ' + t['code'] if t['code'] else ''}")


def print_tier(t: dict[str, Any]) -> None:
    """In which tier a transform runs and why, and how hot it is."""
    module, heat = t["module"], t["hot"]
    if module is not None:
        line = f"  native: module {module['sha256'][:12]}, {a_rate(module['decline_rate'])} left to Python"
        if module["canary_left_s"]:
            line += f", canary for {module['canary_left_s']:.0f} s more, {module['compared']} inputs compared"
        print(line)
    else:
        print(f"  sandbox: {t['not_native']}")
    if heat is not None and heat["records"]:
        word = "hot" if heat["hot"] else "not hot"
        print(
            f"  {word}: {a_rate(heat['share'])} of a core over {heat['over_s']:g} s, {heat['records']} records, "
            f"{heat['record_us']:g} us each" + ("" if heat["stable"] else ", not stable")
        )


def a_rate(share: float) -> str:
    """A share for people."""
    return f"{share:.2%}"


def print_status(status: dict[str, Any]) -> None:
    """A plain text form, readable without colour."""
    print(
        f"alloy-edge {status['version']}  {status['state']}  pid {status['pid']}  up {status['uptime_s']:.0f} s"
    )
    layers = ", ".join(f"{name} {value}" for name, value in status["sandbox"].items())
    print(f"sandbox: {layers or 'no worker started yet'}")
    modules = status["modules"]
    if modules:
        print(
            f"modules.trust: {modules['trust']} ({TRUST[modules['trust']]}), promotion: {modules['policy']}"
        )
        for problem in modules["problems"]:
            print(f"  set aside: {problem}")
        if modules["unsaved"]:
            print(f"  {modules['unsaved']} decisions are not on disk yet")
    link = status["link"]
    if link:
        state = "connected" if link["connected"] else f"not connected: {link['last_error'] or 'not yet'}"
        print(
            f"broker: {state}, {link['connects']} connects, {link['acknowledged']} of {link['published']} acknowledged"
        )
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
        for file in item["files"]:
            if file["outcome"] != "complete" or file["problem"]:
                print(f"  {file['name']}: {file['outcome']} {file['problem']}".rstrip())
    print_transforms([t for item in status["pipelines"] for t in item["transforms"]])
    print(f"{'process':<24}{'pid':>9}{'PSS':>11}")
    for worker in status["workers"]:
        print(f"{worker['name']:<24}{worker['pid']:>9}{worker['pss'] / 2**20:>8.1f} MB")
