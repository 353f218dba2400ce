"""Compiles a crate to a wheel with maturin, and says what came out."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from alloy_agent.build.crate import COMPATIBILITY, Files
from alloy_agent.build.process import Ended, run
from alloy_agent.build.toolchain import Toolchain, environment
from alloy_agent.errors import BuildError, ToolchainError

FETCH_S = 120.0  # cargo asks the registry, once per host
COMPILE_S = 600.0
SHOWN_LINES = 20  # of the compiler's output
EPOCH = "315532800"  # 1980-01-01, the first instant a zip file can hold [s]
MAX_MODULE_BYTES = 1 << 20  # docs/native-abi.md


@dataclass(frozen=True, slots=True)
class Wheel:
    """What was built.

    Attributes:
        name: file name of the wheel.
        body: its bytes.
        path: of the module inside.
        module: the module's bytes.
    """

    name: str
    body: bytes
    path: str
    module: bytes

    @property
    def sha256(self) -> str:
        """Of the wheel, hexadecimal."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def module_sha256(self) -> str:
        """Of the module, hexadecimal."""
        return hashlib.sha256(self.module).hexdigest()

    @classmethod
    def of(cls, name: str, body: bytes) -> Wheel:
        """Find the module in a wheel.

        Raises:
            ValueError: there is not exactly one, or it is too large.
        """
        with zipfile.ZipFile(BytesIO(body)) as archive:
            paths = [i for i in archive.infolist() if i.filename.endswith(".so")]
            if len(paths) != 1 or paths[0].file_size > MAX_MODULE_BYTES:
                raise ValueError("a wheel without exactly one module of at most 1 MiB")
            return cls(name, body, paths[0].filename, archive.read(paths[0]))


def build(crate: Files, tools: Toolchain, label: str, progress: Callable[[str], None]) -> Wheel:
    """Compile and pack.

    Args:
        crate: its files.
        tools: what compiles it.
        label: names the transform in messages.
        progress: told what begins.

    Raises:
        ToolchainError: `toolchain.fetch`, cargo cannot have pyo3-ffi.
        BuildError: `build.rustc`, the compiler or maturin failed; with the end of what it said.
    """
    with tempfile.TemporaryDirectory(prefix="alloy-build-") as folder:
        root = Path(folder) / "crate"
        for name, body in crate.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        env = _environment(tools, Path(folder))
        _fetch(root, tools, env)
        progress("compiling")
        out = Path(folder) / "out"
        command = [*tools.maturin, "build", "--release", "--frozen", "--target", tools.target]
        command += ["--compatibility", COMPATIBILITY, "--out", str(out)]
        ended = run(command, cwd=root, env=env, timeout_s=COMPILE_S)
        if ended.status != 0:
            raise _failed(ended, label, tools)
        progress("packing")
        (path,) = out.glob("*.whl")
        try:
            return Wheel.of(path.name, path.read_bytes())
        except ValueError as error:
            raise BuildError("build.rustc", str(error), where=label, got=tools.release) from error


def _environment(tools: Toolchain, folder: Path) -> dict[str, str]:
    """Flags that do not depend on where or when it is built."""
    flags = [
        "-Clink-arg=-nostartfiles",
        "-Clink-arg=-nostdlib",
        "-Clink-arg=-Wl,--build-id=none,-Bsymbolic,-z,separate-code",
        f"--remap-path-prefix={folder / 'crate'}=/module",
    ]
    return {
        **environment(),
        "RUSTC": tools.rustc,
        "RUSTC_WRAPPER": "",
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
        f"CARGO_TARGET_{tools.target.upper().replace('-', '_')}_LINKER": tools.linker,
        "CARGO_TARGET_DIR": str(folder / "target"),
        "CARGO_INCREMENTAL": "0",
        "SOURCE_DATE_EPOCH": EPOCH,
        "TMPDIR": str(folder),
        "PATH": os.environ.get("PATH", os.defpath),
    }


def _fetch(root: Path, tools: Toolchain, env: dict[str, str]) -> None:
    """Have cargo choose the versions: of what is on this host, else ask the registry once."""
    ended = Ended(None, "")
    for more in (["--offline"], []):
        ended = run([tools.cargo, "fetch", "--quiet", *more], cwd=root, env=env, timeout_s=FETCH_S)
        if ended.status == 0:
            return
    raise ToolchainError(
        "toolchain.fetch",
        "cargo cannot have `pyo3-ffi`, by which maturin knows a Python extension",
        hint="connect this host to the registry once, or configure a mirror of it for cargo",
        retryable=True,
        context={"output": ended.gist(SHOWN_LINES)},
    )


def _failed(ended: Ended, label: str, tools: Toolchain) -> BuildError:
    what = f"it is not compiled after {COMPILE_S:g} s" if ended.status is None else "the compiler failed"
    return BuildError(
        "build.rustc",
        what,
        where=label,
        got=f"{tools.release}, {tools.maturin_release}",
        hint="a portable file always compiles: please report this with the file",
        context={"output": ended.gist(SHOWN_LINES)},
    )
