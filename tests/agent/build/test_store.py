"""A built module in the daemon's state folder: the object, and the record that says it was built here."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.agent.build.test_crate import made as program

from alloy_agent.build import store
from alloy_agent.build.make import Made
from alloy_agent.build.toolchain import Toolchain
from alloy_agent.build.wheel import Wheel
from alloy_ota.modules import FOLDER, Modules

TOOLS = Toolchain("x86_64", "r", "rustc 1", "0", "/core", "installed target", "l", "ld 1", "c", ("m",), "m 1")


def made(module: bytes = b"module") -> Made:
    return Made(program(), Wheel("p.whl", b"wheel", "p/m.so", module), TOOLS, False, 1.0)


def test_module_is_trusted_here_when_it_was_recorded(tmp_path: Path) -> None:
    folder = store.record(made(), tmp_path)
    store.record(made(), tmp_path)

    modules = Modules(folder)
    (record,) = modules.built.all()
    assert folder == tmp_path / FOLDER
    assert modules.objects.get(record.module) == b"module"
    assert (record.arch, record.abi, record.size, record.tool) == ("x86_64", 1, 6, "rustc 1")
    assert (record.transform, record.ir) == (program().digest, program().facts["ir"])


def test_folder_is_that_of_the_configuration_when_it_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "agent.yaml").write_text(f"state_dir: {tmp_path}/state\n")

    assert store.configured(tmp_path) is None
    (tmp_path / "state").mkdir()
    assert store.configured(tmp_path) == tmp_path / "state"


@pytest.mark.parametrize("text", ["", "state_dir: [\n"])
def test_folder_is_the_default_when_the_configuration_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(store.os, "access", lambda path, mode: asked.append(path))
    (tmp_path / "agent.yaml").write_text(text)

    assert store.configured(tmp_path) is None
    assert store.configured(tmp_path / "none") is None
    assert asked == [Path("/var/lib/alloy-edge")] * 2
