"""Programs that once differed answer the same in every tier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.micropython.vm import require_vm
from tests.transforms.in_process import InProcess
from tests.transforms.programs.boards import on_vm
from tests.transforms.programs.chance import Chance
from tests.transforms.programs.inputs import inputs_for
from tests.transforms.programs.program import INPUTS, Program, written
from tests.transforms.programs.suite import QUICK, Case, build, prepare
from tests.transforms.programs.tiers import interpreted, native

from alloy_transforms.sandbox.columns import rows_of
from alloy_transforms.sandbox.examples import differences, inputs_of

FILES = sorted((Path(__file__).parent / "found").glob("*.py"))


def program_of(file: Path) -> Program:
    source = file.read_text("utf-8")
    worker = InProcess(source)
    examples: list[list[Any]] = [list(inputs_of(worker.contract, e)) for e in worker.examples()]
    kinds = dict(worker.contract.inputs)
    whole = written(source, examples)
    return written(source, examples + inputs_for(Chance(1), whole.tree, kinds, 3, INPUTS))


def case_of(file: Path) -> Case:
    case = prepare(program_of(file))
    assert case is not None, f"{file.name} is refused"
    return case


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.stem))
def test_examples_hold_when_a_found_program_runs(file: Path) -> None:
    source = file.read_text("utf-8")

    for example in InProcess(source).examples():
        worker = InProcess(source)  # with its first state
        reply = worker.run(*[[v] for v in inputs_of(worker.contract, example)])
        code = reply.errors[0].code if reply.errors else ""
        assert differences(worker.contract, example, rows_of(worker.contract, reply), code) == []


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.stem))
def test_differential_answers_are_the_same_when_the_ir_of_a_found_program_runs(file: Path) -> None:
    case = case_of(file)

    assert [d for d in interpreted(case.program, case.document, case.answers) if d] == []


@pytest.mark.slow
def test_differential_answers_are_the_same_when_native_code_of_the_found_programs_runs(
    tmp_path: Path,
) -> None:
    cases = [case_of(file) for file in FILES]

    programs = build(cases, tmp_path, QUICK)

    found = [d for c, p in zip(cases, programs, strict=True) for d in native(c.program, p, c.answers) if d]
    assert found == [], "\n".join(map(str, found))


@pytest.mark.slow
def test_differential_answers_are_the_same_when_the_vm_runs_the_found_programs() -> None:
    require_vm()
    cases = [case_of(file) for file in FILES]

    found = [d for d in on_vm([(c.program, c.answers) for c in cases]) if d]

    assert found == [], "\n".join(map(str, found))
