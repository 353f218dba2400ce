"""Found objects -> descriptor, chunks in a fixed order, manifest. The same file gives the same bytes.

The engine decides nothing about a format: it names the run, cuts nothing, and counts what it sends, so that a
receiver can tell that it has everything.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from alloy_transforms.errors import RecordError
from alloy_transforms.record import (
    Chunk,
    ClockState,
    Descriptor,
    Level,
    Manifest,
    Provenance,
    VariableSummary,
)
from alloy_transforms.wire.cbor import sid as sid_of

from ..native import NativeError, crc32c
from .model import FileFound, Found, Problem, refuse
from .values import Reader

MAX_ERRORS = 500
"""Problems one manifest lists; what is beyond is counted."""


_LOST = frozenset({"format.too_deep", "format.too_many", "format.malformed", "format.outside_reference"})
"""Notes on links and groups that mean: something of the file is not here."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the caller knows of a run: its id, the file's name inside the watched folder, and the clock."""

    run: str
    source: str
    size: int
    mtime_ns: int
    received_ns: int
    clock: ClockState


def describe(found: FileFound, run: Run) -> Descriptor:
    """The descriptor of a file.

    Raises:
        FormatError: `format.malformed`, the structure cannot be said in the record model.
    """
    prov = Provenance(run.source, found.reader, size=run.size, mtime_ns=run.mtime_ns, format=found.format)
    try:
        variables = tuple(each.variable for each in found.objects)
        return Descriptor(found.dims, variables, prov, found.attrs)
    except RecordError as error:
        raise refuse("malformed", error.what, where=error.where, got=error.got) from error


def decode(found: FileFound, run: Run) -> Iterator[Descriptor | Chunk | Manifest]:
    """Everything a file holds, in order: one descriptor, chunks variable by variable, one manifest."""
    descriptor = describe(found, run)
    sid = sid_of(descriptor)
    yield descriptor
    notes = list(found.notes)
    summaries: list[VariableSummary] = []
    for index, each in enumerate(found.objects):
        notes.extend(each.notes)
        tally = _Tally(index, each)
        yield from tally.chunks(sid, run)
        notes.extend(tally.problems)
        summaries.append(tally.summary())
    partial = any(summary.error for summary in summaries) or any(note.code in _LOST for note in found.notes)
    yield Manifest(sid, run.run, tuple(summaries), "partial" if partial else "complete", _listed(notes))


def _listed(notes: list[Problem]) -> tuple[tuple[str, str], ...]:
    shown = [(note.code, f"{note.path}: {note.message}" if note.path else note.message) for note in notes]
    if len(shown) > MAX_ERRORS:
        shown[MAX_ERRORS - 1 :] = [("format.too_many", f"{len(shown) - MAX_ERRORS + 1} more problems")]
    return tuple(shown)


class _Tally:
    """Sends the chunks of one variable and counts them."""

    def __init__(self, index: int, found: Found) -> None:
        self._index = index
        self._found = found
        self._blocks = 0
        self._counts: Counter[int] = Counter()
        self._digest = hashlib.sha256()
        self._error = found.problem
        self.problems: list[Problem] = [found.problem] if found.problem is not None else []

    def chunks(self, sid: str, run: Run) -> Iterator[Chunk]:
        if self._found.pieces is None or self._found.problem is not None:
            return
        try:
            yield from self._chunks(sid, run)
        except NativeError as error:
            # One unreadable object never loses the others.
            message = error.what + (f" ({error.where})" if error.where else "")
            self._failed(Problem(error.code, message, self._path))

    @property
    def _path(self) -> str:
        return self._found.variable.path or self._found.variable.name

    def _failed(self, problem: Problem) -> None:
        if self._error is None:
            self._error = problem
        if len(self.problems) < MAX_ERRORS:
            self.problems.append(problem)

    def _chunks(self, sid: str, run: Run) -> Iterator[Chunk]:
        reader = Reader(self._found)
        assert self._found.pieces is not None
        for piece in self._found.pieces():
            if piece.problem is not None:
                self._failed(piece.problem)
                continue
            count = math.prod(piece.shape)
            values = reader.absent(count) if piece.missing else reader.values(piece)
            crc = crc32c(values.payload)
            self._digest.update(crc.to_bytes(4, "little"))
            self._counts.update(values.counts)
            yield Chunk(
                sid=sid,
                run=run.run,
                var=self._index,
                seq=self._blocks,
                origin=piece.origin,
                shape=piece.shape,
                level=Level.PACKED,
                payload=values.payload,
                crc=crc,
                raw_bytes=len(values.payload),
                validity=values.validity,
                quality=values.quality,
                reasons=values.reasons,
                stats=values.stats,
                received_ns=run.received_ns,
                clock=run.clock,
            )
            self._blocks += 1

    def summary(self) -> VariableSummary:
        error = self._error
        return VariableSummary(
            self._index,
            self._blocks,
            dict(sorted(self._counts.items())),
            self._digest.hexdigest() if self._blocks or error is None else "",
            error.code if error is not None else "",
            error.message if error is not None else "",
        )
