"""A program that differs is made small."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.transforms.programs.planted import BUGS
from tests.transforms.programs.program import generate, written
from tests.transforms.programs.shrink import shrink, shrunk
from tests.transforms.programs.suite import QUICK, Case, build, prepare
from tests.transforms.programs.tiers import native


def divides(cases: list[Case]) -> list[bool]:
    return [any(a.code == "data.div" for a in c.answers) for c in cases]


@pytest.mark.slow
def test_a_program_is_a_few_lines_when_it_is_shrunk() -> None:
    case = next(c for c in map(prepare, map(generate, range(100))) if c is not None and divides([c])[0])
    given = next(v for v, a in zip(case.program.inputs, case.answers, strict=True) if a.code == "data.div")

    small = shrink(written(case.program.source, [given]), divides)

    body = small.source.partition("-> dict:\n")[2].strip().splitlines()
    assert len(body) <= 3, small.source
    again = prepare(small)
    assert again is not None
    assert divides([again])[0]


@pytest.mark.slow
def test_a_difference_is_shown_with_its_seed_and_a_small_program_when_native_code_is_wrong(
    tmp_path: Path,
) -> None:
    bug = next(b for b in BUGS if b.name == "% has the sign of the dividend")
    cases = [c for c in map(prepare, map(generate, range(12))) if c is not None]
    programs = build(cases, tmp_path, QUICK, bug.mutate)
    found = [d for c, p in zip(cases, programs, strict=True) for d in native(c.program, p, c.answers) if d]
    shortest = min(found, key=lambda d: len(d.program.source))

    text = shrunk(shortest, tmp_path, bug.mutate)

    assert f"seed {shortest.program.seed}" in text
    small = text.partition("inputs ")[2]
    assert "%" in small
    assert len(small.splitlines()) < 16, text
