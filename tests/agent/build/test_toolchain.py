"""What a build host has: each missing part has its own code and says what to install."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from alloy_agent.build import toolchain
from alloy_agent.errors import ToolchainError

ARCH = toolchain.machine()
OTHER = {"x86_64": "aarch64", "aarch64": "x86_64"}[ARCH]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A search path with nothing but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(toolchain, "DEBIAN_RUSTC", str(tmp_path / "usr-bin-rustc"))
    return folder


def put(folder: Path, name: str, script: str = "exit 0") -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def rustc(folder: Path, core: Path | None, name: str = "rustc", release: str = "1.99.0") -> None:
    """A compiler that answers the questions; with `core`, one that has the target."""
    where = core or folder / "nowhere"
    if core is not None:
        core.mkdir(parents=True)
        (core / "libcore-0123.rlib").touch()
    put(
        folder,
        name,
        f'case "$1" in -vV) echo "rustc"; echo "commit-hash: 0123456789abcdef"; echo "release: {release}";;'
        f" --print) echo {where};; esac",
    )


def refused(target: str = ARCH) -> ToolchainError:
    with pytest.raises(ToolchainError) as caught:
        toolchain.find(target)
    return caught.value


def test_cargo_is_asked_for_when_there_is_none(programs: Path) -> None:
    error = refused()

    assert error.code == "toolchain.cargo"
    assert "build host" in error.hint


def test_maturin_is_asked_for_when_there_is_none(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(programs, "cargo")
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", lambda name: None)

    error = refused()

    assert error.code == "toolchain.maturin"
    assert "alloy-edge[build]" in error.hint


def test_maturin_of_the_search_path_is_used_when_it_is_no_package(
    programs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(programs, "cargo")
    put(programs, "cc", "echo linker 1")
    put(programs, "maturin", "echo maturin 9.9")
    rustc(programs, tmp_path / "core")
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", lambda name: None)

    tools = toolchain.find(ARCH)

    assert tools.maturin == (str(programs / "maturin"),)
    assert tools.maturin_release == "maturin 9.9"
    assert tools.linker_release == "linker 1"


def test_targets_are_offered_when_no_compiler_has_the_target(programs: Path) -> None:
    put(programs, "cargo")
    rustc(programs, None)

    error = refused(OTHER)

    assert error.code == "toolchain.rustc"
    assert "1.99.0" in error.got
    assert f"rustup target add {OTHER}-unknown-linux-gnu" in error.hint
    assert f"libstd-rust-web-dev:{ {'aarch64': 'arm64', 'x86_64': 'amd64'}[OTHER] }" in error.hint


def test_no_compiler_is_told_when_there_is_none_or_it_fails(programs: Path) -> None:
    put(programs, "cargo")
    put(programs, "rustc", "exit 1")

    assert refused().got == "no rustc"


def test_linker_is_asked_for_when_there_is_none(programs: Path, tmp_path: Path) -> None:
    put(programs, "cargo")
    rustc(programs, tmp_path / "core")
    put(programs, "cc")

    error = refused(OTHER)

    assert error.code == "toolchain.linker"
    assert error.expected == f"{OTHER}-linux-gnu-gcc"


def test_second_compiler_is_taken_when_the_first_has_not_the_target(programs: Path, tmp_path: Path) -> None:
    put(programs, "cargo")
    put(programs, f"{OTHER}-linux-gnu-gcc", "echo cross gcc 12")
    rustc(programs, None)
    rustc(tmp_path, tmp_path / "core", name="usr-bin-rustc", release="1.98.0")

    tools = toolchain.find(OTHER)

    assert tools.rustc == str(tmp_path / "usr-bin-rustc")
    assert tools.release == "rustc 1.98.0 (012345678)"
    assert tools.facts["kind"] == "installed target"
    assert (OTHER in tools.fingerprint[0], "1.98.0" in tools.fingerprint[1]) == (True, True)


def test_flags_of_the_user_are_left_out_when_a_build_begins() -> None:
    given = {
        "PATH": "/bin",
        "RUSTFLAGS": "-g",
        "CARGO_ENCODED_RUSTFLAGS": "-g",
        "RUSTC_WRAPPER": "cache",
        "CARGO_BUILD_TARGET": "x",
        "CARGO_PROFILE_RELEASE_LTO": "fat",
        "MATURIN_PEP517_ARGS": "--strip",
        "CARGO_HOME": "/c",
        "RUSTUP_TOOLCHAIN": "stable",
    }

    kept = toolchain.environment(given)

    assert {k: v for k, v in kept.items() if k in given} == {
        "PATH": "/bin",
        "CARGO_HOME": "/c",
        "RUSTUP_TOOLCHAIN": "stable",
    }


@pytest.mark.slow
def test_this_host_has_a_toolchain_when_it_runs_these_tests() -> None:
    tools = toolchain.find(ARCH)

    assert Path(tools.rustc).exists()
    assert tools.release.startswith("rustc 1.")


@pytest.mark.slow
@pytest.mark.skipif("CI" not in os.environ, reason="CI installs it; a developer's machine may have none")
def test_ci_has_the_toolchain_of_the_other_machine() -> None:
    assert toolchain.find(OTHER).machine == OTHER
    assert shutil.which(f"{OTHER}-linux-gnu-gcc")
