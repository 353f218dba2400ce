"""What a device has decided about modules: which run, which never run again. Values only; `record.py` keeps them.

A *place* is `pipeline/transform`. What holds for a place holds for one digest of its transform (source and PARAMS):
with another file or other parameters nothing of it applies.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, TypeVar

from .errors import RecordError
from .store import is_digest

VERSION: Final = 1
MAX_ENTRIES: Final = 512  # of each kind; the oldest demotions and quarantines go first
MAX_TEXT: Final = 256  # characters of one text
MAX_BYTES: Final = 4 << 20  # more than full lists of the longest texts take: what was written can be read
_MAGIC: Final = b"alloy-modules"
_MAX_INT: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class Active:
    """A module that runs.

    Attributes:
        canary_left_s: running time for which both tiers are still compared [s].
    """

    place: str
    transform: str
    module: str
    since_ns: int
    canary_left_s: float = 0.0

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class Demoted:
    """A module that a place went back from; nothing but an operator promotes it there again."""

    place: str
    transform: str
    module: str
    why: str
    at_ns: int

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A module that never runs again on this device, wherever it ran."""

    module: str
    place: str
    transform: str
    code: str
    why: str
    at_ns: int

    def __post_init__(self) -> None:
        _check(self)


Entry = Active | Demoted | Quarantined
_E = TypeVar("_E", Active, Demoted, Quarantined)


def _check(entry: Entry) -> None:
    """A bad value cannot exist."""
    for f in fields(entry):
        value = getattr(entry, f.name)
        if f.name in ("transform", "module"):
            good = is_digest(value)
        elif f.name in ("since_ns", "at_ns"):
            good = type(value) is int and 0 <= value < _MAX_INT
        elif f.name == "canary_left_s":
            good = type(value) in (int, float) and 0 <= value < 1e9
        else:
            good = isinstance(value, str) and len(value) <= MAX_TEXT
        if not good:
            raise RecordError(
                "ota.record", f"`{f.name}` of a record is out of its bounds", got=repr(value)[:80]
            )


@dataclass(frozen=True, slots=True)
class State:
    """Everything decided so far.

    Attributes:
        serial: how many times it was written.
    """

    serial: int = 0
    active: tuple[Active, ...] = ()
    demoted: tuple[Demoted, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()

    def running(self, place: str, transform: str) -> Active | None:
        """The module that a place runs for this digest of its transform."""
        return next((a for a in self.active if (a.place, a.transform) == (place, transform)), None)

    def left(self, place: str, transform: str, module: str) -> Demoted | None:
        """Why a place went back from a module."""
        wanted = (place, transform, module)
        return next((d for d in self.demoted if (d.place, d.transform, d.module) == wanted), None)

    def banned(self, module: str) -> Quarantined | None:
        """Why a module never runs again."""
        return next((q for q in self.quarantined if q.module == module), None)

    def promoted(self, entry: Active) -> State:
        """With a module that runs from now on, unless it is banned."""
        if self.banned(entry.module) is not None:
            return self
        here = (entry.place, entry.transform)
        active = (*(a for a in self.active if (a.place, a.transform) != here), entry)
        demoted = tuple(d for d in self.demoted if (d.place, d.transform, d.module) != (*here, entry.module))
        return replace(self, active=active[-MAX_ENTRIES:], demoted=demoted)

    def went_back(self, entry: Demoted) -> State:
        """Without the module of a place, and why."""
        here = (entry.place, entry.transform)
        active = tuple(a for a in self.active if (a.place, a.transform) != here)
        others = (d for d in self.demoted if (d.place, d.transform, d.module) != (*here, entry.module))
        return replace(self, active=active, demoted=(*others, entry)[-MAX_ENTRIES:])

    def banning(self, entry: Quarantined) -> State:
        """Without a module, wherever it runs."""
        others = (q for q in self.quarantined if q.module != entry.module)
        return replace(
            self,
            active=tuple(a for a in self.active if a.module != entry.module),
            quarantined=(*others, entry)[-MAX_ENTRIES:],
        )

    def canary(self, left_s: Mapping[tuple[str, str], float]) -> State:
        """With what is left of canary windows, by place and transform."""
        return replace(
            self,
            active=tuple(
                replace(a, canary_left_s=max(0.0, left_s.get((a.place, a.transform), a.canary_left_s)))
                for a in self.active
            ),
        )


def encode(state: State) -> bytes:
    """One line with magic, version, CRC-32 and length, then JSON."""
    tree = {
        "serial": state.serial,
        "active": [asdict(entry) for entry in state.active],
        "demoted": [asdict(entry) for entry in state.demoted],
        "quarantined": [asdict(entry) for entry in state.quarantined],
    }
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    body = text.encode("utf-8", "replace")  # half of a surrogate pair is no text
    return b"%s %d %08x %d\n%s\n" % (_MAGIC, VERSION, zlib.crc32(body), len(body), body)


def decode(data: bytes) -> State:
    """The state that `encode` wrote.

    Raises:
        RecordError: `ota.record`, torn, damaged, foreign or of another version.
    """
    head, _, rest = data.partition(b"\n")
    words = head.split(b" ")
    if len(words) != 4 or words[0] != _MAGIC:
        raise RecordError("ota.record", "this is no record of modules", got=repr(head[:40]))
    if words[1] != b"%d" % VERSION:
        raise RecordError(
            "ota.record", "the record is of another version", got=repr(words[1][:20]), expected=str(VERSION)
        )
    body = rest[:-1]
    if rest[-1:] != b"\n" or words[2:] != [b"%08x" % zlib.crc32(body), b"%d" % len(body)]:
        raise RecordError("ota.record", "the record is torn or damaged", got=f"{len(body)} B")
    try:
        tree = json.loads(body)
        if not isinstance(tree, dict) or set(tree) != {f.name for f in fields(State)}:
            raise ValueError("other keys")
        if type(tree["serial"]) is not int or not 0 <= tree["serial"] < _MAX_INT:
            raise ValueError("no serial number")
        return State(
            tree["serial"],
            _entries(Active, tree["active"]),
            _entries(Demoted, tree["demoted"]),
            _entries(Quarantined, tree["quarantined"]),
        )
    except (ValueError, TypeError, RecursionError) as error:
        raise RecordError(
            "ota.record", "the record does not hold what it should", got=str(error)[:80]
        ) from error


def _entries(kind: type[_E], items: Iterable[Mapping[str, Any]]) -> tuple[_E, ...]:
    out = tuple(kind(**item) for item in items)
    if len(out) > MAX_ENTRIES:
        raise ValueError("too many entries")
    return out
