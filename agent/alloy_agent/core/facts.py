"""What status says of one pipeline; the keys are those of docs/topics.md, "The verb status"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from alloy_agent.mqtt.link import Link
from alloy_agent.pipeline.filejobs import FilePipeline
from alloy_agent.pipeline.records import RecordPipeline

SHOWN_FILES: Final = 4
"""Of a pipeline of files, the newest; status is one message."""


def pipeline_facts(
    pipeline: RecordPipeline | FilePipeline,
    digest: str,
    transforms: Sequence[dict[str, Any]],
    link: Link | None,
) -> dict[str, Any]:
    """The facts of one pipeline now.

    Args:
        digest: of its configuration.
        transforms: what each transform says of itself.
        link: the source's own connection, if it has one.
    """
    stats, source = pipeline.stats, pipeline.source.stats
    queued = dropped = 0
    files: list[dict[str, Any]] = []
    if isinstance(pipeline, RecordPipeline):
        queued = len(pipeline.queue)
        dropped = pipeline.route.dropped
    else:
        files = [asdict(file) for file in pipeline.files[-SHOWN_FILES:]]
    stages = [
        {"name": stage.contract.name, "tier": stage.tier, "digest": stage.contract.digest}
        for stage in pipeline.all_stages()
    ]
    return {
        "name": pipeline.name,
        "digest": digest,
        "state": pipeline.state,
        "reason": pipeline.reason or pipeline.window.trouble or pipeline.letters.trouble,
        "stages": stages,
        "transforms": list(transforms),
        "files": files,
        "inputs": stats.inputs,
        "rows": stats.rows,
        "blocks": stats.blocks,
        "refused": stats.refused,
        "by_code": stats.by_code,
        "restarts": stats.restarts,
        "queued": queued,
        "unacknowledged": len(pipeline.window),
        "delivered": pipeline.window.delivered,
        "dead_letters": pipeline.letters.count,
        "lost": pipeline.letters.lost,
        "dropped_rows": dropped,
        "source": {
            "name": pipeline.source.name,
            "connected": source.connected and (link is None or link.stats.connected),
            "inputs": source.inputs,
            "bytes": source.bytes,
            "dropped_bytes": source.dropped_bytes,
            "reconnects": source.reconnects,
            "last_error": source.last_error or (link.stats.last_error if link is not None else ""),
        },
    }
