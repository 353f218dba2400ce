"""Many programs through every tier: CPython's answers first, then who gives others. Most of the time is rustc's."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from tests.transforms.emit.compiled import Program as Compiled
from tests.transforms.emit.compiled import compile_programs
from tests.transforms.programs.answers import Answer, cpython
from tests.transforms.programs.boards import on_vm
from tests.transforms.programs.program import Program, generate
from tests.transforms.programs.tiers import Difference, interpreted, native

from alloy_transforms.lang.check import check

CRATE = 100
"""Programs of one crate."""
QUICK, FULL = ("-Copt-level=0",), ("-Copt-level=3",)
"""Most crates are built fast, some as a module is: a fault of the emitter shows in both, undefined behaviour in one."""
AHEAD = 2  # crates that are built while others are compared
TRIES = 20  # seeds for one program that is accepted, on average
Mutate = Callable[[str], str]
Make = Callable[[int], Program | None]


@dataclass(frozen=True)
class Case:
    """A program that the checker accepts, and what CPython answers."""

    program: Program
    document: dict[str, Any]
    answers: list[Answer]


def prepare(program: Program) -> Case | None:
    """Check a program and run it in CPython; None: the checker refuses it."""
    document = check(program.tree, program.source.encode()).document
    return None if document is None else Case(program, document, cpython(program))


@dataclass
class Tally:
    """What a run saw."""

    programs: int = 0
    refused: int = 0
    inputs: Counter[str] = field(default_factory=Counter)  # compared, by tier
    declined: Counter[str] = field(default_factory=Counter)  # native: of `tame` and of `wild` programs
    asked: Counter[str] = field(default_factory=Counter)  # native: the same, of all inputs
    codes: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def case(self, case: Case) -> None:
        """A program that is compared."""
        self.programs += 1
        self.codes.update(a.code or "rows" for a in case.answers)

    def compared(self, tier: str, case: Case, results: Iterable[Difference | None]) -> None:
        """The answers of one tier for one program."""
        seen = list(results)
        self.inputs[tier] += len(seen)
        self.differences += [d for d in seen if d is not None][:1]  # one of each program
        if tier == "native":
            kind = "wild" if case.program.wild else "tame"
            self.asked[kind] += len(case.answers)
            self.declined[kind] += len(case.answers) - len(seen)

    def share(self, kind: str) -> float:
        """Declined inputs of a hundred."""
        return 100.0 * self.declined[kind] / max(1, self.asked[kind])

    def __str__(self) -> str:
        accepted = 100.0 * self.programs / max(1, self.programs + self.refused)
        return (
            f"{self.programs} programs ({accepted:.1f} % of those generated), compared {dict(self.inputs)}, "
            f"declined {self.share('tame'):.1f} % ({self.share('wild'):.1f} % of those built to overflow), "
            f"answers {dict(self.codes.most_common())}, {len(self.differences)} differences"
        )


def build(
    cases: Sequence[Case], folder: Path, flags: Sequence[str], mutate: Mutate | None = None
) -> list[Compiled]:
    """One crate, loaded; its files are removed. Each has a folder of its own: a path is loaded once only."""
    folder.mkdir(parents=True, exist_ok=True)
    own = Path(tempfile.mkdtemp(dir=folder))
    try:
        return compile_programs([c.document for c in cases], own, flags=flags, mutate=mutate)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def culprit(cases: Sequence[Case], folder: Path) -> tuple[Case, str]:
    """The first program that cannot be built by itself, and why: for a crate that rustc refused."""
    for case in cases:
        try:
            build([case], folder, QUICK)
        except (RuntimeError, OSError, ValueError) as error:
            return case, str(error)
    return cases[0], "builds alone, but not with the others of its crate"


def run(
    first: int,
    count: int,
    folder: Path,
    *,
    interpret: int = 1,
    board: int = 1,
    full: int = 5,
    crate: int = CRATE,
    make: Make = generate,
) -> Tally:
    """Every tier for so many accepted programs.

    Args:
        first: the seed to begin with; the next ones follow.
        count: of programs that the checker accepts.
        folder: for crates.
        interpret: one program in so many runs in the reference interpreter, too.
        board: the same for the MicroPython VM; 0: none.
        full: one crate in so many is optimised.
        crate: programs of one crate.
        make: the program of a seed; None counts as refused.
    """
    tally = Tally()
    waiting: deque[tuple[list[Case], Future[list[Compiled]]]] = deque()
    boards: list[Case] = []
    with ThreadPoolExecutor(AHEAD) as builders:
        for number, cases in enumerate(_crates(first, count, tally, crate, make)):
            flags = FULL if number % full == full - 1 else QUICK
            waiting.append((cases, builders.submit(build, cases, folder, flags)))
            for case in cases[::interpret]:
                tally.compared("ir", case, interpreted(case.program, case.document, case.answers))
            boards += cases[::board] if board else []
            if len(waiting) > AHEAD:
                _collect(tally, *waiting.popleft(), folder)
        while waiting:
            _collect(tally, *waiting.popleft(), folder)
    for start in range(0, len(boards), 4 * CRATE):
        part = boards[start : start + 4 * CRATE]
        results = on_vm([(c.program, c.answers) for c in part])
        for case in part:
            tally.compared("vm", case, islice(results, len(case.answers)))
    return tally


def _crates(first: int, count: int, tally: Tally, size: int, make: Make) -> Iterator[list[Case]]:
    cases: list[Case] = []
    for seed in range(first, first + TRIES * count):
        program = make(seed)
        case = None if program is None else prepare(program)
        if case is None:
            tally.refused += 1
            continue
        tally.case(case)
        cases.append(case)
        if len(cases) == size or tally.programs == count:
            yield cases
            cases = []
        if tally.programs == count:
            return


def _collect(tally: Tally, cases: list[Case], built: Future[list[Compiled]], folder: Path) -> None:
    try:
        programs = built.result()
    except (RuntimeError, OSError, ValueError):
        case, why = culprit(cases, folder)
        tally.differences.append(Difference(case.program, "rustc", 0, why[:3000], case.answers[0]))
        return
    for case, program in zip(cases, programs, strict=True):
        tally.compared("native", case, native(case.program, program, case.answers))
