"""`alloy-edge check` of 20 pipelines in a fresh process, and the compiler alone in this one."""

from __future__ import annotations

from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from alloy_agent.bench.check import PIPELINES, check_once, run, write_folder
from alloy_agent.config.folder import compile_folder


def test_check_of_20_pipelines_as_a_process(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "config")

    benchmark.pedantic(check_once, args=(folder,), rounds=5, warmup_rounds=1)


def test_compiling_20_pipelines(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "config")

    document = benchmark(compile_folder, folder)

    assert len(document.pipelines) == PIPELINES
    assert document.problems == ()


def test_every_figure_has_its_unit() -> None:
    figures = run(quick=True)

    assert [figure.unit for figure in figures] == ["ms", "ms", "MB"]
