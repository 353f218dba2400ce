"""The hostile corpus: one file a script, its first lines say what it attacks and how the attack must end.

# attack: what it tries
# expect: the code, `answer` for rows without an effect; `a | b`: either; `a > b`: one for each batch
# says: a part of the message (optional); `a|b`: either
# batches: how many are run, 1 without this line
# arch: the only architecture whose numbers it uses (optional)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "hostile"


@dataclass(frozen=True)
class Script:
    """One attack; `expect` holds the codes allowed for each batch."""

    name: str
    source: bytes
    attack: str
    expect: tuple[frozenset[str], ...]
    says: tuple[str, ...]
    batches: int
    arch: str

    @property
    def codes(self) -> frozenset[str]:
        """Every code that may come."""
        return frozenset().union(*self.expect)


def read(path: Path) -> Script:
    """One file of the corpus."""
    source = path.read_bytes()
    head: dict[str, str] = {}
    for line in source.splitlines():
        key, colon, value = line.decode("utf-8", "replace").removeprefix("# ").partition(": ")
        if (
            not line.startswith(b"# ")
            or not colon
            or key not in ("attack", "expect", "says", "batches", "arch")
        ):
            break
        head[key] = value.strip()
    expect = tuple(frozenset(map(str.strip, part.split("|"))) for part in head["expect"].split(">"))
    return Script(
        str(path.relative_to(CORPUS).with_suffix("")),
        source,
        head["attack"],
        expect,
        tuple(filter(None, head.get("says", "").split("|"))),
        int(head.get("batches", "1")),
        head.get("arch", ""),
    )


def corpus() -> list[Script]:
    """Every script, in the order of their names."""
    return [read(path) for path in sorted(CORPUS.rglob("*.py"))]
