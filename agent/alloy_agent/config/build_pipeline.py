"""From the values of a pipeline file to `model.Pipeline`: defaults, and what several keys say together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from .build_agent import chosen
from .build_source import build_source
from .choices import Tagged
from .cross import Device
from .model import (
    Attribute,
    Expect,
    FileSink,
    FilesSource,
    MqttSink,
    OnError,
    Pipeline,
    Route,
    StdoutSink,
    TransformRef,
)
from .report import Report
from .scripts import Scripts
from .shapes import Values
from .tree import Node

Marks = dict[str, tuple[int, int]]

_NOT_BEHIND_FILES = {
    "route": "the variables of files go through element-wise transforms under `transform`",
    "expect": "the limits that a file declares are applied, and `range` in OUTPUT of an element-wise transform",
}


def build_pipeline(
    values: Values, stem: str, scripts: Scripts, device: Device, report: Report
) -> Pipeline | None:
    """Make one pipeline and check its keys against each other; None when the report has an error."""
    marks: Marks = {"pipeline": (values.node.line, values.node.column)}
    for key, node in values.keys_at.items():
        marks[key] = (node.line, node.column)
    chain = values.get("transform", [])
    stages = _chain(chain, "stage", scripts, marks, report)
    route = _route(values.get("route"), scripts, marks, report)
    source = build_source(values.get("source"), report)
    sinks = _sinks(values.get("sink", []), report)
    expect = _expect(values.get("expect"), marks, report)
    _stages_fit_source(values, source, report)
    name = values.get("name", stem)
    device.check_name(name, values.nodes.get("name", values.node), report)
    device.check_broker(values, source, sinks, report)
    if report.failed or source is None or not sinks:
        return None
    batch = values.get("batch")
    facts = chosen(batch, batch_rows="rows")
    if batch is not None and "bytes" in batch:
        facts["batch_bytes"] = int(batch["bytes"])
    if batch is not None and "wait" in batch:
        facts["batch_wait_ms"] = batch["wait"] * 1000
    made = Pipeline(
        name=name,
        file=report.file,
        digest="",
        source=source,
        sinks=tuple(sinks),
        stages=tuple(stages),
        route=route,
        expect=expect,
        on_error=_on_error(values.get("on_error")),
        enabled=values.get("enabled", True),
        **facts,
    )
    digest = hashlib.sha256(msgspec.msgpack.encode(made)).hexdigest()
    return msgspec.structs.replace(made, digest=digest, marks=marks)


def _chain(
    read: Sequence[tuple[Values, Node]], place: str, scripts: Scripts, marks: Marks, report: Report
) -> list[TransformRef]:
    stages = []
    for index, (stage, node) in enumerate(read):
        if "use" not in stage:
            continue
        at = stage.nodes["use"]
        marks[f"{place}.{index}"] = (at.line, at.column)
        found = scripts.find(stage["use"], at, report)
        params = stage.get("params")
        for name, child in (params.keys_at if params is not None else {}).items():
            marks[f"{place}.{index}.params.{name}"] = (child.line, child.column)
        inputs = stage.get("inputs")
        for name, child in (inputs.keys_at if inputs is not None else {}).items():
            marks[f"{place}.{index}.inputs.{name}"] = (child.line, child.column)
        if found is not None:
            given = {name: _argument(value) for name, value in (inputs or {}).items()}
            stages.append(msgspec.structs.replace(found, params=dict(params or {}), inputs=given))
        else:
            marks[f"{place}.{index}"] = (node.line, node.column)
    return stages


def _argument(value: str | float | Values) -> str | float | Attribute:
    return Attribute(attribute=value.get("attribute", "")) if isinstance(value, Values) else value


def _route(values: Values | None, scripts: Scripts, marks: Marks, report: Report) -> Route | None:
    if values is None:
        return None
    cases: Values = values["cases"]
    made = {}
    for name, chain in cases.items():
        at = cases.keys_at[name]
        marks[f"case.{name}"] = (at.line, at.column)
        made[name] = tuple(_chain(chain, f"case.{name}", scripts, marks, report))
    if "on" not in values:
        return None
    at_on = values.nodes["on"]
    marks["route.on"] = (at_on.line, at_on.column)
    return Route(on=values["on"], cases=made, **chosen(values, otherwise="else"))


def _stages_fit_source(values: Values, source: object, report: Report) -> None:
    given = [key for key in ("transform", "route") if key in values.keys_at]
    chains = [values.get("transform", []), *(values.get("route") or {}).get("cases", {}).values()]
    stages = [stage for chain in chains for stage, _ in chain]
    if isinstance(source, FilesSource):
        for key, hint in _NOT_BEHIND_FILES.items():
            if key in values.keys_at:
                what = f"`{key}` behind a `files` source is not available yet"
                report.add(values.keys_at[key], "config.not_yet", what, hint=hint)
        for stage, _ in values.get("transform", []):
            _takes_a_variable(stage, report)
        return
    for stage in stages:
        if "inputs" in stage.keys_at:
            report.add(
                stage.keys_at["inputs"],
                "config.exclusive",
                "`inputs` stands behind a source of records",
                got="`inputs`",
                expected="nothing: a stage takes the fields of its INPUT by name",
                hint="`inputs` is for element-wise transforms behind `files`",
            )
    if source is not None and "transform" not in given:
        report.add(
            values.node,
            "config.missing_key",
            "a pipeline of records has no transform",
            expected="`transform`: a library name, a path or a chain",
            hint="`route` picks what comes after the first transform" if given else "",
        )


def _takes_a_variable(stage: Values, report: Report) -> None:
    """Report a stage of a file pipeline that does not take the elements of just one variable."""
    inputs = stage.get("inputs", {})
    variables = [name for name, value in inputs.items() if isinstance(value, str)]
    reported = len(inputs.nodes) > len(inputs) if "inputs" in stage else "inputs" in stage.nodes
    if len(variables) == 1 or (reported and not variables):
        return
    many = len(variables) > 1
    report.add(
        inputs.nodes[variables[1]] if many else stage.nodes.get("inputs", stage.node),
        "config.exclusive" if many else "config.missing_key",
        "a second variable" if many else "no variable is given to the transform",
        got=", ".join(f"`{inputs[name]}`" for name in variables),
        expected="one variable; numbers or {attribute: NAME} for the other parameters",
        hint="" if many else "inputs: {x: /1}, with the path or name of the variable",
    )


def _expect(values: Values | None, marks: Marks, report: Report) -> dict[str, Expect]:
    made = {}
    for name, limits in (values or {}).items():
        at = values.keys_at[name] if values is not None else limits.node
        marks[f"expect.{name}"] = (at.line, at.column)
        low, high = limits.get("min"), limits.get("max")
        if not limits.nodes:
            report.add(
                limits.node, "config.missing_key", f"`{name}` has no limit", expected="`min`, `max` or both"
            )
        elif low is not None and high is not None and low > high:
            report.add(
                limits.nodes["max"],
                "config.value",
                "`max` is below `min`",
                got=f"{high:g}",
                expected=f"at least {low:g}",
            )
        made[name] = Expect(min=low, max=high)
    return made


def _sinks(read: Sequence[tuple[Tagged, Node]], report: Report) -> list[MqttSink | FileSink | StdoutSink]:
    made: list[MqttSink | FileSink | StdoutSink] = []
    seen: dict[tuple[str, str], int] = {}
    for tagged, _ in read:
        values = tagged.values
        target = (tagged.tag, values.get("stream", values.get("path", "")))
        if target in seen:
            report.add(
                tagged.node,
                "config.duplicate_name",
                "two sinks write to the same place",
                got=" ".join(target).strip(),
                expected=f"one, as in line {seen[target]}",
            )
        seen[target] = tagged.node.line
        if tagged.tag == "mqtt" and "stream" in values:
            facts = chosen(
                values, stream="stream", encoding="encoding", qos="qos", require_consumer="require_consumer"
            )
            if values.get("require_consumer") and values.get("qos", 1) == 0:
                report.add(
                    values.keys_at["require_consumer"],
                    "config.exclusive",
                    "the broker says nothing at QoS 0",
                    got="`qos: 0`",
                    expected="`qos: 1`",
                )
            made.append(MqttSink(**facts))
        elif tagged.tag == "file" and "path" in values:
            facts = chosen(values, path="path", encoding="encoding", keep="keep")
            if "max" in values:
                facts["max_bytes"] = int(values["max"])
            made.append(FileSink(**facts))
        elif tagged.tag == "stdout":
            made.append(StdoutSink(**chosen(values, encoding="encoding")))
    return made


def _on_error(values: Values | None) -> OnError:
    retry = values.get("retry") if values is not None else None
    return OnError(
        **chosen(retry, strategy="strategy", max="max", timeout_s="timeout"), **chosen(values, then="then")
    )
