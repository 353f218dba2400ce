"""The pipeline workload in small: every record comes out once, and every figure is there."""

from __future__ import annotations

import pytest
import trio

from alloy_agent.bench import pipeline
from alloy_agent.bench.mqtt import broker_process

pytestmark = pytest.mark.slow


def test_every_record_comes_out_once_when_frames_go_through_the_daemon() -> None:
    sizes = pipeline.Sizes(stream=500, paced=100, runs=1)
    with broker_process() as port:
        streams, paced, repeated = trio.run(pipeline.measure, port, sizes)

    figures = {figure.name: figure for figure in pipeline.figures("demo broker", streams, paced, repeated)}
    assert [len(run.latencies) for run in (*streams, *paced)] == [500, 100]
    assert repeated == 0
    assert set(figures) == {
        "pipeline.sandboxed",
        "pipeline.core_cpu",
        "pipeline.tree_cpu",
        "pipeline.latency_p50",
        "pipeline.latency_p99",
        "pipeline.repeated",
    }
    assert figures["pipeline.latency_p50"].value <= figures["pipeline.latency_p99"].value
