"""`alloy-edge promote`: ask the running daemon to run a transform native."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HELP = "Run a transform native: compare its module with the sandbox, then swap it in between two batches."
EXAMPLE = "alloy-edge promote roof/elsys_ers --run-dir /run/alloy-edge"
EXIT_OK, EXIT_REFUSED, EXIT_UNREACHABLE = 0, 1, 4
TIMEOUT_S = 180.0
"""The comparison takes seconds; a slow device and another promotion before it may take more."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `promote`."""
    parser.add_argument(
        "name", metavar="NAME", help="pipeline/transform, or the transform where one pipeline has it"
    )
    parser.add_argument(
        "--module", type=Path, metavar="FILE", help="this module or wheel instead of the newest that fits"
    )
    add_daemon_arguments(parser)


def add_daemon_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the daemon answers, and how the result is printed."""
    parser.add_argument(
        "--run-dir", type=Path, default=Path("/run/alloy-edge"), help="folder of control.sock"
    )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Promote; 0 it runs native, 1 it does not and the reason is printed, 4 no daemon answers."""
    from alloy_agent.errors import AgentError
    from alloy_agent.native import CodedError

    wanted: dict[str, Any] = {"transform": args.name}
    try:
        if args.module is not None:
            from alloy_agent.cli.modulefile import into_store

            modules = ask_daemon(args.run_dir, "status", {})["modules"]
            wanted["module"] = into_store(args.module, modules["folder"], modules["trust"])
        results = ask_daemon(args.run_dir, "transform.promote", wanted)
    except AgentError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_UNREACHABLE if error.code == "control.unreachable" else EXIT_REFUSED
    except CodedError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    if args.json:
        print(json.dumps(results, indent=2))
    else:
        for result in results:
            show(result)
    return EXIT_OK


def ask_daemon(run_dir: Path, verb: str, wanted: dict[str, Any]) -> Any:
    """The result of one verb.

    Raises:
        AgentError: `control.unreachable`, or what the daemon answered instead.
    """
    import trio

    from alloy_agent.core.control import ask
    from alloy_agent.core.verbs import Failure
    from alloy_agent.errors import AgentError

    response = trio.run(ask, run_dir / "control.sock", verb, wanted, TIMEOUT_S)
    if response.ok and response.error is None:
        return response.result
    failure = response.error or Failure("control.failed", "the daemon gave no reason")
    raise AgentError(
        failure.code,
        failure.message,
        where=str(wanted.get("transform", "")),
        got=failure.got,
        expected=failure.expected,
        hint=failure.hint,
    )


def show(result: dict[str, Any]) -> None:
    """One transform that was promoted."""
    if result.get("already"):
        print(f"{result['transform']}: runs this module already ({result['module'][:12]})")
        return
    gate = result["gate"]
    print(f"{result['transform']}: native, module {result['module'][:12]}")
    print(
        f"  compared: {gate['examples']} examples, {gate['recorded']} recorded and {gate['generated']} generated "
        f"inputs in {gate['seconds']:.1f} s, no difference"
    )
    if gate["declined"] or gate["skipped"]:
        print(
            f"  {gate['declined']} of them left to Python, {gate['skipped']} not answered by Python in its time"
        )
    print(f"  swap: the stage was held for {result['held_us']} us, state {result['state']}")
