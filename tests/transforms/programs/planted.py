"""Planted bugs: what an emitter or its runtime might get wrong. The test of the test: each must be found.

A bug is a change of the emitted text (the runtime is part of it), or of a method of the emitter. `features` say in
which programs it could show, by the nodes of their documents: see `features_of`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from alloy_transforms.emit import expressions
from alloy_transforms.lang.intervals import I64, inside

Way = Callable[[Any], Any]


@dataclass(frozen=True)
class Bug:
    """One planted bug.

    Attributes:
        old, new: of the emitted text; a regular expression and what stands for it.
        method, way: of `Expressions`: its name, and what is made of it.
        features: of the programs to try, any of them.
    """

    name: str
    features: tuple[str, ...]
    old: str = ""
    new: str = ""
    method: str = ""
    way: Way | None = None

    def __str__(self) -> str:
        return self.name

    def mutate(self, text: str) -> str:
        """The emitted text with the bug in it.

        Raises:
            AssertionError: there is nothing to change: the emitter has changed, and the bug must follow.
        """
        if not self.old:
            return text
        changed = re.sub(self.old, self.new, text)
        assert changed != text, f"{self.name}: nothing to change"
        return changed

    @contextmanager
    def planted(self) -> Iterator[Callable[[str], str]]:
        """The bug is in the emitter while this lasts."""
        if self.way is None:
            yield self.mutate
            return
        whole = getattr(expressions.Expressions, self.method)
        with patch.object(expressions.Expressions, self.method, self.way(whole)):
            yield self.mutate


def _text(name: str, features: str, old: str, new: str) -> Bug:
    """A bug in a text that is to be found as it stands, but for its blanks."""
    pattern = r"\s+".join(re.escape(part) for part in old.split())
    return Bug(name, tuple(features.split()), pattern, new.replace("\\", "\\\\"))


def _cut_chain(whole: Way) -> Callable[..., Any]:
    """A chain of comparisons or of `and` loses its last part."""
    return lambda self, e: whole(self, {**e, "a": e["a"][:-1]} if len(e["a"]) > 1 else e)


def _always_64(whole: Way) -> Callable[..., Any]:
    return lambda self, e: "i64"


BUGS = (
    _text("// truncates", "floordiv:int", "if self.wrapping_rem(by) != 0 && (self ^ by) < 0 {", "if false {"),
    _text("% has the sign of the dividend", "mod:int", "if r != 0 && (r ^ by) < 0 {", "if false {"),
    _text("what is checked wraps", "checked fit", "i64::try_from(v).map_err(|_| DECLINE)", "Ok(v as i64)"),
    _text(
        "a long shift to the right wraps its count",
        "shr:int",
        "v.wrapping_shr(n.clamp(0, 63) as u32)",
        "v.wrapping_shr(n as u32)",
    ),
    _text(
        "a negative count is taken as 0",
        "fault:shl fault:shr",
        "if n < 0 { Err(VALUE)",
        "if false { Err(VALUE)",
    ),
    _text(
        "min and max lose the rule for NaN and for -0.0",
        "min:float max:float",
        "if b < a { b } else { a",
        "if a < b { a } else { b",
    ),
    _text(
        "x // y is floor(x / y)",
        "floordiv:float",
        "let mut div = (x - m) / y;",
        "let mut div = (x - m) / y; if x == x { return floor(x / y); }",
    ),
    _text(
        "% of floats has the sign of the dividend",
        "mod:float",
        "} else if (y < 0.0) != (m < 0.0) { m + y",
        "} else if false { m + y",
    ),
    Bug("round goes up at a half", ("round:float",), r"nearest\((?!x)", "floor(0.5 + "),
    Bug("numbers are unpacked without their sign", ("unpack:int",), r"\(i(8|16|32)::from_", r"(u\1::from_"),
    Bug("bytes are unpacked in the other order", ("unpack:int",), r"::from_be_bytes", r"::from_le_bytes"),
    _text("the range of a field is not tested", "ranges", "{ out.late(RANGE); }", "{}"),
    _text(
        "an index from the end is one off",
        "index:bytes",
        "i.wrapping_add(len as i64)",
        "i.wrapping_add(len as i64 - 1)",
    ),
    _text("state is kept after an error", "state", "*code = why as u8;", "*code = why as u8; state = next;"),
    _text(
        "a row stays after an error",
        "raise fault:index",
        "*code = why as u8;",
        "*code = why as u8; if let Some(from) = src.get_mut(rows) { *from = i as u32; rows += 1; }",
    ),
    _text("slices are not clamped", "slice", ".clamp(0, len) as usize", ".max(0) as usize"),
    Bug("and, or look at both sides", ("and", "or"), r" ([&|])\1 (?=[^\n]*\?)", r" \1 "),
    Bug("a chain of comparisons loses its end", ("and",), method="_chain", way=_cut_chain),
    Bug(
        "ldexp rounds twice",
        ("ldexp:float",),
        r"power_of_two\(-969\)([^\n]*\n *n = n\.wrapping_add\()969",
        r"power_of_two(-1022)\g<1>1022",
    ),
    Bug("128 bits are cut to 64", ("wide",), method="_width", way=_always_64),
    _text("crc32 has another polynomial", "crc32:bytes", "0xedb8_8320", "0xedb8_8321"),
    _text(
        "a bit of validity goes astray", "optional", "let k = (row & 7) as u32;", "let k = (row & 3) as u32;"
    ),
    _text(
        "NaN leaves as it is",
        "sub:float div:float mul:float",
        "if x.is_nan() { NAN",
        "if x.is_nan() { x",
    ),
    _text(
        "a float divided by zero is infinite",
        "fault:div fault:floordiv fault:mod",
        "if x == 0.0 { Err(DIV)",
        "if false { Err(DIV)",
    ),
    _text("frexp is one off below the normal numbers", "frexp", "1022 + 54", "1022 + 53"),
    _text("modf loses the sign of zero", "modf", "(with_sign(x - whole, x), whole)", "(x - whole, whole)"),
    Bug("< is <=", ("lt:int",), r" < (?=\d+i64\))", " <= "),
)


def features_of(document: dict[str, Any]) -> frozenset[str]:
    """What the functions of a program have.

    Statements and operations by name, `op:type of the first operand`, `op:checked`, `fault:op`; `checked`, `wide`
    (128 bits), `fit`, `ranges`, `state`, `optional`, `yield` (more rows than are allowed).
    """
    out: set[str] = set()
    if document["state"]:
        out.add("state")
    if any(f["optional"] for f in document["outputs"]):
        out.add("optional")
    for function in document["functions"]:
        if not function["name"].startswith(("kit.", "fmath.")):
            _block(function["body"], out)
    return frozenset(out)


def _block(body: list[dict[str, Any]], out: set[str]) -> None:
    for s in body:
        out.add(s["s"])
        out |= {"fit"} if s.get("fit") else set()
        out |= {"ranges"} if s.get("ranges") else set()
        if s["s"] == "emit" and "script.output" in s.get("faults", ()):
            out.add("yield")
        for e in s.get("e", ()):
            _expression(e, out)
        for test, arm in s.get("arms", ()):
            _expression(test, out)
            _block(arm, out)
        _block(s.get("else", ()), out)
        _block(s.get("body", ()), out)


def _expression(e: dict[str, Any], out: set[str]) -> None:
    op = e["o"]
    operands = e.get("a", ())
    out |= {op, f"{op}:{operands[0]['t'] if operands and op != 'unpack' else e['t']}"}
    if e.get("checked"):
        out |= {"checked", f"{op}:checked"}
    elif e["t"] == "int" and "lo" in e and not inside((e["lo"], e["hi"]), I64):
        out.add("wide")
    if e.get("faults"):
        out.add(f"fault:{op}")
    for a in operands:
        _expression(a, out)
