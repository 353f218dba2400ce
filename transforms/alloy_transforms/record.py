"""The record model: Descriptor + blocks (Batch or Chunk) + Manifest.

A *descriptor* says once what is coming; a *block* carries values; a *manifest* closes a run so that a
receiver knows it has everything. Columns stay packed bytes from the worker to the wire: nothing here makes a
dict per record. A bad value cannot exist: every constructor checks what its object knows by itself
(`record.value`, `record.shape`); what needs the descriptor is checked by `wire.batches.check_batch`.
Nothing of the model does I/O or imports numpy.

The one place to import from; the classes live in `descriptor.py` and `block.py`.
"""

from .block import (
    Batch,
    Block,
    Chunk,
    ClockState,
    Column,
    Level,
    Manifest,
    Quality,
    Reason,
    Statistics,
    VariableSummary,
)
from .descriptor import (
    DTYPES,
    TIME_SCALES,
    Attr,
    Descriptor,
    Dimension,
    Flags,
    MissingRule,
    Packing,
    Provenance,
    Stage,
    TimeRef,
    Variable,
)

__all__ = [
    "DTYPES",
    "TIME_SCALES",
    "Attr",
    "Batch",
    "Block",
    "Chunk",
    "ClockState",
    "Column",
    "Descriptor",
    "Dimension",
    "Flags",
    "Level",
    "Manifest",
    "MissingRule",
    "Packing",
    "Provenance",
    "Quality",
    "Reason",
    "Stage",
    "Statistics",
    "TimeRef",
    "Variable",
    "VariableSummary",
]
