"""The corpus of snippets: text files of cases, each `--- RULES kind: title` and its source.

`body` cases are put into the `transform` below, `file` cases are files. The character ¦ marks where a finding is
expected, one for each rule of the head, in order; it is taken out before the check.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
HEAD = '''"""A case."""
import binascii
import kit
import math
import struct

INPUT = {"payload": "bytes", "n": "int", "x": "float", "on": "bool"}
OUTPUT = {
    "v": {"type": "i64", "optional": True}, "u": {"type": "u8", "optional": True},
    "w": {"type": "f64", "optional": True}, "flag": {"type": "bool", "optional": True},
    "raw": {"type": "bytes", "max": 16, "optional": True}, "label": {"type": "text", "optional": True},
    "mode": {"type": "enum", "names": ("off", "on", "auto"), "optional": True},
}
STATE = {"count": 0, "mean": 0.0, "seen": False}
PARAMS = {"offset": 3, "scale": 1.5}
MAX_ROWS = 4
TABLE = (1, 2, 3)
CURVE = (0.5, 1.5, 2.5)
EXAMPLES = ()


def helper(a: int) -> int:
    return a & 255


def transform(payload: bytes, n: int, x: float, on: bool, s: dict) -> dict:
    out = {}
'''


@dataclass(frozen=True)
class Case:
    """One case; `expected` are (rule, line, column)."""

    title: str
    source: str
    expected: tuple[tuple[str, int, int], ...]

    def __str__(self) -> str:
        return self.title


def cases(folder: str) -> list[Case]:
    """Every case below a folder of this one."""
    out = []
    for path in sorted((HERE / folder).glob("*.txt")):
        for block in path.read_text("utf-8").split("\n--- ")[1:]:
            head, _, text = block.partition("\n")
            what, _, title = head.partition(": ")
            *rules, kind = what.split()
            out.append(_case(f"{path.stem}: {title}", tuple(rules), kind, text))
    return out


def _case(title: str, rules: tuple[str, ...], kind: str, text: str) -> Case:
    if kind != "file":
        lines = text.strip("\n").split("\n")
        body = "\n".join("    " + line if line else "" for line in lines)
        text = HEAD + body + ("\n" if kind == "yields" else "\n    return out\n")
    places = []
    for number, line in enumerate(text.split("\n"), 1):
        at = line.find("¦")
        seen = 0
        while at >= 0:
            places.append((number, len(line[:at].encode()) + 1 - 2 * seen))
            seen += 1
            at = line.find("¦", at + 1)
    expected = tuple((rule, *place) for rule, place in zip(rules, places, strict=True))
    return Case(title, text.replace("¦", ""), expected)
