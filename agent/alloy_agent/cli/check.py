"""`alloy-edge check`: every finding of a configuration folder at once.

It compiles in its own process: nothing is started, no broker is asked, no transform is run.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alloy_agent.config.model import Document, Problem

HELP = "Check the configuration: every error at once, with its line and what to do."
EXAMPLE = "alloy-edge check /etc/alloy-edge"
DEFAULT_FOLDER = Path("/etc/alloy-edge")
_NAMES_ITS_PLACE = (
    *("config.unknown_key", "config.missing_key", "config.exclusive", "config.not_yet"),
    *("config.limit", "config.duplicate_key"),
)
EXIT_OK = 0
EXIT_INVALID = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument(
        "dir",
        nargs="?",
        type=Path,
        default=DEFAULT_FOLDER,
        help=f"configuration folder (default {DEFAULT_FOLDER})",
    )
    parser.add_argument(
        "--json", action="store_true", help="findings as one JSON document on standard output"
    )


def run(args: argparse.Namespace) -> int:
    """Check; 0 without errors, 3 with. Warnings alone are 0."""
    from alloy_agent.config.folder import compile_folder

    document = compile_folder(args.dir)
    errors = sum(problem.severity == "error" for problem in document.problems)
    if args.json:
        print(json.dumps(as_json(document, args.dir), indent=2))
    else:
        for problem in document.problems:
            print(render(problem, args.dir), file=sys.stderr)
        print(summary(document, errors), file=sys.stderr)
    return EXIT_INVALID if errors else EXIT_OK


def render(problem: Problem, folder: Path | None = None) -> str:
    """One finding as text: place, code, message; got and expected; hint."""
    file = problem.file if folder is None else folder / problem.file
    severity = "" if problem.severity == "error" else f"{problem.severity}: "
    key = f"`{problem.key}`: " if problem.key and problem.code not in _NAMES_ITS_PLACE else ""
    place = f"{file}:{problem.line}:{problem.column}"
    lines = [f"{place}: {problem.code}: {severity}{key}{problem.message}"]
    facts = [f"got {problem.got}"] if problem.got else []
    facts += [f"expected {problem.expected}"] if problem.expected else []
    if facts:
        lines.append("  " + ", ".join(facts))
    if problem.hint:
        lines.append(f"  hint: {problem.hint}")
    return "\n".join(lines)


def summary(document: Document, errors: int) -> str:
    """The last line: what would run."""
    warnings = len(document.problems) - errors
    good = f"{len(document.pipelines)} {'pipeline' if len(document.pipelines) == 1 else 'pipelines'} ready"
    parts = [good]
    if document.broken:
        parts.append(f"{len(document.broken)} left out")
    parts.append(f"{errors} {'error' if errors == 1 else 'errors'}")
    if warnings:
        parts.append(f"{warnings} {'warning' if warnings == 1 else 'warnings'}")
    text = ", ".join(parts)
    return text if document.device_valid else f"{text}; agent.yaml is invalid, so nothing would start"


def as_json(document: Document, folder: Path) -> dict[str, object]:
    """The findings as plain values; keys are stable."""
    return {
        "folder": str(folder),
        "device_valid": document.device_valid,
        "pipelines": [{"name": p.name, "file": p.file, "digest": p.digest} for p in document.pipelines],
        "broken": list(document.broken),
        "problems": [
            {
                name: getattr(problem, name)
                for name in (
                    "file",
                    "line",
                    "column",
                    "code",
                    "severity",
                    "key",
                    "message",
                    "got",
                    "expected",
                    "hint",
                )
            }
            for problem in document.problems
        ],
    }
