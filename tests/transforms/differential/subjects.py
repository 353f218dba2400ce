"""The transforms the gate runs: every portable one of the library, and a few with what the library has not."""

from __future__ import annotations

import ast
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.transforms.differential.outcome import Outcome, Row, Value
from tests.transforms.in_process import InProcess

from alloy_transforms.cases import Inputs, cases, words
from alloy_transforms.lang.check import check
from alloy_transforms.portable import fmath, kit
from alloy_transforms.sandbox.answers import Example
from alloy_transforms.sandbox.contract import Contract, Field
from alloy_transforms.sandbox.errormap import NUMBERS, classify
from alloy_transforms.sandbox.protocol import decode_state

LIBRARY = resources.files("alloy_transforms.library")
EXTRA = Path(__file__).parent / "extra"
ELEMENTS = Path(__file__).parent / "elements"
PORTABLE_IMPORTS = {"kit", "fmath", "struct", "math", "binascii"}
SEED = 20260101
ROUNDS = 4
FIRST_AT_MOST = 5_000  # inputs of the first round: there are few EXAMPLES to change
KEPT_AT_MOST = 2_000  # inputs; several tests use them
LIMIT_BYTES = 1 << 30
SAME = 20  # inputs of one kind of answer that the next round begins at
NAN_BITS = 0x7FF8000000000000


@dataclass(frozen=True, eq=False)
class Subject:
    """One transform with everything the tiers need of it."""

    name: str
    source: str
    contract: Contract
    examples: tuple[Example, ...]
    first_state: Mapping[str, Any]
    params: Mapping[str, Any] = field(default_factory=dict)

    def inputs(self, count: int) -> list[Inputs]:
        """Generated inputs, the same in every run."""
        return self.answered(count)[0]

    def answered(self, count: int) -> tuple[list[Inputs], Outcome]:
        """Generated inputs, and what the plain function answers."""
        if (self.name, count) not in _KEPT:
            if count > KEPT_AT_MOST:
                return self._made(count)
            _KEPT[self.name, count] = self._made(count)
        return _KEPT[self.name, count]

    def _made(self, count: int) -> tuple[list[Inputs], Outcome]:
        """Four rounds: the first from EXAMPLES, the others from inputs that gave rows, each kind of answer as often."""
        direct = Direct(self)
        out: list[Inputs] = []
        answers = Outcome()
        kinds: dict[object, list[Inputs]] = {}
        for number in range(ROUNDS):
            left = count - len(out)
            size = left // (ROUNDS - number) if number else min(count // ROUNDS, FIRST_AT_MOST)
            part = cases(
                self.contract,
                self.examples,
                size,
                SEED + number,
                more=[given for found in kinds.values() for given in found[-max(SAME, count // 1000) :]],
                words=words(self.source.encode()),
                whole=number == 0,
                limit_bytes=LIMIT_BYTES,
            )
            answer = direct.run(part)
            for given, rows in zip(part, answer.rows, strict=True):
                if rows:
                    shape = tuple(tuple(v is None for v in row) for row in rows[:3])
                    kinds.setdefault(shape, []).append(given)
            out += part
            answers.codes += answer.codes
            answers.rows += answer.rows
        return out, direct.run(out) if self.contract.stateful else answers


_KEPT: dict[tuple[str, int], tuple[list[Inputs], Outcome]] = {}


def _sources() -> dict[str, str]:
    out = {}
    for file in sorted([*LIBRARY.iterdir(), *EXTRA.iterdir()], key=lambda f: f.name):
        if not file.name.endswith(".py") or file.name.startswith("_"):
            continue
        source = file.read_text("utf-8")
        imports = {a.name for n in ast.parse(source).body if isinstance(n, ast.Import) for a in n.names}
        if imports <= PORTABLE_IMPORTS:
            out[file.name.removesuffix(".py")] = source
    return out


SOURCES = _sources()
VARIANTS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "modbus_integers_signed": ("modbus_integers", {"bits": 32, "signed": 1, "word_order": 1, "first": 40001}),
    "modbus_integers_long": ("modbus_integers", {"bits": 64, "byte_swap": 1}),
    "modbus_floats_swapped": ("modbus_floats", {"word_order": 1, "first": 100}),
}
"""Shipped transforms with other PARAMS: name -> file, PARAMS."""
NAMES = sorted([*SOURCES, *VARIANTS])
OWN = {path.stem for path in EXTRA.glob("*.py")}
SHIPPED = [name for name in NAMES if name not in OWN]


@cache
def subject(name: str) -> Subject:
    """One of the files, or of the variants."""
    file, params = VARIANTS.get(name, (name, {}))
    return loaded(name, SOURCES[file], params)


@cache
def elements() -> dict[str, Subject]:
    """The element-wise files."""
    return {path.stem: loaded(path.stem, path.read_text("utf-8")) for path in sorted(ELEMENTS.glob("*.py"))}


def uses_floats(name: str) -> bool:
    """Whether it is of the profile `f64`: a float, or a function that takes or gives one, is used anywhere."""
    return bool(document(subject(name))["numeric"] == "f64")


def document(of: Subject) -> dict[str, Any]:
    """Its intermediate representation."""
    checked = check(ast.parse(of.source), of.source.encode(), params=of.params)
    assert checked.document is not None, (of.name, checked.refusals)
    return checked.document


def loaded(name: str, source: str, params: Mapping[str, Any] | None = None) -> Subject:
    """A source, loaded by the sandbox's own loader."""
    worker = InProcess(source, params)
    state = decode_state(worker.first_state) if worker.contract.stateful else {}
    return Subject(name, source, worker.contract, worker.examples(), state, params or {})


Work = Mapping[str, tuple[Subject, Sequence[Inputs], Outcome]]
"""name -> a transform, inputs, and what the plain function makes of them."""


class Direct:
    """A transform called as a plain function: the reference. The rules of a commit are written out here again.

    Rows leave and the state changes only where the whole input succeeds; a value outside its type is `data.range`, in
    the order of rows and of OUTPUT; NaN is the one quiet NaN.
    """

    def __init__(
        self, of: Subject, modules: Mapping[str, ModuleType] | None = None, tree: ast.Module | None = None
    ):
        self.of = of
        self.file = f"{of.name}.py"
        module = ModuleType(of.name)
        before = {plain: sys.modules.get(plain) for plain in ("kit", "fmath")}
        sys.modules.update(modules or {"kit": kit, "fmath": fmath})
        try:
            exec(compile(tree or of.source, self.file, "exec"), module.__dict__)
        finally:
            for plain, was in before.items():
                if was is not None:
                    sys.modules[plain] = was
        module.__dict__.get("PARAMS", {}).update(of.params)
        self.makers = [maker(f) for f in of.contract.outputs]
        self.names = [f.name for f in of.contract.outputs]
        self.function: Callable[..., Any] = (
            self._element(module.__dict__["f"]) if of.contract.elementwise else module.__dict__["transform"]
        )

    def run(self, inputs: Sequence[Inputs]) -> Outcome:
        """Every input, one after the other."""
        out = Outcome()
        state = dict(self.of.first_state)
        stateful = self.of.contract.stateful
        for given in inputs:
            work = state.copy()
            rows: list[Row] = []
            code = 0
            try:
                made = self.function(*given, work) if stateful else self.function(*given)
                rows = [self._row(row) for row in ([made] if made.__class__ is dict else self._bounded(made))]
                if stateful:
                    self._check(work)
                    state = work
            except Exception as error:
                rows = []
                code = (
                    error.code if isinstance(error, _BadError) else NUMBERS[classify(error, self.file).code]
                )
            out.codes.append(code)
            out.rows.append(rows)
            if stateful:
                out.states.append(tuple(map(state_value, state.values())))
        return out

    def _element(self, f: Callable[..., float]) -> Callable[..., dict[str, float | None]]:
        """An element-wise function as one of records: its value is missing where an argument is."""
        name = self.names[0]
        return lambda *values: {name: None if None in values else f(*values)}

    def _bounded(self, made: Any) -> list[dict[str, Any]]:
        """All rows of a generator before one is looked at."""
        rows = []
        for row in made:
            if len(rows) == self.of.contract.max_rows:
                raise _BadError("script.output")
            rows.append(dict(row))
        return rows

    def _row(self, row: Mapping[str, Any]) -> Row:
        assert row.keys() <= set(self.names)
        return tuple([make(row.get(name)) for make, name in zip(self.makers, self.names, strict=True)])

    def _check(self, state: Mapping[str, Any]) -> None:
        for name, first in self.of.first_state.items():
            value = state[name]
            assert type(value) is type(first)
            if type(value) is int and not -(1 << 63) <= value < 1 << 63:
                raise _BadError("data.range")


class _BadError(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = NUMBERS[code]


RANGES = {f"i{n}": (-(1 << n - 1), (1 << n - 1) - 1) for n in (8, 16, 32, 64)}
RANGES |= {f"u{n}": (0, (1 << n) - 1) for n in (8, 16, 32)}
RANGES["time_ns"] = RANGES["i64"]


def maker(f: Field) -> Callable[[Any], Value]:
    """The value of one field in the form of an outcome."""
    low, high = (
        (0, len(f.names) - 1)
        if f.type == "enum"
        else (0, 1)
        if f.type == "bool"
        else RANGES.get(f.type, (0, 0))
    )

    def whole(value: Any) -> Value:
        if value is None:
            return absent()
        if not low <= value <= high:
            raise _BadError("data.range")
        return int(value)

    def real(value: Any) -> Value:
        return absent() if value is None else float_bits(value)

    def chars(value: Any) -> Value:
        if value is None:
            return absent()
        if f.type == "text":
            value.decode()  # UnicodeDecodeError is data.value
        if len(value) > f.max:
            raise _BadError("data.range")
        return bytes(value)

    def absent() -> None:
        if not f.optional:
            raise _BadError("data.schema")

    return real if f.type == "f64" else chars if f.type in ("bytes", "text") else whole


def float_bits(value: float) -> int:
    """The 64 bits of a float; every NaN is the one that leaves a transform."""
    return NAN_BITS if value != value else int.from_bytes(struct.pack(">d", value), "big")


def state_value(value: Any) -> int:
    """A value of STATE in the form of an outcome."""
    return float_bits(value) if isinstance(value, float) else int(value)
