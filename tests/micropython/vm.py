"""The official MicroPython VM (its WebAssembly port, under node) as a process of a test.

`make vm` installs it under the virtual environment; without it tests skip, on CI they fail. See the README beside this.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PACKAGE = "@micropython/micropython-webassembly-pyscript"
VERSION: str = json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"][PACKAGE]
INSTALLED = Path(sys.prefix) / "vm" / "node_modules" / PACKAGE


def missing() -> str | None:
    """Why the VM cannot run here, or None."""
    if shutil.which("node") is None:
        return "node is not installed; install nodejs and npm, then run `make vm`"
    manifest = INSTALLED / "package.json"
    found = json.loads(manifest.read_text("utf-8"))["version"] if manifest.exists() else "none"
    if found != VERSION:
        return f"the MicroPython VM {VERSION} is not installed (found: {found}); run `make vm`"
    return None


def require_vm() -> None:
    """Skip the test without a VM; on CI that is a failure."""
    reason = missing()
    if reason is None:
        return
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True)
class Result:
    """What a script left: its output, its traceback, its exit status (0, or 1 after an exception)."""

    status: int
    output: str
    error: str

    def lines(self) -> list[str]:
        """The lines it printed.

        Raises:
            AssertionError: the script ended with an exception.
        """
        assert self.status == 0, self.error
        return self.output.splitlines()


@dataclass(frozen=True)
class VM:
    """One script and the files it finds in its current folder, from which it also imports.

    Attributes:
        files: path to content; `kit.py` is what `import kit` finds.
        script: run as `__main__`.
        descriptors: open descriptors the script gets as `import descriptors` (see README): sockets, ptys. They are made
            non-blocking; the caller keeps and closes its own.
        heap_bytes: of the VM at its start; it grows by itself.
    """

    files: Mapping[str, bytes]
    script: str
    descriptors: Sequence[int] = ()
    heap_bytes: int = 4 << 20

    def start(self) -> subprocess.Popen[bytes]:
        """Start it with pipes for output and errors, for a script that talks to its test. The caller ends it."""
        for number in self.descriptors:
            os.set_blocking(number, False)
        process = subprocess.Popen(
            ["node", str(HERE / "run.mjs"), str(INSTALLED / "micropython.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=tuple(self.descriptors),
        )
        assert process.stdin is not None
        process.stdin.write(self._job())
        process.stdin.close()
        process.stdin = None  # communicate() must not flush it again
        return process

    def run(self, timeout_s: float = 60.0) -> Result:
        """Run it to its end.

        Raises:
            subprocess.TimeoutExpired: it ran longer than `timeout_s`; it is killed then.
        """
        with self.start() as process:
            try:
                output, error = process.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Result(process.returncode, output.decode(), error.decode())

    def _job(self) -> bytes:
        files = {path: base64.b64encode(content).decode() for path, content in self.files.items()}
        job = {
            "files": files,
            "script": self.script,
            "heap_bytes": self.heap_bytes,
            "descriptors": list(self.descriptors),
        }
        return json.dumps(job).encode()
