"""How much the gate compares: in CI, and with `ALLOY_SIZES=soak`."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Records of each transform, arguments of each function of the helpers.

    Attributes:
        generated: CPython, jailed worker, native.
        board: MicroPython, single-precision twin, aarch64.
        arguments: of each function of kit and fmath, in CPython and native; a tenth on MicroPython.
        slice: of everything in the quick run.
        every: of so many recorded inputs one goes to MicroPython.
        faults: of so many faults that can be planted one is.
    """

    generated: int
    board: int
    arguments: int
    slice: int
    every: int
    faults: int


SIZES = {
    "ci": Sizes(20_000, 2_000, 20_000, 400, 10, 25),
    "soak": Sizes(1_000_000, 50_000, 500_000, 400, 1, 1),
}["soak" if os.environ.get("ALLOY_SIZES") == "soak" else "ci"]
