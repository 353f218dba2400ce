"""Every portable library transform: what is compiled gives CPython's rows, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tests.transforms.emit.agree import agree
from tests.transforms.emit.compiled import Program, compile_programs
from tests.transforms.in_process import InProcess
from tests.transforms.lang.differential import generated, report
from tests.transforms.lang.test_differential_library import FIXES, LIBRARY, portable

from alloy_transforms.sandbox.examples import inputs_of

INPUTS = 1_000
NAMES = portable()


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Program]:
    docs = []
    for name in NAMES:
        checked = report(source_of(name))
        assert checked.document is not None, checked.refusals
        docs.append(checked.document)
    return dict(zip(NAMES, compile_programs(docs, tmp_path_factory.mktemp("library")), strict=True))


def source_of(name: str) -> str:
    return LIBRARY.joinpath(f"{name}.py").read_text("utf-8")


def seeds_of(worker: InProcess) -> Sequence[Sequence[Any]]:
    return [inputs_of(worker.contract, e) for e in worker.examples()]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_differential_rows_are_the_same_when_the_library_is_compiled(
    name: str, programs: dict[str, Program]
) -> None:
    source = source_of(name)
    worker = InProcess(source)
    kinds = [k for _, k in worker.contract.inputs]
    inputs = generated(kinds, seeds_of(worker), INPUTS, 20260102, FIXES.get(name))

    out = agree(source, programs[name], inputs)

    assert out.inputs == INPUTS
    assert out.rows > INPUTS // 25
    assert out.declined < INPUTS // 20
