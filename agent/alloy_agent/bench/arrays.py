"""Workload: element-wise native functions over arrays, against numpy and a copy of the same bytes [GB/s].

Two sizes: a chunk of a file, 128 KiB, which stays in the cache, and an array that does not. GB/s count what is read
and what is written, for all sides alike, and every side writes into memory that is there already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alloy_agent.bench import arrayfiles
from alloy_agent.bench.figure import Figure
from alloy_agent.bench.kernels import rates
from alloy_agent.bench.modules import built, opened
from alloy_agent.config.model import TransformRef
from alloy_agent.native import module as native

CHUNK = 16_384  # values
LARGE = 8 << 20  # values, 64 MiB: more than the cache holds
FUNCTIONS = {
    "affine": ("x: float, a: float, b: float", "a * x + b"),
    "polynomial": ("x: float, a: float, b: float", "((a * x + b) * x - a) * x + 0.5"),
    "clamped": ("x: float, a: float, b: float", "min(max(a * x + b, -40.0), 85.0)"),
    "logarithm": ("x: float, a: float, b: float", "a * fmath.log(abs(x) + 1.0) + b"),
}
"""Name -> parameters and value of one function."""
A, B = 0.01, 273.15


def run(quick: bool) -> list[Figure]:
    """Measure; about ten seconds, the first time more: modules are built."""
    modules = built(
        [
            TransformRef(name=f"map_{name}", origin="bench", source=_source(*parts))
            for name, parts in FUNCTIONS.items()
        ]
    )
    functions = {name: native.Elements(opened(data)) for name, data in zip(FUNCTIONS, modules, strict=True)}
    in_cache = _measured("chunk", CHUNK, functions, quick)
    del functions["logarithm"]  # computes: memory makes no difference
    return [*in_cache, *_measured("memory", LARGE, functions, quick), *arrayfiles.run(quick)]


def _measured(where: str, n: int, functions: dict[str, native.Elements], quick: bool) -> list[Figure]:
    import numpy as np

    x = np.random.default_rng(1).normal(size=n) * 500 + 1000
    data = x.tobytes()
    target = bytearray(data)
    out = np.empty_like(x)
    out[:] = x
    size = 2 * x.nbytes
    numpys: dict[str, Callable[[], Any]] = {
        "affine": lambda: np.add(np.multiply(x, A, out=out), B, out=out),
        "polynomial": lambda: ((A * x + B) * x - A) * x + 0.5,
        "clamped": lambda: np.clip(np.add(np.multiply(x, A, out=out), B, out=out), -40.0, 85.0, out=out),
        "logarithm": lambda: A * np.log(np.abs(x) + 1.0) + B,
    }
    figures = []
    for name, function in functions.items():

        def ours(function: native.Elements = function) -> object:
            return function([data, A, B], target)

        copied = rates(
            lambda: np.copyto(out, x), size, quick
        )  # beside each, so that a busy machine slows both
        mine = rates(ours, size, quick)
        theirs = Figure.of(f"arrays.{where}.{name}.numpy", rates(numpys[name], size, quick), "GB/s")
        copy = Figure.of(f"arrays.{where}.{name}.memcpy", copied, "GB/s")
        figure = Figure.of(f"arrays.{where}.{name}", mine, "GB/s")
        ratio = figure.value / theirs.value
        budget = ">= 60 %" if (where, name) == ("memory", "affine") else ""
        share = [100 * v / copy.value for v in mine]
        figures += [
            Figure.of(figure.name, mine, "GB/s", peer="numpy", ratio=ratio),
            theirs,
            copy,
            Figure.of(f"{figure.name}.of_memcpy", share, "%", budget=budget),
        ]
    return figures


def _source(parameters: str, value: str) -> bytes:
    head = f'"""One expression over an array."""\nimport fmath\n\n\ndef f({parameters}) -> float:\n'
    return f"{head}    return {value}\n".encode()
