"""Finds what compiles and links a module on this host: rustc with a `core` for the target, a linker, cargo, maturin.

Two kinds of Rust are looked at, in this order: the `rustc` of the search path (for another architecture: where its
target was added), and Debian's `rustc-web`, whose `core` of another architecture is a package of that architecture.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alloy_agent.build.process import ask
from alloy_agent.errors import ToolchainError

TARGETS: Mapping[str, str] = {
    "x86_64": "x86_64-unknown-linux-gnu",
    "aarch64": "aarch64-unknown-linux-gnu",
}
"""Machine -> Rust's name of the target."""
DEBIAN_RUSTC = "/usr/bin/rustc"
_DEBIAN: Mapping[str, str] = {"x86_64": "amd64", "aarch64": "arm64"}
_DROPPED = (
    "CARGO_BUILD_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CARGO_UNSTABLE_",
    "MATURIN_",
    "PYO3_",
    "RUSTC",
    "RUSTFLAGS",
)


@dataclass(frozen=True, slots=True)
class Toolchain:
    """What builds a module.

    Attributes:
        machine: `x86_64` or `aarch64`, of the module.
        rustc: path of the compiler.
        release: what it says of itself: version and commit.
        where: folder of `core` for the target.
        kind: `installed target` or `Debian package`.
        linker: path of the linker driver.
        linker_release: first line of its `--version`.
        maturin: the command.
        maturin_release: its version.
    """

    machine: str
    rustc: str
    release: str
    commit: str
    where: str
    kind: str
    linker: str
    linker_release: str
    cargo: str
    maturin: tuple[str, ...]
    maturin_release: str

    @property
    def target(self) -> str:
        """Rust's name of the target."""
        return TARGETS[self.machine]

    @property
    def facts(self) -> dict[str, str]:
        """For people and `--json`; what of it has an influence on the bytes is `fingerprint`."""
        return {
            "rustc": self.release,
            "core": self.where,
            "kind": self.kind,
            "linker": self.linker_release,
            "maturin": self.maturin_release,
        }

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """Two builds with an equal one and the same crate give the same bytes."""
        return (self.target, self.release, self.kind, self.linker_release, self.maturin_release)


def machine() -> str:
    """This host's, as `--target` names it."""
    return os.uname().machine


def environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a build: without what would change the flags of the compiler behind our back."""
    given = os.environ if environ is None else environ
    kept = {k: v for k, v in given.items() if not k.startswith(_DROPPED) and k != "CARGO_ENCODED_RUSTFLAGS"}
    return {**kept, "CARGO_TERM_COLOR": "never", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "TERM": "dumb"}


def find(target: str) -> Toolchain:
    """The toolchain for one machine.

    Args:
        target: a key of `TARGETS`.

    Raises:
        ToolchainError: `toolchain.cargo`, `toolchain.maturin`, `toolchain.rustc`, `toolchain.linker`.
    """
    env = environment()
    cargo = shutil.which("cargo")
    if cargo is None:
        raise ToolchainError(
            "toolchain.cargo",
            "cargo is not installed",
            hint="`alloy-edge build` belongs on a build host: install Rust there (rustup, or Debian's cargo-web)",
        )
    maturin, maturin_release = _maturin(env)
    rustc, release, commit, where, kind = _rustc(target, env)
    linker = _linker(target)
    words = ask([linker, "--version"], env).splitlines()
    return Toolchain(
        machine=target,
        rustc=rustc,
        release=release,
        commit=commit,
        where=where,
        kind=kind,
        linker=linker,
        linker_release=words[0].strip() if words else Path(linker).name,
        cargo=cargo,
        maturin=maturin,
        maturin_release=maturin_release,
    )


def _maturin(env: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    command: tuple[str, ...] = ()
    if importlib.util.find_spec("maturin") is not None:
        command = (sys.executable, "-m", "maturin")
    elif (path := shutil.which("maturin")) is not None:
        command = (path,)
    release = ask([*command, "--version"], env).strip() if command else ""
    if not release:
        raise ToolchainError(
            "toolchain.maturin", "maturin is not installed", hint="pip install 'alloy-edge[build]'"
        )
    return command, release


def _rustc(target: str, env: Mapping[str, str]) -> tuple[str, str, str, str, str]:
    """Path, release, commit, folder of `core` and kind of the first compiler that has the target."""
    seen: list[str] = []
    candidates = [path for path in (shutil.which("rustc"), DEBIAN_RUSTC) if path and Path(path).exists()]
    for path in dict.fromkeys(candidates):
        facts = dict(line.split(": ", 1) for line in ask([path, "-vV"], env).splitlines() if ": " in line)
        if "release" not in facts:
            continue
        commit = facts.get("commit-hash", "unknown")
        release = f"rustc {facts['release']} ({commit[:9]})"
        where = ask([path, "--print", "target-libdir", "--target", TARGETS[target]], env).strip()
        if where and any(Path(where).glob("libcore-*.rlib")):
            debian = Path(where) == Path("/usr/lib/rustlib") / TARGETS[target] / "lib"
            return path, release, commit, where, "Debian package" if debian else "installed target"
        seen.append(f"{path} {facts['release']}")
    raise ToolchainError(
        "toolchain.rustc",
        f"no Rust compiler of this host can compile for {TARGETS[target]}",
        got=", ".join(seen) or "no rustc",
        hint=f"`rustup target add {TARGETS[target]}`; or on Debian `dpkg --add-architecture {_DEBIAN[target]}` and"
        f" install rustc-web, libstd-rust-web-dev:{_DEBIAN[target]} and gcc-{target.replace('_', '-')}-linux-gnu",
    )


def _linker(target: str) -> str:
    names = ("cc", "gcc", "clang") if target == machine() else (f"{target}-linux-gnu-gcc",)
    for name in names:
        if path := shutil.which(name):
            return path
    raise ToolchainError(
        "toolchain.linker",
        f"there is no linker for {target}",
        expected=" or ".join(names),
        hint=f"on Debian: install gcc-{target.replace('_', '-')}-linux-gnu, or gcc for this machine's own",
    )
