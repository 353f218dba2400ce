"""A slice of the gate for every run: each transform in each tier that needs no second compiler."""

from __future__ import annotations

from tests.micropython.vm import require_vm
from tests.transforms.differential import micropython
from tests.transforms.differential.builds import Native
from tests.transforms.differential.jailed import Jail
from tests.transforms.differential.outcome import same
from tests.transforms.differential.sizes import SIZES
from tests.transforms.differential.subjects import NAMES, subject


def test_differential_slice_is_the_same_in_three_tiers_when_every_transform_runs(
    jail: Jail, native: Native
) -> None:
    work = {name: (subject(name), *subject(name).answered(SIZES.slice)) for name in NAMES}

    compiled = native.run_all(work)

    for name, (of, inputs, direct) in work.items():
        same(f"{name}, jailed", inputs, direct, jail.run(of, inputs))
        same(f"{name}, native", inputs, direct, compiled[name], declined=True)


def test_differential_slice_is_the_same_on_micropython_when_every_transform_runs() -> None:
    require_vm()
    work = {name: (subject(name), *subject(name).answered(SIZES.slice // 4)) for name in NAMES}

    on_board = micropython.run(work)

    for name, (_, inputs, direct) in work.items():
        same(f"{name}, MicroPython", inputs, direct, on_board[name])
