"""Memory and start of the real daemon; the budgets are judged by tests/system/test_footprint.py."""

from __future__ import annotations

import trio
from pytest_benchmark.fixture import BenchmarkFixture

from alloy_agent.bench import footprint
from alloy_agent.bench.mqtt import broker_process


def test_start_to_the_first_record_of_four_workers(benchmark: BenchmarkFixture) -> None:
    with broker_process() as port:
        memory, start = benchmark.pedantic(trio.run, args=(footprint.with_workers, port), rounds=3)

    benchmark.extra_info.update(
        tree_mb=memory.tree / footprint.MB, ready_s=start.ready_s, record_s=start.record_s
    )
    assert memory.processes == 2 + footprint.WORKERS


def test_every_figure_is_there_when_the_workload_runs(benchmark: BenchmarkFixture) -> None:
    figures = benchmark.pedantic(footprint.run, args=(True,), rounds=1)

    assert {figure.name for figure in figures} >= {"footprint.core_idle", "footprint.with_4_workers"}
