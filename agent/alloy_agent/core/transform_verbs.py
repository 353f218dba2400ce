"""`transform.enable`, `.disable`, `.promote` and `.demote`: asked over the local socket only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alloy_agent.errors import AgentError
from alloy_agent.pipeline.filejobs import FilePipeline
from alloy_agent.pipeline.records import RecordPipeline
from alloy_agent.promotion.hotwatch import HotWatch
from alloy_agent.workers.transform import TransformStage

from .verbs import Verbs

MAX_REASON = 200  # characters

Found = tuple[RecordPipeline | FilePipeline, Sequence[TransformStage]]


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


def add_promotion_verbs(
    verbs: Verbs, find: Callable[[str], Found], hot: Callable[[], HotWatch | None]
) -> None:
    """Register `transform.promote` and `transform.demote`; `find` as for the others."""

    async def promote(args: Mapping[str, Any]) -> list[dict[str, Any]]:
        _, stages = find(_text(args, "transform"))
        module = _text(args, "module", " ").strip()
        watch = hot()
        return [await watch.promote(stage, module) for stage in stages] if watch is not None else []

    async def demote(args: Mapping[str, Any]) -> list[dict[str, Any]]:
        _, stages = find(_text(args, "transform"))
        why = _text(args, "reason", "by an operator")[:MAX_REASON]
        watch = hot()
        return [await watch.promoter.demote(stage, why) for stage in stages] if watch is not None else []

    verbs.add("transform.promote", promote, remote=False)
    verbs.add("transform.demote", demote, remote=False)


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
    """The pipeline and stages that `pipeline/transform`, or the name of a transform of one pipeline alone, names.

    A route may hold one transform several times.

    Raises:
        AgentError: `transform.unknown` or `transform.ambiguous`.
    """
    known: dict[str, Found] = {}
    for pipeline in pipelines:
        if isinstance(pipeline, RecordPipeline | FilePipeline):
            for stage in pipeline.all_stages():
                if isinstance(stage, TransformStage):
                    _, stages = known.get(stage.label, (pipeline, ()))
                    known[stage.label] = pipeline, (*stages, stage)
    fitting = [name for name in known if label in (name, name.partition("/")[2])]
    if not fitting:
        raise AgentError(
            "transform.unknown",
            "no running pipeline has that transform",
            got=label[:128],
            hint=f"there are: {', '.join(sorted(known))}",
        )
    if len(fitting) > 1:
        raise AgentError(
            "transform.ambiguous",
            "several pipelines have a transform of that name",
            got=label[:128],
            expected="one of " + ", ".join(sorted(fitting)),
            hint="name the pipeline, too",
        )
    return known[fitting[0]]
