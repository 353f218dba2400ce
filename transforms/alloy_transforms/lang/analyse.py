"""Runs a program on intervals: every path, loops (`loops.py`) until nothing changes, functions once per kind of call.

Functions without loops are specialised by constant arguments (`kit.signed` by its width), so that an emitter gets
code in which most checks are gone. The number of steps is bounded; what takes longer is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..sandbox.builders import INT_RANGES
from .evaluate import Budget, clamp
from .findings import Sink
from .formats import parse
from .instances import Frame, Instance
from .intervals import I64, Ints, inside
from .loops import Loops
from .module import Module
from .nodes import BOOL, FLOAT, INT, Expr, Function, Number, Stmt
from .state import State, Value, join, join_values, top, widen_value

MAX_STEPS = 120_000  # nodes looked at, half a second here; the shipped transforms take at most 40,000
MAX_INSTANCES = 128
MAX_CONTEXTS = 12  # argument intervals one function is looked at with, before they are thrown together
MAX_CALL_DEPTH = 16


class Analysis(Loops):
    """One program. After `entry`, `instances` holds the functions, callees first."""

    def __init__(
        self,
        module: Module,
        functions: Callable[[str], Function],
        tables: Mapping[str, tuple[Number, ...]],
        sink: Sink,
    ) -> None:
        super().__init__(MAX_STEPS)
        self.module = module
        self.functions = functions
        self.tables = tables
        self.sink = sink
        self.instances: dict[str, Instance] = {}
        self.depth = 0
        self._seen: dict[Expr, Instance] = {}

    def entry(self, name: str) -> Instance:
        """Analyse a function that is called from outside, with everything its types allow."""
        instance = self._instance(name, ())
        function = instance.function
        values = [top(kind) for _, kind in function.params if kind != "state"]
        try:
            self._run(instance, values)
        except Budget:
            at = function.line, function.column
            self.sink.at("L205", *at, f"`{name}`")
        return instance

    def _instance(self, name: str, constants: tuple[tuple[int, int], ...]) -> Instance:
        full = name
        if constants:
            params = self.functions(name).params
            full += "[" + ",".join(f"{params[i][0]}={v}" for i, v in constants) + "]"
        if full not in self.instances:
            if len(self.instances) >= MAX_INSTANCES and constants:
                return self._instance(name, ())
            self.instances[full] = Instance(full, self.functions(name))
        return self.instances[full]

    def call_value(self, e: Expr, args: list[Value]) -> Value:
        """The value of a call."""
        instance = self._seen.get(e)
        if instance is None:
            name = str(e.value)
            constants = tuple(
                (i, int(a.value)) for i, a in enumerate(e.args) if isinstance(a.value, int) and _constant(a)
            )
            instance = self._instance(name, () if self.functions(name).loops else constants)
            e.value = instance.name
            self._seen[e] = instance
        if self.depth >= MAX_CALL_DEPTH:
            self.sink.at("L207", e.line, e.column, f"`{e.value}`")
            return top(e.type)
        outer = self.sink.outside, self.sink.origin
        if instance.function.module and self.sink.outside is None:
            self.sink.outside, self.sink.origin = (e.line, e.column), instance.function.name
        try:
            return self._run(instance, args)
        finally:
            self.sink.outside, self.sink.origin = outer

    def _run(self, instance: Instance, args: list[Value]) -> Value:
        key = tuple(args)
        if key not in instance.memo and len(instance.memo) >= MAX_CONTEXTS:
            before = instance.general or key
            instance.general = key = tuple(
                widen_value(g, join_values(g, v), instance.thresholds)
                for g, v in zip(before, key, strict=True)
            )
        known = instance.memo.get(key)
        if known is not None:
            return known
        function = instance.function
        frame = Frame(instance)
        state = State()
        names = [name for name, kind in function.params if kind != "state"]
        for name, value in zip(names, key, strict=True):
            self.define(frame, name, value, state)
        if function.result == "row":
            for name, first in self.module.state.items():
                state.vars[f"s.{name}"] = top({bool: BOOL, int: INT, float: FLOAT}[type(first)])
        self.frames.append(frame)
        self.depth += 1
        end = self.block(function.body, state)
        self.depth -= 1
        self.frames.pop()
        return self._result(frame, end, key)

    def _result(self, frame: Frame, end: State | None, key: tuple[Value, ...]) -> Value:
        instance, function = frame.instance, frame.instance.function
        if function.result == "row":
            if end is not None and not function.generator:
                self.sink.at("L106", function.line, function.column, "`transform`")
            instance.memo[key] = value = (0, 0)
            return value
        if end is not None:
            self.sink.at("L106", function.line, function.column, f"`{function.name}`")
        value = frame.returned if frame.returned is not None else top(function.result)
        instance.memo[key] = value
        instance.result = value if instance.result is None else join_values(instance.result, value)
        return value

    def define(self, frame: Frame, name: str, value: Value, state: State) -> None:
        """A variable gets a value; the hull over all calls takes it in."""
        state.vars[name] = value
        have = frame.instance.hulls.get(name)
        frame.instance.hulls[name] = value if have is None else join_values(have, value)

    def block(self, body: list[Stmt], state: State | None) -> State | None:
        """A sequence of statements; None: its end is never reached. Takes `state` over."""
        for s in body:
            if state is None:
                break
            self.left -= 1
            s.reached = True
            state = getattr(self, f"_on_{s.op}")(s, state)
        return state

    def _on_set(self, s: Stmt, state: State) -> State:
        value = self.expr(s.exprs[0], state)
        name = str(s.value)
        if len(value) == 2 and name in self.frame.instance.function.looped and s.exprs[0].type == INT:
            value = self.fitted(s, (int(value[0]), int(value[1])))
        self.define(self.frame, name, value, state)
        return state

    def fitted(self, s: Stmt, value: Ints) -> Ints:
        """The value as a board keeps it: 64 bits, checked where it may not fit."""
        if inside(value, I64):
            return value
        s.fit = True
        return clamp(value)

    def _on_do(self, s: Stmt, state: State) -> State:
        self.expr(s.exprs[0], state)
        return state

    def _on_if(self, s: Stmt, state: State) -> State | None:
        out: State | None = None
        now: State | None = state
        for test, body in zip(s.exprs, s.blocks, strict=False):
            if now is None:
                break
            self.expr(test, now)
            yes = self.refine(test, True, now)
            if yes is not None:
                out = join(out, self.block(body, yes.copy()))
            now = self.refine(test, False, now)
        if now is not None:
            out = join(out, self.block(s.blocks[-1], now.copy()))
        return out

    def _on_raise(self, s: Stmt, state: State) -> None:
        pass

    def _on_done(self, s: Stmt, state: State) -> None:
        pass

    def _on_return(self, s: Stmt, state: State) -> None:
        value = self.expr(s.exprs[0], state)
        frame = self.frame
        frame.returned = value if frame.returned is None else join_values(frame.returned, value)

    def _on_keep(self, s: Stmt, state: State) -> State:
        value = self.expr(s.exprs[0], state)
        if s.exprs[0].type == INT:
            value = self.fitted(s, (int(value[0]), int(value[1])))
        state.vars[f"s.{s.value}"] = value
        return state

    def _on_row(self, s: Stmt, state: State) -> State:
        state.rows[str(s.value)] = {}
        return state

    def _on_put(self, s: Stmt, state: State) -> State:
        assert isinstance(s.value, tuple)
        row, key = s.value
        value = self.expr(s.exprs[0], state)
        if s.exprs[0].type == INT:
            value = self.fitted(s, (int(value[0]), int(value[1])))
        if row not in state.rows:
            self.sink.at("L103", s.line, s.column, f"the row `{row}`")
            state.rows[row] = {}
        state.rows[row][key] = (True, value)
        return state

    def _on_emit(self, s: Stmt, state: State) -> State:
        row = str(s.value)
        slots = state.rows.get(row)
        if slots is None:
            self.sink.at("L103", s.line, s.column, f"the row `{row}`")
            return state
        unset = [
            f
            for f, spec in self.module.outputs.items()
            if not spec.optional and not slots.get(f, (False,))[0]
        ]
        if unset:
            self.sink.at("L107", s.line, s.column, ", ".join(f"`{f}`" for f in unset[:8]))
        for f, (_, value) in slots.items():
            if self.module.outputs[f].type == "text":
                s.faults.add("data.value")
            limits = field_limits(self.module, f)
            if limits is not None and not (limits[0] <= value[0] and value[1] <= limits[1]):
                s.ranges.add(f)
        low, high = state.emitted[0] + 1, state.emitted[1] + 1
        if high > self.module.max_rows:
            s.faults.add("script.output")
            high = self.module.max_rows
        state.emitted = min(low, high), high
        return state

    def _on_unpack(self, s: Stmt, state: State) -> State:
        assert isinstance(s.value, tuple)
        fmt, names = s.value
        data = self.expr(s.exprs[0], state)
        s.faults |= self.unpack_length(fmt, data, s.line, s.column)
        form = parse(fmt)
        assert form is not None
        for name, item in zip(names, form[0], strict=False):
            value: Value = top(FLOAT) if item.is_float else item.interval
            if not item.is_float and name in self.frame.instance.function.looped:
                value = self.fitted(s, item.interval)
            self.define(self.frame, name, value, state)
        return state

    def _on_frexp(self, s: Stmt, state: State) -> State:
        assert isinstance(s.value, tuple)
        v = self.expr(s.exprs[0], state)
        nan = len(v) == 3 and bool(v[2])
        infinite = v[0] == float("-inf") or v[1] == float("inf")
        low, high = (float("-inf"), float("inf")) if infinite else (-1.0, 1.0)
        if v[0] >= 0.0:
            low = 0.5 if v[0] > 0.0 else 0.0
        self.define(self.frame, s.value[0], (low, high, nan), state)
        self.define(self.frame, s.value[1], (-1074, 1024), state)
        return state

    def _on_modf(self, s: Stmt, state: State) -> State:
        assert isinstance(s.value, tuple)
        v = self.expr(s.exprs[0], state)
        nan = len(v) == 3 and bool(v[2])
        self.define(self.frame, s.value[0], (-1.0, 1.0, nan), state)
        self.define(self.frame, s.value[1], (min(v[0], 0.0), max(v[1], 0.0), nan), state)
        return state


def field_limits(module: Module, name: str) -> Ints | None:
    """What the column of a field holds (for bytes: of its length); None: everything."""
    field = module.outputs[name]
    if field.type in INT_RANGES:
        return INT_RANGES[field.type]
    if field.type == "f64":
        return None
    return {"bool": (0, 1), "enum": (0, len(field.names) - 1)}.get(field.type, (0, field.max))


def _constant(e: Expr) -> bool:
    return e.op == "const" and e.type in (INT, BOOL)
