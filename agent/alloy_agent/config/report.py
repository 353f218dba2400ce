"""Collects the findings of one file, all of them, bounded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from .limits import MAX_PROBLEMS
from .model import Problem


class Place(Protocol):
    """Anything with a position: a node of the tree, or a `Mark`."""

    @property
    def line(self) -> int:
        """Line, from 1."""
        ...

    @property
    def column(self) -> int:
        """Column in characters, from 1."""
        ...


class Mark:
    """A position that belongs to no node."""

    __slots__ = ("column", "line")

    def __init__(self, line: int = 1, column: int = 1) -> None:
        self.line = line
        self.column = column


START = Mark()


class Report:
    """The findings of one file; `file` is relative to the configuration folder."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.path: list[str] = []  # keys from the top of the file to what is being read
        self._problems: list[Problem] = []
        self._unshown = 0

    def add(
        self,
        place: Place,
        code: str,
        message: str,
        *,
        got: str = "",
        expected: str = "",
        hint: str = "",
        severity: str = "error",
    ) -> None:
        """Keep one finding; beyond MAX_PROBLEMS it is only counted."""
        if len(self._problems) >= MAX_PROBLEMS:
            self._unshown += 1
            return
        self._problems.append(
            Problem(
                file=self.file,
                line=place.line,
                column=place.column,
                code=code,
                message=message,
                key=".".join(self.path),
                got=got,
                expected=expected,
                hint=hint,
                severity=severity,
            )
        )

    @property
    def failed(self) -> bool:
        """True when at least one finding is an error."""
        return any(problem.severity == "error" for problem in self._problems)

    def problems(self) -> list[Problem]:
        """Findings in file order; the last one counts those that are not shown."""
        found = sorted(self._problems, key=lambda problem: (problem.line, problem.column, problem.code))
        if self._unshown:
            last = found[-1]
            found.append(
                Problem(
                    file=self.file,
                    line=last.line,
                    column=last.column,
                    code="config.limit",
                    message=f"{self._unshown} more findings of this file are not shown",
                )
            )
        return found


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """The nearest of `names`, or an empty text. difflib is imported here: only a wrong file needs it."""
    from difflib import get_close_matches

    near = get_close_matches(word[:64].lower(), list(names), n=1, cutoff=0.6)
    return near[0] if near else ""


def perhaps(word: str, names: Iterable[str]) -> str:
    """A hint that names the nearest of `names`, if one is near."""
    near = did_you_mean(word, names)
    return f"did you mean `{near}`?" if near else ""


def meant(word: str, names: Iterable[str]) -> str:
    """A hint for a wrong name: the nearest one, else all of them."""
    known = sorted(names)
    near = perhaps(word, known)
    if near:
        return near
    listed = ", ".join(f"`{name}`" for name in known[:16])
    return f"known here: {listed}" + (", …" if len(known) > 16 else "") if known else ""
