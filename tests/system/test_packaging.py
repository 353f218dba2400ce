"""Both distributions build from their sdists, hold exactly their packages, and work in an empty environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(900)]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run to the end; the output is shown when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def tool(name: str) -> Path:
    return Path(sys.executable).parent / name


def unpack(sdist: Path, folder: Path) -> Path:
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root


def top_level(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name.split("/")[0] for name in archive.namelist()}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """sdist -> wheel of both distributions, as a builder without the checkout would make them."""
    base = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", base / "s1", cwd=REPOSITORY)
    run(tool("maturin"), "sdist", "-o", base / "s2", cwd=REPOSITORY / "native")
    edge = unpack(next((base / "s1").glob("*.tar.gz")), base / "u1")
    native = unpack(next((base / "s2").glob("*.tar.gz")), base / "u2")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", base / "w", cwd=edge)
    target = os.environ.get("CARGO_TARGET_DIR", str(REPOSITORY / "target"))
    run(tool("maturin"), "build", "--release", "-o", base / "w", cwd=native, CARGO_TARGET_DIR=target)
    return {path.name.split("-")[0]: path for path in (base / "w").glob("*.whl")}


@pytest.fixture(scope="module")
def installed(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an empty environment into which only the two wheels were installed."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(folder, with_pip=False)
    constraints = REPOSITORY / "constraints.txt"
    python = folder / "bin" / "python"
    run(
        tool("uv"),
        "pip",
        "install",
        "-q",
        "--python",
        python,
        "-c",
        constraints,
        *wheels.values(),
        cwd=folder,
    )
    return folder / "bin"


def test_wheels_hold_exactly_their_packages(wheels: dict[str, Path]) -> None:
    assert top_level(wheels["alloy_edge"]) == {
        "alloy_agent",
        "alloy_devices",
        "alloy_ota",
        "alloy_transforms",
        "alloy_edge-0.1.0.dist-info",
    }
    assert top_level(wheels["alloy_native"]) == {"alloy_native", "alloy_native-0.1.0.dist-info"}


def test_native_wheel_is_stable_abi(wheels: dict[str, Path]) -> None:
    assert "-cp311-abi3-" in wheels["alloy_native"].name


def test_every_verb_has_help_when_installed_from_the_wheels(installed: Path, tmp_path: Path) -> None:
    verbs = (
        "run",
        "demo",
        "status",
        "check",
        "lint",
        "test",
        "try",
        "build",
        "promote",
        "demote",
        "decode",
        "doctor",
    )
    for verb in (*verbs, "broker", "bench"):
        assert "example:" in run(installed / "alloy-edge", verb, "--help", cwd=tmp_path)


def test_try_runs_a_shipped_transform_when_installed_from_the_wheels(installed: Path, tmp_path: Path) -> None:
    sample = "$GPVTG,054.7,T,034.4,M,005.5,N,010.2,K*48"

    out = run(installed / "alloy-edge", "try", "nmea", sample, "--json", cwd=tmp_path)

    assert json.loads(out)


def test_demo_delivers_every_source_when_installed_from_the_wheels(installed: Path, tmp_path: Path) -> None:
    out = run(installed / "alloy-edge", "demo", cwd=tmp_path)

    assert "every source delivered" in out
    assert "promotion left out: maturin is not installed" in out  # no build host, and it says so


def test_bench_prints_figures_when_installed_from_the_wheels(installed: Path, tmp_path: Path) -> None:
    out = run(installed / "alloy-edge", "bench", "--quick", "--json", cwd=tmp_path)

    document = json.loads(out)
    assert document["figures"]
    assert set(document["left_out"]) == {"tiers", "arrays"}  # they compile native modules


def test_a_node_is_put_into_a_folder_when_installed_from_the_wheels(installed: Path, tmp_path: Path) -> None:
    run(installed / "python", "-m", "alloy_devices.node", "roof", cwd=tmp_path)

    assert {"main.py", "node.json", "kit.py", "pms5003.py"} < {
        path.name for path in (tmp_path / "roof").iterdir()
    }


def test_sdist_of_the_daemon_is_an_allowlist(tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=REPOSITORY)

    root = unpack(next(tmp_path.glob("*.tar.gz")), tmp_path / "u")

    names = {path.name for path in root.iterdir()}
    assert names <= {
        "agent", "devices", "transforms", "ota", "README.md", "LICENSE-MIT", "LICENSE-APACHE",
        "pyproject.toml", "PKG-INFO", ".gitignore",
    }  # fmt: skip
    assert not list(root.rglob("*.so"))
    shutil.rmtree(root)
