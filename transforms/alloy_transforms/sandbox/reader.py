"""Makes a contract of the declarations of a module that has run: each is checked, and every fault is kept.

Runs in a sealed worker only, on values that foreign code made.
"""

from __future__ import annotations

import difflib
import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import RecordError, ScriptError
from .answers import MAX_EXAMPLES, MAX_PROBLEMS, Problem
from .checker import Rejected, locate
from .contract import (
    INPUT_TYPES,
    MAX_DOC,
    MAX_FIELDS,
    MAX_PARAMS,
    MAX_ROWS,
    OUTPUT_TYPES,
    VARIABLE_TYPES,
    Contract,
    Field,
    Param,
    Profile,
    input_faults,
    is_name,
    is_scalar,
    output_faults,
)
from .protocol import StateValue, encode_state

DEFAULT_INPUT = {"payload": "bytes"}
DEFAULT_MAX = 255  # bytes of a text or bytes field that declares none
_FIELD_KEYS = ("type", "unit", "exp10", "range", "optional", "names", "max", "quantity")


@dataclass(frozen=True, slots=True)
class Transform:
    """A loaded transform, ready to run."""

    contract: Contract
    function: Callable[..., Any]
    state: dict[str, StateValue]
    generator: bool
    examples: tuple[Any, ...]
    file: str
    source: bytes


def line_of(source: bytes, line: int) -> str:
    """One line of a source; empty where there is none."""
    lines = source.decode("utf-8", "replace").splitlines()
    return lines[line - 1] if 0 < line <= len(lines) else ""


class Reader:
    """Reads the declarations of one module and keeps every fault."""

    output_hint = 'OUTPUT = {"temperature": {"type": "i16"}}'
    elementwise = False

    def __init__(self, namespace: dict[str, Any], source: bytes, file: str) -> None:
        self.names = namespace
        self.source = source
        self.file = file
        self.problems: list[Problem] = []

    def fault(self, code: str, what: str, name: str, *path: str | int, hint: str = "") -> None:
        """Note what is wrong with the declaration `name`, or with the entry of it that `path` leads to."""
        if len(self.problems) >= MAX_PROBLEMS:
            return  # finding the line parses the file again; nobody reads the ten thousandth fault
        line = locate(self.source, name, *path)
        self.problems.append(Problem(code, what, line, 0, line_of(self.source, line), hint=hint))

    def read(
        self, name: str, profile: Profile, params: Mapping[str, Param], needs: tuple[str, ...]
    ) -> Transform:
        """The transform; arguments as `loader.load`.

        Raises:
            Rejected: with every fault.
        """
        inputs = self._inputs()
        outputs = self._outputs()
        state = self._state()
        effective = self._params(params)
        rows = self._max_rows()
        function, line = self._function(inputs, bool(state))
        examples = self._examples()
        if any(kind == "text" for _, kind in inputs):
            profile = Profile.GATEWAY  # the portable language has no text input
        if not self.problems and function is not None:
            doc = inspect.cleandoc(str(self.names.get("__doc__") or ""))[:MAX_DOC]
            try:
                contract = Contract(
                    name,
                    doc,
                    profile,
                    "",
                    inputs,
                    outputs,
                    bool(state),
                    rows,
                    needs,
                    len(examples),
                    line,
                    effective,
                    self.elementwise,
                )
            except ScriptError as error:
                self.problems.append(Problem(error.code, error.what))
            else:
                generator = inspect.isgeneratorfunction(function)
                return Transform(contract, function, state, generator, examples, self.file, self.source)
        raise Rejected(*self.problems)

    def _dict(self, name: str, default: dict[str, Any] | None) -> dict[str, Any] | None:
        value = self.names.get(name, default)
        if type(value) is dict and all(type(k) is str for k in value):
            return dict(value)
        if name not in self.names:
            self.fault("build.type", f"{name} is missing", name, hint=self.output_hint)
        else:
            self.fault("build.type", f"{name} is a dict whose keys are texts", name)
        return None

    def _inputs(self) -> tuple[tuple[str, str], ...]:
        declared = self._dict("INPUT", DEFAULT_INPUT)
        if declared is None:
            return ()
        inputs = tuple(declared.items())
        for code, what in input_faults(inputs):
            names = [n for n, kind in inputs if not is_name(n) or kind not in INPUT_TYPES]
            path = [n for n in names if f"[{n!r}]" in what]
            self.fault(code, what, "INPUT", *path[:1])
        return inputs

    def _outputs(self) -> tuple[Field, ...]:
        declared = self._dict("OUTPUT", None)
        if declared is None:
            return ()
        found = [self._field(key, spec) for key, spec in list(declared.items())[: MAX_FIELDS + 1]]
        fields = tuple(f for f in found if f is not None)
        if len(fields) == len(declared) or not declared or len(declared) > MAX_FIELDS:
            for code, what in output_faults(fields):
                self.fault(code, what, "OUTPUT")
        return fields

    def _field(self, key: str, spec: object) -> Field | None:
        if not isinstance(spec, dict) or "type" not in spec:
            self.fault("build.type", f'OUTPUT[{key!r}] is a dict with a "type"', "OUTPUT", key)
            return None
        for extra in spec:
            if extra not in _FIELD_KEYS and len(self.problems) < MAX_PROBLEMS:
                near = difflib.get_close_matches(str(extra), _FIELD_KEYS, 1)
                hint = f"did you mean `{near[0]}`?" if near else "keys: " + ", ".join(_FIELD_KEYS)
                self.fault(
                    "build.type", f"OUTPUT[{key!r}] has the unknown key {extra!r}", "OUTPUT", key, hint=hint
                )
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in spec.items() if k in _FIELD_KEYS
        }
        if values["type"] in VARIABLE_TYPES:
            values.setdefault("max", DEFAULT_MAX)
        try:
            return Field(name=key, **values)
        except ScriptError as error:
            near = difflib.get_close_matches(str(values["type"]), OUTPUT_TYPES, 1, 0.5)
            hint = f"did you mean `{near[0]}`?" if near and values["type"] not in OUTPUT_TYPES else ""
            self.fault(error.code, error.what, "OUTPUT", key, hint=hint)
            return None

    def _state(self) -> dict[str, StateValue]:
        declared = self._dict("STATE", {})
        if not declared:
            return {}
        bad = [k for k, v in declared.items() if not (is_name(k) and is_scalar(v))]
        for key in bad:
            what = f"STATE[{key!r}]: values are int (64 bit), finite float, bool, str or bytes"
            self.fault("build.type", what, "STATE", key)
        if len(declared) > MAX_FIELDS:
            self.fault("build.limit", f"STATE has at most {MAX_FIELDS} values", "STATE")
        elif not bad:
            try:
                encode_state(declared)
            except RecordError as error:
                self.fault("build.limit", error.what, "STATE")
        return declared

    def _params(self, given: Mapping[str, Param]) -> dict[str, Param]:
        declared = self._dict("PARAMS", {}) or {}
        for key, value in declared.items():
            if not (is_name(key) and is_scalar(value)):
                what = f"PARAMS[{key!r}]: values are int (64 bit), finite float, bool, str or bytes"
                self.fault("build.type", what, "PARAMS", key)
        if len(declared) > MAX_PARAMS:
            self.fault("build.limit", f"PARAMS has at most {MAX_PARAMS} values", "PARAMS")
        for key, value in given.items():
            if key not in declared:
                near = difflib.get_close_matches(key, declared, 1)
                hint = (
                    f"did you mean `{near[0]}`?" if near else "parameters: " + (", ".join(declared) or "none")
                )
                self.fault("build.type", f"the transform has no parameter `{key}`", "PARAMS", hint=hint)
                continue
            if type(declared[key]) is float and type(value) is int:
                value = float(value)  # `offset: 1` in YAML means 1.0 here
            if type(value) is not type(declared[key]) or not is_scalar(value):
                want, got = type(declared[key]).__name__, type(value).__name__
                self.fault(
                    "build.type", f"parameter `{key}` is {want}, the pipeline gives {got}", "PARAMS", key
                )
            declared[key] = value
        live = self.names.get("PARAMS")
        if type(live) is dict:
            live.update(declared)
        return declared

    def _max_rows(self) -> int:
        rows = self.names.get("MAX_ROWS", 1)
        if type(rows) is int and 1 <= rows <= MAX_ROWS:
            return rows
        self.fault("build.limit", f"MAX_ROWS is an integer of 1 to {MAX_ROWS}", "MAX_ROWS")
        return 1

    def _function(
        self, inputs: tuple[tuple[str, str], ...], state: bool
    ) -> tuple[Callable[..., Any] | None, int]:
        function = self.names.get("transform")
        wanted = (*(name for name, _ in inputs), *(("s",) if state else ()))
        if not isinstance(function, types.FunctionType):
            what = "there is no function `transform`"
            hint = f"def transform({', '.join(wanted)}): for records, def f(x: float) -> float: for elements"
            self.problems.append(Problem("build.type", what, hint=hint))
            return None, 0
        code = function.__code__
        got = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        fancy = (
            inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
        )
        if got != wanted or code.co_kwonlyargcount or code.co_flags & fancy or function.__defaults__:
            self.problems.append(
                Problem(
                    "build.type",
                    "the parameters of `transform` are the keys of INPUT, then `s` if there is STATE",
                    code.co_firstlineno,
                    0,
                    line_of(self.source, code.co_firstlineno),
                    got=f"({', '.join(got)})",
                    expected=f"({', '.join(wanted)})",
                )
            )
        return function, code.co_firstlineno

    def _examples(self) -> tuple[Any, ...]:
        examples = self.names.get("EXAMPLES", ())
        if not isinstance(examples, tuple | list) or len(examples) > MAX_EXAMPLES:
            self.fault("build.type", f"EXAMPLES is a tuple of at most {MAX_EXAMPLES} entries", "EXAMPLES")
            return ()
        for i, entry in enumerate(examples):
            if not _is_example(entry):
                what = f'EXAMPLES[{i}] is {{"in": {{…}}, "out": ({{…}},)}} or {{"in": {{…}}, "error": "data.value"}}'
                self.fault("build.type", what, "EXAMPLES", i)
        return tuple(examples)


def _is_example(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("in"), dict):
        return False
    if set(entry) == {"in", "error"}:
        return isinstance(entry["error"], str)
    rows = entry.get("out")
    return (
        set(entry) == {"in", "out"}
        and isinstance(rows, tuple | list)
        and all(isinstance(r, dict) for r in rows)
    )
