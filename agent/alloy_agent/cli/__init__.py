"""The command line. Each verb is one module of this package, imported when it is called.

A verb module has `HELP` (one line), `EXAMPLE` (a command that works), `add_arguments(parser)` and
`run(args) -> int`. Exit codes: 0 ok, 1 failed, 2 usage, 3 configuration invalid, 4 daemon unreachable.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Protocol

from alloy_agent import __version__

VERBS: dict[str, str] = {
    "run": "run the daemon",
    "demo": "see real instrument data come out normalised, on this machine",
    "status": "ask the running daemon how it is",
    "check": "check the configuration, every error at once",
    "lint": "check transforms against the portable language",
    "build": "compile transforms to native modules, on a build host",
    "test": "run the EXAMPLES of transforms in the sandbox",
    "try": "run one transform on one sample in the sandbox",
    "promote": "run a transform native",
    "demote": "run a transform in the sandbox again",
    "decode": "print messages, descriptors and files of any encoding",
    "doctor": "say what this host offers: kernel, sandbox layers, libraries",
    "broker": "small MQTT 5 broker on loopback, for demo and tests",
    "bench": "measure the shipped workloads on this machine",
}
"""Verb -> help line, in the order shown; the module is `alloy_agent.cli.<verb>` (`try` -> `try_`)."""


class Verb(Protocol):
    """What each verb module offers."""

    HELP: str
    EXAMPLE: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verb's options."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Do it; the result is the exit code."""
        ...


def _module(verb: str) -> Verb:
    name = f"{verb}_" if verb == "try" else verb
    return importlib.import_module(f"alloy_agent.cli.{name}")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `alloy-edge`."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="alloy-edge", description="Edge normalisation agent: instrument data in, checked records out."
    )
    parser.add_argument("--version", action="version", version=f"alloy-edge {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    wanted = arguments[0] if arguments and arguments[0] in VERBS else None
    for verb, line in VERBS.items():
        if verb != wanted:
            verbs.add_parser(verb, help=line, add_help=False)
            continue
        module = _module(verb)
        sub = verbs.add_parser(
            verb,
            help=line,
            description=module.HELP,
            epilog=f"example: {module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)
    args = parser.parse_args(arguments)
    return _module(args.verb).run(args)


if __name__ == "__main__":
    sys.exit(main())
