"""What a pipeline must not collide with: the device, and the pipelines before it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .model import Agent, MqttSink, MqttSource, Pipeline
from .names import covers_prefix
from .report import Mark, Place, Report
from .shapes import Values


def workers_needed(pipeline: Pipeline) -> int:
    """Jailed workers this pipeline holds at once: one for each stage, those of all route cases included."""
    if not pipeline.enabled:
        return 0
    cases = pipeline.route.cases.values() if pipeline.route else ()
    return len(pipeline.stages) + sum(len(case) for case in cases)


class Device:
    """The device as far as it is known: its section (None when it is invalid), names and workers taken."""

    def __init__(self, agent: Agent | None) -> None:
        self._agent = agent
        self._names: dict[str, str] = {}
        self._workers = 0

    def check_name(self, name: str, place: Place, report: Report) -> None:
        """Refuse the name of a pipeline that is there already."""
        if name in self._names:
            report.add(
                place,
                "config.duplicate_name",
                f"a pipeline `{name}` is there already",
                got="the same name twice",
                expected=f"one, as in {self._names[name]}",
            )
        self._names.setdefault(name, report.file)

    def check_broker(self, values: Values, source: object, sinks: Sequence[object], report: Report) -> None:
        """Refuse MQTT without a broker, and a filter that brings the device's own records back."""
        if self._agent is None:
            return
        if self._agent.mqtt is None:
            needs = ["source"] * isinstance(source, MqttSource)
            needs += ["sink"] * any(isinstance(sink, MqttSink) for sink in sinks)
            for key in needs:
                report.add(
                    values.keys_at[key],
                    "config.needs_broker",
                    f"an mqtt {key} has no broker to talk to",
                    expected="a section `mqtt` in agent.yaml",
                    hint="add to agent.yaml: mqtt: {host: 127.0.0.1}",
                )
        own = ("alloy", "1", self._agent.fleet, self._agent.device or os.uname().nodename.split(".")[0])
        if isinstance(source, MqttSource) and covers_prefix(source.topic, own):
            report.add(
                values["source"].values.nodes["topic"],
                "config.topic",
                "the topic filter matches what this device publishes itself",
                got=f"`{source.topic[:80]}`",
                expected=f"a filter outside {'/'.join(own)}/",
                hint="a record would come back as input for ever; name the topics of the instrument",
            )

    def take(self, pipeline: Pipeline, report: Report) -> None:
        """Count the workers of a good pipeline; refuse the one that would need more than there are."""
        needed = workers_needed(pipeline)
        total = self._workers + needed
        left = 0 if self._agent is None else self._agent.workers.max - self._workers
        if needed and self._agent is not None and total > self._agent.workers.max:
            marks = pipeline.marks
            report.add(
                Mark(*marks.get("transform", marks.get("route", (1, 1)))),
                "config.too_many_workers",
                f"`{pipeline.name}` needs {needed} workers, {left} are left",
                got=f"{total} workers together with the pipelines before it",
                expected=f"at most {self._agent.workers.max}",
                hint=f"set workers: {{max: {total}}} in agent.yaml (about 2 MB each), or disable a pipeline",
            )
            return
        self._workers = total
