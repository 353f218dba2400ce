"""The chain of a pipeline and, with `route`, the chains behind it: which rows go where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alloy_devices.source import Input

from .chain import ChainReply, Refused, Stage, advance, begin, source_columns
from .outlet import Message, Outlet


@dataclass(frozen=True, slots=True)
class Case:
    """What happens to the rows of one value of the route field."""

    stages: tuple[Stage, ...]
    outlet: Outlet


@dataclass(frozen=True, slots=True)
class Outcome:
    """One batch of inputs put through the pipeline: messages by block and sink, and what was refused."""

    rows: int
    blocks: tuple[Sequence[Message], ...]
    refused: tuple[Refused, ...]


class Route:
    """A chain with its outlet, or with one outlet for each case of `on`.

    Args:
        stages: at least one.
        outlet: where rows go without a route; None with one.
        on: field that chooses the case.
        cases: by the text of the value; enum fields may be named by meaning.
        dead_letter: refuse rows of no case (else drop them silently, counted).
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        outlet: Outlet | None,
        on: str = "",
        cases: Mapping[str, Case] | None = None,
        *,
        dead_letter: bool = True,
    ) -> None:
        self.stages = tuple(stages)
        self.outlet = outlet
        self.on = on
        self.cases = dict(cases or {})
        self.dead_letter = dead_letter
        self.dropped = 0

    def outlets(self) -> list[Outlet]:
        """Every outlet, for announcements and status."""
        mine = [self.outlet] if self.outlet is not None else []
        return mine + [case.outlet for case in self.cases.values()]

    def all_stages(self) -> list[Stage]:
        """Every stage, main chain first."""
        return [*self.stages, *(stage for case in self.cases.values() for stage in case.stages)]

    async def run(self, inputs: Sequence[Input]) -> Outcome:
        """Put one batch through; the order of rows within a case is the order of inputs."""
        columns = source_columns(self.stages[0].contract, inputs)
        reply = await advance(await begin(self.stages[0], columns, len(inputs)), self.stages[1:])
        if self.outlet is not None:
            blocks = await self._block(self.outlet, reply, inputs)
            return Outcome(reply.rows, tuple(blocks), reply.refused)
        return await self._by_case(reply, inputs)

    async def _by_case(self, reply: ChainReply, inputs: Sequence[Input]) -> Outcome:
        groups: dict[str, list[int]] = {}
        refused = list(reply.refused)
        for row, value in enumerate(reply.named(self.on)):
            key = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            if value is not None and key in self.cases:
                groups.setdefault(key, []).append(row)
            elif self.dead_letter:
                message = f"no route for {self.on} = {key[:64]}"
                refused.append(Refused(reply.src[row], "pipeline.no_route", message, "route", 0))
            else:
                self.dropped += 1
        rows = 0
        blocks: list[Sequence[Message]] = []
        for key, members in groups.items():
            case = self.cases[key]
            done = await advance(reply.select(members), case.stages)
            refused.extend(done.refused)
            rows += done.rows
            blocks.extend(await self._block(case.outlet, done, inputs))
        return Outcome(rows, tuple(blocks), tuple(refused))

    async def _block(
        self, outlet: Outlet, reply: ChainReply, inputs: Sequence[Input]
    ) -> list[Sequence[Message]]:
        if not reply.rows:
            return []
        await outlet.announce()
        return [outlet.encode(outlet.batch(reply, inputs))]
