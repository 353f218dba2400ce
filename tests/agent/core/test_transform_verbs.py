"""Which transform a name means."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from alloy_agent.core.transform_verbs import named
from alloy_agent.errors import AgentError
from alloy_agent.pipeline.records import RecordPipeline
from alloy_agent.workers.transform import TransformStage


def stage(label: str) -> TransformStage:
    made = TransformStage.__new__(TransformStage)
    made.pipeline, name = label.split("/")
    made.ref = SimpleNamespace(name=name)  # type: ignore[assignment]
    return made


def pipeline(*stages: TransformStage) -> RecordPipeline:
    made = RecordPipeline.__new__(RecordPipeline)
    made.route = SimpleNamespace(all_stages=lambda: list(stages))  # type: ignore[assignment]
    return made


ROOF = pipeline(stage("roof/ers"), stage("roof/scale"), stage("roof/ers"))
YARD = pipeline(stage("yard/ers"))


@pytest.mark.parametrize(
    ("name", "count"), [("roof/ers", 2), ("yard/ers", 1), ("scale", 1), ("roof/scale", 1)]
)
def test_every_stage_of_a_transform_is_found_when_its_name_means_one_pipeline(name: str, count: int) -> None:
    _, stages = named(name, [ROOF, YARD])

    assert len(stages) == count


@pytest.mark.parametrize(
    ("name", "code", "shown"),
    [
        ("ers", "transform.ambiguous", "one of roof/ers, yard/ers"),
        ("roof/other", "transform.unknown", "there are: roof/ers, roof/scale, yard/ers"),
        ("roof", "transform.unknown", "there are"),
        ("", "transform.unknown", "there are"),
    ],
)
def test_a_name_is_refused_when_it_means_none_or_several(name: str, code: str, shown: str) -> None:
    pipelines: list[Any] = [ROOF, YARD, object()]

    with pytest.raises(AgentError) as caught:
        named(name, pipelines)

    assert caught.value.code == code
    assert shown in caught.value.expected + caught.value.hint
