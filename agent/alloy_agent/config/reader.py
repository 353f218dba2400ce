"""YAML text to a tree, bounded, from the parser's events.

The event stream is used instead of a loader: no tag is ever resolved, nothing is constructed, and depth is
checked before anything recurses (a composer recurses once a level, in C). An alias shares the node it names;
its weight is added arithmetically, so that a file of aliases to aliases is refused without being expanded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from .limits import MAX_DEPTH, MAX_NODES, MAX_SCALAR_CHARS
from .report import START, Mark, Place, Report
from .tree import Items, Map, Node, Scalar

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it (about ten times faster), else pure Python; same tree."""


class _Refused(Exception):  # noqa: N818  # control flow inside this module, not an error of the package
    """The file cannot be read further; the reason is in the report."""


class _Open:
    """A list or section whose end has not come yet."""

    __slots__ = ("anchor", "height", "is_map", "items", "key", "mark", "pairs", "seen", "skip", "weight")

    def __init__(self, is_map: bool, mark: Mark, anchor: str | None) -> None:
        self.is_map = is_map
        self.mark = mark
        self.anchor = anchor
        self.items: list[Node] = []
        self.pairs: list[tuple[Scalar, Node]] = []
        self.seen: dict[str, Scalar] = {}
        self.key: Scalar | None = None
        self.skip = False  # the next value belongs to a repeated key
        self.weight = 1
        self.height = 0

    def close(self) -> Node:
        kind = Map if self.is_map else Items
        content: Any = tuple(self.pairs) if self.is_map else tuple(self.items)
        return kind(content, self.mark.line, self.mark.column, self.weight, self.height + 1)


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


class _Builder:
    """One pass over the events of one file."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.stack: list[_Open] = []
        self.anchors: dict[str, Node | None] = {}  # None: named, not complete yet
        self.root: Node | None = None
        self.documents = 0

    def refuse(self, place: Place, code: str, message: str, **facts: str) -> _Refused:
        self.report.add(place, code, message, **facts)
        return _Refused()

    def feed(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self.refuse(
                    _mark(event),
                    "config.yaml_feature",
                    "a second document begins here",
                    expected="one document a file",
                    hint="write the other pipeline to a file of its own",
                )
        elif isinstance(event, yaml.AliasEvent):
            self.value(self.alias(event), None)
        elif isinstance(event, yaml.ScalarEvent):
            self.value(self.scalar(event), event.anchor)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self.begin(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            done = self.stack.pop()
            self.value(done.close(), done.anchor)

    def tag(self, event: Any) -> None:
        if event.tag is not None:
            self.report.add(
                _mark(event),
                "config.yaml_feature",
                "tags are not accepted",
                got=f"`{event.tag[:40]}`",
                hint="write the value without its tag; quote it to make it text",
            )

    def scalar(self, event: Any) -> Scalar:
        self.tag(event)
        mark = _mark(event)
        if len(event.value) > MAX_SCALAR_CHARS:
            raise self.refuse(
                mark,
                "config.limit",
                "the text is too long",
                got=f"{len(event.value)} characters",
                expected=f"at most {MAX_SCALAR_CHARS}",
            )
        return Scalar(event.value, not event.style, mark.line, mark.column)

    def alias(self, event: Any) -> Node:
        mark = _mark(event)
        if event.anchor not in self.anchors:
            raise self.refuse(mark, "config.yaml", f"nothing is named `&{event.anchor}` before this alias")
        node = self.anchors[event.anchor]
        if node is None:
            raise self.refuse(mark, "config.yaml_feature", f"`*{event.anchor}` contains itself")
        return node

    def begin(self, event: Any) -> None:
        self.tag(event)
        mark = _mark(event)
        if len(self.stack) >= MAX_DEPTH:
            raise self.refuse(
                mark, "config.limit", "the file is nested too deeply", expected=f"at most {MAX_DEPTH} levels"
            )
        if self.stack and self.stack[-1].is_map and self.stack[-1].key is None and not self.stack[-1].skip:
            raise self.refuse(
                mark,
                "config.yaml_feature",
                "a key is a list or a section",
                expected="a name",
                hint="quote the key",
            )
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append(_Open(isinstance(event, yaml.MappingStartEvent), mark, event.anchor))

    def value(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = node
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if top.is_map and top.key is None and not top.skip:
            self.name(top, node)
            return
        top.weight += node.weight
        top.height = max(top.height, node.height)
        if top.weight > MAX_NODES or len(self.stack) + node.height > MAX_DEPTH:
            raise self.refuse(
                node,
                "config.limit",
                "the file says too much once its aliases are expanded",
                expected=f"at most {MAX_NODES} values and {MAX_DEPTH} levels",
            )
        if not top.is_map:
            top.items.append(node)
        elif top.skip:
            top.skip = False
        elif top.key is not None:
            top.pairs.append((top.key, node))
            top.key = None

    def name(self, top: _Open, node: Node) -> None:
        if not isinstance(node, Scalar):
            raise self.refuse(node, "config.yaml_feature", "a key is a list or a section", expected="a name")
        top.weight += 1
        first = top.seen.setdefault(node.text, node)
        if first is node:
            top.key = node
            return
        self.report.add(
            node,
            "config.duplicate_key",
            f"`{node.text}` is here twice",
            got="a second one",
            expected=f"one, as in line {first.line}",
            hint="remove one of them",
        )
        top.skip = True


def _events(text: str) -> Iterator[Any]:
    return yaml.parse(text, Loader=LOADER)


def read_tree(text: str, report: Report) -> Node | None:
    """Turn the text of one file into its tree.

    Returns:
        The tree; an empty section for an empty file; None when it cannot be read (the report says why).
    """
    builder = _Builder(report)
    try:
        for event in _events(text):
            builder.feed(event)
    except _Refused:
        return None
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        place = Mark(at.line + 1, at.column + 1) if at else START
        what = (error.problem or error.context or "it cannot be parsed").strip()
        report.add(place, "config.yaml", f"not valid YAML: {what}", hint=_syntax_hint(text, place))
        return None
    except yaml.YAMLError as error:
        report.add(START, "config.yaml", f"not valid YAML: {str(error).splitlines()[0][:120]}")
        return None
    root = builder.root
    if root is None or (isinstance(root, Scalar) and root.empty):
        return Map((), 1, 1, 1, 1)
    return root


def _syntax_hint(text: str, place: Place) -> str:
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if line[: len(line) - len(line.lstrip())].count("\t") or line[place.column - 1 : place.column] == "\t":
        return "indent with spaces, not with tabs"
    value = line.partition(":")[2].strip()
    if value[:1] in ("*", "&", "%", "@", "`", "!"):
        return f"a value that begins with {value[0]} is quoted"
    if ": " in value:
        return "a value that contains `: ` is quoted"
    return ""
