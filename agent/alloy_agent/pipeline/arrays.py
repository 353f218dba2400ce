"""Element-wise transforms over the arrays of files: each adds a variable beside the one it was made of.

A file that lacks what a transform takes is delivered as it is; its manifest says `partial` and why. Where the
transform is out of use nothing of the file is settled.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from typing import Final, Protocol

from alloy_agent.config.model import Attribute
from alloy_agent.native import CodedError, kernels
from alloy_transforms.record import Chunk, Column, Descriptor, Manifest, Stage, Variable, VariableSummary
from alloy_transforms.sandbox.contract import Contract

from .again import again
from .chain import StageReply
from .elements import NUMBERS, Answers, count, physical, pieces
from .outlet import SidOf

BATCH: Final = 4096  # elements a stage is asked for at once
DERIVED_MAX: Final = 64  # variables that transforms may add to one file

Taken = Mapping[str, str | float | Attribute]
"""Parameter of `f` -> the variable whose elements it gets (one of them), a number, or an attribute's name."""


class ArrayStage(Protocol):
    """An element-wise transform, whatever tier runs it."""

    @property
    def contract(self) -> Contract:
        """What the file declares; `elementwise`."""
        ...

    @property
    def tier(self) -> str:
        """`sandbox` or `native`."""
        ...

    async def run_columns(self, columns: Sequence[Column], n: int) -> StageReply:
        """Run one batch of packed columns in the order of `contract.inputs`."""
        ...


@dataclass(frozen=True, slots=True)
class ArrayStep:
    """One transform of a pipeline and where its arguments come from."""

    stage: ArrayStage
    inputs: Taken

    @property
    def identity(self) -> str:
        """What the values depend on beside the file."""
        return f"{self.stage.contract.digest} {sorted(self.inputs.items())}"

    @property
    def variable(self) -> str:
        """Path or name of the variable whose elements it takes."""
        return next(given for given in self.inputs.values() if isinstance(given, str))


@dataclass(slots=True)
class _Derived:
    """One variable that a step adds to one file."""

    step: ArrayStep
    source: int
    index: int
    constants: dict[str, float]
    blocks: int = 0
    counts: Counter[int] = field(default_factory=Counter)
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    refused: Counter[str] = field(default_factory=Counter)  # elements by code
    first: dict[str, str] = field(default_factory=dict)  # code -> where and what, of the first element


class ArrayRun:
    """One file on its way: `begin`, `chunk` for each chunk, `end`.

    Args:
        steps: in order; one may take what an earlier one added.
        sid_of: id of a descriptor.
        on_error: told why a stage is asked again.
    """

    def __init__(
        self, steps: Sequence[ArrayStep], sid_of: SidOf, on_error: Callable[[CodedError], None]
    ) -> None:
        self._steps = steps
        self._sid_of = sid_of
        self._on_error = on_error
        self._sid = ""
        self._variables: list[Variable] = []
        self._derived: dict[int, list[_Derived]] = {}  # by source
        self._missed: list[tuple[str, str]] = []

    def begin(self, descriptor: Descriptor) -> Descriptor:
        """The descriptor with the variables that are added."""
        self._variables = list(descriptor.variables)
        used: dict[tuple[str, str], Stage] = {}
        for step in self._steps:
            contract = step.stage.contract
            found = [i for i, v in enumerate(self._variables) if step.variable in (v.path, v.name)]
            if not found:
                self._miss(
                    f"`{contract.name}` takes the variable `{step.variable}`, which the file does not have"
                )
            for source in found:
                if self._add(step, source, descriptor):
                    made = Stage(contract.name, contract.digest, step.stage.tier)
                    used[contract.name, contract.digest] = made
        stages = (*descriptor.prov.stages, *used.values())
        described = replace(
            descriptor, variables=tuple(self._variables), prov=replace(descriptor.prov, stages=stages)
        )
        self._sid = self._sid_of(described)
        return described

    async def chunk(self, chunk: Chunk) -> list[Chunk]:
        """The chunk, and behind it those made of it.

        Raises:
            TransformDisabledError: a transform is out of use.
            WorkerError: no worker can be had (retryable).
        """
        out: list[Chunk] = []
        waiting = deque([replace(chunk, sid=self._sid)])
        while waiting:
            given = waiting.popleft()
            out.append(given)
            for derived in self._derived.get(given.var, ()):
                for piece in pieces(given, self._variables[given.var]):
                    waiting.append(await self._make(derived, piece))
        return out

    def end(self, manifest: Manifest) -> Manifest:
        """The manifest with what was added and what could not be."""
        errors = list(self._missed)
        summaries = list(manifest.variables)
        every = sorted((d for each in self._derived.values() for d in each), key=lambda d: d.index)
        for derived in every:
            source = summaries[derived.source]
            blank = bool(source.error) and not derived.blocks
            summaries.append(
                VariableSummary(
                    derived.index,
                    derived.blocks,
                    dict(sorted(derived.counts.items())),
                    "" if blank else derived.digest.hexdigest(),
                    source.error,
                    source.message,
                )
            )
            path = self._variables[derived.index].path
            name = derived.step.stage.contract.name
            for code, n in derived.refused.items():
                errors.append(
                    (code, f"{path}: `{name}` refused {n} elements, the first in {derived.first[code]}")
                )
        status = "partial" if self._missed and manifest.status == "complete" else manifest.status
        return replace(
            manifest,
            sid=self._sid,
            variables=tuple(summaries),
            status=status,
            errors=(*errors, *manifest.errors),
        )

    def _miss(self, message: str) -> None:
        self._missed.append(("pipeline.no_input", message))

    def _add(self, step: ArrayStep, source: int, descriptor: Descriptor) -> bool:
        """Add the variable of a step made of variable `source`; False where the file does not allow it."""
        contract, variable = step.stage.contract, self._variables[source]
        at = variable.path or variable.name
        if variable.dtype not in NUMBERS:
            self._miss(f"`{contract.name}` takes numbers, `{at}` is {variable.dtype}")
            return False
        constants: dict[str, float] = {}
        for name, given in step.inputs.items():
            if isinstance(given, str):
                continue
            number = (
                _attribute(given.attribute, variable, descriptor) if isinstance(given, Attribute) else given
            )
            if number is None:
                shown = given.attribute if isinstance(given, Attribute) else given
                self._miss(
                    f"`{contract.name}` takes the attribute `{shown}`, which is no number of `{at}` or of the file"
                )
                return False
            constants[name] = float(number)
        added = self._variable(contract, variable, constants)
        if len(self._variables) - len(descriptor.variables) >= DERIVED_MAX or any(
            added.path == (v.path or v.name) for v in self._variables
        ):
            self._miss(
                f"`{added.path}` of `{contract.name}` cannot be added: the name is taken or there are too many"
            )
            return False
        self._variables.append(added)
        self._derived.setdefault(source, []).append(
            _Derived(step, source, len(self._variables) - 1, constants)
        )
        return True

    def _variable(self, contract: Contract, source: Variable, constants: Mapping[str, float]) -> Variable:
        made = contract.outputs[0]
        at = source.path or source.name
        return Variable(
            name=made.name,
            path=f"{at.rstrip('/')}/{made.name}",
            dims=source.dims,
            dtype="f8",
            unit=made.unit,
            unit_src=made.unit,
            quantity=made.quantity or None,
            range=made.range,
            coords=source.coords,
            chunk=source.chunk,
            attrs={
                "source": at,
                "transform": contract.name,
                **{f"argument.{name}": value for name, value in constants.items()},
            },
        )

    async def _make(self, derived: _Derived, chunk: Chunk) -> Chunk:
        stage, n = derived.step.stage, prod(chunk.shape)
        contract = stage.contract
        answers = Answers(n, chunk.validity)
        values = memoryview(physical(chunk, self._variables[chunk.var]))
        for start in range(0, n, BATCH):
            stop = min(start + BATCH, n)
            bits = None if chunk.validity is None else kernels.slice_bits(chunk.validity, start, stop - start)
            taken = Column(bytes(values[8 * start : 8 * stop]), validity=bits)
            columns = [
                Column(array("d", (derived.constants[name],)).tobytes() * (stop - start))
                if name in derived.constants
                else taken
                for name, _ in contract.inputs
            ]
            reply = await again(partial(stage.run_columns, columns, stop - start), self._on_error)
            made = reply.columns[0]
            answers.add(start, stop, reply.src, made.values, made.validity)
            for error in reply.errors:
                derived.first.setdefault(error.code, f"line {error.line}: {error.message}")
                derived.refused[error.code] += 1
        out = answers.chunk(chunk, self._sid, derived.index, derived.blocks, contract.outputs[0])
        derived.blocks += 1
        derived.counts.update(count(out))
        derived.digest.update(out.crc.to_bytes(4, "little"))
        return out


def _attribute(name: str, variable: Variable, descriptor: Descriptor) -> float | None:
    """A number among the attributes of the variable or of the file; None: there is none."""
    value = variable.attrs.get(name, descriptor.attrs.get(name))
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
