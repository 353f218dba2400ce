"""MQTT in -> jailed transform -> MQTT out through the real daemon."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from alloy_agent.bench import pipeline


def test_every_record_comes_out_when_the_workload_runs(benchmark: BenchmarkFixture) -> None:
    figures = benchmark.pedantic(pipeline.run, args=(True,), rounds=1)

    by_name = {figure.name: figure.value for figure in figures}
    benchmark.extra_info.update(by_name)
    assert by_name["pipeline.sandboxed"] > 0
