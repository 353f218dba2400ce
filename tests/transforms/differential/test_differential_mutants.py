"""The test of the test: faults planted in shipped transforms must show in the answers to generated inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from tests.transforms.differential.mutants import mutants
from tests.transforms.differential.outcome import Outcome, differences
from tests.transforms.differential.sizes import SIZES
from tests.transforms.differential.subjects import SHIPPED, Direct, subject

from alloy_transforms.cases import Inputs

SHOWN_AT_LEAST = (
    0.8  # of the faults; some are none: a first value that is never read, a bound no field can reach
)
PART = 250  # inputs after which a fault may be known


def shows(fault: Direct, inputs: Sequence[Inputs], direct: Outcome) -> bool:
    """Whether any generated input tells the fault from the original."""
    for at in range(0, len(inputs), PART):
        try:
            answers = fault.run(inputs[at : at + PART])
        except Exception:  # an answer that no transform may give
            return True
        if list(differences(direct[at : at + PART], answers)):
            return True
    return False


def planted() -> Iterator[tuple[str, str, bool]]:
    """(transform, fault, whether it shows) of one fault in so many."""
    number = 0
    for name in SHIPPED:
        of = subject(name)
        inputs, direct = of.answered(SIZES.generated // 2)
        for what, make in mutants(of.source):
            number += 1
            if number % SIZES.faults == 0:
                yield name, what, shows(Direct(of, None, make()), inputs, direct)


@pytest.mark.once
def test_differential_inputs_show_most_faults_when_one_is_planted(capsys: pytest.CaptureFixture[str]) -> None:
    found = list(planted())

    hidden = [f"{name}, {what}" for name, what, shown in found if not shown]
    with capsys.disabled():
        print(
            f"\n  {len(found) - len(hidden)} of {len(found)} planted faults show; not:",
            *hidden,
            sep="\n    ",
            end="",
        )
    assert len(found) > 100
    assert len(hidden) <= (1 - SHOWN_AT_LEAST) * len(found)
