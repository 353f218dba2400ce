"""What machine a measurement was made on; a figure without this means nothing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_PACKAGES = ("alloy-edge", "alloy-native", "trio", "mqtt5", "numpy", "paho-mqtt", "aiomqtt")
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


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # a peer that is not installed is not measured
    return found


def describe() -> dict[str, Any]:
    """Date, model, cores, flags, memory [MB], kernel, Python, load, versions of what is measured and its peers."""
    model, flags = _cpuinfo()
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%MZ}",
        "cpu": model,
        "cores": os.cpu_count() or 1,
        "flags": flags,
        "memory_mb": pages * size // 2**20,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 2),
        "versions": _versions(),
    }
