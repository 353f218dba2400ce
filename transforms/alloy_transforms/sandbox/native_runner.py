"""Runs batches through a native module, and asks CPython in the same process for what the module leaves to it.

Data errors, declined inputs and those out of fuel are CPython's: its error texts and lines are the answer, so a
reply is the same bytes in both tiers, times apart. Without STATE the rows of both are merged in order. With STATE
the module stops behind such an input; CPython answers it with the state of that moment, and the module goes on.

What a module says is checked when it comes back (`native/bindings`); what cannot be ends in a frame that the core
reads as `violation.protocol`.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..native import Module, ModuleBatch, ModuleError, ModulePlan
from .answers import Problem
from .checker import Rejected
from .contract import Contract, Profile
from .log import Log
from .merge import concatenate, difference, merge, moved, pieces, scattered
from .native_map import MapBatch, MapPlan
from .protocol import Buffer, decode_run, decode_state, encode_lie, encode_reply, encode_state
from .runner import Answer, Runner

LEFT = frozenset({200, 201})
"""Codes by which a module leaves an input to CPython without an opinion: declined, out of fuel."""
MANY = 8
"""One of so many inputs with a code: the whole batch is CPython's, which costs less than asking it piece by piece."""
PIECES_MAX = 64
"""Of rows that are merged."""
HAND_OVERS_MAX = 16
"""Of STATE in one batch; CPython answers the rest."""

Batch = ModuleBatch | MapBatch
_SLOTS = {int: "q", float: "d", bool: "?7x"}


@dataclass(frozen=True, slots=True)
class _Outcome:
    """An answer, how many inputs the module left to CPython, and 1 + the first input where the tiers differ."""

    answer: Answer
    declined: int = 0
    differs: int = 0


class NativeRunner:
    """One module beside the loaded transform it was made of.

    Args:
        runner: the transform in CPython; its `state` is the truth of both.
        opened: the module.

    Raises:
        Rejected: `load.abi`, the module cannot have the fields of the contract.
    """

    def __init__(self, runner: Runner, opened: Module, log: Log) -> None:
        contract = runner.contract
        self._runner = runner
        self._log = log
        self._fields = contract.outputs
        self._stateful = contract.stateful
        self._kinds = {name: type(value) for name, value in runner.state.items()}
        self._plan = _plan(contract, tuple(self._kinds.values()), opened)
        self._slots = struct.Struct("<" + "".join(_SLOTS[kind] for kind in self._kinds.values()))

    def run(self, body: bytes) -> list[Buffer]:
        """Run one RUN frame; the frame of its reply."""
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        batch = self._plan.batch(body)
        runner = self._runner
        if (state := batch.state) is not None:
            runner.state = decode_state(state)
        n = min(batch.n, runner.most)
        try:
            out = self._both(batch, body, n) if batch.both else self._native(batch, body, n)
        except ModuleError as error:
            return encode_lie(error.what)
        answer = out.answer
        return encode_reply(
            batch=batch.batch,
            codes=answer.codes,
            src=answer.src,
            columns=answer.columns,
            errors=answer.errors,
            log=self._log.take(),
            state=encode_state(runner.state) if self._stateful else None,
            cpu_ns=time.thread_time_ns() - cpu,
            wall_ns=time.perf_counter_ns() - wall,
            declined=out.declined,
            differs=out.differs,
        )

    def _both(self, batch: Batch, body: bytes, n: int) -> _Outcome:
        """Both tiers from the same state; the answer is CPython's."""
        runner = self._runner
        before = dict(runner.state)
        native = self._native(batch, body, n)
        after, runner.state = runner.state, before
        answer = self._python(body, 0, n)
        found = [d for d in (native.differs, difference(self._fields, native.answer, answer)) if d]
        if not found and self._stateful and encode_state(after) != encode_state(runner.state):
            found = [n]  # no answer shows which input it was; all of them led to it
        return _Outcome(answer, native.declined, min(found, default=0))

    def _native(self, batch: Batch, body: bytes, n: int) -> _Outcome:
        return self._with_state(batch, body, n) if self._stateful else self._without(batch, body, n)

    def _without(self, batch: Batch, body: bytes, n: int) -> _Outcome:
        _, codes, src, columns, _ = batch.run(0, n, b"")
        native = Answer(codes, src, list(columns), [])
        if codes.count(0) == n:
            return _Outcome(native)
        coded = [i for i, code in enumerate(codes) if code]
        left = sum(codes[i] in LEFT for i in coded)
        if len(coded) * MANY <= n:
            ours = scattered(self._ask(batch, coded), coded)
            if pieces(native, ours) <= PIECES_MAX:
                differs = _disagreement(coded, [codes[i] for i in coded], ours.codes)
                return _Outcome(merge(self._fields, native, ours, coded), left, differs)
        answer = self._python(body, 0, n)
        differs = _disagreement(coded, [codes[i] for i in coded], [answer.codes[i] for i in coded])
        return _Outcome(answer, left, differs)

    def _with_state(self, batch: Batch, body: bytes, n: int) -> _Outcome:
        runner = self._runner
        parts: list[Answer] = []
        first = hand_overs = left = differs = 0
        while first < n:
            if hand_overs == HAND_OVERS_MAX or not self._has_state():
                parts.append(self._python(body, first, n))
                break
            before = self._slots.pack(*(runner.state[name] for name in self._kinds))
            answered, codes, src, columns, after = batch.run(first, n, before)
            found = dict(zip(self._kinds, self._slots.unpack(after), strict=True))
            runner.state = {name: found[name] for name in runner.state}  # it may have come in another order
            part = Answer(codes, src, list(columns), [])
            if codes.count(0) != len(codes):
                # All but the last are inputs without a value, which touch no state: in order is in time.
                coded = [first + k for k, code in enumerate(codes) if code]
                theirs = [codes[i - first] for i in coded]
                left += sum(code in LEFT for code in theirs)
                ours = self._ask(batch, coded)
                differs = differs or _disagreement(coded, theirs, ours.codes)
                part = merge(self._fields, part, scattered(ours, coded), coded, first)
                hand_overs += 1
            parts.append(part)
            first = answered
        return _Outcome(concatenate(self._fields, parts), left, differs)

    def _ask(self, batch: Batch, places: Sequence[int]) -> Answer:
        """CPython's answers of some inputs, numbered from 0."""
        columns = [list(values) for values in zip(*map(batch.input, places), strict=True)]
        absent = any(value is None for values in columns for value in values)
        return self._runner.answer(columns, len(places), absent)

    def _python(self, body: bytes, first: int, stop: int) -> Answer:
        """CPython's answers of inputs `first` to `stop`."""
        request = decode_run(body, self._runner.contract.inputs)
        columns = [values[first:stop] for values in request.columns]
        return moved(self._runner.answer(columns, stop - first, request.absent), first)

    def _has_state(self) -> bool:
        """Whether the state is the module's; CPython has an error for one of another version."""
        return {name: type(value) for name, value in self._runner.state.items()} == self._kinds


def _disagreement(places: Sequence[int], theirs: Sequence[int], ours: Sequence[int]) -> int:
    """1 + the first input whose code of the module is an opinion that CPython does not share; 0: none."""
    for place, code, own in zip(places, theirs, ours, strict=True):
        if code not in LEFT and code != own:
            return 1 + place
    return 0


def _plan(contract: Contract, kinds: Sequence[type], opened: Module) -> ModulePlan | MapPlan:
    try:
        if contract.profile is not Profile.PORTABLE:
            raise ValueError("only a portable file has a native form")
        if contract.elementwise:
            return MapPlan(opened, len(contract.inputs))
        return ModulePlan(
            opened,
            [kind for _, kind in contract.inputs],
            [(f.type, f.optional, len(f.names) or f.max) for f in contract.outputs],
            [kind.__name__ for kind in kinds],
            contract.max_rows,
        )
    except ValueError as error:
        raise Rejected(Problem("load.abi", f"the native module does not fit the contract: {error}")) from None
