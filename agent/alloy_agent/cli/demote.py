"""`alloy-edge demote`: ask the running daemon to run a transform in the sandbox again."""

from __future__ import annotations

import argparse
import json
import sys

HELP = "Run a transform in the sandbox again; its module stays in the store."
EXAMPLE = "alloy-edge demote roof/elsys_ers --reason 'the sensor is being calibrated'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `demote`."""
    from alloy_agent.cli.promote import add_daemon_arguments

    parser.add_argument(
        "name", metavar="NAME", help="pipeline/transform, or the transform where one pipeline has it"
    )
    parser.add_argument("--reason", default="by an operator", metavar="TEXT", help="kept and shown by status")
    add_daemon_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Demote; 0 it runs in the sandbox, 1 the reason why not is printed, 4 no daemon answers."""
    from alloy_agent.cli.promote import EXIT_OK, EXIT_REFUSED, EXIT_UNREACHABLE, ask_daemon
    from alloy_agent.errors import AgentError

    wanted = {"transform": args.name, "reason": args.reason}
    try:
        results = ask_daemon(args.run_dir, "transform.demote", wanted)
    except AgentError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_UNREACHABLE if error.code == "control.unreachable" else EXIT_REFUSED
    if args.json:
        print(json.dumps(results, indent=2))
        return EXIT_OK
    for result in results:
        print(f"{result['transform']}: sandbox, module {result['module'][:12]} left, state {result['state']}")
    return EXIT_OK
