"""`alloy-edge demo`: broker, simulated instruments, sample files and the real daemon, on this machine."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alloy_agent.demo.play import Played

HELP = "See real instrument data come out normalised: broker, simulators, sample files and the daemon, all local."
EXAMPLE = "alloy-edge demo --seconds 20"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `demo`."""
    parser.add_argument(
        "--seconds",
        type=float,
        default=20.0,
        help="length of the show (default 20); a slow host is given more, until every source has delivered",
    )
    parser.add_argument("--forever", action="store_true", help="go on until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print only the summary, as JSON")
    parser.add_argument(
        "--folder", type=Path, help="where to put configuration, state and files (default: temporary)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the show; 0 only if every source delivered."""
    import trio

    from alloy_agent.core.supervisor import describe
    from alloy_agent.demo.play import play
    from alloy_agent.demo.show import Show
    from alloy_agent.errors import AgentError

    with tempfile.TemporaryDirectory(prefix="alloy-demo-") as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        out = sys.stderr if args.json else sys.stdout
        show = Show(out, live=out.isatty() and not args.json)
        seconds = None if args.forever else args.seconds
        failures: list[BaseException] = []
        try:
            played = trio.run(play, folder, show, seconds)
        except* AgentError as group:
            failures += group.exceptions
        if failures:
            for failure in failures:
                print(f"error: {describe(failure)}", file=sys.stderr)
            for log in sorted(folder.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text()[-2000:]}", file=sys.stderr)
            return 1
        missing = played.missing
        if args.json:
            print(json.dumps(summary(played, missing), indent=2))
        else:
            print_summary(played, missing, folder)
        return 1 if missing else 0


def summary(played: Played, missing: list[str]) -> dict[str, Any]:
    """What the show came to, as data."""
    observer = played.observer
    return {
        "delivered": sorted(observer.delivered),
        "missing": missing,
        "problems": observer.problems,
        "messages": {
            name: {"records": t.records, "blocks": t.blocks, "manifests": t.manifests, "bytes": t.bytes}
            for name, t in sorted(observer.tallies.items())
        },
        "promotion": played.promotion.facts(),
        "status": played.status,
    }


def print_summary(played: Played, missing: list[str], folder: Path) -> None:
    """What the show came to, as text."""
    from alloy_agent.cli.status import print_status

    observer, status = played.observer, played.status

    print()
    print_status(status)
    uptime = max(status["uptime_s"], 1e-3)
    print(f"{'received by the consumer':<26}{'records':>9}{'rec/s':>8}{'blocks':>8}{'files':>7}{'kB':>9}")
    for name, t in sorted(observer.tallies.items()):
        print(
            f"{name:<26}{t.records:>9}{t.records / uptime:>8.1f}{t.blocks:>8}{t.manifests:>7}{t.bytes / 1000:>9.1f}"
        )
    total = sum(worker["pss"] for worker in status["workers"])
    print(f"memory of the daemon's processes together: {total / 2**20:.1f} MB PSS")
    print("\n".join(played.promotion.lines()))
    for problem in observer.problems[:5]:
        print(f"problem: {problem}")
    if missing:
        print(f"did not deliver: {', '.join(missing)}; see the logs in {folder}")
    else:
        print("every source delivered")
