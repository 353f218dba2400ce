"""Decoded messages as text lines: what `alloy-edge decode` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alloy_transforms.record import Batch, Chunk, Descriptor, Manifest, Quality, Variable
from alloy_transforms.wire import cbor, jsonl

Message = Descriptor | Batch | Chunk | Manifest


def text_lines(message: Message, schemas: Mapping[str, Descriptor], *, values: bool) -> Iterator[str]:
    """A message for people, one fact a line."""
    if isinstance(message, Descriptor):
        yield from _descriptor(message)
    elif isinstance(message, Batch):
        yield (
            f"batch {message.sid} run {message.run} seq {message.seq}: "
            f"{message.n} rows from row {message.first_row}, clock {message.clock.value}"
        )
        for row in jsonl.rows(message, schemas[message.sid]):
            yield row_line(row)
    elif isinstance(message, Chunk):
        yield from _chunk(message, schemas[message.sid], values=values)
    else:
        yield from _manifest(message, schemas.get(message.sid))


def row_line(row: Mapping[str, object]) -> str:
    """One row of a batch, or of a file of JSON lines."""
    quantities = row.get("values")
    shown = [
        f"{name} {quantity(value)}"
        for name, value in (quantities.items() if isinstance(quantities, dict) else ())
        if isinstance(value, dict)
    ]
    return f"{row.get('time', '?')}  " + "  ".join(shown)


def quantity(value: Mapping[str, object]) -> str:
    """Value, unit, and quality where it is not 1."""
    number = value.get("value")
    text = "-" if number is None else f"{number!r}" if isinstance(number, str) else str(number)
    unit = value.get("unit")
    if unit not in (None, "1") and number is not None:
        text += f" {unit}"
    if value.get("meaning"):
        text += f" ({value['meaning']})"
    quality = value.get("quality")
    if quality not in (None, 1):
        name = Quality(quality).name.lower() if isinstance(quality, int) else str(quality)
        reasons = value.get("reasons")
        why = ", ".join(str(reason) for reason in reasons) if isinstance(reasons, list) else ""
        text += f" [{name}: {why}]" if why else f" [{name}]"
    return text


def _descriptor(descriptor: Descriptor) -> Iterator[str]:
    prov = descriptor.prov
    stages = "".join(f" -> {stage.name} ({stage.tier}, {stage.digest[:12]})" for stage in prov.stages)
    yield f"descriptor {cbor.sid(descriptor)} of {prov.source} ({prov.reader}){stages}"
    for dim in descriptor.dims:
        role = f" ({dim.role})" if dim.role else ""
        yield f"  dimension {dim.name}: {'grows' if dim.size is None else dim.size}{role}"
    for variable in descriptor.variables:
        yield f"  {_variable(variable)}"
    for name, value in descriptor.attrs.items():
        yield f"  attribute {name}: {str(value)[:200]}"


def _variable(variable: Variable) -> str:
    facts = [variable.dtype, f"[{', '.join(variable.dims)}]"]
    if variable.unit is not None:
        facts.append(variable.unit)
    elif variable.unit_src:
        facts.append(f"unit not known: {variable.unit_src!r}")
    pack = variable.pack
    if pack is not None and pack.exp10 is not None:
        facts.append(f"times 10^{pack.exp10}")
    elif pack is not None:
        facts.append(f"times {pack.scale} plus {pack.offset}")
    if variable.quantity:
        facts.append(variable.quantity)
    return f"{variable.path or variable.name}: {' '.join(facts)}"


def _chunk(chunk: Chunk, descriptor: Descriptor, *, values: bool) -> Iterator[str]:
    variable = descriptor.variables[chunk.var]
    codec = f", still {' + '.join(chunk.codec)}" if chunk.codec else ""
    yield (
        f"chunk {chunk.sid} run {chunk.run} {variable.path or variable.name} seq {chunk.seq}: "
        f"{list(chunk.shape)} at {list(chunk.origin)}, level {int(chunk.level)}{codec}, {len(chunk.payload)} bytes"
    )
    if chunk.stats is not None:
        unit = f" {variable.unit}" if variable.unit else ""
        stats = chunk.stats
        yield f"  {stats.n_valid} values, {stats.minimum} to {stats.maximum}, mean {stats.mean}{unit}"
    shown = jsonl.chunk_row(chunk, descriptor, values=True).get("values") if values else None
    if isinstance(shown, list):
        yield "  " + " ".join("-" if value is None else str(value) for value in shown)


def _manifest(manifest: Manifest, descriptor: Descriptor | None) -> Iterator[str]:
    yield f"manifest {manifest.sid} run {manifest.run}: {manifest.status}"
    for summary in manifest.variables:
        name = _name_of(descriptor, summary.var)
        counts = ", ".join(
            f"{count} {Quality(quality).name.lower()}" for quality, count in summary.counts.items()
        )
        line = f"  {name}: {summary.blocks} blocks"
        line += f", {counts}" if counts else ""
        line += f", {summary.message} [{summary.error}]" if summary.error else ""
        yield line
    for code, message in manifest.errors:
        yield f"  {message} [{code}]"


def _name_of(descriptor: Descriptor | None, var: int) -> str:
    if descriptor is None or var >= len(descriptor.variables):
        return f"variable {var}"
    return descriptor.variables[var].path or descriptor.variables[var].name
