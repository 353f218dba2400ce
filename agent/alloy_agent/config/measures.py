"""Kinds of values with a unit, and of bytes: durations, sizes, shares, counts, octets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .kinds import refuse
from .report import Report
from .tree import Node, Scalar, shown


@dataclass(frozen=True)
class Measure:
    """A number with a unit: a duration, a size, a share, a count; read as a float of the smallest unit's base."""

    what: str
    units: Mapping[str, float]
    minimum: float
    maximum: float
    example: str
    bare: str = ""  # unit of a number without one; empty: a unit is required

    def read(self, node: Node, report: Report) -> float | None:
        """See `Kind.read`."""
        wanted = f"{self.what} such as {self.example}"
        match = (
            re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([A-Za-z]*|%)", node.text)
            if isinstance(node, Scalar)
            else None
        )
        if match is None or not isinstance(node, Scalar):
            refuse(report, node, wanted)
            return None
        unit = match[2] or self.bare
        if unit not in self.units:
            usual = self.example.lstrip("0123456789.")
            got = shown(node) if match[2] else f"{shown(node)}, a number without a unit"
            hint = "units: " + ", ".join(self.units) if match[2] else f"write the unit: {match[1]}{usual}"
            report.add(
                node,
                "config.value",
                "the unit is missing" if not match[2] else "the unit is not known",
                got=got,
                expected=wanted,
                hint=hint,
            )
            return None
        value = float(match[1]) * self.units[unit]
        if not self.minimum <= value <= self.maximum:
            report.add(
                node,
                "config.value",
                f"{self.what} is out of range",
                got=shown(node),
                expected=f"{self.spell(self.minimum)} to {self.spell(self.maximum)}",
            )
            return None
        return value

    def spell(self, value: float) -> str:
        """Write a value with the largest unit that leaves a whole number."""
        if not value:
            return "0"
        best, factor = min(self.units.items(), key=lambda item: item[1])
        for unit, size in self.units.items():
            if value % size == 0 and size > factor:
                best, factor = unit, size
        return f"{value / factor:g}{' ' if len(best) > 3 else ''}{best}"

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        units = "|".join(self.units)
        text = {
            "type": "string",
            "pattern": rf"^[0-9]{{1,18}}(\.[0-9]{{1,9}})? ?({units}){'?' if self.bare else ''}$",
        }
        return {"anyOf": [text, {"type": "integer", "minimum": 0}]} if self.bare else text


def duration(minimum_s: float, maximum_s: float, example: str = "30s") -> Measure:
    """A duration, read in seconds; a number without a unit is refused (seconds or milliseconds?)."""
    units = {"s": 1.0, "ms": 0.001, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
    return Measure("a duration", units, minimum_s, maximum_s, example)


def size(minimum: int, maximum: int, example: str = "64KiB") -> Measure:
    """A size, read in bytes; a number without a unit is bytes."""
    units = {
        "B": 1.0,
        "kB": 1e3,
        "KB": 1e3,
        "MB": 1e6,
        "GB": 1e9,
        "KiB": 1024.0,
        "MiB": 1024.0**2,
        "GiB": 1024.0**3,
    }
    return Measure("a size", units, minimum, maximum, example, bare="B")


def share(minimum: float, maximum: float, example: str = "5%") -> Measure:
    """A part of a whole, read as a number from 0 to 1; the percent sign is required."""
    return Measure("a share", {"%": 0.01}, minimum, maximum, example)


def count(minimum: int, maximum: int, what: str) -> Measure:
    """How many of something; its name may be left out."""
    return Measure("a count", {what: 1.0}, minimum, maximum, f"1000 {what}", bare=what)


_ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.)?", re.DOTALL)
_HEX_BYTES = re.compile(r"0x(?:[0-9a-fA-F]{2})+(?:[ ,]+0x(?:[0-9a-fA-F]{2})+)*\Z")


@dataclass(frozen=True)
class Octets:
    r"""Bytes: ASCII with the escapes \r \n \t \0 \\ \xNN, or `0x42 0x4d`."""

    maximum: int
    minimum: int = 1

    def read(self, node: Node, report: Report) -> bytes | None:
        """See `Kind.read`."""
        wanted = r'bytes: "\r\n", "$GP" or "0x42 0x4d"'
        if not isinstance(node, Scalar) or (node.empty and self.minimum):
            refuse(report, node, wanted)
            return None
        value = self._decode(node, report, wanted)
        if value is not None and not self.minimum <= len(value) <= self.maximum:
            report.add(
                node,
                "config.value",
                "the number of bytes is out of range",
                got=f"{len(value)} bytes",
                expected=f"{self.minimum} to {self.maximum}",
            )
            return None
        return value

    def _decode(self, node: Scalar, report: Report, wanted: str) -> bytes | None:
        if node.empty:
            return b""
        if _HEX_BYTES.match(node.text):
            return bytes.fromhex(re.sub(r"0x|[ ,]+", "", node.text))
        if not node.text.isascii():
            report.add(
                node,
                "config.value",
                "only ASCII is bytes without doubt",
                got=shown(node),
                expected=wanted,
                hint="write other bytes in hex: 0xe2 0x82",
            )
            return None
        out = bytearray()
        end = 0
        for found in _ESCAPE.finditer(node.text):
            out += node.text[end : found.start()].encode("ascii")
            end = found.end()
            escape = found[1] or ""
            if escape[:1] == "x" and len(escape) == 3:
                out.append(int(escape[1:], 16))
            elif escape in _ESCAPES:
                out += _ESCAPES[escape]
            else:
                report.add(
                    node, "config.value", f"`\\{escape}` is no escape", got=shown(node), expected=wanted
                )
                return None
        return bytes(out + node.text[end:].encode("ascii"))

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": "string"}
