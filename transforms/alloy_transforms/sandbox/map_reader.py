"""Reads the declarations of an element-wise file: `f` of numbers to one number, and the one field of its results.

Runs in a sealed worker only, as `reader.py`.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .answers import MAX_PROBLEMS, Problem
from .contract import MAX_INPUTS, Field, input_faults, is_name
from .protocol import StateValue
from .reader import Reader, line_of

_FANCY = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_COROUTINE
    | inspect.CO_GENERATOR
    | inspect.CO_ASYNC_GENERATOR
)
_HEAD = "def f(x: float, gain: float) -> float:"
_NO_PLACE = {
    "INPUT": "its inputs are the parameters of `f`, each a float",
    "STATE": "each element is computed by itself",
    "MAX_ROWS": "each element gives one number",
}


class MapReader(Reader):
    """As `Reader`; the inputs are the parameters of `f`."""

    elementwise = True
    output_hint = 'OUTPUT = {"flux": {"type": "f64", "unit": "Jy"}}: the one number that `f` returns'

    def _inputs(self) -> tuple[tuple[str, str], ...]:
        for name, why in _NO_PLACE.items():
            if name in self.names:
                what = f"{name} has no place in an element-wise file: {why}"
                hint = f"remove {name}, or write `def transform(...)` for records"
                self.fault("build.type", what, name, hint=hint)
        function = self._f()
        if function is None:
            return ()
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        inputs = tuple((str(name), "float") for name in names)
        if not 1 <= len(inputs) <= MAX_INPUTS:
            self._head(function, f"`f` takes 1 to {MAX_INPUTS} numbers", got=f"{len(inputs)} parameters")
        elif any(True for _ in input_faults(inputs)):
            odd = next((name for name in names if not is_name(name) or name == "s"), "")
            self._head(function, f"a parameter of `f` is a plain identifier, not `s`: `{odd[:64]}`")
        return inputs

    def _outputs(self) -> tuple[Field, ...]:
        fields = super()._outputs()
        if not fields or self.problems:
            return fields
        one = len(fields) == 1 and fields[0].type == "f64"
        declared = self.names["OUTPUT"]
        if not one:
            what = "OUTPUT of an element-wise file is one field of type f64"
            got = ", ".join(f"{f.name}: {f.type}" for f in fields)[:100]
            self.fault("build.type", f"{what}, not {got}", "OUTPUT", hint=self.output_hint)
        elif declared[fields[0].name].get("optional", True) is not True:
            what = f"OUTPUT[{fields[0].name!r}] is always optional: where an argument is missing, so is the result"
            self.fault("build.type", what, "OUTPUT", fields[0].name, hint='remove "optional"')
        return tuple(replace(f, optional=True) for f in fields)

    def _state(self) -> dict[str, StateValue]:
        return {}

    def _max_rows(self) -> int:
        return 1

    def _function(
        self, inputs: tuple[tuple[str, str], ...], state: bool
    ) -> tuple[Callable[..., Any] | None, int]:
        function = self._f()
        if function is None:
            self.problems.append(Problem("build.type", "there is no function `f`", hint=_HEAD))
            return None, 0
        code = function.__code__
        if code.co_kwonlyargcount or code.co_flags & _FANCY or function.__defaults__:
            self._head(function, "`f` takes plain parameters without defaults and returns one number")
        for name, kind in _annotations(function).items():
            if kind is not float and kind != "float":
                what = "the result of `f`" if name == "return" else f"the parameter `{name}` of `f`"
                got = kind.__name__ if isinstance(kind, type) else type(kind).__name__
                self._head(function, f"{what} is a float", got=got[:64], expected="float")
        return function, code.co_firstlineno

    def _f(self) -> types.FunctionType | None:
        function = self.names.get("f")
        return function if isinstance(function, types.FunctionType) else None

    def _head(self, function: types.FunctionType, what: str, got: str = "", expected: str = "") -> None:
        if len(self.problems) < MAX_PROBLEMS:
            line = function.__code__.co_firstlineno
            self.problems.append(
                Problem("build.type", what, line, 0, line_of(self.source, line), got, expected, _HEAD)
            )


def _annotations(function: types.FunctionType) -> dict[str, Any]:
    """What is annotated; gateway files may leave it out."""
    try:
        return dict(function.__annotations__)
    except Exception:  # evaluated when they are asked for, since Python 3.14
        return {"return": None}
