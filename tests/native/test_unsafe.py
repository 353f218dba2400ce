"""`unsafe` stands in exactly three places, and each block says why it is sound."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import REPOSITORY

PLACES = {
    "native/jail/src": "the system calls of the sandbox",
    "native/kernels/src/dispatch.rs": "instruction sets of the processor",
    "native/bindings/src/module": "the loader of native modules",
}
_UNSAFE = re.compile(r"\bunsafe\s*(?:\{|fn\b|impl\b|extern\b)")
_TYPE = re.compile(r"=\s*unsafe extern")  # the type of a function pointer calls nothing


def sources() -> list[Path]:
    return sorted(path for path in (REPOSITORY / "native").rglob("*.rs") if "target" not in path.parts)


def test_unsafe_stands_in_three_places_only_when_the_sources_are_searched() -> None:
    found = {
        str(path.relative_to(REPOSITORY))
        for path in sources()
        if _UNSAFE.search(path.read_text(encoding="utf-8"))
    }

    outside = {name for name in found if not name.startswith(tuple(PLACES))}
    assert {name for name in outside if "/tests/" not in name} == set()
    assert {place for place in PLACES if any(name.startswith(place) for name in found)} == set(PLACES)


def test_every_unsafe_block_says_why_it_is_sound_when_the_sources_are_read() -> None:
    silent = []
    for path in sources():
        lines = path.read_text(encoding="utf-8").splitlines()
        for k, line in enumerate(lines):
            if not _UNSAFE.search(line) or _TYPE.search(line):
                continue
            before = "\n".join(lines[max(0, k - 8) : k + 1])
            if "SAFETY:" not in before and "# Safety" not in before:
                silent.append(f"{path.name}:{k + 1}")
    assert silent == []
