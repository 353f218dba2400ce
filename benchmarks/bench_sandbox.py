"""The sandbox: the shipped workload under pytest-benchmark."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from alloy_agent.bench import sandbox


def test_every_figure_is_there_when_the_workload_runs(benchmark: BenchmarkFixture) -> None:
    figures = benchmark.pedantic(sandbox.run, args=(True,), rounds=1, iterations=1)

    by_name = {figure.name: figure for figure in figures}
    benchmark.extra_info.update({name: round(figure.value, 3) for name, figure in by_name.items()})
    assert set(by_name) >= {
        "sandbox.channel.1",
        *(f"sandbox.round_trip.{n}" for n in sandbox.BATCHES),
        "sandbox.records",
        "sandbox.respawn",
    }
    assert by_name["sandbox.records"].ratio is not None
    assert all(figure.value > 0 for figure in figures)
