"""CPython == jailed worker == native code, bit for bit, for every portable transform that ships."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.transforms.differential.builds import Native, module
from tests.transforms.differential.jailed import Jail
from tests.transforms.differential.outcome import same
from tests.transforms.differential.recorded import real
from tests.transforms.differential.sizes import SIZES
from tests.transforms.differential.subjects import NAMES, OWN, subject

pytestmark = pytest.mark.once
GOOD_AT_LEAST = 0.2  # of the generated inputs give rows: what is only refused compares little
DECLINED_AT_MOST = 0.05  # of those files of our own that leave 64 bits on purpose; none of the library's


@pytest.mark.parametrize("name", NAMES)
def test_differential_records_are_the_same_in_three_tiers_when_they_are_generated(
    name: str, jail: Jail, native: Native, capsys: pytest.CaptureFixture[str]
) -> None:
    of = subject(name)
    count = (
        SIZES.generated // 4 if of.contract.stateful else SIZES.generated
    )  # one by one: each state is compared
    inputs, direct = of.answered(count)

    jailed = jail.run(of, inputs)
    compiled = native.run(name, of, inputs, direct)

    same(f"{name}, jailed", inputs, direct, jailed)
    same(f"{name}, native", inputs, direct, compiled, declined=True)
    with capsys.disabled():
        print(f"\n  {name:24} {len(inputs)} records, {direct.share_good:6.1%} with rows, "
              f"{compiled.share_declined:.2%} declined", end="")  # fmt: skip
    assert len(inputs) == count
    assert direct.share_good >= GOOD_AT_LEAST
    assert compiled.share_declined <= (DECLINED_AT_MOST if name in OWN else 0)


@pytest.mark.parametrize("name", NAMES)
def test_differential_records_are_the_same_in_a_jailed_worker_when_it_has_a_module(
    name: str, jail: Jail
) -> None:
    of = subject(name)
    inputs, direct = of.answered(SIZES.board)

    same(f"{name}, jailed module", inputs, direct, jail.run(of, inputs, module(of)))


def test_differential_records_are_the_same_in_three_tiers_when_real_devices_sent_them(
    jail: Jail, native: Native, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = real(shared_data)

    compiled = native.run_all(work)

    for name, (of, inputs, direct) in work.items():
        same(f"{name}, jailed", inputs, direct, jail.run(of, inputs))
        same(f"{name}, native", inputs, direct, compiled[name])
    with capsys.disabled():
        total = sum(len(inputs) for _, inputs, _ in work.values())
        print(f"\n  {total} recorded inputs of {len(work)} transforms", end="")
    assert len(work) >= 20
