"""`alloy-edge build` for real: what comes out of cargo, rustc and maturin, and what is said where it does not."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.builds import EVERY, MAP, SMALL, build, run
from tests.transforms.emit import elf

from alloy_agent.build import toolchain
from alloy_agent.errors import ToolchainError
from alloy_native.module import lint
from alloy_ota.modules import FOLDER, Modules

pytestmark = pytest.mark.slow

ARCH = os.uname().machine
OTHER = {"x86_64": "aarch64", "aarch64": "x86_64"}[ARCH]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("build")
    for name, text in (("every", EVERY), ("volts", MAP)):
        (path / f"{name}.py").write_text(text)
    return path


@pytest.fixture(scope="module")
def built(folder: Path) -> dict[str, dict[str, Any]]:
    """Name -> what was built."""
    return {module["name"]: module for module in build("every.py", "volts.py", cwd=folder)}


def checked_module(folder: Path, facts: dict[str, Any], machine: str) -> None:
    """What every built wheel must be."""
    body = (folder / facts["path"]).read_bytes()
    assert hashlib.sha256(body).hexdigest() == facts["wheel"]["sha256"]
    assert len(body) == facts["wheel"]["bytes"]
    with zipfile.ZipFile(folder / facts["path"]) as archive:
        module = archive.read(facts["module"]["path"])
        names = archive.namelist()
        sbom = json.loads(archive.read(next(n for n in names if n.endswith(".cdx.json"))))
    assert hashlib.sha256(module).hexdigest() == facts["module"]["sha256"]
    assert lint(module, machine)["kind"] == facts["kind"]
    (folder / "module.so").write_bytes(module)
    found = elf.read(folder / "module.so")
    entry = "alloy_map_v1" if facts["kind"] == "map" else "alloy_run_v1"
    assert found.machine == {"x86_64": 62, "aarch64": 183}[machine]
    assert set(found.defined) == {"ALLOY_SCHEMA", entry, f"PyInit_{facts['name']}"}
    assert all(symbol.startswith("Py") for symbol in found.undefined)
    unwanted = {
        elf.DT_NEEDED,
        elf.DT_INIT,
        elf.DT_FINI,
        elf.DT_INIT_ARRAY,
        elf.DT_FINI_ARRAY,
        elf.DT_TEXTREL,
    }
    assert unwanted & set(found.dynamic) == set()
    assert not any(flags & 3 == 3 for kind, flags in found.segments if kind == elf.PT_LOAD)
    assert (elf.PT_GNU_STACK, 6) in found.segments
    allowed = {"x86_64": {1, 6, 7, 8}, "aarch64": {257, 1025, 1026, 1027}}[machine]
    assert set(found.relocations) <= allowed
    at = module.index(b'{"abi":1,')
    schema = json.loads(module[at : at + found.defined["ALLOY_SCHEMA"]])
    for key in ("digest", "ir", "source", "kind", "emitter", "name"):
        assert schema[key] == facts[key]
    assert facts["wheel"]["name"].endswith(
        f"-cp311-abi3-manylinux2014_{machine}.manylinux_2_17_{machine}.whl"
    )
    assert "serialNumber" not in sbom
    assert "timestamp" not in sbom["metadata"]
    assert [c["name"] for c in sbom["components"]][:2] == [f"{facts['name']}.py", "core"]
    assert str(folder).encode() not in module
    assert b"/alloy-build-" not in module
    assert len(names) == 6


def test_file_is_what_the_interface_demands_when_it_is_built(
    folder: Path, built: dict[str, dict[str, Any]]
) -> None:
    for facts in built.values():
        checked_module(folder, facts, ARCH)


def test_module_is_recorded_for_the_daemon_when_it_is_built(
    folder: Path, built: dict[str, dict[str, Any]]
) -> None:
    modules = Modules(folder / "state" / FOLDER)
    records = {record.name: record for record in modules.built.all() if record.arch == ARCH}

    for name, facts in built.items():
        assert facts["store"] == str(Path("state") / FOLDER)
        assert records[name].module == facts["module"]["sha256"]
        assert records[name].transform == facts["digest"]
        assert len(modules.objects.get(records[name].module)) == facts["module"]["bytes"]


def has_other() -> bool:
    try:
        toolchain.find(OTHER)
    except ToolchainError:
        return False
    return True


@pytest.mark.skipif(
    not has_other() and "CI" not in os.environ, reason=f"no toolchain for {OTHER} on this host"
)
def test_module_of_the_other_machine_is_built_when_its_toolchain_is_there(folder: Path) -> None:
    (facts,) = build("every.py", "--target", OTHER, "--out", "other", cwd=folder)

    checked_module(folder, facts, OTHER)
    assert facts["target"] == f"{OTHER}-unknown-linux-gnu"
    assert facts["toolchain"]["kind"] in ("installed target", "Debian package")


def test_bytes_are_the_same_when_it_is_built_in_another_folder(tmp_path: Path) -> None:
    sums = []
    for name in ("one", "two/deeper"):
        place = tmp_path / name
        (place / "tmp").mkdir(parents=True)
        (place / "small.py").write_text(SMALL)
        (facts,) = build("small.py", "--no-cache", cwd=place, env={"TMPDIR": str(place / "tmp")})
        assert not facts["cached"]
        sums.append((facts["wheel"], facts["module"]))

    assert sums[0] == sums[1]
    assert list((tmp_path / "one" / "tmp").iterdir()) == []


def test_wheel_comes_from_the_cache_when_nothing_changed(
    folder: Path, built: dict[str, dict[str, Any]]
) -> None:
    (again,) = build("volts.py", "--out", "again", cwd=folder)
    (other,) = build("volts.py", "--out", "again", "--param", "gain=2", cwd=folder)

    assert again["cached"]
    assert again["wheel"] == built["volts"]["wheel"]
    assert not other["cached"]
    assert other["digest"] != again["digest"]
    assert len(list((folder / "again").iterdir())) == 2


def test_last_words_of_the_compiler_are_shown_when_it_fails(tmp_path: Path) -> None:
    """A compiler that answers questions and cannot compile, as with a full disk."""
    real = shutil.which("rustc")
    assert real is not None
    fake = tmp_path / "bin" / "rustc"
    fake.parent.mkdir()
    script = f'case "$*" in *--emit=*) echo "error: no space left on device" >&2; exit 1;; esac\nexec {real} "$@"\n'
    fake.write_text(f"#!/bin/sh\n{script}")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "small.py").write_text(SMALL)

    done = run("small.py", cwd=tmp_path, env={"PATH": f"{fake.parent}{os.pathsep}{os.environ['PATH']}"})

    assert done.returncode == 1
    assert "small: the compiler failed" in done.stderr
    assert "[build.rustc]" in done.stderr
    assert "  | error: no space left on device" in done.stderr
    assert not (tmp_path / "dist").exists()


def test_fetch_is_told_when_cargo_cannot_have_its_package(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(SMALL)
    env = {"CARGO_HOME": str(tmp_path / "empty"), "CARGO_NET_OFFLINE": "true"}
    env["RUSTUP_HOME"] = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))

    done = run("small.py", "--json", cwd=tmp_path, env=env)

    (module,) = json.loads(done.stdout)["modules"]
    assert done.returncode == 1
    assert module["error"]["code"] == "toolchain.fetch"
    assert "pyo3-ffi" in module["error"]["output"]
