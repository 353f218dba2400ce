"""From the rows of a finished chain to encoded batches: descriptor, time, quality, sequence numbers."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping, Sequence
from typing import Protocol

from alloy_agent.core.ids import stream_run
from alloy_devices.source import Input
from alloy_transforms.record import Batch, Descriptor
from alloy_transforms.sandbox.contract import Contract
from alloy_transforms.wire.encoding import Encoding
from alloy_transforms.wire.typed import Buffer

from .chain import ChainReply, gather
from .quality import Expectation, has_limits, judge
from .shape import Origin, chain_shape
from .window import Sink

Message = Sequence[Buffer]
BLOCK_BYTES = 128 * 1024
"""Column bytes of one block [B], as estimated from the mean row; one larger row still passes alone."""


class Outlet:
    """One stream of batches with one descriptor; made once for each distinct chain of contracts.

    The descriptor names the tier of each stage; with another tier it is another one, and the stream goes on.

    Args:
        contracts: of the whole chain, in order.
        tiers: of the stages now; `served_by` says when they have changed.
        expect: physical limits of the site by field name.
        sid: id of the descriptor, computed by the caller's encoding.
    """

    def __init__(
        self,
        contracts: Sequence[Contract],
        tiers: Sequence[str],
        source: str,
        reader: str,
        expect: Mapping[str, Expectation],
        sinks: Sequence[tuple[Sink, Encoding]],
        sid_of: SidOf,
        started_ns: int,
    ) -> None:
        self._contracts = contracts
        self._source = source
        self._reader = reader
        self._sid_of = sid_of
        self._tiers: list[str] = []
        self._announced = ""
        self.served_by(tiers)
        self.run = stream_run(started_ns)
        self.rows = 0
        self._seq = 0
        self._sinks = sinks
        # another case of the route may have a number where this one has a text of the same name
        self._expect = [expect.get(f.name) if has_limits(f) else None for f in self.shape.fields]

    def served_by(self, tiers: Sequence[str]) -> None:
        """The tiers of the stages from the next block on; `announce` comes before it."""
        if (now := list(tiers)) != self._tiers:
            self._tiers = now
            self.shape = chain_shape(self._contracts, self._source, self._reader, now)
            self.descriptor = self.shape.descriptor
            self.sid = self._sid_of(self.descriptor)

    async def announce(self) -> None:
        """Make the descriptor known before the first block that names it."""
        sid = self.sid
        if self._announced == sid:
            return
        for sink, encoding in self._sinks:
            await sink.announce(sid, b"".join(encoding.encode_descriptor(self.descriptor)))
        self._announced = sid

    def parts(self, reply: ChainReply) -> list[ChainReply]:
        """The rows cut into pieces of about `BLOCK_BYTES` at most, in order."""
        row = 16.0  # the two times
        for origin in self.shape.origins:
            stage = reply.replies[origin.stage]
            column = stage.columns[origin.column]
            row += (len(column.values) + len(column.arena)) / max(stage.rows, 1)
        rows = max(1, int(BLOCK_BYTES / row))
        if reply.rows <= rows:
            return [reply]
        return [
            reply.select(range(start, min(start + rows, reply.rows))) for start in range(0, reply.rows, rows)
        ]

    def batch(self, reply: ChainReply, inputs: Sequence[Input]) -> Batch:
        """Build the batch of all rows of `reply`; at least one row."""
        columns = tuple(
            judge(reply.column(origin, field), field, reply.rows, expect)
            for origin, field, expect in zip(self.shape.origins, self.shape.fields, self._expect, strict=True)
        )
        received = struct.pack(f"<{reply.rows}q", *[inputs[i].received_ns for i in reply.src])
        batch = Batch(
            sid=self.sid,
            run=self.run,
            seq=self._seq,
            first_row=self.rows,
            n=reply.rows,
            time=self._time(reply, received),
            received=received,
            clock=inputs[reply.src[0]].clock,
            columns=columns,
        )
        self._seq += 1
        self.rows += reply.rows
        return batch

    def encode(self, batch: Batch) -> list[Message]:
        """One message for each sink; sinks of the same encoding share it."""
        made: dict[int, Message] = {}
        messages = []
        for _, encoding in self._sinks:
            key = id(encoding)
            if key not in made:
                made[key] = encoding.encode_batch(batch, self.descriptor)
            messages.append(made[key])
        return messages

    def _time(self, reply: ChainReply, received: bytes) -> bytes:
        origin: Origin | None = self.shape.time
        if origin is None:
            return received
        stage = reply.replies[origin.stage]
        field = reply.stages[origin.stage].contract.outputs[origin.column]
        column = gather(stage.columns[origin.column], field, stage.rows, reply.rows_of[origin.stage])
        if column.validity is None:
            return column.values
        times = array("q", column.values)
        fallback = array("q", received)
        for row in range(reply.rows):
            if not column.validity[row >> 3] >> (row & 7) & 1:
                times[row] = fallback[row]
        return times.tobytes()


class SidOf(Protocol):
    """Digest of a descriptor (`wire.cbor.sid`)."""

    def __call__(self, descriptor: Descriptor) -> str:
        """16 hex characters."""
        ...
