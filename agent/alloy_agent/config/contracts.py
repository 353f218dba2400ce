"""What a pipeline's keys and its transforms' contracts say together.

A contract is known only after a jailed worker described the transform, so the compiler cannot check this; the
core does, at start and reload, before the first record. Pure: contracts in, findings out, at the lines of the
keys that asked for what is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from alloy_agent.pipeline.shape import chain_shape
from alloy_transforms.sandbox.contract import Contract, Field

from .model import FilesSource, LinesSource, MqttSource, Pipeline, Problem, TransformRef
from .report import did_you_mean

SOURCE_FIELDS: Mapping[type, Mapping[str, str]] = {
    LinesSource: {"payload": "bytes"},
    MqttSource: {"payload": "bytes", "topic": "text"},
}
"""Source -> the fields its inputs have, with their INPUT types."""

_INTEGERS = ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "enum", "time_ns")
_AS_INPUT = {
    **dict.fromkeys(_INTEGERS, "int"),
    "f64": "float",
    "bool": "bool",
    "text": "text",
    "bytes": "bytes",
}
_ACCEPTED = {("int", "float"), ("bool", "int")}  # (given, wanted) beside equal ones; nothing is lost
_NO_LIMITS = ("text", "bytes", "bool", "enum", "time_ns")


@dataclass(frozen=True, slots=True)
class PipelineContracts:
    """The contracts of a pipeline, each beside its `TransformRef`: of the chain and of every case."""

    stages: tuple[Contract, ...] = ()
    cases: Mapping[str, tuple[Contract, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Given:
    """A field a stage can take: its INPUT type, whether it may be absent, and by which declaration."""

    type: str
    optional: bool = False
    made: Field | None = None


_Fields = Mapping[str, _Given]


def check_contracts(pipeline: Pipeline, contracts: PipelineContracts) -> list[Problem]:
    """Every misfit of a pipeline with its contracts, in the order of the stages; empty when all fits.

    The chain rule (docs/pipeline.md): a stage takes the fields of its INPUT by name from the stages before it;
    the latest one that gives a field counts.
    """
    found = _Findings(pipeline)
    if isinstance(pipeline.source, FilesSource):
        for index, (ref, contract) in enumerate(zip(pipeline.stages, contracts.stages, strict=True)):
            _array(found, f"stage.{index}", ref, contract)
        return found.problems
    source: _Fields = {name: _Given(t) for name, t in SOURCE_FIELDS.get(type(pipeline.source), {}).items()}
    fields = _chain(found, "stage", pipeline.stages, contracts.stages, source)
    ends = [contracts.stages]
    if pipeline.route is not None:
        _route(found, pipeline, fields)
        for name, refs in pipeline.route.cases.items():
            _chain(found, f"case.{name}", refs, contracts.cases.get(name, ()), fields)
        ends = [(*contracts.stages, *case) for case in contracts.cases.values()]
    _expect(found, pipeline, ends)
    return found.problems


class _Findings:
    """Collects findings at the marks of the pipeline's keys."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.problems: list[Problem] = []

    def add(self, key: str, code: str, message: str, *, severity: str = "error", **facts: str) -> None:
        line, column = self._pipeline.marks.get(key, (1, 1))
        self.problems.append(
            Problem(
                file=self._pipeline.file,
                line=line,
                column=column,
                code=code,
                message=message,
                severity=severity,
                **facts,
            )
        )


def _chain(
    found: _Findings, place: str, refs: Sequence[TransformRef], contracts: Sequence[Contract], before: _Fields
) -> _Fields:
    """Check one chain; the result is what a stage behind it can take."""
    if len(refs) != len(contracts):
        raise RuntimeError(f"{place}: {len(refs)} transforms and {len(contracts)} contracts")
    for index, (ref, contract) in enumerate(zip(refs, contracts, strict=True)):
        key = f"{place}.{index}"
        _params(found, key, ref, contract)
        for name, wanted in contract.inputs:
            _input(found, key, contract, name, wanted, before)
        row = {f.name: _Given(_AS_INPUT.get(f.type, f.type), f.optional, f) for f in contract.outputs}
        # what the source gave reaches the first stage only
        before = {**{name: given for name, given in before.items() if given.made is not None}, **row}
    return before


def _input(found: _Findings, key: str, contract: Contract, name: str, wanted: str, before: _Fields) -> None:
    given = before.get(name)
    if given is None:
        found.add(
            key,
            "config.contract",
            f"`{contract.name}` takes `{name}`, which nothing before it gives",
            expected=f"one of {_listed(before)}",
            hint=_perhaps(name, before) or f"put a transform that gives `{name}` before it",
        )
    elif given.type != wanted and (given.type, wanted) not in _ACCEPTED:
        found.add(
            key,
            "config.contract",
            f"`{contract.name}` takes `{name}` as {wanted}",
            got=given.type,
            expected=wanted,
            hint=f"declare `{name}` as {given.type} in INPUT, or convert it in the stage before",
        )
    elif given.optional and not contract.elementwise:  # whose answer is missing then, too
        found.add(
            key,
            "config.optional_field",
            f"`{contract.name}` takes `{name}`, which the stage before may leave out",
            severity="warning",
            hint="an input without it ends in the dead letters (data.schema)",
        )


def _array(found: _Findings, key: str, ref: TransformRef, contract: Contract) -> None:
    """A stage of a file pipeline: element-wise, and each parameter is given."""
    if not contract.elementwise:
        found.add(
            key,
            "config.contract",
            f"`{contract.name}` takes records, a file has arrays",
            got="`transform`",
            expected="an element-wise transform: def f(x: float, ...) -> float",
        )
        return
    _params(found, key, ref, contract)
    known = dict(contract.inputs)
    _only(found, f"{key}.inputs", contract, ref.inputs, known)
    for name in known:
        if name not in ref.inputs:
            found.add(
                key,
                "config.contract",
                f"`{contract.name}` takes `{name}`, which `inputs` does not give",
                expected=f"`{name}`: the path or name of a variable, a number, or {{attribute: NAME}}",
            )


def _params(found: _Findings, key: str, ref: TransformRef, contract: Contract) -> None:
    _only(found, f"{key}.params", contract, ref.params, contract.params)


def _only(
    found: _Findings, key: str, contract: Contract, given: Iterable[str], known: Mapping[str, object]
) -> None:
    """Report what is given and is none of the known parameters."""
    for name in given:
        if name not in known:
            found.add(
                f"{key}.{name}",
                "config.unknown_field",
                f"`{contract.name}` has no parameter `{name}`",
                expected=f"one of {_listed(known)}" if known else "no `params`",
                hint=_perhaps(name, known),
            )


def _route(found: _Findings, pipeline: Pipeline, fields: _Fields) -> None:
    route = pipeline.route
    if route is None:
        return
    given = fields.get(route.on)
    if given is None:
        found.add(
            "route.on",
            "config.unknown_field",
            f"no transform before the route gives `{route.on}`",
            expected=f"one of {_listed(fields)}",
            hint=_perhaps(route.on, fields),
        )
    elif given.type in ("float", "bytes"):
        found.add(
            "route.on",
            "config.contract",
            f"`{route.on}` cannot pick a transform",
            got=given.type,
            expected="a text, an enum, a whole number or a bool",
        )
    elif given.made is not None and given.made.type == "enum":
        for name in route.cases:
            if name not in given.made.names:
                found.add(
                    f"case.{name}",
                    "config.unknown_field",
                    f"`{route.on}` is never `{name}`",
                    expected=f"one of {_listed(given.made.names)}",
                    hint=_perhaps(name, given.made.names),
                )


def _expect(found: _Findings, pipeline: Pipeline, ends: Sequence[Sequence[Contract]]) -> None:
    """`expect` names what leaves the pipeline: fields that a later stage took are gone."""
    known = {f.name: f for end in ends if end for f in chain_shape(end, "", "", [""] * len(end)).fields}
    for name in pipeline.expect:
        given = known.get(name)
        if given is None:
            found.add(
                f"expect.{name}",
                "config.unknown_field",
                f"no record of this pipeline has `{name}`",
                expected=f"one of {_listed(known)}",
                hint=_perhaps(name, known),
            )
        elif given.type in _NO_LIMITS:
            found.add(
                f"expect.{name}",
                "config.contract",
                f"`{name}` has no limits",
                got=given.type,
                expected="a field with a number",
            )


def _listed(names: Iterable[str]) -> str:
    listed = sorted(names)
    return ", ".join(f"`{name}`" for name in listed[:12]) + (", …" if len(listed) > 12 else "") or "nothing"


def _perhaps(name: str, names: Iterable[str]) -> str:
    near = did_you_mean(name, names)
    return f"did you mean `{near}`?" if near else ""
