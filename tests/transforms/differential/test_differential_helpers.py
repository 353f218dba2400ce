"""Every function of `kit` and `fmath` in every tier."""

from __future__ import annotations

import pytest
from tests.micropython.vm import require_vm
from tests.transforms.differential import helpers, micropython
from tests.transforms.differential.builds import Native, build
from tests.transforms.differential.jailed import Jail
from tests.transforms.differential.outcome import same
from tests.transforms.differential.sizes import SIZES

from alloy_agent.build.toolchain import machine

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Native:
    return build(tmp_path_factory.mktemp("helpers"), list(helpers.subjects().values()), machine())


@pytest.mark.parametrize("name", helpers.SOURCES)
def test_differential_values_are_the_same_in_native_code_when_a_helper_is_called(
    name: str, native: Native
) -> None:
    subject = helpers.subject(name)
    inputs, direct = subject.answered(SIZES.arguments)

    compiled = native.run(name, subject, inputs, direct)

    same(f"{name}, native", inputs, direct, compiled, declined=True)
    assert any(direct.rows)
    assert compiled.share_declined <= 0.01


def test_differential_values_are_the_same_on_micropython_when_helpers_are_called() -> None:
    require_vm()
    work = {name: (of, *of.answered(SIZES.arguments // 10)) for name, of in helpers.subjects().items()}

    on_board = micropython.run(work)

    for name, (_, inputs, direct) in work.items():
        same(f"{name}, MicroPython", inputs, direct, on_board[name])


def test_differential_values_are_the_same_in_the_jail_when_some_helpers_are_called(jail: Jail) -> None:
    for name, subject in list(helpers.subjects().items())[::4]:  # it is CPython there, too
        inputs, direct = subject.answered(SIZES.slice)
        same(f"{name}, jailed", inputs, direct, jail.run(subject, inputs))
