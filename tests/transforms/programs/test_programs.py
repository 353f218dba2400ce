"""Random portable programs: CPython, the IR, native code and the MicroPython VM answer every input with the same bits.

`ALLOY_SIZES=soak` takes more of them. A difference is shown with its seed and the smallest program that has it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.micropython.vm import missing, require_vm
from tests.transforms.programs.changes import changed
from tests.transforms.programs.program import INPUTS
from tests.transforms.programs.shrink import shrunk
from tests.transforms.programs.suite import Tally, run

PROGRAMS = {"soak": 50_000}.get(os.environ.get("ALLOY_SIZES", "ci"), 3_000)
CHANGED = {"soak": 5_000}.get(os.environ.get("ALLOY_SIZES", "ci"), 200)
FEW = 200
SHOWN = 3  # differences that are shrunk


def agreed(tally: Tally, folder: Path) -> None:
    print(tally)
    if tally.differences:
        text = "\n\n".join(shrunk(d, folder) for d in tally.differences[:SHOWN])
        pytest.fail(f"{tally}\n{text}", pytrace=False)


def test_differential_answers_are_the_same_when_some_programs_run_in_every_tier(tmp_path: Path) -> None:
    tally = run(0, FEW, tmp_path, interpret=4, board=0 if missing() else 2)

    agreed(tally, tmp_path)
    assert tally.refused <= FEW * 0.05
    assert tally.codes["rows"] > tally.programs * INPUTS / 2


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(7200)
def test_differential_answers_are_the_same_when_thousands_of_programs_run_in_every_tier(
    tmp_path: Path,
) -> None:
    require_vm()

    tally = run(1_000, PROGRAMS, tmp_path, interpret=4, board=8)

    agreed(tally, tmp_path)
    assert tally.programs == PROGRAMS
    assert tally.refused <= PROGRAMS * 0.05
    assert tally.inputs["native"] > PROGRAMS * INPUTS * 0.9
    assert tally.share("tame") < 6.0
    assert tally.share("wild") < 15.0


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(7200)
def test_differential_answers_are_the_same_when_programs_are_changed_at_random(tmp_path: Path) -> None:
    require_vm()

    tally = run(1_000, CHANGED, tmp_path, interpret=2, board=4, make=changed)

    agreed(tally, tmp_path)
    assert tally.programs == CHANGED
    assert tally.codes["script.exception"] == 0
