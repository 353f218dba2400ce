"""An element-wise module in the place of a record-wise one: batches of RUN frames as `ModulePlan` makes them.

The columns of a frame go to the module as the bytes they are. An element that lacks an argument is not shown to it and
has a row without a value; one with a code has no row.
"""

from __future__ import annotations

import struct
from array import array
from functools import reduce
from operator import and_

from ..native import Module, ModuleError
from .columns import pack_bits, unpack_bits
from .protocol import (
    FLAG_BOTH,
    FLAG_STATE,
    MAX_BATCH_INPUTS,
    RUN,
    RUN_HEADER,
    TABLES,
    VERSION,
    Sections,
    indexes,
)

_VALUE = struct.Struct("<d")


class MapPlan:
    """A module bound to a contract of so many floats.

    Raises:
        ValueError: the module is record-wise.
    """

    def __init__(self, module: Module, inputs: int) -> None:
        if module.kind != "map":
            raise ValueError("the module is not element-wise")
        self._module = module
        self._inputs = inputs

    def batch(self, body: bytes) -> MapBatch:
        """A RUN frame, checked.

        Raises:
            ModuleError: `violation.protocol`, the frame is malformed.
        """
        kind, version, columns, batch, n, state_bytes, flags, _ = RUN_HEADER.unpack_from(body)
        if (kind, version, columns) != (RUN, VERSION, self._inputs) or not 0 < n <= MAX_BATCH_INPUTS:
            raise ModuleError("violation.protocol", "not a RUN frame of this version and contract")
        sizes = TABLES[columns].unpack_from(body, RUN_HEADER.size)
        at = RUN_HEADER.size + TABLES[columns].size
        if state_bytes or flags & FLAG_STATE or any(sizes[::2]) or set(sizes[1::2]) - {0, n + 7 >> 3}:
            raise ModuleError("violation.protocol", "a RUN frame that is none of floats")
        values, bits = [], []
        for size in sizes[1::2]:
            values.append(body[at : at + 8 * n])
            at += 8 * n
            bits.append(body[at : at + size])
            at += size + 7 & -8
        if at != len(body):
            raise ModuleError("violation.protocol", "the sections do not fill the frame")
        return MapBatch(self, n, batch, bool(flags & FLAG_BOTH), values, _together(bits, n))

    def map(self, values: list[bytes], n: int, present: bytes | None) -> tuple[bytearray, bytes]:
        """(f8 values, codes) of `n` elements.

        Raises:
            ModuleError: `violation.protocol`, what the module says cannot be.
        """
        out = bytearray(8 * n)
        # With room for codes even where the schema says `total`: then none is set, and the schema is not needed.
        return out, self._module.map(values, out, False, present)


def _together(bits: list[bytes], n: int) -> bytes | None:
    """Validity of elements that need all of their arguments; None where all have them."""
    given = [int.from_bytes(part, "little") for part in bits if part]
    if not given:
        return None
    every = (1 << n) - 1
    present = reduce(and_, given, every)
    return None if present == every else present.to_bytes((n + 7) // 8, "little")


class MapBatch:
    """One batch on its way through a module; made by `MapPlan.batch`.

    Attributes:
        state: never; as in `ModuleBatch`.
    """

    state: bytes | None = None

    def __init__(
        self, plan: MapPlan, n: int, batch: int, both: bool, values: list[bytes], present: bytes | None
    ) -> None:
        self.n = n
        self.batch = batch
        self.both = both
        self._plan = plan
        self._values = values
        self._present = present

    def input(self, index: int) -> tuple[float | None, ...]:
        """The arguments of one element that has all of them, in order."""
        return tuple(_VALUE.unpack_from(column, 8 * index)[0] for column in self._values)

    def run(self, first: int, stop: int, state: bytes) -> tuple[int, bytes, bytes, list[Sections], bytes]:
        """Elements through the module; as `ModuleBatch.run`, and all of them.

        Raises:
            ModuleError: `violation.protocol`, what the module says cannot be.
        """
        if (first, stop) != (0, self.n):
            raise ValueError("elements are run together")
        out, codes = self._plan.map(self._values, stop, self._present)
        validity = self._present or b""
        if codes.count(0) == stop:
            return stop, codes, indexes(stop), [(out, b"", validity)], b""
        kept = [i for i, code in enumerate(codes) if not code]
        view = memoryview(out).cast("d")
        values = array("d", [view[i] for i in kept]).tobytes()
        if validity:
            there = unpack_bits(validity, stop)
            validity = pack_bits(bytes([there[i] for i in kept]))
        return stop, codes, array("I", kept).tobytes(), [(values, b"", validity)], b""
