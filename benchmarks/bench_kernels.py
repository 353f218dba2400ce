"""The kernels one by one, around the same pieces that `alloy-edge bench` measures."""

from __future__ import annotations

from typing import Any

import pytest

from alloy_agent.bench import kernels as workload


def test_workload_gives_a_figure_and_a_ratio_for_every_kernel(benchmark: Any) -> None:
    figures = benchmark.pedantic(workload.run, args=(True,), rounds=1)

    ours = [figure for figure in figures if figure.peer]
    assert {figure.name.split(".")[1] for figure in ours} >= {
        "crc32c",
        "inflate",
        "unshuffle2",
        "i2_be_to_l1",
    }
    assert all(figure.minimum <= figure.value <= figure.maximum for figure in figures)
    assert all(figure.ratio == pytest.approx(figure.ratio) and figure.ratio > 0 for figure in ours)
