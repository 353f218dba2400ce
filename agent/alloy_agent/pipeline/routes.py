"""The chain of a pipeline and, with `route`, the chains behind it: which rows go where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alloy_devices.source import Input, Scalar
from alloy_transforms.sandbox.contract import Field

from .chain import ChainReply, Progress, Refused, Stage, advance, begin, source_columns
from .outlet import Message, Outlet


@dataclass(frozen=True, slots=True)
class Case:
    """What happens to the rows of one value of the route field."""

    stages: tuple[Stage, ...]
    outlet: Outlet


@dataclass(frozen=True, slots=True)
class Block:
    """One encoded block: a message for each sink, and the indices of the inputs its rows were made of."""

    messages: Sequence[Message]
    src: Sequence[int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One batch of inputs put through the pipeline."""

    rows: int
    blocks: tuple[Block, ...]
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

    async def announce(self) -> None:
        """Make every descriptor known; before the stages are run, for what follows them must not fail.

        A stage that changes its tier during a batch shows it from the next one on.
        """
        main = [stage.tier for stage in self.stages]
        if self.outlet is not None:
            self.outlet.served_by(main)
        for case in self.cases.values():
            case.outlet.served_by([*main, *(stage.tier for stage in case.stages)])
        for outlet in self.outlets():
            await outlet.announce()

    async def run(self, inputs: Sequence[Input], progress: Progress | None = None) -> Outcome:
        """Put one batch through; the order of rows within a case is the order of inputs.

        Args:
            progress: what the stages have answered of this batch already; asked again, they give the same.
        """
        progress = progress or Progress()
        progress.rewind()
        await self.announce()
        columns = source_columns(self.stages[0].contract, inputs)
        first = await begin(progress, self.stages[0], columns, len(inputs))
        reply = await advance(progress, first, self.stages[1:])
        if self.outlet is not None:
            return Outcome(reply.rows, tuple(_blocks(self.outlet, reply, inputs)), _once(reply.refused))
        return await self._by_case(progress, reply, inputs)

    async def _by_case(self, progress: Progress, reply: ChainReply, inputs: Sequence[Input]) -> Outcome:
        groups: dict[str, list[int]] = {}
        refused = list(reply.refused)
        _, field = reply.field(self.on)
        dropped = 0
        for row, value in enumerate(reply.named(self.on)):
            key = case_of(value, field)
            if value is not None and key in self.cases:
                groups.setdefault(key, []).append(row)
            elif self.dead_letter:
                shown = "has no value" if value is None else f"= {key[:64]}"
                message = f"no route for {self.on} {shown}"
                refused.append(Refused(reply.src[row], "pipeline.no_route", message, "route", 0))
            else:
                dropped += 1
        done: list[tuple[Outlet, ChainReply]] = []
        for key, members in groups.items():
            case = self.cases[key]
            tail = await advance(progress, reply.select(members), case.stages)
            refused.extend(tail.refused)
            done.append((case.outlet, tail))
        blocks = [block for outlet, tail in done for block in _blocks(outlet, tail, inputs)]
        self.dropped += dropped
        return Outcome(sum(tail.rows for _, tail in done), tuple(blocks), _once(refused))


def case_of(value: Scalar | None, field: Field) -> str:
    """The text by which a value of the route field names its case; an enum goes by its meaning."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, bool):
        return "true" if value else "false"
    if field.type == "enum" and isinstance(value, int) and 0 <= value < len(field.names):
        return field.names[value]
    return str(value)


def _once(refused: Sequence[Refused]) -> tuple[Refused, ...]:
    """One for each input, code and stage: an input of 64 rows is kept raw once, not 64 times."""
    kept: dict[tuple[int, str, str], Refused] = {}
    for each in refused:
        kept.setdefault((each.index, each.code, each.stage), each)
    return tuple(kept.values())


def _blocks(outlet: Outlet, reply: ChainReply, inputs: Sequence[Input]) -> list[Block]:
    """The rows of a finished chain as encoded blocks of a size that brokers take. Waits for nothing."""
    return [
        Block(outlet.encode(outlet.batch(part, inputs)), part.src)
        for part in outlet.parts(reply)
        if part.rows
    ]
