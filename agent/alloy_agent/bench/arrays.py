"""Workload: element-wise native functions over arrays, against numpy and a copy of the same bytes [GB/s].

A piece has 16,384 values, 128 KiB as the chunks of files; GB/s count what is read and what is written, for all
sides alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from alloy_agent.bench.figure import Figure
from alloy_agent.bench.kernels import rates
from alloy_agent.bench.modules import built, opened
from alloy_agent.config.model import TransformRef

VALUES = 16_384
PARTS = {
    "affine": ("f(x: float, a: float, b: float)", "a * x + b"),
    "polynomial": ("f(x: float, a: float, b: float)", "((a * x + b) * x - a) * x + 0.5"),
    "clamped": ("f(x: float, a: float, b: float)", "min(max(a * x + b, -40.0), 85.0)"),
    "logarithm": ("f(x: float, a: float, b: float)", "a * fmath.log(abs(x) + 1.0) + b"),
}
"""Name -> head and value of one function."""
A, B = 0.01, 273.15


def run(quick: bool) -> list[Figure]:
    """Measure; a few seconds, the first time more: modules are built."""
    import numpy as np

    refs = [
        TransformRef(name=f"map_{name}", origin="bench", source=_source(*parts))
        for name, parts in PARTS.items()
    ]
    modules = built(refs)
    x = np.random.default_rng(1).normal(size=VALUES) * 500 + 1000
    data = x.tobytes()
    out = np.empty_like(x)
    size = 2 * x.nbytes
    numpys: dict[str, Callable[[], Any]] = {
        "affine": lambda: np.add(np.multiply(x, A, out=out), B, out=out),
        "polynomial": lambda: ((A * x + B) * x - A) * x + 0.5,
        "clamped": lambda: np.clip(np.add(np.multiply(x, A, out=out), B, out=out), -40.0, 85.0, out=out),
        "logarithm": lambda: A * np.log(np.abs(x) + 1.0) + B,
    }
    copy = Figure.of("arrays.memcpy", rates(lambda: np.copyto(out, x), size, quick), "GB/s", note="16,384 f8")
    figures = [copy]
    for name, shared in zip(PARTS, modules, strict=True):
        module = opened(shared)
        total = bool(json.loads(module.schema)["total"])

        def ours(module: Any = module, total: bool = total) -> object:
            return module.map(VALUES, [data, A, B], total)

        theirs = Figure.of(f"arrays.{name}.numpy", rates(numpys[name], size, quick), "GB/s")
        mine = rates(ours, size, quick)
        figure = Figure.of(f"arrays.{name}", mine, "GB/s")
        share = [100 * v / copy.value for v in mine]
        figures += [
            Figure.of(figure.name, mine, "GB/s", peer="numpy", ratio=figure.value / theirs.value),
            theirs,
            Figure.of(
                f"arrays.{name}.of_memcpy", share, "%", budget=">= 60 %" if name == "affine" else "",
                note="result in fresh bytes, the copy into warm memory",
            ),
        ]  # fmt: skip
    return figures


def _source(head: str, value: str) -> bytes:
    return f'"""One expression over an array."""\nimport fmath\n\n\ndef {head} -> float:\n    return {value}\n'.encode()
