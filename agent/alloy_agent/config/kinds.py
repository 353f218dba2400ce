"""Kinds of single values: each reads one scalar of the tree, or reports why it cannot.

A kind decides the type of a text; the YAML type of a plain word plays no part. `read` answers None after it
reported. `schema` is the same rule as JSON Schema, for editors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

from .report import Report, perhaps
from .tree import Node, Scalar, shown

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,16}\Z")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?\Z")
_YAML11_BOOL = ("yes", "no", "on", "off", "y", "n")
_MAX_DIGITS = 24


class Kind(Protocol):
    """What every kind, scalar or composed, offers."""

    def read(self, node: Node, report: Report) -> Any:
        """The value, or None after reporting."""
        ...

    def schema(self) -> dict[str, Any]:
        """JSON Schema of what `read` accepts."""
        ...


def refuse(report: Report, node: Node, expected: str, hint: str = "") -> None:
    """Report that a value is not of the kind its key wants."""
    message = (
        "no value is given" if isinstance(node, Scalar) and node.empty else "the value is of the wrong kind"
    )
    report.add(node, "config.type", message, got=shown(node), expected=expected, hint=hint)


def plain_integer(node: Node) -> int | None:
    """The integer a plain scalar spells, decimal or 0x…; None if it spells none."""
    if not isinstance(node, Scalar) or not node.plain or len(node.text) > _MAX_DIGITS:
        return None
    if _INTEGER.match(node.text):
        return int(node.text)
    return int(node.text, 16) if _HEX.match(node.text) else None


def spells_number(node: Scalar) -> bool:
    """Whether the text of a scalar is that of a decimal number."""
    return _NUMBER.match(node.text) is not None


def _number_hint(node: Node) -> str:
    if not isinstance(node, Scalar):
        return ""
    if not node.plain and _NUMBER.match(node.text):
        return "remove the quotes"
    if node.plain and re.match(r"[-+]?0[0-9]+\Z", node.text):
        return f"write it without the leading zero: {node.text.lstrip('0') or '0'}"
    if node.plain and "_" in node.text:
        return "write the digits without `_`"
    return ""


@dataclass(frozen=True)
class Integer:
    """A whole number."""

    minimum: int
    maximum: int

    def read(self, node: Node, report: Report) -> int | None:
        """See `Kind.read`."""
        value = plain_integer(node)
        wanted = f"a whole number from {self.minimum} to {self.maximum}"
        if value is None:
            refuse(report, node, wanted, _number_hint(node))
        elif not self.minimum <= value <= self.maximum:
            report.add(node, "config.value", "the number is out of range", got=shown(node), expected=wanted)
            return None
        return value

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True)
class Number:
    """A finite decimal number."""

    def read(self, node: Node, report: Report) -> float | None:
        """See `Kind.read`."""
        if isinstance(node, Scalar) and node.plain and _NUMBER.match(node.text):
            value = float(node.text)
            if value not in (float("inf"), float("-inf")):
                return value
        refuse(report, node, "a finite number", _number_hint(node))
        return None

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": "number"}


@dataclass(frozen=True)
class Bool:
    """`true` or `false`."""

    def read(self, node: Node, report: Report) -> bool | None:
        """See `Kind.read`."""
        if isinstance(node, Scalar) and node.plain and node.text.lower() in ("true", "false"):
            return node.text.lower() == "true"
        word = node.text.lower() if isinstance(node, Scalar) else ""
        hint = ""
        if word in _YAML11_BOOL:
            hint = "write `true`" if word in ("yes", "on", "y") else "write `false`"
        elif word in ("true", "false"):
            hint = "remove the quotes"
        refuse(report, node, "`true` or `false`", hint)
        return None

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Text:
    """A text; `pattern` must match all of it, `wanted` says so in words."""

    pattern: str = r"[^\x00-\x1f\x7f]+"
    wanted: str = "a text"
    maximum: int = 255
    hint: str = ""

    def read(self, node: Node, report: Report) -> str | None:
        """See `Kind.read`."""
        if not isinstance(node, Scalar) or node.empty:
            refuse(report, node, self.wanted)
            return None
        if len(node.text) > self.maximum:
            report.add(
                node,
                "config.value",
                "the text is too long",
                got=f"{len(node.text)} characters",
                expected=f"at most {self.maximum}",
            )
            return None
        if not re.fullmatch(self.pattern, node.text):
            report.add(
                node,
                "config.value",
                "the text has a form that is not accepted here",
                got=shown(node),
                expected=self.wanted,
                hint=self.hint,
            )
            return None
        return node.text

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {
            "type": ["string", "number", "boolean"],
            "pattern": f"^({self.pattern})$",
            "maxLength": self.maximum,
        }


@dataclass(frozen=True)
class Choice:
    """One word of a closed list."""

    names: tuple[str, ...]
    code: str = "config.value"

    def read(self, node: Node, report: Report) -> str | None:
        """See `Kind.read`."""
        wanted = "one of " + ", ".join(f"`{name}`" for name in self.names)
        if not isinstance(node, Scalar) or node.empty:
            refuse(report, node, wanted)
        elif node.text in self.names:
            return node.text
        else:
            report.add(
                node,
                self.code,
                "the value is none of those accepted",
                got=shown(node),
                expected=wanted,
                hint=perhaps(node.text, self.names),
            )
        return None

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {
            "enum": [*self.names, *(float(n) if "." in n else int(n) for n in self.names if _NUMBER.match(n))]
        }


@dataclass(frozen=True)
class Free:
    """A value whose type the file shows: a parameter of a transform. YAML 1.2 core rules, stated."""

    def read(self, node: Node, report: Report) -> int | float | bool | str | None:
        """See `Kind.read`."""
        if not isinstance(node, Scalar) or node.empty:
            refuse(report, node, "a number, `true`, `false` or a text")
            return None
        if not node.plain:
            return node.text
        number = plain_integer(node)
        if number is not None:
            if -(2**63) <= number < 2**63:
                return number
            report.add(
                node,
                "config.value",
                "the number is out of range",
                got=shown(node),
                expected="64 bits with sign",
            )
            return None
        if node.text.lower() in ("true", "false"):
            return node.text.lower() == "true"
        if _NUMBER.match(node.text) and not re.match(r"[-+]?0[0-9]", node.text):
            return Number().read(node, report)
        if node.text.lower() in _YAML11_BOOL or re.match(r"[-+]?[0-9][0-9_:.]*\Z", node.text):
            report.add(
                node,
                "config.ambiguous",
                "this is read as text",
                got=shown(node),
                expected="a value that every YAML reader takes the same way",
                hint=f'write "{node.text}" for the text, `true`, `false` or a plain number otherwise',
                severity="warning",
            )
        return node.text

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": ["string", "number", "boolean"]}
