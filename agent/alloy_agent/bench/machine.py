"""What machine a measurement was made on; a figure without this means nothing."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_INTERESTING = ("sse4_2", "pclmulqdq", "avx2", "avx512f", "avx512bw", "asimd", "crc32", "sve")


def _cpuinfo() -> tuple[str, list[str]]:
    model, flags = platform.machine(), set[str]()
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return model, []
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            model = value.strip()
        if key.strip() in ("flags", "Features"):
            flags |= set(value.split())
    return model, [flag for flag in _INTERESTING if flag in flags]


def describe() -> dict[str, str | int | float | list[str]]:
    """Model, cores, flags, memory [MB], kernel, Python, load."""
    model, flags = _cpuinfo()
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": model,
        "cores": os.cpu_count() or 1,
        "flags": flags,
        "memory_mb": pages * size // 2**20,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 2),
    }
