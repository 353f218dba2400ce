"""Runs a piece of Python in a sealed process of its own; the real kernel answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from alloy_native import jail

SCRIPT = """
import os, sys
profile, path, layers, preload = sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4]
source = compile(sys.argv[5], "<jailed>", "exec")
space = {"os": os}
exec(preload, space)
from alloy_native import jail
active = jail.seal(profile, memory_bytes=32 << 20, cpu_s=20, keep_fds=[1, *space.get("keep", ())],
                   path=path, layers=layers)
space["active"] = active
try:
    exec(source, space)
    answer = repr(space.get("result"))
except BaseException as error:
    answer = f"{type(error).__name__}: {error}"
os.write(1, answer.encode())
os._exit(0)
"""


@dataclass(frozen=True)
class Outcome:
    """`signal` 0 when it lived; `answer` is the repr of `result`, or `Error: text`."""

    signal: int
    answer: str
    exit_code: int = 0


def run_jailed(
    source: str,
    *,
    profile: str = "transform",
    path: str = "",
    layers: Sequence[str] = jail.LAYERS,
    without: str = "",
    preload: str = "",
) -> Outcome:
    """`preload` runs before the seal and may set `keep`, descriptors that stay open."""
    chosen = ",".join(name for name in layers if name != without)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, profile, path, chosen, preload, source],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Outcome(max(0, -done.returncode), done.stdout or done.stderr.strip()[-500:], done.returncode)
