"""Runs batches of one element-wise transform inside its worker: columns of floats in, one column of floats out.

The whole batch is one `map`, which C code drives. Where an element fails, the map goes on behind it; an element that
lacks an argument is not shown to `f` and has a row without a value.
"""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Sequence
from typing import Any

from .builders import exact
from .errormap import Failure
from .protocol import Buffer, RunRequest, indexes
from .runner import Answer, Runner

_NAN = float("nan")  # the one NaN that leaves a transform: positive, quiet, no payload


class MapRunner(Runner):
    """As `Runner`, for a file whose function is `f`."""

    def run(self, request: RunRequest) -> list[Buffer]:
        """Run one batch; the frame of its reply."""
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        answer = self.answer(request.columns, min(request.n, self.most), request.absent)
        return self._reply(request.batch, answer, wall, cpu)

    def answer(self, columns: Sequence[list[Any]], n: int, absent: bool) -> Answer:
        """The answers of `n` elements; a row each, or a code."""
        if n < len(columns[0]):
            columns = [values[:n] for values in columns]
        failures: dict[int, Failure] = {}
        way = self._around if absent else self._mapped
        values = way(columns, n, failures)
        if not failures and (whole := _packed(values)) is not None:
            return Answer(bytes(n), indexes(n), [(whole, b"", b"")], [])
        for i, value in enumerate(values):
            if value.__class__ is not float and value is not None:
                values[i] = self._exact_value(i, value, failures)
        kept = [i for i in range(n) if i not in failures]
        column = self._builders[0]([values[i] for i in kept])
        codes = bytearray(n)
        for at, failure in failures.items():
            codes[at] = failure.number
        errors = [(at, failures[at].line, failures[at].text) for at in sorted(failures)]
        return Answer(bytes(codes), array("I", kept).tobytes(), [column], errors)

    def _mapped(self, columns: Sequence[list[Any]], n: int, failures: dict[int, Failure]) -> list[Any]:
        """What `f` gives for each element; None where it failed."""
        values: list[Any] = []
        source = map(self.transform.function, *columns)
        while len(values) < n:
            try:
                values.extend(source)  # what came before an error stays
                if len(values) == n:
                    break
                raise StopIteration  # of `f`, which `extend` takes for the end
            except BaseException as error:  # whatever user code raises is an answer
                failures[len(values)] = self._failure(error)
                values.append(None)
        return values

    def _around(self, columns: Sequence[list[Any]], n: int, failures: dict[int, Failure]) -> list[Any]:
        """The same where elements lack arguments: None for those as well."""
        places = [i for i, arguments in enumerate(zip(*columns, strict=True)) if None not in arguments]
        shown: dict[int, Failure] = {}
        found = self._mapped([[column[i] for i in places] for column in columns], len(places), shown)
        failures.update((places[at], failure) for at, failure in shown.items())
        values: list[Any] = [None] * n
        for i, value in zip(places, found, strict=True):
            values[i] = value
        return values

    def _exact_value(self, at: int, value: Any, failures: dict[int, Failure]) -> float | None:
        """The number of one element; None where it is none, which is a failure more."""
        try:
            number: float = exact(self._fields[0], value)
            return number
        except BaseException as error:  # a value may be an object of the user's own
            failures[at] = self._failure(error)
            return None


def _packed(values: list[Any]) -> bytes | None:
    """Numbers as f8, with the one NaN; None where a value is missing or no number."""
    try:
        packed = array("d", values)
    except MemoryError:
        raise
    except BaseException:  # a value may be an object of the user's own
        return None
    # A sum is finite only if no value is NaN; only then is each one looked at.
    if not math.isfinite(sum(packed)):
        packed = array("d", [_NAN if v != v else v for v in packed])
    return packed.tobytes()
