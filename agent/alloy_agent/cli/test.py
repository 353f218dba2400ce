"""`alloy-edge test`: run the EXAMPLES of transforms in the real jail."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alloy_agent.config.model import TransformRef
    from alloy_agent.workers.transform import TransformStage

HELP = "Run the EXAMPLES of transforms in the sandbox and show what differs."
EXAMPLE = "alloy-edge test ./elsys_ers.py"
EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument(
        "transforms",
        nargs="*",
        default=["library"],
        metavar="TRANSFORM",
        help="a path, a name of the library, or `library` for all of it (default)",
    )
    parser.add_argument("--json", action="store_true", help="results as one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Test; 0 all examples hold, 1 one does not or a file is refused, 2 no such transform."""
    from alloy_agent.cli.sandboxed import find, in_jail, library
    from alloy_agent.errors import AgentError, TransformRefusedError
    from alloy_agent.native import CodedError

    uses = [use for given in args.transforms for use in (library() if given == "library" else [given])]
    results: list[dict[str, Any]] = []
    for use in uses:
        try:
            ref = find(use)
        except AgentError as error:
            print(f"alloy-edge test: {error}", file=sys.stderr)
            return EXIT_USAGE
        result: dict[str, Any] = {"transform": use, "ok": False, "examples": [], "problems": []}
        try:
            result |= in_jail(ref, lambda stage, ref=ref: _examples(stage, ref))  # type: ignore[misc]  # of this turn
        except TransformRefusedError as error:
            result["problems"] = [p.render(error.file) for p in error.problems]
        except CodedError as error:
            result["problems"] = [str(error)]
        results.append(result)
        if not args.json:
            _show(result)
    good = sum(r["ok"] for r in results)
    if args.json:
        print(json.dumps({"ok": good == len(results), "transforms": results}, indent=2))
    else:
        print(f"{good} of {len(results)} transforms ok", file=sys.stderr)
    return EXIT_OK if good == len(results) else EXIT_FAILED


async def _examples(stage: TransformStage, ref: TransformRef) -> dict[str, Any]:
    """Each example from the STATE of the file."""
    from alloy_agent.cli.sandboxed import excerpt
    from alloy_transforms.errors import RecordError
    from alloy_transforms.sandbox.columns import rows_of
    from alloy_transforms.sandbox.examples import differences, inputs_of
    from alloy_transforms.sandbox.reply import Reply

    contract = stage.contract
    out = []
    for example in await stage.examples():
        stage.reset_state()
        where = ""
        try:
            values = inputs_of(contract, example)
            reply = await stage.run([[v] for v in values], 1)
            rows = rows_of(contract, Reply(1, reply.rows, b"", reply.columns))
            code = reply.errors[0].code if reply.errors else ""
            diff = differences(contract, example, rows, code)
            if reply.errors and diff:
                error = reply.errors[0]
                where = f"{error.message} at line {error.line}: {excerpt(ref, error.line)}"
        except RecordError as error:
            diff = [error.what]
        out.append({"line": example.line, "ok": not diff, "differences": diff, "error": where})
    return {
        "ok": all(e["ok"] for e in out),
        "examples": out,
        "profile": str(contract.profile),
        "needs": list(contract.needs),
        "effective": stage.facts()["effective"],
        "digest": contract.digest,
    }


def _show(result: dict[str, Any]) -> None:
    examples = result["examples"]
    good = sum(e["ok"] for e in examples)
    word = "ok" if result["ok"] else "FAILED"
    note = "" if examples or result["problems"] else ", no EXAMPLES"
    profile = result.get("profile", "")
    facts = ", ".join(part for part in (profile, *result.get("needs", ())) if part)
    print(
        f"{word:6} {result['transform']}: {good} of {len(examples)} examples{note}"
        + (f" ({facts})" if facts else "")
    )
    for problem in result["problems"]:
        print("  " + problem.replace("\n", "\n  "))
    for example in examples:
        if not example["ok"]:
            print(f"  line {example['line']}:")
            for line in (*example["differences"], *filter(None, [example["error"]])):
                print(f"    {line}")
