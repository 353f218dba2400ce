"""From the values of `source` to its struct, and what its keys say together."""

from __future__ import annotations

from typing import Any

from .build_agent import chosen
from .choices import Tagged
from .model import FilesSource, Framing, LinesSource, MqttSource
from .report import Report
from .shapes import Values
from .spec_source import SERIAL_ONLY


def build_source(tagged: Tagged | None, report: Report) -> LinesSource | MqttSource | FilesSource | None:
    """Make the source; None when a key it cannot do without was refused."""
    if tagged is None:
        return None
    values = tagged.values
    if tagged.tag == "mqtt":
        return MqttSource(**chosen(values, topic="topic", qos="qos")) if "topic" in values else None
    if tagged.tag == "files":
        return _files(values, report)
    if "tcp" in values:
        for key in SERIAL_ONLY:
            if key in values.nodes:
                report.add(
                    values.keys_at[key],
                    "config.exclusive",
                    f"`{key}` belongs to a serial port",
                    got=f"`{key}` beside `tcp`",
                    expected="`port`",
                    hint=f"remove `{key}`",
                )
    facts = chosen(values, port="port", tcp="tcp", parity="parity", silence_s="silence")
    facts |= {key: int(values[key]) for key in ("baud", "data_bits") if key in values}
    if "stop_bits" in values:
        facts["stop_bits"] = float(values["stop_bits"])
    return LinesSource(framing=_framing(values.get("framing"), report), **facts)


def _files(values: Values, report: Report) -> FilesSource | None:
    after = values.get("after", "keep")
    if after == "move" and "move_to" not in values.nodes:
        report.add(
            values.nodes["after"],
            "config.missing_key",
            "`after: move` has no `move_to`",
            expected="`move_to`: a folder",
        )
    if after != "move" and "move_to" in values.nodes:
        report.add(
            values.keys_at["move_to"],
            "config.exclusive",
            "`move_to` has no use here",
            got=f"`after: {after}`",
            expected="`after: move`",
        )
    if "path" not in values:
        return None
    facts = chosen(
        values,
        path="path",
        pattern="pattern",
        settle_s="settle",
        poll_s="poll",
        after="after",
        move_to="move_to",
    )
    if "max" in values:
        facts["max_bytes"] = int(values["max"])
    return FilesSource(**facts)


def _framing(tagged: Tagged | None, report: Report) -> Framing:
    if tagged is None:
        return Framing(kind="delimiter")
    values = tagged.values
    facts = (
        chosen(values, delimiter="bytes", strip="strip", start="start") if tagged.tag == "delimiter" else {}
    )
    if tagged.tag in ("fixed", "length"):
        facts |= chosen(values, start="start")
    if tagged.tag == "fixed":
        facts["size"] = facts["max_bytes"] = int(values.get("size", 1))
    if tagged.tag == "length":
        facts |= chosen(values, length_offset="offset", length_order="order", length_adjust="adjust")
        facts["length_bytes"] = int(values.get("bytes", 1))
    if tagged.tag == "burst":
        facts["gap_ms"] = values.get("gap", 0.0) * 1000
    if "max" in values:
        facts["max_bytes"] = int(values["max"])
    _framing_fits(tagged, facts, report)
    return Framing(kind=tagged.tag, **facts)


def _framing_fits(tagged: Tagged, facts: dict[str, Any], report: Report) -> None:
    """A frame must be able to hold what every frame holds."""
    least = len(facts.get("start", b""))
    if tagged.tag == "length":
        least = max(least, facts.get("length_offset", 0) + facts["length_bytes"])
    most = facts.get("max_bytes", 4096)
    if most <= least:
        report.add(
            tagged.node,
            "config.value",
            "the longest frame cannot hold what every frame begins with",
            got=f"{most} bytes",
            expected=f"more than {least}",
        )
