"""The jail: the shipped workload under pytest-benchmark."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from alloy_agent.bench import jail


def test_every_figure_is_there_when_the_workload_runs(benchmark: BenchmarkFixture) -> None:
    figures = benchmark.pedantic(jail.run, args=(True,), rounds=1, iterations=1)

    by_name = {figure.name: figure for figure in figures}
    benchmark.extra_info.update({name: round(figure.value, 3) for name, figure in by_name.items()})
    assert by_name["jail.spawn"].value > 0
    assert {f"jail.workers_{count}" for count in jail.COUNTS} <= set(by_name)
