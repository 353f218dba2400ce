"""Shapes of composed values: sections with known keys, and secrets.

Each shape reads all it can and reports all that is wrong; a wrong key never hides its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .kinds import Kind, refuse
from .report import Report, did_you_mean, meant
from .tree import Map, Node, Scalar


@dataclass(frozen=True)
class Key:
    """One key of a section: its kind, its line in the reference, its default in words."""

    kind: Kind
    doc: str
    default: str = ""
    required: bool = False


class TakesEmpty:
    """Marks a kind for which an absent value is an empty section."""


class Values(dict[str, Any]):
    """What a section says, by key; absent and refused keys are absent. `nodes` has their positions."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node
        self.nodes: dict[str, Node] = {}  # of the values
        self.keys_at: dict[str, Scalar] = {}  # of the keys


def section_pairs(node: Node, report: Report, what: str) -> tuple[tuple[Scalar, Node], ...] | None:
    """The pairs of a section; an absent value counts as an empty one."""
    if isinstance(node, Map):
        return node.pairs
    if isinstance(node, Scalar) and node.empty:
        return ()
    refuse(report, node, f"a section ({what})")
    return None


@dataclass(frozen=True)
class _Absent:
    """Stands in for the kind of a key whose value is not there."""

    hint: str

    def read(self, node: Node, report: Report) -> None:
        """See `Kind.read`."""
        refuse(report, node, "a value", self.hint)

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": "null"}


def read_below(name: str, kind: Kind, node: Node, report: Report) -> Any:
    """Read the value of one key; what is reported meanwhile carries the key's path."""
    report.path.append(name)
    value = kind.read(node, report)
    report.path.pop()
    return value


@dataclass(frozen=True)
class Section(TakesEmpty):
    """Known keys; unknown ones are reported with the nearest known one.

    Attributes:
        later: keys that a coming version brings -> what is true today (`config.not_yet`).
        one_of: exactly one of these keys must be there.
        short: a lone scalar stands for `{short: scalar}`.
    """

    what: str
    keys: Mapping[str, Key]
    later: Mapping[str, str] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()
    short: str = ""

    def read(self, node: Node, report: Report) -> Values | None:
        """See `Kind.read`."""
        values = Values(node)
        if self.short and isinstance(node, Scalar) and not node.empty:
            values.nodes[self.short] = values.keys_at[self.short] = node
            value = read_below(self.short, self.keys[self.short].kind, node, report)
            if value is not None:
                values[self.short] = value
            return values
        pairs = section_pairs(node, report, self.what)
        if pairs is None:
            return None
        guessed: set[str] = set()
        for name, child in pairs:
            key = self.keys.get(name.text)
            if key is None:
                guessed.add(self._unknown(name, report))
                continue
            values.nodes[name.text] = child
            values.keys_at[name.text] = name
            if isinstance(child, Scalar) and child.empty and not isinstance(key.kind, TakesEmpty):
                hint = f"remove `{name.text}` to get its default" if not key.required else ""
                read_below(name.text, _Absent(hint), child, report)
                continue
            value = read_below(name.text, key.kind, child, report)
            if value is not None:
                values[name.text] = value
        self._missing(node, values, guessed, report)
        return values

    def _unknown(self, name: Scalar, report: Report) -> str:
        if name.text in self.later:
            report.add(
                name, "config.not_yet", f"`{name.text}` is not available yet", hint=self.later[name.text]
            )
            return ""
        hint = "write the shared lines out, or use an alias for a whole value" if name.text == "<<" else ""
        report.add(
            name,
            "config.unknown_key",
            f"`{name.text}` is not a key of {self.what}",
            hint=hint or meant(name.text, self.keys),
        )
        return did_you_mean(name.text, self.keys)

    def _missing(self, node: Node, values: Values, guessed: set[str], report: Report) -> None:
        for name, key in self.keys.items():
            if key.required and name not in values.nodes and name not in guessed:
                report.add(
                    node,
                    "config.missing_key",
                    f"{self.what} has no `{name}`",
                    expected=f"`{name}`: {key.doc}",
                )
        if not self.one_of:
            return
        there = [name for name in self.one_of if name in values.nodes]
        wanted = "exactly one of " + ", ".join(f"`{name}`" for name in self.one_of)
        if not there and not guessed & set(self.one_of):
            report.add(node, "config.missing_key", f"{self.what} has none of its main keys", expected=wanted)
        elif len(there) > 1:
            report.add(
                values.keys_at[there[1]],
                "config.exclusive",
                f"`{there[1]}` stands beside `{there[0]}`",
                got=" and ".join(f"`{name}`" for name in there),
                expected=wanted,
            )

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        out: dict[str, Any] = {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                name: {**key.kind.schema(), "description": key.doc} for name, key in self.keys.items()
            },
        }
        required = [name for name, key in self.keys.items() if key.required]
        if required:
            out["required"] = required
        if self.one_of:
            out["oneOf"] = [{"required": [name]} for name in self.one_of]
        return {"anyOf": [out, self.keys[self.short].kind.schema()]} if self.short else out


@dataclass(frozen=True)
class Hidden:
    """A secret: says where it is kept; whatever else stands there is refused and never shown."""

    section: Section

    def read(self, node: Node, report: Report) -> Values | None:
        """See `Kind.read`."""
        if isinstance(node, Scalar) and not node.empty:
            report.add(
                node,
                "config.secret_inline",
                "a secret is not written in the configuration",
                got="a text (not shown)",
                expected="`credential`, `file` or `env`",
                hint="write {credential: mqtt-password} for LoadCredential=, or {file: /path}",
            )
            return None
        return self.section.read(node, report)

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return self.section.schema()
