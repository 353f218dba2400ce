"""JSON lines for people and text tools: one line per row, physical numbers, names instead of codes.

One way only: what a receiver computes with travels as CBOR or MessagePack. Numbers JSON does not have are
texts ("NaN", "Infinity", "-Infinity"), bytes are hex.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping

from ..record import Batch, Chunk, Descriptor, Manifest, Statistics, Variable
from .batches import check_batch
from .chunks import payload_dtype
from .documents import descriptor_tree, manifest_tree
from .typed import Buffer
from .values import Value, column_values, iso_ns, items, numbers, per_row, physical, reason_names

NAME = "jsonl"
CONTENT_TYPE = "application/x-ndjson"

MAX_CHUNK_VALUES = 1 << 20
"""Values a chunk may have to be written out."""


def encode_descriptor(descriptor: Descriptor) -> list[Buffer]:
    """One line with the fields of the CBOR message."""
    return [_line(descriptor_tree(descriptor))]


def encode_batch(batch: Batch, descriptor: Descriptor) -> list[Buffer]:
    """One line per row.

    Raises:
        RecordError: `record.shape`, a column does not fit its variable.
    """
    return [_line(row) for row in rows(batch, descriptor)]


def encode_chunk(chunk: Chunk, descriptor: Descriptor, *, values: bool = False) -> list[Buffer]:
    """One line about the chunk; with its values only when asked for and decoded (level 1 or 2, no codec)."""
    return [_line(chunk_row(chunk, descriptor, values=values))]


def encode_manifest(manifest: Manifest, descriptor: Descriptor | None = None) -> list[Buffer]:
    """One line with the fields of the CBOR message, and names where the descriptor is at hand."""
    tree = manifest_tree(manifest)
    summaries = tree["vars"]
    if descriptor is not None and isinstance(summaries, list):
        for summary in summaries:
            if summary["var"] < len(descriptor.variables):
                summary["name"] = _name(descriptor.variables[summary["var"]])
    return [_line(tree)]


def rows(batch: Batch, descriptor: Descriptor) -> Iterator[dict[str, object]]:
    """The rows of a batch: time, clock, and per variable value, unit, quality and reasons."""
    check_batch(batch, descriptor)
    n = batch.n
    times, received = numbers(batch.time, "i8"), numbers(batch.received, "i8")
    columns = [
        (
            variable,
            column_values(column, variable, n),
            per_row(column.quality, n, 1),
            per_row(column.reasons, n, 2),
        )
        for column, variable in zip(batch.columns, descriptor.variables, strict=True)
    ]
    for row in range(n):
        yield {
            "k": "row",
            "sid": batch.sid,
            "run": batch.run,
            "row": batch.first_row + row,
            "time": iso_ns(int(times[row].real)),
            "received": iso_ns(int(received[row].real)),
            "clock": batch.clock.value,
            "values": {
                _name(variable): quantity(variable, values[row], quality[row], reasons[row])
                for variable, values, quality, reasons in columns
            },
        }


def quantity(variable: Variable, stored: Value | None, quality: int, reasons: int) -> dict[str, object]:
    """One value as people read it; `value` is null where there is none."""
    shown: dict[str, object] = {"value": None if stored is None else _plain(stored, variable)}
    if variable.unit is not None:
        shown["unit"] = variable.unit
    elif variable.unit_src:
        shown["unit_src"] = variable.unit_src
    if variable.flags is not None and isinstance(stored, int):
        shown["meaning"] = _meaning(variable, stored)
    shown["quality"] = quality
    if reasons:
        shown["reasons"] = reason_names(reasons)
    return shown


def chunk_row(chunk: Chunk, descriptor: Descriptor, *, values: bool = False) -> dict[str, object]:
    """A chunk as people read it."""
    variable = descriptor.variables[chunk.var]
    row: dict[str, object] = {
        "k": "chunk",
        "sid": chunk.sid,
        "run": chunk.run,
        "variable": _name(variable),
        "unit": variable.unit,
        "seq": chunk.seq,
        "origin": chunk.origin,
        "shape": chunk.shape,
        "level": int(chunk.level),
        "codec": chunk.codec,
        "bytes": len(chunk.payload),
        "raw_bytes": chunk.raw_bytes,
        "crc": f"{chunk.crc:08x}",
        "received": iso_ns(chunk.received_ns),
        "clock": chunk.clock.value,
        "stats": _statistics(chunk.stats),
    }
    if values and not chunk.codec and chunk.level > 0:
        row["values"] = _chunk_values(chunk, variable)
    return row


def _chunk_values(chunk: Chunk, variable: Variable) -> list[object]:
    dtype = payload_dtype(chunk.level, variable)
    stored: list[Value]
    if dtype in ("utf8", "bytes"):
        at = 4 * (math.prod(chunk.shape) + 1)
        stored = [*items(chunk.payload[:at], chunk.payload[at:], dtype)]
    else:
        stored = [*numbers(chunk.payload, dtype)]
    mask = chunk.validity
    done = chunk.level == 2
    return [
        None
        if mask is not None and not mask[at >> 3] >> (at & 7) & 1
        else (_finite(value) if done else _plain(value, variable))
        for at, value in enumerate(stored[:MAX_CHUNK_VALUES])
    ]


def _name(variable: Variable) -> str:
    return variable.path or variable.name


def _plain(stored: Value, variable: Variable) -> object:
    if isinstance(stored, int | float) and not isinstance(stored, bool):
        return _finite(physical(stored, variable))
    return _finite(stored)


def _finite(value: Value) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, complex):
        return [_finite(value.real), _finite(value.imag)]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _meaning(variable: Variable, stored: int) -> list[str] | str | None:
    flags = variable.flags
    if flags is None:
        return None
    if not flags.masks:
        return dict(zip(flags.values, flags.meanings, strict=False)).get(stored)
    wanted = flags.values or flags.masks
    triples = zip(flags.masks, wanted, flags.meanings, strict=False)
    return [meaning for mask, value, meaning in triples if stored & mask == value]


def _statistics(stats: Statistics | None) -> Mapping[str, object] | None:
    if stats is None:
        return None
    bounds = {"min": stats.minimum, "max": stats.maximum, "mean": stats.mean}
    return {"n": stats.n_valid} | {
        key: None if each is None else _finite(each) for key, each in bounds.items()
    }


def _line(tree: object) -> bytes:
    return (
        json.dumps(_json(tree), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    )


def _json(tree: object) -> object:
    """A tree JSON can say: bytes as hex, keys as text."""
    if isinstance(tree, dict):
        return {str(key): _json(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_json(value) for value in tree]
    if isinstance(tree, bytes | float):
        return _finite(tree)
    return tree
