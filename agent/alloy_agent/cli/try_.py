"""`alloy-edge try`: run one transform on one sample (or a file of them) in the real jail."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alloy_agent.config.model import TransformRef
    from alloy_agent.workers.transform import TransformStage
    from alloy_transforms.sandbox.contract import Contract

HELP = "Run one transform on a sample in the sandbox: input, output with units, time, error with its line."
EXAMPLE = "alloy-edge try elsys_ers 0100e20229 --hex --input port=5"
EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
MAX_SAMPLE_BYTES = 1 << 20
MAX_LINES = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument("transform", metavar="TRANSFORM", help="a path or a name of the library")
    parser.add_argument(
        "sample", metavar="SAMPLE", help="the payload: text, hex digits (--hex) or a file; - is stdin"
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
    from alloy_agent.cli.sandboxed import find, in_jail, pair, scalar
    from alloy_agent.errors import AgentError, TransformRefusedError
    from alloy_agent.native import CodedError

    try:
        samples = _samples(args)
        extra = dict(pair(text) for text in args.input)
        ref = find(args.transform, {name: scalar(text) for name, text in map(pair, args.param)})
    except (AgentError, ValueError, OSError) as error:
        print(f"alloy-edge try: {error}", file=sys.stderr)
        return EXIT_USAGE
    try:
        results = in_jail(ref, lambda stage: _run(stage, ref, samples, extra))
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


def _samples(args: argparse.Namespace) -> list[bytes]:
    if args.file or args.lines or args.sample == "-":
        if args.sample == "-":
            data = sys.stdin.buffer.read(MAX_SAMPLE_BYTES + 1)
        else:
            with Path(args.sample).open("rb") as file:
                data = file.read(MAX_SAMPLE_BYTES + 1)
        if len(data) > MAX_SAMPLE_BYTES:
            raise ValueError(f"the sample is larger than {MAX_SAMPLE_BYTES} bytes")
        if not args.lines:
            return [data]
        lines = data.splitlines()
        if not lines or len(lines) > MAX_LINES:
            raise ValueError(f"a file of samples has 1 to {MAX_LINES} lines, not {len(lines)}")
        return lines
    return [bytes.fromhex(args.sample)] if args.hex else [args.sample.encode()]


def _value(kind: str, name: str, text: str) -> Any:
    try:
        if kind == "bytes":
            return bytes.fromhex(text)
        if kind == "bool":
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        if kind == "int":
            return int(text, 0)
        return float(text) if kind == "float" else text
    except (ValueError, KeyError):
        raise ValueError(f"input `{name}` is {kind}, got `{text}`") from None


def _columns(contract: Contract, samples: list[bytes], extra: dict[str, str]) -> list[list[Any]]:
    names = dict(contract.inputs)
    if unknown := [name for name in extra if name not in names]:
        raise ValueError(f"the transform has no input `{unknown[0]}`; inputs: {', '.join(names)}")
    free = [name for name, kind in contract.inputs if name not in extra and kind in ("bytes", "text")]
    first = "payload" if "payload" in free else free[0] if free else ""
    columns: list[list[Any]] = []
    for name, kind in contract.inputs:
        if name in extra:
            columns.append([_value(kind, name, extra[name])] * len(samples))
        elif name == first:
            columns.append([s.decode() if kind == "text" else s for s in samples])
        else:
            columns.append([None] * len(samples))
    return columns


async def _run(
    stage: TransformStage, ref: TransformRef, samples: list[bytes], extra: dict[str, str]
) -> dict[str, Any]:
    from alloy_agent.cli.sandboxed import excerpt, physical, physical_rows, quality
    from alloy_transforms.sandbox.reply import Reply

    contract = stage.contract
    columns = _columns(contract, samples, extra)
    began = time.perf_counter_ns()
    reply = await stage.run(columns, len(samples))
    took_us = (time.perf_counter_ns() - began) / 1000
    inputs: list[dict[str, Any]] = [
        {
            "input": {n: _shown(c[i]) for (n, _), c in zip(contract.inputs, columns, strict=True)},
            "rows": [],
            "error": None,
        }
        for i in range(len(samples))
    ]
    rows = physical_rows(contract, Reply(len(samples), reply.rows, b"", reply.columns))
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
