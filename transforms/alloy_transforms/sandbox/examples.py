"""EXAMPLES as tests: their inputs as a batch takes them, and what differs from the rows that came out.

In EXAMPLES a text stands for bytes as hexadecimal digits; an enum may be its name or its index.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import RecordError
from .answers import Example
from .contract import Contract, Field


def inputs_of(contract: Contract, example: Example) -> list[Any]:
    """One value per input of the contract; None where the example names none.

    Raises:
        RecordError: `data.schema`, it names an input that does not exist, or hexadecimal digits are none.
    """
    known = dict(contract.inputs)
    for name in example.inputs:
        if name not in known:
            raise RecordError("data.schema", f"the example names the input `{name}`, INPUT does not")
    return [_from_hex(name, example.inputs.get(name), known[name]) for name, _ in contract.inputs]


def _from_hex(name: str, value: Any, kind: str) -> Any:
    if kind != "bytes" or not isinstance(value, str):
        return value
    try:
        return bytes.fromhex(value)
    except ValueError:
        raise RecordError(
            "data.schema", f"`{name}` is bytes: hexadecimal digits or a bytes literal"
        ) from None


def differences(
    contract: Contract, example: Example, rows: Sequence[Mapping[str, Any]], code: str
) -> list[str]:
    """What is not as the example says; empty: it holds.

    Args:
        rows: as `columns.rows_of` gives them.
        code: of the input's error; empty without one.
    """
    if code != example.error:
        return [f"error: got {code or 'none'}, expected {example.error or 'none'}"]
    if len(rows) != len(example.rows):
        return [f"rows: got {len(rows)}, expected {len(example.rows)}"]
    fields = {f.name: f for f in contract.outputs}
    out = []
    for number, (row, wanted) in enumerate(zip(rows, example.rows, strict=True)):
        place = f"row {number}: " if len(rows) > 1 else ""
        for name in [*fields, *(n for n in wanted if n not in fields)]:
            want = _normal(fields.get(name), wanted.get(name))
            got = row.get(name)
            if not same(got, want):
                out.append(f"{place}{name}: got {_word(got)}, expected {_word(want)}")
    return out


def same(got: Any, want: Any) -> bool:
    """Equal value and kind of value; NaN equals NaN, a float field takes an integer."""
    if isinstance(got, float) and isinstance(want, int | float) and not isinstance(want, bool):
        return got == want or (math.isnan(got) and math.isnan(want))
    return type(got) is type(want) and bool(got == want)


def _normal(f: Field | None, value: Any) -> Any:
    if f is None or value is None:
        return value
    if f.type == "enum" and type(value) is int and 0 <= value < len(f.names):
        return f.names[value]
    if f.type == "bytes":
        return _from_hex(f.name, value, "bytes")
    return bool(value) if f.type == "bool" and value in (0, 1) else value


def _word(value: Any) -> str:
    return "nothing" if value is None else value.hex() if isinstance(value, bytes) else repr(value)
