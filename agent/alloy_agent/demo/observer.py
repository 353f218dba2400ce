"""What the demo's consumer sees: messages from the broker, decoded with nothing but the wire module."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from datetime import UTC, datetime

from alloy_transforms.errors import RecordError
from alloy_transforms.record import Batch, Chunk, Column, Descriptor, Manifest, Quality, Variable
from alloy_transforms.wire import cbor

_CASTS = {
    "bool": "B",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "q",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "f4": "f",
    "f8": "d",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """The newest value of one quantity of one source."""

    source: str
    name: str
    value: str
    unit: str
    time: str
    quality: str
    tier: str


@dataclass(slots=True)
class Tally:
    """Counts of one pipeline's messages."""

    records: int = 0
    blocks: int = 0
    manifests: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Observer:
    """Keeps descriptors, counts, and the newest value of each quantity."""

    schemas: dict[str, Descriptor] = field(default_factory=dict)
    quantities: dict[tuple[str, str], Quantity] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    delivered: set[str] = field(default_factory=set)  # names of sources and files

    def schema(self, payload: bytes) -> None:
        """A retained descriptor."""
        descriptor = cbor.decode_descriptor(payload)
        self.schemas[cbor.sid(descriptor)] = descriptor

    def data(self, pipeline: str, payload: bytes) -> list[Quantity]:
        """One block or manifest; returns the quantities it changed."""
        tally = self.tallies.setdefault(pipeline, Tally())
        tally.bytes += len(payload)
        try:
            item = cbor.decode(payload, self.schemas)
        except RecordError as error:
            self.problems.append(str(error))
            del self.problems[:-20]
            return []
        if isinstance(item, Manifest):
            tally.manifests += 1
            if item.status == "complete":
                self.delivered.add(self.schemas[item.sid].prov.source)
            return []
        if isinstance(item, Descriptor):
            return []
        tally.blocks += 1
        descriptor = self.schemas[item.sid]
        new = of_batch(pipeline, item, descriptor) if isinstance(item, Batch) else of_chunk(item, descriptor)
        if isinstance(item, Batch):
            tally.records += item.n
            self.delivered.add(pipeline)
        for quantity in new:
            self.quantities[quantity.source, quantity.name] = quantity
        return new


def _tier(descriptor: Descriptor) -> str:
    tiers = [stage.tier for stage in descriptor.prov.stages]
    return "+".join(dict.fromkeys(tiers)) or "decoder"


def clock_text(ns: int) -> str:
    """UTC time of day with milliseconds; the date where it is not today's."""
    whole, rest = divmod(ns, 1_000_000_000)
    moment = datetime.fromtimestamp(whole, UTC)
    date = "" if moment.date() == datetime.now(UTC).date() else f"{moment:%Y-%m-%d} "
    return f"{date}{moment:%H:%M:%S}.{rest // 1_000_000:03d}Z"


def last_row(column: Column, rows: int) -> int:
    """The last row that has a value; -1 when none has."""
    if column.validity is None:
        return rows - 1
    for row in range(rows - 1, -1, -1):
        if column.validity[row >> 3] >> (row & 7) & 1:
            return row
    return -1


def value_text(column: Column, row: int, variable: Variable) -> str:
    """One value in physical units, as a person would write it."""
    if variable.dtype in ("utf8", "bytes"):
        offsets = array("I", column.values)
        part = column.arena[offsets[row] : offsets[row + 1]]
        return part.decode("utf-8", "replace") if variable.dtype == "utf8" else part.hex()
    number = array(_CASTS[variable.dtype], column.values)[row]
    if variable.dtype == "bool":
        return "true" if number else "false"
    if variable.flags is not None and variable.flags.values:
        return variable.flags.meanings[variable.flags.values.index(number)]
    pack = variable.pack
    if pack is None:
        return f"{number:.6g}" if isinstance(number, float) else str(number)
    if pack.exp10 is not None and pack.exp10 < 0:
        return f"{number / 10**-pack.exp10:.{min(-pack.exp10, 9)}f}"
    return f"{number * 10 ** (pack.exp10 or 0)}"


def of_batch(pipeline: str, batch: Batch, descriptor: Descriptor) -> list[Quantity]:
    """The newest value of each column of a batch."""
    times = array("q", batch.time)
    found = []
    for column, variable in zip(batch.columns, descriptor.variables, strict=True):
        row = last_row(column, batch.n)
        if row < 0:
            continue
        quality = column.quality if isinstance(column.quality, int) else column.quality[row]
        found.append(
            Quantity(
                pipeline,
                variable.name,
                value_text(column, row, variable),
                variable.unit or "",
                clock_text(times[row]),
                Quality(quality).name.lower(),
                _tier(descriptor),
            )
        )
    return found


def of_chunk(chunk: Chunk, descriptor: Descriptor) -> list[Quantity]:
    """A chunk of an array as its range."""
    variable = descriptor.variables[chunk.var]
    stats = chunk.stats
    if stats is None or stats.minimum is None or stats.maximum is None:
        return []
    quality = chunk.quality if isinstance(chunk.quality, int) else min(chunk.quality)
    return [
        Quantity(
            descriptor.prov.source,
            variable.path or variable.name,
            f"{stats.minimum:.6g} .. {stats.maximum:.6g} (n={stats.n_valid})",
            variable.unit or (f"{variable.unit_src} (unknown)" if variable.unit_src else ""),
            clock_text(chunk.received_ns),
            Quality(quality).name.lower(),
            _tier(descriptor),
        )
    ]
