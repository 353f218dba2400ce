"""Loops on intervals: short ones are followed one iteration at a time, others until nothing changes."""

from __future__ import annotations

from collections.abc import Callable

from .evaluate import MAX_END, Budget, shown
from .instances import Frame
from .intervals import Ints
from .nodes import Stmt
from .refine import Refiner
from .state import State, Value, join, widen

MAX_UNROLLED = 20  # iterations followed one by one
THRESHOLD_ROUNDS = 10  # of widening to the numbers a function names; then to the ends of the type
MAX_ROUNDS = 10_000  # over one loop; more counts as out of steps


class Loops(Refiner):
    """Adds the statements of loops to the refiner; the analysis of all statements extends it."""

    block: Callable[[list[Stmt], State | None], State | None]
    define: Callable[[Frame, str, Value, State], None]
    fitted: Callable[[Stmt, Ints], Ints]

    def __init__(self, budget: int) -> None:
        super().__init__(budget)
        self.frames: list[Frame] = []  # the functions that run, callers first

    @property
    def frame(self) -> Frame:
        """The function that runs."""
        return self.frames[-1]

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
        for number in range(MAX_ROUNDS):
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
            ends.append(self.fitted(s, (int(v[0]), int(v[1]))))
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
            self.define(self.frame, name, full, work)
            end = self.block(s.blocks[0], work)
            return end, end

        head = state.copy()
        after = self._counted(once, head, name)
        return join(skipped, after)

    def _counted(
        self, once: Callable[[State], tuple[State | None, State | None]], head: State, name: str
    ) -> State | None:
        """`_fixpoint` for a counted loop: it ends after a whole iteration, by continue or break."""
        for number in range(MAX_ROUNDS):
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
            self.define(self.frame, name, (a + k * step, max(a + k * step, min(b + k * step, d - 1))), now)
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
