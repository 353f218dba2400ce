"""`alloy-edge try`: run one transform on one sample (or a file of them) in the real jail."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alloy_agent.config.model import TransformRef
    from alloy_agent.workers.transform import TransformStage

HELP = "Run one transform on a sample in the sandbox: input, output with units, time, error with its line."
EXAMPLE = "alloy-edge try elsys_ers 0100e20229 --hex --input port=5"
EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument("transform", metavar="TRANSFORM", help="a path or a name of the library")
    parser.add_argument(
        "sample",
        nargs="?",
        metavar="SAMPLE",
        help="the payload: text, hex digits (--hex) or a file; of an element-wise transform the number that is its"
        " first parameter; - is stdin",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--hex", action="store_true", help="SAMPLE is hexadecimal digits")
    how.add_argument("--file", action="store_true", help="SAMPLE is a file: its bytes are one input")
    how.add_argument("--lines", action="store_true", help="SAMPLE is a file: each line is one input")
    parser.add_argument(
        "--input", action="append", default=[], metavar="NAME=VALUE", help="another input of the transform"
    )
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter, as the pipeline's `params:`",
    )
    parser.add_argument("--json", action="store_true", help="results as one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Try; 0 every input gave its rows, 1 one did not or the file is refused, 2 usage."""
    from alloy_agent.cli import try_inputs
    from alloy_agent.cli.sandboxed import find, in_jail, pair, scalar
    from alloy_agent.errors import AgentError, TransformRefusedError
    from alloy_agent.native import CodedError

    try:
        samples = try_inputs.samples(args)
        extra = dict(pair(text) for text in args.input)
        ref = find(args.transform, {name: scalar(text) for name, text in map(pair, args.param)})
    except (AgentError, ValueError, OSError) as error:
        print(f"alloy-edge try: {error}", file=sys.stderr)
        return EXIT_USAGE
    try:
        results = in_jail(ref, lambda stage: _run(stage, ref, samples, extra, args))
    except TransformRefusedError as error:
        print(error.all, file=sys.stderr)
        return EXIT_FAILED
    except ValueError as error:
        print(f"alloy-edge try: {error}", file=sys.stderr)
        return EXIT_USAGE
    except CodedError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    if args.json:
        print(json.dumps(results, indent=2, ensure_ascii=False))
    else:
        _show(results)
    return EXIT_FAILED if any(r["error"] for r in results["inputs"]) else EXIT_OK


async def _run(
    stage: TransformStage,
    ref: TransformRef,
    samples: list[bytes] | None,
    extra: dict[str, str],
    args: argparse.Namespace,
) -> dict[str, Any]:
    from alloy_agent.cli import try_inputs
    from alloy_agent.cli.sandboxed import excerpt, physical, physical_rows, quality
    from alloy_transforms.sandbox.reply import Reply

    contract = stage.contract
    if contract.elementwise:
        columns = try_inputs.elements(contract, samples, extra, raw=args.hex or args.file)
    else:
        columns = try_inputs.records(contract, samples, extra)
    n = len(columns[0])
    began = time.perf_counter_ns()
    reply = await stage.run(columns, n)
    took_us = (time.perf_counter_ns() - began) / 1000
    inputs: list[dict[str, Any]] = [
        {
            "input": {n: _shown(c[i]) for (n, _), c in zip(contract.inputs, columns, strict=True)},
            "rows": [],
            "error": None,
        }
        for i in range(n)
    ]
    rows = physical_rows(contract, Reply(n, reply.rows, b"", reply.columns))
    for at, row in zip(reply.src, rows, strict=True):
        inputs[at]["rows"].append(
            {
                f.name: {
                    "value": _instant(v) if f.type == "time_ns" else physical(f, v),
                    "unit": f.unit,
                    "stored": _shown(v),
                    "quality": quality(f, v),
                }
                for f, v in row
            }
        )
    for error in reply.errors:
        inputs[error.index]["error"] = {
            "code": error.code,
            "message": error.message,
            "line": error.line,
            "source": excerpt(ref, error.line),
        }
    return {
        "transform": contract.name,
        "digest": contract.digest,
        "tier": stage.tier,
        "time_us": round(took_us, 1),
        "cpu_us": round(stage.accounting.cpu_ns / 1000, 1),
        "inputs": inputs,
    }


def _shown(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _readable(name: str, value: Any) -> str:
    """Bytes that are ASCII as text, others as hexadecimal digits."""
    data = bytes.fromhex(value) if isinstance(value, str) and _is_hex(value) else b""
    if data and data.isascii() and data.decode().isprintable():
        return f"{name}={data.decode()!r}"
    return f"{name}={value}"


def _is_hex(text: str) -> bool:
    return len(text) % 2 == 0 and not set(text) - set("0123456789abcdef")


def _instant(ns: int) -> str:
    """ISO 8601 with nanoseconds, UTC."""
    import datetime

    seconds, rest = divmod(ns, 10**9)
    try:
        day = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (ValueError, OverflowError):
        return f"{ns} ns since 1970"
    return f"{day:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _show(results: dict[str, Any]) -> None:
    for item in results["inputs"]:
        print("in   " + ", ".join(_readable(n, v) for n, v in item["input"].items() if v is not None))
        for row in item["rows"]:
            width = max((len(name) for name in row), default=0)
            for name, field in row.items():
                flag = "" if field["quality"] == 1 else f"  quality {field['quality']}: outside its range"
                unit = f" {field['unit']}" if field["unit"] else ""
                print(f"out  {name:{width}}  {field['value']}{unit}{flag}")
            if not row:
                print("out  no value")
        if not item["rows"] and not item["error"]:
            print("out  no row")
        if error := item["error"]:
            print(f"err  {error['code']}: {error['message']}")
            if error["line"]:
                print(f"     line {error['line']}: {error['source']}")
    count = len(results["inputs"])
    print(
        f"{results['transform']} ({results['tier']}): {count} input{'s' * (count != 1)} in {results['time_us']} us,"
        f" {results['cpu_us']} us of it in the transform",
        file=sys.stderr,
    )
