"""`alloy-edge build` for tests: sources that are built, the command as a user types it, and what came out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EVERY = '''"""Every type of input and output, several rows, a first state that is not zero."""
INPUT = {"payload": "bytes", "n": "int", "x": "float", "on": "bool"}
PARAMS = {"offset": 3}
OUTPUT = {
    "flag": {"type": "bool"}, "a": {"type": "i8"}, "b": {"type": "i16"}, "c": {"type": "i32"}, "d": {"type": "i64"},
    "e": {"type": "u8"}, "g": {"type": "u16"}, "h": {"type": "u32", "optional": True}, "y": {"type": "f64"},
    "mode": {"type": "enum", "names": ("off", "on", "fault")},
    "raw": {"type": "bytes", "max": 40, "optional": True}, "word": {"type": "text", "max": 8},
    "time": {"type": "time_ns"},
}
STATE = {"count": 7, "mean": 0.5, "seen": True}
MAX_ROWS = 10


def transform(payload: bytes, n: int, x: float, on: bool, s: dict) -> dict:
    for i in range(payload[0] % 12):
        out = {}
        out["flag"] = on
        out["a"] = -payload[1] // 2
        out["b"] = i - 300
        out["c"] = n % 2000000000
        out["d"] = n
        out["e"] = payload[1]
        out["g"] = 65535 - i
        if i % 2 == 1:
            out["h"] = 4294967295 - PARAMS["offset"]
        out["y"] = x / (payload[1] - 9)
        out["mode"] = i % 3
        if i < 4:
            out["raw"] = payload[2:i + 2]
        out["word"] = payload[2:6]
        out["time"] = 1700000000000000000 + i
        s["count"] = s["count"] + 1
        s["mean"] = (s["mean"] + x) * 0.5
        s["seen"] = not s["seen"]
        yield out
'''
MAP = '''"""Counts to volts."""
PARAMS = {"gain": 0.5}


def f(x: float, zero: float) -> float:
    if x < 0.0:
        raise ValueError("negative")
    return (x - zero) * PARAMS["gain"]
'''
SMALL = '''"""One byte."""
OUTPUT = {"v": {"type": "u8"}}


def transform(payload: bytes) -> dict:
    return {"v": payload[0]}
'''


def run(
    *args: str | Path, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`alloy-edge build` as a user types it."""
    command = [sys.executable, "-m", "alloy_agent", "build", "--store", "state", *map(str, args)]
    variables = {**os.environ, "XDG_CACHE_HOME": str(cwd / "cache"), **(env or {})}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=variables, timeout=400, check=False
    )


def build(*args: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The modules of a build that must succeed."""
    done = run(*args, "--json", cwd=cwd, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert document["ok"]
    modules: list[dict[str, Any]] = document["modules"]
    return modules
