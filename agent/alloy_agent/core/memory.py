"""Memory of a process tree: proportional set size (PSS), so that shared pages count once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alloy_agent.workers.process import pss_bytes

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """One process: `pss` [B], and what it calls itself."""

    pid: int
    name: str
    pss: int


def _children(pid: int) -> list[int]:
    """Children of every thread: a process belongs to the thread that forked it (proc(5), `children`)."""
    found: list[int] = []
    try:
        for task in (_PROC / str(pid) / "task").iterdir():
            found += map(int, (task / "children").read_text(encoding="ascii").split())
    except OSError:
        return found
    return found


def _name(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "?"


def tree(pid: int, max_processes: int = 256) -> Iterator[ProcessMemory]:
    """The process and all its descendants, parents first; one that ends meanwhile is left out.

    A zombie has no memory any more: its maps answer ESRCH while its entry in /proc is still there.
    """
    waiting = [pid]
    seen = 0
    while waiting and seen < max_processes:
        current = waiting.pop(0)
        seen += 1
        try:
            pss = pss_bytes(current)
        except (ProcessLookupError, FileNotFoundError):
            continue  # its children are found below whoever took them in, the next time
        yield ProcessMemory(current, _name(current), pss)
        waiting.extend(_children(current))
