"""What `alloy-edge try` shows a transform: samples of the command line or of a file, as columns of its inputs.

Every fault is a `ValueError` with a text for the user.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alloy_transforms.sandbox.contract import Contract

MAX_SAMPLE_BYTES = 1 << 20
MAX_LINES = 1024


def samples(args: argparse.Namespace) -> list[bytes] | None:
    """One sample, or each line of a file; None where none was given."""
    if args.sample is None:
        if args.hex or args.file or args.lines:
            raise ValueError("--hex, --file and --lines say what SAMPLE is, and there is none")
        return None
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


def records(contract: Contract, given: list[bytes] | None, extra: dict[str, str]) -> list[list[Any]]:
    """A column per input: the samples are the payload, `extra` (--input) is the same for all."""
    _known(contract, extra)
    free = [name for name, kind in contract.inputs if name not in extra and kind in ("bytes", "text")]
    first = "payload" if "payload" in free else free[0] if free else ""
    if given is None and first:
        raise ValueError(f"SAMPLE is missing: the transform takes `{first}`")
    found = [b""] if given is None else given
    columns: list[list[Any]] = []
    for name, kind in contract.inputs:
        if name in extra:
            columns.append([_value(kind, name, extra[name])] * len(found))
        elif name == first:
            columns.append([s.decode() if kind == "text" else s for s in found])
        else:
            columns.append([None] * len(found))
    return columns


def elements(
    contract: Contract, given: list[bytes] | None, extra: dict[str, str], *, raw: bool
) -> list[list[float]]:
    """A column of numbers per parameter of `f`: the samples are the first that `extra` (--input) does not name.

    Args:
        raw: the samples are bytes (--hex, --file).
    """
    _known(contract, extra)
    if raw:
        raise ValueError(
            "an element-wise transform takes numbers\n  hint: SAMPLE is one, or a file of one a line (--lines)"
        )
    free = [name for name, _ in contract.inputs if name not in extra]
    asked = free[1:] if given else free
    if asked:
        hint = " ".join(f"--input {name}=NUMBER" for name in asked)
        raise ValueError(f"`f` takes {_listed(name for name, _ in contract.inputs)}\n  hint: add {hint}")
    if not free and given not in (None, [b""]):
        raise ValueError("every parameter of `f` is given by --input: nothing is left for SAMPLE")
    texts = [s.decode("utf-8", "replace").strip() for s in given or [b""]]
    return [
        [_value("float", name, text) for text in texts]
        if name in free
        else [_value("float", name, extra[name])] * len(texts)
        for name, _ in contract.inputs
    ]


def _known(contract: Contract, extra: dict[str, str]) -> None:
    names = [name for name, _ in contract.inputs]
    if unknown := [name for name in extra if name not in names]:
        raise ValueError(f"the transform has no input `{unknown[0]}`; inputs: {', '.join(names)}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


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
