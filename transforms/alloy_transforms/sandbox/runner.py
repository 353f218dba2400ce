"""Runs batches of one transform inside its worker: values in, columns of checked rows out.

The way most transforms take - no STATE, one dict per input - is a loop made for the contract at load, which
leaves all checking to whole columns. Everything else (generators, STATE, absent inputs) goes input by input.
Rows are taken out of the user's dict at once, so a dict that is used again cannot change an earlier row.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import RecordError
from .builders import BadValueError, builder, exact
from .contract import Profile
from .errormap import NUMBERS, Failure, classify
from .log import Log
from .protocol import (
    MAX_BATCH_INPUTS,
    SOFT_REPLY_BYTES,
    TABLES,
    Buffer,
    RunRequest,
    Sections,
    StateValue,
    decode_state,
    encode_one,
    encode_reply,
    encode_state,
    indexes,
)
from .reader import Transform
from .rows import one_row, row_loop, row_taker, state_check

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tier made of some inputs of a batch: the sections of a REPLY.

    Attributes:
        codes: one byte per input.
        src: per row the input it came from, u4.
        columns: in the order of OUTPUT.
        errors: (input, line, text) per non-zero code, ascending.
    """

    codes: bytes
    src: bytes
    columns: list[Sections]
    errors: list[tuple[int, int, str]]


class Runner:
    """One loaded transform with its state."""

    def __init__(self, transform: Transform, log: Log) -> None:
        contract = transform.contract
        self.transform = transform
        self.contract = contract
        self.state: dict[str, StateValue] = dict(transform.state)  # after the last answered input
        self._log = log
        self._fields = contract.outputs
        self._builders = tuple(builder(f) for f in contract.outputs)
        self._take = row_taker(contract.outputs)
        self._check_state = state_check(self.state)
        worst = contract.max_rows * (contract.row_bytes + sum(f.max for f in contract.outputs))
        self.most = max(1, min(MAX_BATCH_INPUTS, SOFT_REPLY_BYTES // worst))
        simple = not contract.stateful and not transform.generator
        self._loop = row_loop(contract.outputs, len(contract.inputs)) if simple else None
        self._one = one_row(contract.outputs) if simple else None
        # After the header of a reply of one good row: the table of a plain batch, its code and its source, all 0.
        self._one_head = bytes(TABLES[len(contract.outputs)].size + 16)

    def run(self, request: RunRequest) -> list[Buffer]:
        """Run one batch; the frame of its reply."""
        # The worker has one thread; with RLIMIT_CPU set the clock of the whole process moves in ticks only.
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        if request.state is not None:
            self.state = decode_state(request.state)
        n = min(request.n, self.most)
        failures: dict[int, Failure] = {}
        rows: list[Row] = []
        if self._loop is not None and not request.absent:
            src = self._fast(request.columns, n, rows, failures)
            if self._one is not None and n == 1 and rows and (plain := self._plain(rows[0])) is not None:
                log = self._log.take()
                cpu_ns, wall_ns = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
                return encode_one(
                    len(self._fields), request.batch, self._one_head, plain, log, cpu_ns, wall_ns
                )
        else:
            src = self._each(request.columns, n, rows, failures)
        return self._reply(request.batch, self._answer(n, rows, src, failures), wall, cpu)

    def _reply(self, batch: int, answer: Answer, wall: int, cpu: int) -> list[Buffer]:
        """The frame of an answer; the clocks are those of when its batch began [ns]."""
        return encode_reply(
            batch=batch,
            codes=answer.codes,
            src=answer.src,
            columns=answer.columns,
            errors=answer.errors,
            log=self._log.take(),
            state=encode_state(self.state) if self.contract.stateful else None,
            cpu_ns=time.thread_time_ns() - cpu,
            wall_ns=time.perf_counter_ns() - wall,
        )

    def answer(self, columns: Sequence[list[Any]], n: int, absent: bool) -> Answer:
        """The answers of `n` inputs; STATE goes on from and ends in `state`.

        Args:
            columns: values of each input, at least `n`.
            absent: whether any may be None.
        """
        failures: dict[int, Failure] = {}
        rows: list[Row] = []
        way = self._fast if self._loop is not None and not absent else self._each
        src = way(columns, n, rows, failures)
        return self._answer(n, rows, src, failures)

    def _answer(self, n: int, rows: list[Row], src: Sequence[int], failures: dict[int, Failure]) -> Answer:
        columns, src = self._columns(rows, src, failures)
        codes = bytearray(n)
        for at, failure in failures.items():
            codes[at] = failure.number
        return Answer(
            bytes(codes),
            indexes(n) if isinstance(src, range) else array("I", src).tobytes(),
            columns,
            [(at, failures[at].line, failures[at].text) for at in sorted(failures)],
        )

    def _fast(
        self, columns: Sequence[list[Any]], n: int, rows: list[Row], failures: dict[int, Failure]
    ) -> Sequence[int]:
        """No STATE, one dict per input. Each input adds a row or a failure, so their numbers are its index."""
        assert self._loop is not None
        source: Iterator[Any] = iter(columns[0]) if len(columns) == 1 else zip(*columns, strict=True)
        if n < len(columns[0]):
            source = iter([next(source) for _ in range(n)])
        while True:
            try:
                self._loop(source, self.transform.function, rows.append)
                break
            except BaseException as error:  # whatever user code raises is an answer
                failures[len(rows) + len(failures)] = self._failure(error)
        if not failures:
            return range(n)
        return [i for i in range(n) if i not in failures]

    def _plain(self, row: Row) -> bytes | None:
        assert self._one is not None
        try:
            return self._one(row)
        except Exception:  # not plain, or not right: the builders find out
            return None

    def _each(
        self, columns: Sequence[list[Any]], n: int, rows: list[Row], failures: dict[int, Failure]
    ) -> Sequence[int]:
        """Any transform, input by input; rows and state are committed only when the whole input succeeded."""
        src: list[int] = []
        stateful = self.contract.stateful
        for i, arguments in enumerate(zip(*columns, strict=True)):
            if i == n:
                break
            try:
                self._present(arguments)
                if stateful:
                    work = self.state.copy()
                    made = self._rows(self.transform.function(*arguments, work))
                    made = [self._exact(row) for row in made]
                    self._check_state(work)
                    self.state = work
                else:
                    made = self._rows(self.transform.function(*arguments))
            except BaseException as error:  # whatever user code raises is an answer
                failures[i] = self._failure(error)
            else:
                rows += made
                src += [i] * len(made)
        return src

    def _present(self, arguments: Iterable[Any]) -> None:
        if self.contract.profile is Profile.GATEWAY or None not in arguments:
            return
        missing = next(
            name for (name, _), v in zip(self.contract.inputs, arguments, strict=True) if v is None
        )
        raise BadValueError("data.schema", f"input `{missing}` is absent")

    def _rows(self, result: Any) -> list[Row]:
        if not self.transform.generator:
            return [self._take(result)]
        rows: list[Row] = []
        try:
            for row in result:
                if len(rows) == self.contract.max_rows:
                    raise BadValueError(
                        "script.output", f"more than MAX_ROWS = {self.contract.max_rows} rows"
                    )
                rows.append(self._take(row))
        finally:
            result.close()
        return rows

    def _exact(self, row: Row) -> Row:
        return tuple(
            None if v is None and f.optional else exact(f, v) for f, v in zip(self._fields, row, strict=True)
        )

    def _failure(self, error: BaseException) -> Failure:
        if type(error) is BadValueError:  # ours; user code that makes one lies to itself
            code, text = str(error.code), str(error.text)
            return Failure(code if code in NUMBERS else "data.value", self.contract.line, text)
        if type(error) is RecordError:
            return Failure(
                error.code if error.code in NUMBERS else "data.value", self.contract.line, error.what
            )
        failure = classify(error, self.transform.file)
        return failure if failure.line else Failure(failure.code, self.contract.line, failure.text)

    def _columns(
        self, rows: list[Row], src: Sequence[int], failures: dict[int, Failure]
    ) -> tuple[list[Sections], Sequence[int]]:
        try:
            return self._build(rows), src
        except MemoryError:
            raise
        except Exception:  # some value does not fit: find out which, and drop its input alone
            good = self._checked(rows, src, failures)
        kept = [(row, at) for row, at in good if at not in failures]
        return self._build([row for row, _ in kept]), [at for _, at in kept]

    def _build(self, rows: list[Row]) -> list[Sections]:
        columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(self._builders)
        return [build(values) for build, values in zip(self._builders, columns, strict=True)]

    def _checked(
        self, rows: list[Row], src: Sequence[int], failures: dict[int, Failure]
    ) -> list[tuple[Row, int]]:
        good = []
        for row, at in zip(rows, src, strict=True):
            if at in failures:
                continue
            try:
                good.append((self._exact(row), at))
            except BaseException as error:  # a value may be an object of the user's own
                failures[at] = self._failure(error)
        return good
