"""The same transforms compiled for the other machine (aarch64 where this is x86_64), under qemu-user."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.transforms.differential.builds import Native, Other, of_modules, shipped
from tests.transforms.differential.jailed import Jail
from tests.transforms.differential.outcome import same
from tests.transforms.differential.recorded import real
from tests.transforms.differential.sizes import SIZES
from tests.transforms.differential.subjects import NAMES, subject

from alloy_agent.build.toolchain import machine

pytestmark = pytest.mark.once
BUILT = ("bme280_float", "pms5003", "state_energy")
"""Compiled by `alloy-edge build`; the rest by rustc alone, which takes a tenth of the time."""


def test_differential_records_are_the_same_on_the_other_machine_when_they_are_generated(
    foreign: Native,
) -> None:
    work = {name: (subject(name), *subject(name).answered(SIZES.board)) for name in NAMES}

    answers = foreign.run_all(work)

    for name, (_, inputs, direct) in work.items():
        assert len(inputs) == SIZES.board
        same(f"{name}, foreign", inputs, direct, answers[name], declined=True)


def test_differential_records_are_the_same_on_the_other_machine_when_real_devices_sent_them(
    foreign: Native, shared_data: Path
) -> None:
    work = real(shared_data)

    answers = foreign.run_all(work)

    for name, (_, inputs, direct) in work.items():
        same(f"{name}, foreign", inputs, direct, answers[name])


def test_differential_modules_are_the_same_on_both_machines_when_they_are_built_as_shipped(
    jail: Jail, other: Other, tmp_path: Path
) -> None:
    work = {name: (subject(name), *subject(name).answered(SIZES.board)) for name in BUILT}
    theirs = {name: shipped(of, other.name) for name, (of, _, _) in work.items()}

    answers = of_modules(tmp_path, theirs, other.name, other.runner).run_all(work)

    for name, (of, inputs, direct) in work.items():
        same(f"{name}, foreign", inputs, direct, answers[name], declined=True)
        same(f"{name}, jailed module", inputs, direct, jail.run(of, inputs, shipped(of, machine())))
