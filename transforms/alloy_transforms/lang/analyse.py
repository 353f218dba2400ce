"""Runs a program on intervals: every path, loops until nothing changes, functions once per kind of call.

Functions without loops are specialised by constant arguments (`kit.signed` by its width), so that an emitter gets
code in which most checks are gone. The number of steps is bounded; what takes longer is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..sandbox.builders import INT_RANGES
from .evaluate import MAX_END, Budget, clamp, shown
from .findings import Sink
from .formats import parse
from .intervals import I64, Ints, inside
from .module import Module
from .nodes import BOOL, FLOAT, INT, Expr, Function, Number, Stmt
from .refine import Refiner
from .state import MAX_INPUT, State, Value, join, join_values, top, widen, widen_value

MAX_STEPS = 120_000  # nodes looked at, half a second here; the shipped transforms take at most 40,000
MAX_INSTANCES = 128
MAX_CONTEXTS = 12  # argument intervals one function is looked at with, before they are thrown together
MAX_UNROLLED = 20  # iterations followed one by one
MAX_CALL_DEPTH = 16
THRESHOLD_ROUNDS = 10
_COMMON = [
    0,
    1,
    255,
    65535,
    MAX_INPUT,
    (1 << 31) - 1,
    (1 << 32) - 1,
    1 << 53,
    *I64,
    -1,
    -(1 << 31),
    -(1 << 53),
]


class Instance:
    """One function as it is emitted: nodes of its own, and the hull of what it was called with."""

    def __init__(self, name: str, function: Function) -> None:
        self.name = name
        self.function = function.clone()
        self.hulls: dict[str, Value] = {}
        self.result: Value | None = None
        self.memo: dict[tuple[Value, ...], Value] = {}
        self.general: tuple[Value, ...] | None = None
        self.thresholds = sorted(
            {*_COMMON, *(c + d for c in function.constants for d in (-1, 0, 1) if abs(c) < 1 << 63)}
        )


class Frame:
    """What one run of a function collects."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.returned: Value | None = None
        self.ended: State | None = None  # of `transform`
        self.loops: list[list[State | None]] = []  # [after break, after continue]


class Analysis(Refiner):
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
        self._frames: list[Frame] = []
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
            self._define(frame, name, value, state)
        if function.result == "row":
            for name, first in self.module.state.items():
                state.vars[f"s.{name}"] = top({bool: BOOL, int: INT, float: FLOAT}[type(first)])
        self._frames.append(frame)
        self.depth += 1
        end = self.block(function.body, state)
        self.depth -= 1
        self._frames.pop()
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

    def _define(self, frame: Frame, name: str, value: Value, state: State) -> None:
        state.vars[name] = value
        have = frame.instance.hulls.get(name)
        frame.instance.hulls[name] = value if have is None else join_values(have, value)

    @property
    def frame(self) -> Frame:
        """The function that runs."""
        return self._frames[-1]

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
            value = self._fitted(s, (int(value[0]), int(value[1])))
        self._define(self.frame, name, value, state)
        return state

    def _fitted(self, s: Stmt, value: Ints) -> Ints:
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

    def _on_while(self, s: Stmt, state: State) -> State | None:
        s.trips = None

        def once(head: State) -> tuple[State | None, State | None]:
            self.expr(s.exprs[0], head)
            inside_, after = self.refine(s.exprs[0], True, head), self.refine(s.exprs[0], False, head)
            return (None if inside_ is None else self.block(s.blocks[0], inside_.copy())), after

        return self._fixpoint(once, state)

    def _fixpoint(
        self, once: Callable[[State], tuple[State | None, State | None]], head: State
    ) -> State | None:
        """Run a body until its head holds everything that comes back; the state after the loop."""
        for number in range(10_000):
            self.frame.loops.append([None, None])
            back, after = once(head)
            broken, continued = self.frame.loops.pop()
            after = join(after, broken)
            back = join(back, continued)
            new = join(head, back)
            assert new is not None
            if new.same(head):
                return after
            if number:
                new = widen(head, new, self.frame.instance.thresholds if number < THRESHOLD_ROUNDS else [])
            head = new
        raise Budget

    def _on_for(self, s: Stmt, state: State) -> State | None:
        assert isinstance(s.value, tuple)
        name, step = s.value
        ends = []
        for e in s.exprs:
            v = self.expr(e, state)
            if not -MAX_END <= v[0] <= v[1] <= MAX_END:
                self.sink.at(
                    "L122", e.line or s.line, e.column or s.column, f"an end of a range, {shown(v)},"
                )
            ends.append(self._fitted(s, (int(v[0]), int(v[1]))))
        if abs(step) > MAX_END:
            self.sink.at("L122", s.line, s.column, f"a range with a step of {step}")
        (a, b), (c, d) = ends
        if step > 0:
            most, least = max(0, -((a - d) // step)), max(0, -((b - c) // step))
            full = a, max(a, d - 1)
        else:
            most, least = max(0, -((b - c) // step)), max(0, -((a - d) // step))
            full = min(b, c + 1), b
        s.trips = most if s.trips is None or most > s.trips else s.trips
        if most == 0:
            self.frame.instance.hulls.setdefault(
                name, (0, 0)
            )  # the document names it, though it has no value
            return state
        if most <= MAX_UNROLLED and step > 0:
            return self._unrolled(s, state, name, step, (a, b, d), most, least)
        skipped = state.copy() if least == 0 else None

        def once(head: State) -> tuple[State | None, State | None]:
            work = head.copy()
            self._define(self.frame, name, full, work)
            end = self.block(s.blocks[0], work)
            return end, end

        head = state.copy()
        after = self._counted(once, head, name)
        return join(skipped, after)

    def _counted(
        self, once: Callable[[State], tuple[State | None, State | None]], head: State, name: str
    ) -> State | None:
        """`_fixpoint` for a counted loop: it ends after a whole iteration, by continue or break."""
        for number in range(10_000):
            self.frame.loops.append([None, None])
            back, _ = once(head)
            broken, continued = self.frame.loops.pop()
            back = join(back, continued)
            new = join(head, back)
            assert new is not None
            if name not in head.vars:
                new.vars.pop(name, None)
            if new.same(head):
                return join(back, broken)
            if number:
                new = widen(head, new, self.frame.instance.thresholds if number < THRESHOLD_ROUNDS else [])
            head = new
        raise Budget

    def _unrolled(
        self,
        s: Stmt,
        state: State,
        name: str,
        step: int,
        ends: tuple[int, int, int],
        most: int,
        least: int,
    ) -> State | None:
        a, b, d = ends
        out: State | None = state.copy() if least == 0 else None
        now: State | None = state
        for k in range(most):
            assert now is not None
            self._define(self.frame, name, (a + k * step, max(a + k * step, min(b + k * step, d - 1))), now)
            self.frame.loops.append([None, None])
            now = self.block(s.blocks[0], now)
            broken, continued = self.frame.loops.pop()
            now = join(now, continued)
            out = join(out, broken)
            if now is None:
                break
            if k + 1 >= least:
                out = join(out, now.copy())
        return out

    def _on_break(self, s: Stmt, state: State) -> None:
        self.frame.loops[-1][0] = join(self.frame.loops[-1][0], state)

    def _on_continue(self, s: Stmt, state: State) -> None:
        self.frame.loops[-1][1] = join(self.frame.loops[-1][1], state)

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
            value = self._fitted(s, (int(value[0]), int(value[1])))
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
            value = self._fitted(s, (int(value[0]), int(value[1])))
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
                value = self._fitted(s, item.interval)
            self._define(self.frame, name, value, state)
        return state

    def _on_frexp(self, s: Stmt, state: State) -> State:
        assert isinstance(s.value, tuple)
        v = self.expr(s.exprs[0], state)
        nan = len(v) == 3 and bool(v[2])
        infinite = v[0] == float("-inf") or v[1] == float("inf")
        low, high = (float("-inf"), float("inf")) if infinite else (-1.0, 1.0)
        if v[0] >= 0.0:
            low = 0.5 if v[0] > 0.0 else 0.0
        self._define(self.frame, s.value[0], (low, high, nan), state)
        self._define(self.frame, s.value[1], (-1074, 1024), state)
        return state

    def _on_modf(self, s: Stmt, state: State) -> State:
        assert isinstance(s.value, tuple)
        v = self.expr(s.exprs[0], state)
        nan = len(v) == 3 and bool(v[2])
        self._define(self.frame, s.value[0], (-1.0, 1.0, nan), state)
        self._define(self.frame, s.value[1], (min(v[0], 0.0), max(v[1], 0.0), nan), state)
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
