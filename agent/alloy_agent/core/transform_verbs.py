"""`transform.enable` and `transform.disable`: asked over the local socket only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alloy_agent.errors import AgentError
from alloy_agent.pipeline.records import RecordPipeline
from alloy_agent.workers.transform import TransformStage

from .verbs import Verbs

MAX_REASON = 200  # characters

Found = tuple[RecordPipeline, Sequence[TransformStage]]


def add_transform_verbs(verbs: Verbs, find: Callable[[str], Found]) -> None:
    """Register both.

    Args:
        find: the pipeline and the stages that `pipeline/transform` names; raises `transform.unknown`.
    """

    async def enable(args: Mapping[str, Any]) -> list[dict[str, Any]]:
        pipeline, stages = find(_text(args, "transform"))
        for stage in stages:
            stage.enable()
        pipeline.resume()
        return [stage.facts() for stage in stages]

    async def disable(args: Mapping[str, Any]) -> list[dict[str, Any]]:
        _, stages = find(_text(args, "transform"))
        reason = _text(args, "reason", "an operator disabled it")[:MAX_REASON]
        for stage in stages:
            stage.disable(reason)
        return [stage.facts() for stage in stages]

    verbs.add("transform.enable", enable, remote=False)
    verbs.add("transform.disable", disable, remote=False)


def _text(args: Mapping[str, Any], key: str, otherwise: str = "") -> str:
    value = args.get(key, otherwise)
    if not isinstance(value, str) or not value:
        raise AgentError(
            "control.bad_request",
            f"`{key}` is missing or no text",
            expected='{"transform": "pipeline/transform", "reason": "…"}',
        )
    return value


def named(label: str, pipelines: Sequence[object]) -> Found:
    """The pipeline and stages that `pipeline/transform` names; a route may hold one transform several times.

    Raises:
        AgentError: `transform.unknown`.
    """
    known: dict[str, Found] = {}
    for pipeline in pipelines:
        if isinstance(pipeline, RecordPipeline):
            for stage in pipeline.route.all_stages():
                if isinstance(stage, TransformStage):
                    _, stages = known.get(stage.label, (pipeline, ()))
                    known[stage.label] = pipeline, (*stages, stage)
    if label not in known:
        raise AgentError(
            "transform.unknown",
            "no running pipeline has that transform",
            got=label[:128],
            hint=f"there are: {', '.join(sorted(known))}",
        )
    return known[label]
