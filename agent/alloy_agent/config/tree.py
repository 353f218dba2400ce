"""The tree of one YAML file: texts with their positions, not yet typed.

A scalar keeps the characters of the file and whether they were quoted; its type is decided later, by the
schema of its place. So `on`, `yes`, `1:30` and `0042` mean what the key says, never what a YAML version says.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scalar:
    """One text; `plain` is False where it was quoted or a block. Lines and columns count from 1."""

    text: str
    plain: bool
    line: int
    column: int
    weight: int = 1
    height: int = 1

    @property
    def empty(self) -> bool:
        """True where the file says nothing: an absent value, `~` or `null`."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Items:
    """A list; `weight` counts every value below with aliases expanded, `height` its levels."""

    items: tuple[Node, ...]
    line: int
    column: int
    weight: int
    height: int


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping in file order; keys are unique."""

    pairs: tuple[tuple[Scalar, Node], ...]
    line: int
    column: int
    weight: int
    height: int


Node = Scalar | Items | Map

_SHOWN_CHARS = 40


def shown(node: Node) -> str:
    """Name a node for a message: its kind and the first characters of what the file says."""
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Map):
        return "a section"
    if node.empty:
        return "nothing"
    text = node.text if len(node.text) <= _SHOWN_CHARS else node.text[: _SHOWN_CHARS - 1] + "…"
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"`{text}`" if node.plain else f'"{text}"'
