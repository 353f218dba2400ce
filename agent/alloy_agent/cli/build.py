"""`alloy-edge build`: portable transforms to native modules, on a build host; nothing of them is run."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alloy_agent.build.toolchain import Toolchain
    from alloy_agent.config.model import TransformRef
    from alloy_agent.errors import TransformRefusedError

HELP = "Compile portable transforms to native modules: one wheel each, the same bytes wherever it is built."
EXAMPLE = "alloy-edge build ./elsys_ers.py --target aarch64 --out dist"
CONFIG = Path("/etc/alloy-edge")
EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a path or a name of the library")
    parser.add_argument(
        "--target", choices=("x86_64", "aarch64"), help="machine that runs the module (default: this host's)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("dist"), metavar="DIR", help="where the wheels go (default ./dist)"
    )
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter, as the pipeline's `params:`; it is a constant of the module",
    )
    parser.add_argument(
        "--store",
        type=Path,
        metavar="DIR",
        help="state folder of the daemon that may run the modules (default: the one configured here, if it can be"
        " written and the target is this machine)",
    )
    parser.add_argument("--no-cache", action="store_true", help="compile even what was compiled before")
    parser.add_argument("--json", action="store_true", help="results as one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Build; 0 every file gave its wheel, 1 one did not, 2 usage."""
    from alloy_agent.build import toolchain
    from alloy_agent.build.program import documents
    from alloy_agent.cli.sandboxed import find, in_pool, pair, scalar
    from alloy_agent.errors import AgentError
    from alloy_agent.native import CodedError

    try:
        params = {name: scalar(text) for name, text in map(pair, args.param)}
        refs = [find(use, params) for use in args.files]
    except (AgentError, ValueError) as error:
        print(f"alloy-edge build: {error}", file=sys.stderr)
        return EXIT_USAGE
    steps = Steps(sys.stderr.isatty() and not args.json)
    try:
        tools = toolchain.find(args.target or toolchain.machine())
        steps.begin("checking", f"{len(refs)} file{'s' * (len(refs) != 1)}")
        checked = in_pool(lambda pool: documents(pool, refs))
        steps.end()
    except CodedError as error:
        return _failed(args, error)
    results = []
    for use, ref, document in zip(args.files, refs, checked, strict=True):
        result = {"file": use, **_one(args, ref, document, tools, steps)}
        results.append(result)
        if not args.json:
            _show(result, ref)
    good = sum(r["ok"] for r in results)
    if args.json:
        print(json.dumps({"ok": good == len(results), "modules": results}, indent=2))
    elif len(results) > 1:
        print(f"{good} of {len(results)} built", file=sys.stderr)
    return EXIT_OK if good == len(results) else EXIT_FAILED


def _failed(args: argparse.Namespace, error: Exception) -> int:
    """Nothing at all could be built."""
    if args.json:
        print(json.dumps({"ok": False, "error": _error(error), "modules": []}, indent=2))
    else:
        _show_error(_error(error))
    return EXIT_FAILED


def _one(
    args: argparse.Namespace, ref: TransformRef, document: Any, tools: Toolchain, steps: Steps
) -> dict[str, Any]:
    """One file as plain values: what was built, or why it was not."""
    from alloy_agent.build import cache, make, store, toolchain
    from alloy_agent.build.program import program
    from alloy_agent.errors import TransformRefusedError
    from alloy_agent.native import CodedError

    if isinstance(document, TransformRefusedError):
        return {"ok": False, "findings": _findings(ref, document), "error": None}
    try:
        kept = None if args.no_cache else cache.folder()
        made = make.make(program(ref, document), tools, kept, lambda step: steps.begin(step, ref.name))
        path = make.write(made, args.out)
        folder = args.store or (store.configured(CONFIG) if tools.machine == toolchain.machine() else None)
        stored = str(store.record(made, folder)) if folder is not None else None
    except CodedError as error:
        return {"ok": False, "findings": [], "error": _error(error)}
    finally:
        steps.end()
    return {"ok": True, "findings": [], "error": None, "path": str(path), **made.facts(), "store": stored}


def _findings(ref: TransformRef, refused: TransformRefusedError) -> list[dict[str, Any]]:
    """What `alloy-edge lint` says of the file; where that is nothing, it is the parameters that are refused."""
    from alloy_agent.cli.lint import document, linted

    (result,) = linted([ref], "f64", False)
    found: list[dict[str, Any]] = document(refused.file, result)["findings"]
    if not any(f["severity"] == "error" for f in found):
        found = document(refused.file, refused.problems)["findings"]
    return found


def _error(error: Any) -> dict[str, Any]:
    keys = ("code", "what", "where", "got", "expected", "hint")
    return {"text": str(error), **{key: getattr(error, key) for key in keys}, **error.context}


def _show_error(error: dict[str, Any]) -> None:
    print(f"alloy-edge build: {error['text']}", file=sys.stderr)
    for line in error.get("output", "").splitlines():
        print(f"  | {line}", file=sys.stderr)


def _show(result: dict[str, Any], ref: TransformRef) -> None:
    if result["error"]:
        _show_error(result["error"])
        return
    if not result["ok"]:
        from alloy_agent.cli.lint import show_findings

        show_findings(result["file"], ref.source, result["findings"])
        return
    wheel, module = result["wheel"], result["module"]
    tools = result["toolchain"]
    rows = [
        ("wheel", f"{result['path']}, {wheel['bytes']} bytes"),
        ("", f"sha256 {wheel['sha256']}"),
        ("module", f"{module['path']}, {module['bytes']} bytes"),
        ("", f"sha256 {module['sha256']}"),
        ("contract", result["digest"]),
        ("IR", result["ir"]),
        ("target", f"{result['target']}: {tools['kind']}, {tools['rustc']}"),
        ("", f"{tools['linker']}, {tools['maturin']}"),
    ]
    if result["store"]:
        rows.append(("store", f"{result['store']}: this host's daemon may run it"))
    print(f"{result['name']} {result['version']}{' (built before)' if result['cached'] else ''}")
    for label, text in rows:
        print(f"  {label:8}  {text}")


class Steps:
    """What is being done, on a terminal: one line a step, with its time."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._began: float | None = None

    def begin(self, step: str, what: str) -> None:
        """A step begins; the one before has ended."""
        self.end()
        self._began = time.monotonic()
        if self._shown:
            print(f"{what}: {step} ... ", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """The step has ended."""
        if self._shown and self._began is not None:
            print(f"{time.monotonic() - self._began:.2f} s", file=sys.stderr)
        self._began = None
