"""The tiers: the shipped workloads under pytest-benchmark."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from alloy_agent.bench import arrays, tiers


def test_every_tier_is_measured_when_the_workload_runs(benchmark: BenchmarkFixture) -> None:
    figures = benchmark.pedantic(tiers.run, args=(True,), rounds=1, iterations=1)

    by_name = {figure.name: figure for figure in figures}
    benchmark.extra_info.update({name: round(figure.value) for name, figure in by_name.items()})
    for tier in ("sandbox", "native", "call"):
        assert set(by_name) >= {f"tiers.frame20.{tier}.{n}" for n in tiers.BATCHES}
    assert all(figure.value > 0 for figure in figures)


def test_every_function_is_measured_when_arrays_go_through_it(benchmark: BenchmarkFixture) -> None:
    figures = benchmark.pedantic(arrays.run, args=(True,), rounds=1, iterations=1)

    by_name = {figure.name: figure for figure in figures}
    benchmark.extra_info.update({name: round(figure.value, 2) for name, figure in by_name.items()})
    assert set(by_name) >= {f"arrays.chunk.{name}" for name in arrays.FUNCTIONS}
    assert all(figure.value > 0 for figure in figures)
