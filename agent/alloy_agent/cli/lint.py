"""`alloy-edge lint`: what is wrong with transforms, where, and what to write instead. Nothing of them is run."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alloy_agent.config.model import TransformRef
    from alloy_transforms.sandbox.answers import Problem
    from alloy_transforms.sandbox.lint import Linted

HELP = (
    "Check transforms against the portable language: every finding at once, with its place and what to write."
)
EXAMPLE = "alloy-edge lint ./elsys_ers.py --explain"
EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a path, a name of the library, or `library` for all of it"
    )
    parser.add_argument("--explain", action="store_true", help="show types, intervals and what is checked")
    parser.add_argument(
        "--json", action="store_true", help="findings as one JSON document on standard output"
    )
    parser.add_argument(
        "--profile",
        choices=("int", "f64", "gateway"),
        default="",
        help="int or f64: must be portable, int without floats; gateway: general lint only",
    )


def run(args: argparse.Namespace) -> int:
    """Lint; 0 nothing but warnings, 1 a file is refused, 2 no such file."""
    from alloy_agent.cli.sandboxed import find, library
    from alloy_agent.errors import AgentError

    uses = [use for given in args.files for use in (library() if given == "library" else [given])]
    try:
        refs = [find(use) for use in uses]
    except AgentError as error:
        print(f"alloy-edge lint: {error}", file=sys.stderr)
        return EXIT_USAGE
    results = linted(refs, args.profile, args.explain)
    documents = []
    for use, ref, result in zip(uses, refs, results, strict=True):
        shown = use if Path(use).suffix == ".py" else f"library/{ref.name}.py"
        documents.append(document(shown, result))
        if not args.json:
            show(shown, ref, result, args.explain)
    bad = sum(not d["ok"] for d in documents)
    if args.json:
        print(json.dumps({"ok": not bad, "files": documents}, indent=2))
    else:
        warnings = sum(f["severity"] == "warning" for d in documents for f in d["findings"])
        print(f"{len(refs) - bad} of {len(refs)} files ok, {warnings} warnings", file=sys.stderr)
    return EXIT_FAILED if bad else EXIT_OK


def linted(refs: list[TransformRef], profile: str, explained: bool) -> list[Linted | tuple[Problem, ...]]:
    """The lint of each file, or why it cannot be read; each in a jailed worker of its own."""
    from alloy_agent.cli.sandboxed import in_pool
    from alloy_agent.errors import TransformRefusedError
    from alloy_agent.workers.stage import lint
    from alloy_agent.workers.transform import WorkerPool

    async def main(pool: WorkerPool) -> list[Linted | tuple[Problem, ...]]:
        out: list[Linted | tuple[Problem, ...]] = []
        for ref in refs:
            try:
                out.append(await lint(pool, ref, pool.limits, pool.modules, profile, explained))
            except TransformRefusedError as error:
                out.append(error.problems)
        return out

    return in_pool(main)


def document(file: str, result: Linted | tuple[Problem, ...]) -> dict[str, Any]:
    """One file as plain values; keys are stable."""
    if isinstance(result, tuple):
        findings = [_finding("", p.code, "error", p.what, p.line, p.column, p.hint) for p in result]
        return {"file": file, "ok": False, "profile": "", "numeric": "", "ir": "", "findings": findings}
    findings = [
        _finding(f.rule, f.code, "warning" if f.warning else "error", f.what, f.line, f.column, f.hint)
        for f in result.findings
    ]
    return {
        "file": file,
        "ok": all(f["severity"] == "warning" for f in findings),
        "profile": result.profile,
        "numeric": result.numeric,
        "ir": result.digest,
        "findings": findings,
        "explain": list(result.explain),
    }


def _finding(
    rule: str, code: str, severity: str, what: str, line: int, column: int, hint: str
) -> dict[str, Any]:
    return {
        "rule": rule,
        "code": code,
        "severity": severity,
        "message": what,
        "line": line,
        "column": column,
        "hint": hint,
    }


def show(file: str, ref: TransformRef, result: Linted | tuple[Problem, ...], explained: bool) -> None:
    """Print what was found and, if asked for, what was proven."""
    show_findings(file, ref.source, document(file, result)["findings"])
    if explained and not isinstance(result, tuple):
        print("\n".join((f"{file}: {result.explain[0]}", *result.explain[1:])))


def show_findings(file: str, source: bytes, findings: list[dict[str, Any]]) -> None:
    """Print findings, each with its line of the file."""
    lines = source.decode("utf-8", "replace").splitlines()
    for f in findings:
        rule = f"{f['rule']} " if f["rule"] else ""
        word = "warning: " if f["severity"] == "warning" else ""
        print(f"{file}:{f['line']}:{f['column']}: {f['code']} {rule}{word}{f['message']}")
        if 0 < f["line"] <= len(lines):
            print(f"    {lines[f['line'] - 1].strip()[:100]}")
        if f["hint"]:
            print(f"  hint: {f['hint']}")
