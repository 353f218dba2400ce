"""Shapes of composed values: one of several kinds, lists, free names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .kinds import Kind, refuse
from .report import Report, perhaps
from .shapes import Section, TakesEmpty, Values, read_below, section_pairs
from .tree import Items, Node, Scalar


@dataclass(frozen=True)
class Tagged:
    """What `OneOf` read: the chosen name, its values, and where it stands."""

    tag: str
    values: Values
    node: Scalar


@dataclass(frozen=True)
class OneOf(TakesEmpty):
    """A section with exactly one key, which names its kind: `source: {mqtt: {...}}`."""

    what: str
    options: Mapping[str, Section]
    later: Mapping[str, str] = field(default_factory=dict)

    def read(self, node: Node, report: Report) -> Tagged | None:
        """See `Kind.read`."""
        wanted = "exactly one of " + ", ".join(f"`{name}`" for name in self.options)
        if isinstance(node, Scalar) and not node.empty:
            section = self.options.get(node.text)
            if section and not any(key.required for key in section.keys.values()) and not section.one_of:
                return Tagged(node.text, Values(node), node)
            hint = f"write {node.text}: {{…}}" if section else perhaps(node.text, self.options)
            refuse(report, node, f"a section with {wanted}", hint)
            return None
        pairs = section_pairs(node, report, self.what)
        if pairs is None:
            return None
        known = [(name, child) for name, child in pairs if name.text in self.options]
        for name, _ in pairs:
            if name.text in self.later:
                report.add(
                    name, "config.not_yet", f"`{name.text}` is not available yet", hint=self.later[name.text]
                )
            elif name.text not in self.options:
                report.add(
                    name,
                    "config.unknown_key",
                    f"`{name.text}` is not a kind of {self.what}",
                    expected=wanted,
                    hint=perhaps(name.text, self.options),
                )
        if not pairs:
            report.add(node, "config.missing_key", f"{self.what} says no kind", expected=wanted)
        for name, _ in known[1:]:
            report.add(
                name,
                "config.exclusive",
                f"`{name.text}` stands beside `{known[0][0].text}`",
                got=f"{len(known)} kinds",
                expected=wanted,
            )
        read = [
            (name, read_below(name.text, self.options[name.text], child, report)) for name, child in known
        ]
        first = next(((name, values) for name, values in read if values is not None), None)
        return Tagged(first[0].text, first[1], first[0]) if first else None

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        forms: list[dict[str, Any]] = [
            {
                "type": "object",
                "additionalProperties": False,
                "required": [name],
                "properties": {name: option.schema()},
            }
            for name, option in self.options.items()
        ]
        words = [
            n
            for n, o in self.options.items()
            if not o.one_of and not any(k.required for k in o.keys.values())
        ]
        return {"oneOf": [*forms, {"enum": words}] if words else forms}


@dataclass(frozen=True)
class Listed:
    """A list, or a single value that stands for a list of one (`single`)."""

    what: str
    kind: Kind
    maximum: int
    single: bool = True

    def read(self, node: Node, report: Report) -> list[tuple[Any, Node]] | None:
        """See `Kind.read`."""
        if not isinstance(node, Items):
            if not self.single:
                refuse(report, node, f"a list of {self.what}")
                return None
            children: tuple[Node, ...] = (node,)
        else:
            children = node.items
        if not children:
            report.add(
                node, "config.missing_key", f"the list of {self.what} is empty", expected="at least one"
            )
        if len(children) > self.maximum:
            report.add(
                node,
                "config.limit",
                f"too many {self.what}",
                got=str(len(children)),
                expected=f"at most {self.maximum}",
            )
            children = children[: self.maximum]
        read = [(self.kind.read(child, report), child) for child in children]
        return [(value, child) for value, child in read if value is not None]

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        many = {"type": "array", "items": self.kind.schema(), "minItems": 1, "maxItems": self.maximum}
        return {"anyOf": [self.kind.schema(), many]} if self.single else many


@dataclass(frozen=True)
class Mapped:
    """Free names, each with a value of one kind."""

    what: str
    kind: Kind
    maximum: int
    name: Kind

    def read(self, node: Node, report: Report) -> Values | None:
        """See `Kind.read`."""
        pairs = section_pairs(node, report, self.what)
        if pairs is None:
            return None
        if len(pairs) > self.maximum:
            report.add(
                node,
                "config.limit",
                f"too many {self.what}",
                got=str(len(pairs)),
                expected=f"at most {self.maximum}",
            )
        values = Values(node)
        for name, child in pairs[: self.maximum]:
            if self.name.read(name, report) is None:
                continue
            values.nodes[name.text] = child
            values.keys_at[name.text] = name
            value = read_below(name.text, self.kind, child, report)
            if value is not None:
                values[name.text] = value
        return values

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": "object", "additionalProperties": self.kind.schema(), "maxProperties": self.maximum}
