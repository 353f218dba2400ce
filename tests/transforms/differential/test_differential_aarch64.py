"""The same native code on the other machine: aarch64, under qemu-user."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.transforms.differential.modules import Native
from tests.transforms.differential.outcome import same
from tests.transforms.differential.recorded import real
from tests.transforms.differential.sizes import SIZES
from tests.transforms.differential.subjects import NAMES, subject

pytestmark = pytest.mark.once


def test_differential_records_are_the_same_on_aarch64_when_they_are_generated(aarch64: Native) -> None:
    work = {name: (subject(name), *subject(name).answered(SIZES.board)) for name in NAMES}

    answers = aarch64.run_all(work)

    for name, (_, inputs, direct) in work.items():
        assert len(inputs) == SIZES.board
        same(f"{name}, aarch64", inputs, direct, answers[name], declined=True)


def test_differential_records_are_the_same_on_aarch64_when_real_devices_sent_them(
    aarch64: Native, shared_data: Path
) -> None:
    work = real(shared_data)

    answers = aarch64.run_all(work)

    for name, (_, inputs, direct) in work.items():
        same(f"{name}, aarch64", inputs, direct, answers[name])
