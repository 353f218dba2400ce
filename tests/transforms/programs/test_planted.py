"""The test of the test: every planted bug of the emitter is found by a bounded number of programs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.transforms.programs.planted import BUGS, Bug, features_of
from tests.transforms.programs.program import generate
from tests.transforms.programs.suite import QUICK, Case, build, prepare
from tests.transforms.programs.tiers import native

POOL = 1_000
"""Seeds that the programs for a bug are taken from."""
TRIED = 96
"""Programs in which a bug must show, of those that have what it is about."""
CRATE = 24


@cache
def prepared(seed: int) -> tuple[Case, frozenset[str]] | None:
    case = prepare(generate(seed))
    return None if case is None else (case, features_of(case.document))


def apt(bug: Bug) -> Iterator[Case]:
    """Programs in which the bug could show, few at a time: most bugs need no more."""
    given = 0
    for seed in range(POOL):
        found = prepared(seed)
        if found is not None and found[1] & set(bug.features):
            yield found[0]
            given += 1
            if given == TRIED:
                return


def caught_after(bug: Bug, folder: Path) -> int | None:
    """Number of the first program that differs; None: no one does."""
    programs = apt(bug)
    done = 0
    with bug.planted() as mutate:
        while group := [case for case, _ in zip(programs, range(CRATE), strict=False)]:
            for case, program in zip(group, build(group, folder, QUICK, mutate), strict=True):
                done += 1
                if any(native(case.program, program, case.answers)):
                    return done
    return None


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_differential_suite_finds_a_bug_when_it_is_planted(bug: Bug, tmp_path: Path) -> None:
    programs = caught_after(bug, tmp_path)

    print(f"{bug}: found by program {programs}")
    assert programs is not None, f"{bug}: not found by {TRIED} programs"


def test_bugs_are_many_when_they_are_counted() -> None:
    assert len(BUGS) >= 12
    assert len({b.name for b in BUGS}) == len(BUGS)
