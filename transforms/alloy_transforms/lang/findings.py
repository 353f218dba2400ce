"""Collects findings: each place once per rule, sorted by place, bounded in number."""

from __future__ import annotations

import ast

from .rules import RULES, Finding

MAX_FINDINGS = 64


class Sink:
    """What one check found in one file."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int, str], Finding] = {}
        self.outside: tuple[int, int] | None = None  # while a helper module is read: the call in the file
        self.origin = ""

    def add(self, rule: str, node: ast.AST | None, what: str, hint: str | None = None) -> None:
        """Report a construct; `what` is completed by the rule's reason."""
        line = getattr(node, "lineno", 0)
        self.at(rule, line, getattr(node, "col_offset", -1) + 1, what, hint)

    def at(self, rule: str, line: int, column: int, what: str, hint: str | None = None) -> None:
        """`add` for a place."""
        if self.outside is not None:
            what = f"in {self.origin}, line {line}: {what}"
            line, column = self.outside
        key = (line, column, rule)
        if key not in self._found:
            text = f"{what} {RULES[rule].why}" if rule not in ("L113", "G303", "G304") else RULES[rule].why
            self._found[key] = Finding(rule, text, line, column, RULES[rule].hint if hint is None else hint)

    def sorted(self) -> tuple[Finding, ...]:
        """All findings by place, at most `MAX_FINDINGS`."""
        return tuple(self._found[key] for key in sorted(self._found)[:MAX_FINDINGS])

    def __bool__(self) -> bool:
        return any(not f.warning for f in self._found.values())
