"""From contracts to a descriptor: which column of which stage becomes which variable of the stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alloy_transforms.record import Descriptor, Dimension, Flags, Packing, Provenance, Stage, Variable
from alloy_transforms.sandbox.contract import OUTPUT_TYPES, Contract, Field

ROWS = "row"
"""Name of the growing dimension of every stream."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a variable's values come from: output `column` of stage number `stage`."""

    stage: int
    column: int


@dataclass(frozen=True, slots=True)
class Shape:
    """The outcome of a chain: its descriptor, the origin of each variable, and of the time column if any."""

    descriptor: Descriptor
    origins: tuple[Origin, ...]
    fields: tuple[Field, ...]
    time: Origin | None


def variable(field: Field) -> Variable:
    """The record-model variable of one OUTPUT field."""
    dtype = OUTPUT_TYPES[field.type]
    pack = None
    if field.exp10:
        pack = Packing(exp10=field.exp10)
    flags = None
    if field.type == "enum":
        flags = Flags(values=tuple(range(len(field.names))), meanings=field.names)
    return Variable(
        name=field.name,
        dims=(ROWS,),
        dtype=dtype,
        unit=field.unit,
        unit_src=field.unit,
        quantity=field.quantity or None,
        pack=pack,
        flags=flags,
        range=field.range,
    )


def chain_shape(contracts: Sequence[Contract], source: str, reader: str, tiers: Sequence[str]) -> Shape:
    """Work out what a chain of stages delivers.

    The last stage's fields come first; fields of earlier stages that no later stage takes as INPUT or sets are
    carried through. One field of type time_ns, the latest that exists, becomes the time of the row.

    Args:
        contracts: one for each stage, in order; at least one.
        source: provenance of the inputs.
        reader: name and version of the source's driver.
        tiers: tier of each stage ("sandbox", "native").
    """
    chosen: dict[str, tuple[Field, Origin]] = {}
    taken: set[str] = set()
    for number in range(len(contracts) - 1, -1, -1):
        for column, field in enumerate(contracts[number].outputs):
            if field.name not in chosen and (field.name not in taken or field.type == "time_ns"):
                chosen[field.name] = (field, Origin(number, column))
        taken |= {name for name, _ in contracts[number].inputs}
    time: Origin | None = None
    fields: list[Field] = []
    origins: list[Origin] = []
    for field, origin in chosen.values():
        if field.type == "time_ns":
            time = time or origin  # the latest stage was visited first
            continue
        fields.append(field)
        origins.append(origin)
    stages = tuple(Stage(c.name, c.digest, tier) for c, tier in zip(contracts, tiers, strict=True))
    descriptor = Descriptor(
        dims=(Dimension(ROWS, None, "sample"),),
        variables=tuple(variable(field) for field in fields),
        prov=Provenance(source=source, reader=reader, stages=stages),
    )
    return Shape(descriptor, tuple(origins), tuple(fields), time)
