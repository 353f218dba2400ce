"""What boards compute: the MicroPython VM with 64-bit floats, and the twin of a board with 32-bit ones."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from tests.micropython.vm import require_vm
from tests.transforms.differential import float32, micropython
from tests.transforms.differential.outcome import differences, same
from tests.transforms.differential.recorded import real
from tests.transforms.differential.sizes import SIZES
from tests.transforms.differential.subjects import NAMES, Direct, subject, uses_floats

pytestmark = pytest.mark.once
CHANGED = ("bme280_float", "decentlab_pm", "fmath_calls", "operations", "state_energy", "vutility_drop")
"""Files with floats that 32 bits do not hold; the twin must show it."""


@pytest.fixture(scope="session")
def twins() -> dict[str, ModuleType]:
    return float32.modules()


def test_differential_records_are_the_same_on_micropython_when_they_are_generated() -> None:
    require_vm()
    work = {name: (subject(name), *subject(name).answered(SIZES.board)) for name in NAMES}

    on_board = micropython.run(work)

    for name, (_, inputs, direct) in work.items():
        assert len(inputs) == SIZES.board
        same(f"{name}, MicroPython", inputs, direct, on_board[name])


def test_differential_records_are_the_same_on_micropython_when_real_devices_sent_them(
    shared_data: Path,
) -> None:
    require_vm()
    work = real(shared_data, SIZES.every)

    on_board = micropython.run(work)

    for name, (_, inputs, direct) in work.items():
        same(f"{name}, MicroPython", inputs, direct, on_board[name])


@pytest.mark.parametrize("name", [name for name in NAMES if not uses_floats(name)])
def test_differential_integers_are_the_same_when_floats_have_32_bits(
    name: str, twins: dict[str, ModuleType]
) -> None:
    of = subject(name)
    inputs, direct = of.answered(SIZES.board)

    rounded = Direct(of, twins, float32.twin(of.source)).run(inputs)

    same(f"{name}, 32-bit floats", inputs, direct, rounded)


@pytest.mark.parametrize("name", CHANGED)
def test_differential_twin_shows_the_difference_when_a_file_computes_with_floats(
    name: str, twins: dict[str, ModuleType]
) -> None:
    of = subject(name)
    inputs, direct = of.answered(SIZES.slice)

    rounded = Direct(of, twins, float32.twin(of.source)).run(inputs)

    assert list(differences(direct, rounded))
