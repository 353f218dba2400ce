"""Code made for one contract when it is loaded: how a row leaves the user's dict, and the loop around it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from .builders import BadValueError
from .contract import MAX_STATE_BYTES, Field, is_scalar
from .protocol import StateValue, encode_state

Row = tuple[Any, ...]
Loop = Callable[[Iterator[Any], Callable[..., Any], Callable[[Row], None]], None]
_NAN = float("nan")

_LOOP = """
def loop(source, function, append):
    for {target} in source:
        row = function({arguments})
        if row.__class__ is not dict:
            row = as_dict(row)
        values = {take}
        if len(row) != {size}:
            mismatch(row)
        append(values)
"""


def as_dict(row: Any) -> dict[str, Any]:
    """A row that is no plain dict: subclasses are copied, anything else is a fault of the script."""
    if isinstance(row, dict):
        return dict(row)
    raise BadValueError(
        "script.exception",
        f"a row is a dict, got {type(row).__name__[:32]}; several rows are yielded one by one",
    )


def _mismatch(names: tuple[str, ...]) -> Callable[[dict[str, Any]], None]:
    known = frozenset(names)

    def mismatch(row: dict[str, Any]) -> None:
        """Called where the number of keys is not that of the fields set; a key set to None is absent."""
        for key in row:
            if key not in known:
                raise BadValueError("data.schema", f"OUTPUT has no field {str(key)[:40]!r}")

    return mismatch


def _missing(names: tuple[str, ...]) -> Callable[[dict[str, Any]], Row]:
    pick = itemgetter(*names)

    def take(row: dict[str, Any]) -> Row:
        try:
            values = pick(row)
        except KeyError:
            missing = next(name for name in names if name not in row)
            raise BadValueError("data.schema", f"`{missing}` is missing and not optional") from None
        return values if len(names) > 1 else (values,)

    return take


def row_loop(fields: Sequence[Field], inputs: int) -> Loop:
    """The loop over a batch for a transform that returns one dict and has no STATE.

    It ends with the batch, or raises where an input fails; called again it goes on with the next input.
    """
    names = tuple(f.name for f in fields)
    optional = any(f.optional for f in fields)
    arguments = ", ".join(f"a{i}" for i in range(inputs))
    source = _LOOP.format(
        target=arguments,
        arguments=arguments,
        take="tuple(map(row.get, names))" if optional else "take(row)",
        size="size - values.count(None)" if optional else "size",
    )
    namespace: dict[str, Any] = {
        "as_dict": as_dict,
        "mismatch": _mismatch(names),
        "names": names,
        "size": len(names),
        "take": itemgetter(*names) if len(names) > 1 else _missing(names),
    }
    exec(compile(source, "<row loop>", "exec"), namespace)  # noqa: S102 - built from counts only
    return namespace["loop"]  # type: ignore[no-any-return]


_ONE = """
def one(row):
    {names}, = row
    if {odd}:
        raise ValueError("left to the builders")
    return pack({names})
"""
_CODES = {
    "i8": "b7x", "u8": "B7x", "i16": "h6x", "u16": "H6x", "i32": "i4x", "u32": "I4x", "i64": "q", "time_ns": "q",
    "f64": "d", "bool": "B7x", "enum": "B7x",
}  # fmt: skip


def one_row(fields: Sequence[Field]) -> Callable[[Row], bytes] | None:
    """All columns of a batch of one row in one go, padded as in a frame; None where a field is text or bytes.

    The function raises for any row that is not plain (absent, NaN, out of range, an enum by name): the builders
    then find out. Single records are what a slow sensor sends, and packing each column costs more than the rest.
    """
    if any(f.type not in _CODES for f in fields):
        return None
    names = [f"a{i}" for i in range(len(fields))]
    odd = [f"{a} != {a}" for a, f in zip(names, fields, strict=True) if f.type == "f64"]
    odd += [f"{a}.__class__ is not bool" for a, f in zip(names, fields, strict=True) if f.type == "bool"]
    odd += [
        f"{a}.__class__ is not int or {a} >= {len(f.names)}"
        for a, f in zip(names, fields, strict=True)
        if f.type == "enum"
    ]
    packer = struct.Struct("<" + "".join(_CODES[f.type] for f in fields))
    namespace: dict[str, Any] = {"pack": packer.pack}
    source = _ONE.format(names=", ".join(names), odd=" or ".join(odd) or "False")
    exec(compile(source, "<one row>", "exec"), namespace)  # noqa: S102 - built from counts and types only
    return namespace["one"]  # type: ignore[no-any-return]


def row_taker(fields: Sequence[Field]) -> Callable[[Any], Row]:
    """One row out of one dict, for the way that goes input by input."""
    names = tuple(f.name for f in fields)
    mismatch = _mismatch(names)

    def take(row: Any) -> Row:
        if row.__class__ is not dict:
            row = as_dict(row)
        values = tuple(map(row.get, names))
        if len(row) != len(names) - values.count(None):
            mismatch(row)
        return values

    return take


def state_check(first: dict[str, StateValue]) -> Callable[[dict[str, Any]], None]:
    """A check of STATE after an input: same keys, same types, 64 bits; one NaN only."""
    kinds = tuple((name, type(value)) for name, value in first.items())
    keys = first.keys()
    grows = any(kind in (str, bytes) for _, kind in kinds)

    def check(state: dict[str, Any]) -> None:
        if state.keys() != keys:
            raise BadValueError("data.schema", "the keys of STATE do not change")
        for name, kind in kinds:
            value: Any = state[name]
            if type(value) is not kind:
                raise BadValueError(
                    "data.schema", f"STATE[{name!r}] is {kind.__name__}, got {type(value).__name__[:32]}"
                )
            if kind is int and not is_scalar(value):
                raise BadValueError("data.range", f"STATE[{name!r}] does not fit 64 bits")
            if kind is float and value != value:
                state[name] = _NAN
        if grows and sum(len(v) for v in state.values() if v.__class__ in (str, bytes)) > MAX_STATE_BYTES:
            raise BadValueError("data.range", f"STATE takes more than {MAX_STATE_BYTES} bytes")
        if grows:
            encode_state(state)

    return check
