"""MQTT clients through the demo broker: the shipped workload under pytest-benchmark."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from alloy_agent.bench import mqtt


def test_session_publishes_and_echoes_through_the_broker(benchmark: BenchmarkFixture) -> None:
    sizes = mqtt.Sizes(stream=2_000, single=200, pings=100)
    with mqtt.broker_process() as port:
        results = benchmark.pedantic(mqtt.measure_session, args=(port, sizes), rounds=3, iterations=1)
    benchmark.extra_info.update({name: round(value, 3) for name, value in results.items()})
    assert set(results) == {"qos0", "qos1x1", "qos1x100", "qos0_p50", "qos0_p99", "qos1_p50", "qos1_p99"}


def test_every_figure_is_there_when_the_workload_runs(benchmark: BenchmarkFixture) -> None:
    figures = benchmark.pedantic(mqtt.run, args=(True,), rounds=1, iterations=1)

    assert {figure.name for figure in figures} >= {"mqtt.session.qos1x100", "mqtt.session.qos1_p99"}
