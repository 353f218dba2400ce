"""Kinds of names that others must accept too: topic levels, MQTT filters, hosts, absolute paths."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .kinds import Text, refuse
from .limits import MAX_NAME_CHARS
from .report import Report
from .tree import Node, Scalar, shown

NAME = Text(
    r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    "a name of letters, digits, `_`, `-` and `.` that begins with a letter or digit",
    MAX_NAME_CHARS,
    "the name becomes a level of MQTT topics and a file name",
)
"""Pipelines, streams, fleets, devices: safe as one topic level and as one file name."""

FIELD = Text(r"[A-Za-z_][A-Za-z0-9_]*", "the name of a field", MAX_NAME_CHARS)
ABSOLUTE = Text(
    r"/[^\x00-\x1f\x7f]*", "an absolute path", 1024, "the daemon has no working folder: begin with /"
)
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
HOST_PATTERN = rf"({_LABEL}\.)*{_LABEL}\.?|[0-9a-fA-F:]*:[0-9a-fA-F:.]*"
HOST = Text(HOST_PATTERN, "a host name or an IP address", 253, "the port has a key of its own: `port`")


@dataclass(frozen=True)
class HostPort:
    """`host:port`; an IPv6 address stands in brackets."""

    def read(self, node: Node, report: Report) -> str | None:
        """See `Kind.read`."""
        wanted = "host:port, such as 192.168.1.20:4001 or [fe80::1]:4001"
        if not isinstance(node, Scalar) or node.empty:
            refuse(report, node, wanted)
            return None
        host, colon, port = node.text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        bare = host[1:-1] if bracketed else host
        fits = bracketed == (":" in bare) and len(bare) <= 253 and re.fullmatch(HOST_PATTERN, bare)
        if not colon or not fits or not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65_535:
            hint = "" if colon else f"add the port: {node.text[:40]}:4001"
            report.add(
                node, "config.value", "this is no address", got=shown(node), expected=wanted, hint=hint
            )
            return None
        return node.text

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": "string", "pattern": r"^.+:[1-9][0-9]{0,4}$"}


@dataclass(frozen=True)
class TopicFilter:
    """An MQTT topic filter. Source: MQTT 5.0, sections 4.7.1 (wildcards), 4.7.3 and 4.8.2 (`$share`)."""

    def read(self, node: Node, report: Report) -> str | None:
        """See `Kind.read`."""
        if not isinstance(node, Scalar) or node.empty:
            refuse(report, node, "an MQTT topic filter such as sensors/+/up")
            return None
        wrong = filter_fault(node.text)
        if wrong:
            report.add(
                node,
                "config.topic",
                f"the topic filter is not valid: {wrong[0]}",
                got=shown(node),
                hint=wrong[1],
            )
            return None
        return node.text

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {
            "type": "string",
            "pattern": r"^([^+#]+|\+)?(/([^+#]*|\+))*(/?#)?$",
            "minLength": 1,
            "maxLength": 1024,
        }


def filter_fault(text: str) -> tuple[str, str] | None:
    """What is wrong with a topic filter, and what to do; None when it is valid."""
    if not text or len(text) > 1024 or any(ord(c) < 32 or ord(c) == 127 for c in text):
        return "it is empty, too long, or has control characters", "use at most 1024 printable characters"
    levels = text.split("/")
    if levels[0] == "$share":
        if len(levels) < 3 or not levels[1] or "+" in levels[1] or "#" in levels[1]:
            return "a shared subscription has no group", "write $share/<group>/<filter>"
        levels = levels[2:]
    for index, level in enumerate(levels):
        if "#" in level and (level != "#" or index != len(levels) - 1):
            return "`#` is not the whole last level", "end the filter with /#"
        if "+" in level and level != "+":
            return "`+` is not a whole level", "write sensors/+/up, not sensors/x+/up"
    return None


def covers_prefix(topic_filter: str, prefix: Sequence[str]) -> bool:
    """True when the filter can match a topic below `prefix` (a list of levels)."""
    levels = topic_filter.split("/")
    if levels[0] == "$share":
        levels = levels[2:]
    for index, wanted in enumerate(prefix):
        if index >= len(levels):
            return False
        if levels[index] == "#":
            return True
        if levels[index] not in ("+", wanted):
            return False
    return len(levels) > len(prefix)
