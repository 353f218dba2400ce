"""The keys of a pipeline file: one table, from which the check, the reference and the JSON Schema come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .choices import Listed, Mapped, OneOf
from .kinds import Bool, Choice, Free, Integer, Kind, Number, Text, spells_number
from .limits import MAX_CASES, MAX_INPUTS, MAX_PARAMS, MAX_SINKS, MAX_STAGES
from .measures import duration, size
from .names import ABSOLUTE, FIELD, NAME
from .report import Report
from .shapes import Key, Section, Values, read_below, section_pairs
from .spec_source import SOURCE
from .tree import Map, Node, Scalar

_ATTRIBUTE = Section(
    "an argument",
    {
        "attribute": Key(
            Text(maximum=255, wanted="name of an attribute"), "of the variable or the file", required=True
        )
    },
)


@dataclass(frozen=True)
class Argument:
    """What a parameter of an element-wise transform gets: a variable, a number, or `{attribute: NAME}`."""

    name: Kind = Text(maximum=255, wanted="path or name of a variable, a number, or {attribute: NAME}")  # noqa: RUF009
    number: Kind = Number()  # noqa: RUF009

    def read(self, node: Node, report: Report) -> Any:
        """See `Kind.read`."""
        if isinstance(node, Map):
            return _ATTRIBUTE.read(node, report)
        if isinstance(node, Scalar) and node.plain and spells_number(node):
            return self.number.read(node, report)
        return self.name.read(node, report)

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"anyOf": [self.name.schema(), self.number.schema(), _ATTRIBUTE.schema()]}


STAGE = Section(
    "a stage",
    {
        "use": Key(
            Text(maximum=255, wanted="a library name or a path such as ./elsys_ers.py"),
            "transform",
            required=True,
        ),
        "params": Key(Mapped("params", Free(), MAX_PARAMS, FIELD), "values for the PARAMS of the transform"),
        "inputs": Key(
            Mapped("inputs", Argument(), MAX_INPUTS, FIELD),
            "behind `files`: what each parameter of `f` gets; one of them a variable",
        ),
    },
    later={"parallel": "each stage has one worker today; parallel workers come in a later version"},
    short="use",
)

CHAIN = Listed("transforms", STAGE, MAX_STAGES)


@dataclass(frozen=True)
class RouteKind:
    """`route`: `on` names the field, `else` says what becomes of the rest, other keys are values of it."""

    on: Kind = FIELD
    otherwise: Kind = Choice(("dead_letter", "drop"))  # noqa: RUF009  # frozen

    def read(self, node: Node, report: Report) -> Values | None:
        """See `Kind.read`."""
        pairs = section_pairs(node, report, "route")
        if pairs is None:
            return None
        values = Values(node)
        cases = Values(node)
        for name, child in pairs:
            kind = {"on": self.on, "else": self.otherwise}.get(name.text, CHAIN)
            target = values if name.text in ("on", "else") else cases
            target.nodes[name.text] = child
            target.keys_at[name.text] = name
            value = read_below(name.text, kind, child, report)
            if value is not None:
                target[name.text] = value
        if "on" not in values.nodes:
            report.add(
                node,
                "config.missing_key",
                "route has no `on`",
                expected="`on`: the field whose value picks the transform",
            )
        if not cases.nodes:
            report.add(
                node, "config.missing_key", "route has no case", expected="at least one VALUE: transform"
            )
        if len(cases.nodes) > MAX_CASES:
            report.add(
                node,
                "config.limit",
                "too many cases",
                got=str(len(cases.nodes)),
                expected=f"at most {MAX_CASES}",
            )
        values["cases"] = cases
        return values

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {
            "type": "object",
            "required": ["on"],
            "properties": {"on": self.on.schema(), "else": self.otherwise.schema()},
            "additionalProperties": CHAIN.schema(),
        }


_LIMITS = Section(
    "limits of a field",
    {"min": Key(Number(), "lowest physical value"), "max": Key(Number(), "highest physical value")},
)

SINK = OneOf(
    "sink",
    {
        "mqtt": Section(
            "sink.mqtt",
            {
                "stream": Key(NAME, "last level of data/<pipeline>/<stream>", required=True),
                "encoding": Key(Choice(("cbor", "msgpack", "jsonl")), "encoding of a message", "cbor"),
                "qos": Key(Integer(0, 1), "1: kept until the broker acknowledged it", "1"),
                "require_consumer": Key(
                    Bool(), "a message nobody subscribed to counts as not delivered", "false"
                ),
            },
            later={"lane": "there is one lane; lanes come with the durable spool"},
        ),
        "file": Section(
            "sink.file",
            {
                "path": Key(ABSOLUTE, "file to append to", required=True),
                "encoding": Key(Choice(("jsonl", "cbor")), "JSON lines or a CBOR sequence", "jsonl"),
                "max": Key(size(4096, 1 << 40, "64MiB"), "rotate at this size", "64MiB"),
                "keep": Key(Integer(0, 100), "rotated files kept", "2"),
            },
        ),
        "stdout": Section("sink.stdout", {"encoding": Key(Choice(("jsonl",)), "JSON lines", "jsonl")}),
    },
    later=dict.fromkeys(
        ("http", "influx", "kafka", "s3"), "comes in a later version; use `mqtt`, `file` or `stdout`"
    ),
)

_RETRY = Section(
    "on_error.retry",
    {
        "strategy": Key(
            Choice(("backoff", "none")), "wait longer before each attempt, or do not try again", "backoff"
        ),
        "max": Key(Integer(0, 100), "attempts after the first", "5"),
        "timeout": Key(duration(0.1, 3600), "longest time for all attempts", "30s"),
    },
)

PIPELINE = Section(
    "a pipeline",
    {
        "name": Key(NAME, "level of data/<pipeline>/<stream>", "name of the file"),
        "enabled": Key(Bool(), "`false` keeps the file checked and stopped", "true"),
        "source": Key(SOURCE, "where the input comes from", required=True),
        "transform": Key(CHAIN, "library name, path below transforms/, or a chain of them"),
        "route": Key(RouteKind(), "picks the next transform by the value of a field"),
        "expect": Key(Mapped("fields", _LIMITS, MAX_PARAMS, FIELD), "limits of the site; outside: quality 3"),
        "sink": Key(Listed("sinks", SINK, MAX_SINKS), "where the records go: one or a list", required=True),
        "on_error": Key(
            Section(
                "on_error",
                {
                    "retry": Key(_RETRY, "how a failed input is tried again"),
                    "then": Key(Choice(("dead_letter", "drop")), "after the last attempt", "dead_letter"),
                },
            ),
            "what happens to an input that fails",
        ),
        "batch": Key(
            Section(
                "batch",
                {
                    "rows": Key(Integer(1, 65_536), "records of one block at most", "1024"),
                    "bytes": Key(size(256, 16 << 20, "1MiB"), "input of one block at most", "1MiB"),
                    "wait": Key(duration(0, 60, "20ms"), "longest wait for a fuller block", "20ms"),
                },
            ),
            "how records are gathered into blocks",
        ),
    },
    later={
        "trigger": "a pipeline runs as its source delivers; cron and api triggers come in a later version",
        "state": "a transform's own STATE works; variables of a pipeline come in a later version",
        "include": "shared blocks come in a later version; write them out, or use a YAML alias",
        "secrets": "secrets in pipelines come in a later version; agent.yaml takes {credential: …}",
        "privacy": "hash, mask and drop come in a later version; leave the field out of OUTPUT",
        "lane": "there is one lane; lanes come with the durable spool",
        "parallel": "each stage has one worker today; parallel workers come in a later version",
    },
)
