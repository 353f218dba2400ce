"""Programs on the official MicroPython VM, whose raw rows are committed here by the sandbox's own rules."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from tests.micropython.vm import VM
from tests.transforms.programs.answers import Answer, Sandbox, frozen
from tests.transforms.programs.program import Program
from tests.transforms.programs.tiers import Difference

from alloy_transforms.sandbox.builders import BadValueError, exact
from alloy_transforms.sandbox.contract import Contract
from alloy_transforms.sandbox.errormap import LENGTH_WORDS, RANGE_WORDS
from alloy_transforms.sandbox.protocol import decode_state, encode_state
from alloy_transforms.sandbox.rows import state_check

SCRIPT = Path(__file__).with_name("on_vm.py")
CODES = {
    "ZeroDivisionError": "data.div",
    "IndexError": "data.index",
    "OverflowError": "data.overflow",
    "ValueError": "data.value",
}


def dump(v: Any) -> str:
    """A value as text, as `on_vm.py` reads it."""
    if type(v) is bool:
        return f"t{int(v)}"
    if type(v) is int:
        return f"i{v}"
    return f"f{struct.pack('>d', v).hex()}" if type(v) is float else f"b{v.hex()}"


def load(text: str) -> Any:
    """The value of such a text."""
    kind, rest = text[0], text[1:]
    if kind == "f":
        return struct.unpack(">d", bytes.fromhex(rest))[0]
    return {"i": int, "t": "1".__eq__, "b": bytes.fromhex, "s": str}[kind](rest)


def on_vm(
    programs: Sequence[tuple[Program, list[Answer]]], timeout_s: float = 300.0
) -> Iterator[Difference | None]:
    """Every input of the programs on the VM, each from the state that CPython had before it: differences, or None."""
    contracts = [Sandbox(p.source) if p.kind == "record" else None for p, _ in programs]
    jobs = []
    for (program, answers), sandbox in zip(programs, contracts, strict=True):
        before = [sandbox.state if sandbox else b"", *(a.state for a in answers)]
        states = [{k: dump(v) for k, v in decode_state(b).items()} if b else {} for b in before]
        inputs = [
            [[dump(v) for v in given], state] for given, state in zip(program.inputs, states, strict=False)
        ]
        most = sandbox.contract.max_rows if sandbox else 1
        entry = "transform" if sandbox else "f"
        jobs.append(json.dumps({"source": program.source, "entry": entry, "inputs": inputs, "most": most}))
    portable = resources.files("alloy_transforms.portable")
    files = {name: portable.joinpath(name).read_bytes() for name in ("kit.py", "fmath.py")}
    result = VM({**files, "jobs.json": "\n".join(jobs).encode()}, SCRIPT.read_text("utf-8")).run(timeout_s)
    lines = iter(result.lines())
    for (program, answers), sandbox in zip(programs, contracts, strict=True):
        for index, wanted in enumerate(answers):
            error, rows, state = json.loads(next(lines))
            if error:
                got = Answer(_code(error, rows, wanted.code), (), wanted.state)
            else:
                got = _committed(sandbox, rows, state, wanted)
            yield None if got == wanted else Difference(program, "vm", index, got, wanted)


def _code(error: str, text: str, wanted: str) -> str:
    """The code of an exception, by the sandbox's rules: its type, the file it came out of, its words."""
    code = CODES.get(error, error)
    if code == "data.overflow" and wanted == "data.index" and "machine word" in text:
        return "data.index"  # docs/language.md: an index beyond a machine word
    if code != "data.value":
        return code
    *_, place, message = text.rstrip().splitlines()
    ours = 'File "kit.py"' in place or 'File "fmath.py"' in place
    if "buffer too small" in message or (ours and any(word in message for word in LENGTH_WORDS)):
        return "data.length"
    return "data.range" if ours and RANGE_WORDS in message else code


def _committed(
    sandbox: Sandbox | None, rows: list[dict[str, str]], state: dict[str, str], wanted: Answer
) -> Answer:
    """What the sandbox would have made of the rows."""
    given = [{k: load(v) for k, v in row.items()} for row in rows]
    if sandbox is None:
        return Answer("", tuple(frozen(row) for row in given))
    contract = sandbox.contract
    if len(given) > contract.max_rows:
        return Answer("script.output", (), wanted.state)
    first = decode_state(sandbox.state) if state else {}
    kept = {k: load(state[k]) for k in first}  # a board's dict has no order
    try:
        exacted = [_row(contract, row) for row in given]
        if kept:
            state_check(first)(kept)
    except BadValueError as bad:
        return Answer(bad.code, (), wanted.state)
    return Answer("", tuple(frozen(row) for row in exacted), encode_state(kept) if kept else b"")


def _row(contract: Contract, row: dict[str, Any]) -> dict[str, Any]:
    return {f.name: exact(f, row[f.name]) for f in contract.outputs if not f.optional or f.name in row}
