"""A module from a file or a wheel: bounded, and refused with a reason."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from alloy_agent.cli.modulefile import MAX_FILE_BYTES, MAX_MEMBERS, into_store, shared_object
from alloy_agent.errors import AgentError, ModuleRefusedError
from alloy_agent.native import module
from alloy_ota.local import Built
from alloy_ota.modules import Modules

ELF = b"\x7fELF" + bytes(100)
DIGEST = hashlib.sha256(ELF).hexdigest()


def wheel(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name.replace("_so", ".so"), data)
    return out.getvalue()


def test_the_shared_object_is_found_when_it_is_the_file_or_lies_in_a_wheel(tmp_path: Path) -> None:
    path = tmp_path / "m"
    for data in (ELF, wheel(RECORD=b"x", ers_so=ELF)):
        path.write_bytes(data)
        assert shared_object(path) == ELF


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"", "b''"),
        (b"#!/bin/sh", "#!/b"),
        (wheel(RECORD=b"x"), "0 shared objects"),
        (wheel(a_so=ELF, b_so=ELF), "2 shared objects"),
        (wheel(**{f"m{i}": b"" for i in range(MAX_MEMBERS + 1)}), "65 members"),
        (wheel(a_so=bytes(module.FILE_BYTES_MAX + 1)), "a larger shared object"),
        (wheel(a_so=ELF)[:-30], "damaged archive"),
        (wheel(a_so=ELF).replace(b"a.so", b"\xff.so", 1), "damaged archive"),
        (b"\x7fELF" + bytes(MAX_FILE_BYTES), "a larger file"),
    ],
)
def test_a_file_is_refused_when_it_holds_no_module(tmp_path: Path, data: bytes, got: str) -> None:
    path = tmp_path / "m"
    path.write_bytes(data)

    with pytest.raises(AgentError) as caught:
        shared_object(path)

    assert caught.value.code == "promotion.file"
    assert got in caught.value.got


def test_a_file_is_refused_when_it_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(AgentError) as caught:
        shared_object(tmp_path / "none")
    assert "No such file" in caught.value.got


def test_a_module_reaches_the_store_only_when_this_host_built_it(tmp_path: Path) -> None:
    path, folder = tmp_path / "m", tmp_path / "modules"
    path.write_bytes(ELF)

    with pytest.raises(ModuleRefusedError) as caught:
        into_store(path, str(folder), "local")
    assert caught.value.code == "load.signature"
    assert Modules(folder).objects.sizes() == {}

    Modules(folder).built.add(Built(DIGEST, "t", DIGEST, DIGEST, DIGEST, "x86_64", 1, len(ELF), 1))
    assert into_store(path, str(folder), "local") == DIGEST
    assert into_store(path, str(folder), "local") == DIGEST
    assert Modules(folder).objects.get(DIGEST) == ELF
