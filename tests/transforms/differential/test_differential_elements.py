"""Element-wise files: CPython == jailed worker == native module == MicroPython, bit for bit, whatever the arguments."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.micropython.vm import require_vm
from tests.transforms.differential import micropython
from tests.transforms.differential.builds import module
from tests.transforms.differential.jailed import Jail
from tests.transforms.differential.outcome import same
from tests.transforms.differential.sizes import SIZES
from tests.transforms.differential.subjects import ELEMENTS, Direct, elements

from alloy_transforms.cases import Inputs

NAMES = sorted(path.stem for path in ELEMENTS.glob("*.py"))
MISSING_EVERY = 5  # of the elements one lacks an argument


def with_gaps(inputs: list[Inputs]) -> list[Inputs]:
    """The same with arguments missing here and there."""
    return [
        (*given[: i % len(given)], None, *given[i % len(given) + 1 :]) if i % MISSING_EVERY == 0 else given
        for i, given in enumerate(inputs)
    ]


def test_differential_slice_of_elements_is_the_same_in_the_jail_when_every_file_runs(jail: Jail) -> None:
    for name, of in elements().items():
        inputs, _ = of.answered(SIZES.slice)
        inputs = inputs + with_gaps(inputs)

        same(f"{name}, jailed", inputs, Direct(of).run(inputs), jail.run(of, inputs))


@pytest.mark.once
@pytest.mark.parametrize("name", NAMES)
def test_differential_elements_are_the_same_in_every_tier_when_they_are_generated(
    name: str, jail: Jail, capsys: pytest.CaptureFixture[str]
) -> None:
    of = elements()[name]
    inputs, direct = of.answered(SIZES.generated)
    native = module(of)

    same(f"{name}, jailed", inputs, direct, jail.run(of, inputs))
    same(f"{name}, native", inputs, direct, jail.run(of, inputs, native))
    gaps = with_gaps(inputs)
    missing = Direct(of).run(gaps)
    same(f"{name}, jailed, with gaps", gaps, missing, jail.run(of, gaps))
    same(f"{name}, native, with gaps", gaps, missing, jail.run(of, gaps, native))
    with capsys.disabled():
        codes = Counter(direct.codes)
        print(f"\n  {name:16} {len(inputs)} elements, codes {dict(sorted(codes.items()))}", end="")
    assert len(inputs) == SIZES.generated
    assert codes[0] > SIZES.generated // 4


@pytest.mark.once
def test_differential_elements_are_the_same_on_micropython_when_they_are_generated() -> None:
    require_vm()
    work = {name: (of, *of.answered(SIZES.board)) for name, of in elements().items()}

    on_board = micropython.run(work)

    for name, (_, inputs, direct) in work.items():
        same(f"{name}, MicroPython", inputs, direct, on_board[name])
