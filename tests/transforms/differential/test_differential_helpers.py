"""Every function of `kit` and `fmath` in every tier."""

from __future__ import annotations

import pytest
from tests.micropython.vm import require_vm
from tests.transforms.differential import helpers, micropython
from tests.transforms.differential.jailed import Jail
from tests.transforms.differential.modules import Native, build
from tests.transforms.differential.outcome import same
from tests.transforms.differential.sizes import SIZES
from tests.transforms.differential.subjects import Direct

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Native:
    return build(tmp_path_factory.mktemp("helpers"), helpers.SOURCES)


@pytest.mark.parametrize("name", helpers.SOURCES)
def test_differential_values_are_the_same_in_native_code_when_a_helper_is_called(
    name: str, native: Native
) -> None:
    subject, inputs = helpers.arguments(name, SIZES.arguments)
    direct = Direct(subject).run(inputs)

    compiled = native.run(name, subject, inputs, direct)

    same(f"{name}, native", inputs, direct, compiled, declined=True)
    assert any(direct.rows)
    assert compiled.share_declined <= 0.1


def test_differential_values_are_the_same_on_micropython_when_helpers_are_called() -> None:
    require_vm()
    work = {name: helpers.arguments(name, SIZES.arguments // 10) for name in helpers.SOURCES}

    on_board = micropython.run(work)

    for name, (subject, inputs) in work.items():
        same(f"{name}, MicroPython", inputs, Direct(subject).run(inputs), on_board[name])


def test_differential_values_are_the_same_in_the_jail_when_helpers_are_called(jail: Jail) -> None:
    for name in helpers.SOURCES:
        subject, inputs = helpers.arguments(name, SIZES.slice)
        same(f"{name}, jailed", inputs, Direct(subject).run(inputs), jail.run(subject, inputs))
