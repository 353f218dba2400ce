"""Records of modules built on this host, and the folder as a whole."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.disk import MemoryDisk

from alloy_ota.errors import FileKindError, LimitError, MissingError, RecordError
from alloy_ota.local import MAX_RECORDS, Built, LocalModules, decode, encode
from alloy_ota.modules import Modules
from alloy_ota.state import Active
from alloy_ota.store import Limits

T = "ab" * 32


def built(data: bytes, at: int = 1, **facts: object) -> Built:
    digest = hashlib.sha256(data).hexdigest()
    return replace(Built(digest, "t", T, T, T, "x86_64", 1, len(data), at, "rustc 1.95"), **facts)  # type: ignore[arg-type]


def test_record_comes_back_when_a_module_was_built_here(tmp_path: Path) -> None:
    modules = Modules(tmp_path / "modules")

    digest = modules.admit(b"module", built(b"module"))
    modules.admit(b"other", built(b"other", 2))

    again = Modules(tmp_path / "modules")
    assert again.built.get(digest) == built(b"module")
    assert again.objects.get(digest) == b"module"
    assert [b.built_ns for b in again.built.all()] == [2, 1]
    again.sweep()
    again.built.remove(digest)
    again.built.remove(digest)
    with pytest.raises(MissingError):
        again.built.get(digest)


def test_no_module_was_built_here_when_nothing_says_so(tmp_path: Path) -> None:
    built_here = LocalModules(tmp_path / "none")

    assert built_here.all() == []
    for name in (T, "../x"):
        with pytest.raises(MissingError):
            built_here.get(name)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"{" * 9, encode(built(b"m")).replace(b'"abi": 1', b'"abi": -1'),
             encode(built(b"m")).replace(b"x86_64", b"x86 64")]
)  # fmt: skip
def test_record_is_refused_when_it_is_damaged(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(RecordError) as caught:
        decode(data)
    assert caught.value.code == "ota.record"
    (tmp_path / f"{T}.json").write_bytes(data)
    with pytest.raises(RecordError):
        LocalModules(tmp_path).get(T)
    assert LocalModules(tmp_path).all() == []


def test_record_is_refused_when_it_is_of_another_module(tmp_path: Path) -> None:
    (tmp_path / f"{T}.json").write_bytes(encode(built(b"m")))

    with pytest.raises(RecordError) as caught:
        LocalModules(tmp_path).get(T)

    assert caught.value.got == built(b"m").module


def test_record_is_refused_when_others_may_have_written_it(tmp_path: Path) -> None:
    here = LocalModules(tmp_path)
    here.add(built(b"m"))
    path = tmp_path / f"{built(b'm').module}.json"
    path.chmod(0o664)

    with pytest.raises(FileKindError) as caught:
        here.get(built(b"m").module)

    assert caught.value.code == "ota.file"
    disk = MemoryDisk()
    other = LocalModules("/built", disk=disk)
    other.add(built(b"m"))
    disk.folders["/built"].names[f"{built(b'm').module}.json"].uid = os.geteuid() + 1
    with pytest.raises(FileKindError):
        other.get(built(b"m").module)


def test_no_more_is_recorded_when_there_are_too_many() -> None:
    disk = MemoryDisk()
    here = LocalModules("/built", disk=disk)
    here.add(built(b"m"))
    folder = disk.folders["/built"]
    for i in range(MAX_RECORDS):
        folder.names[f"{i:064x}.json"] = folder.names[f"{built(b'm').module}.json"]

    with pytest.raises(LimitError):
        here.add(built(b"n"))
    here.add(built(b"m"))


def test_the_oldest_that_nothing_runs_goes_when_the_store_is_full() -> None:
    disk = MemoryDisk()
    modules = Modules("/modules", Limits(total_bytes=30, objects=3), disk=disk)
    digests = [modules.admit(bytes([i]) * 10, built(bytes([i]) * 10, i)) for i in range(3)]
    modules.record.update(lambda s: s.promoted(Active("p/t", T, digests[0], 1)))

    newest = modules.admit(b"x" * 10, built(b"x" * 10, 9))
    assert set(modules.objects.sizes()) == {digests[0], digests[2], newest}
    assert {b.module for b in modules.built.all()} == {digests[0], digests[2], newest}
    assert modules.admit(b"x" * 10, built(b"x" * 10, 10)) == newest  # it is there already: nothing goes
    assert len(modules.objects.sizes()) == 3
    with pytest.raises(LimitError):
        modules.admit(b"y" * 25, built(b"y" * 25, 11))
    assert modules.objects.get(digests[0])


def test_a_record_never_names_another_object() -> None:
    with pytest.raises(RuntimeError):
        Modules("/modules", disk=MemoryDisk()).admit(b"m", built(b"n"))
