"""The object store: what goes in comes out or is refused, on a real disk."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from pathlib import Path

import pytest
from tests.fakes.disk import MemoryDisk

from alloy_ota.errors import DiskError, FileKindError, HashMismatchError, LimitError, MissingError
from alloy_ota.store import Limits, ObjectStore

DATA = b"\x7fELF" + bytes(range(256)) * 40
DIGEST = hashlib.sha256(DATA).hexdigest()


def store(folder: Path, **limits: int) -> ObjectStore:
    return ObjectStore(folder / "a" / "objects", Limits(**limits))


def test_object_comes_back_under_its_digest_when_it_was_put(tmp_path: Path) -> None:
    objects = store(tmp_path)

    assert objects.put(DATA) == DIGEST
    assert objects.put(DATA) == DIGEST

    assert objects.get(DIGEST) == DATA
    assert objects.sizes() == {DIGEST: len(DATA)}
    assert os.listdir(objects.folder) == [DIGEST]
    assert os.stat(f"{objects.folder}/{DIGEST}").st_mode & 0o777 == 0o444


def test_nothing_is_there_when_the_folder_was_never_made(tmp_path: Path) -> None:
    objects = store(tmp_path)

    assert objects.sizes() == {}
    for name in (DIGEST, "../x", DIGEST.upper(), ""):
        with pytest.raises(MissingError) as caught:
            objects.get(name)
        assert caught.value.code == "ota.missing"
    objects.remove(DIGEST)


@pytest.mark.parametrize("damaged", [DATA[:-1], DATA + b"x", b"", b"x" + DATA[1:]])
def test_object_is_refused_and_can_be_put_again_when_its_file_was_changed(
    tmp_path: Path, damaged: bytes
) -> None:
    objects = store(tmp_path)
    objects.put(DATA)
    path = Path(objects.folder) / DIGEST
    path.chmod(0o644)
    path.write_bytes(damaged)

    with pytest.raises(HashMismatchError) as caught:
        objects.get(DIGEST)

    assert caught.value.code == "ota.hash"
    assert objects.put(DATA) == DIGEST
    assert objects.get(DIGEST) == DATA


def test_object_is_refused_when_it_grew_beyond_the_limit(tmp_path: Path) -> None:
    objects = store(tmp_path, object_bytes=len(DATA))
    objects.put(DATA)
    path = Path(objects.folder) / DIGEST
    path.chmod(0o644)
    path.write_bytes(DATA + b"x")

    with pytest.raises(HashMismatchError):
        objects.get(DIGEST)


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_regular_file_is_refused_when_it_has_the_name_of_an_object(
    tmp_path: Path, kind: str
) -> None:
    objects = store(tmp_path)
    path = Path(objects.folder) / DIGEST
    path.parent.mkdir(parents=True)
    (tmp_path / "real").write_bytes(DATA)
    if kind == "link":
        path.symlink_to(tmp_path / "real")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()

    for act in (lambda: objects.get(DIGEST), lambda: objects.put(DATA)):
        with pytest.raises(FileKindError) as caught:
            act()
        assert caught.value.code == "ota.file"


def test_store_refuses_more_when_a_limit_is_reached(tmp_path: Path) -> None:
    objects = store(tmp_path, object_bytes=100, total_bytes=150, objects=2)
    with pytest.raises(LimitError) as caught:
        objects.put(bytes(101))
    assert caught.value.code == "ota.limit"

    first = objects.put(b"a" * 100)
    with pytest.raises(LimitError):
        objects.put(b"b" * 51)
    objects.put(b"b" * 50)
    with pytest.raises(LimitError):
        objects.put(b"")
    objects.remove(first)
    objects.remove(first)
    assert objects.get(objects.put(b"")) == b""


def test_leftovers_go_when_the_store_is_swept(tmp_path: Path) -> None:
    objects = store(tmp_path)
    objects.put(DATA)
    (Path(objects.folder) / f".{DIGEST}.00.new").write_bytes(b"half")

    assert objects.sweep() == 1
    assert os.listdir(objects.folder) == [DIGEST]
    assert objects.sweep() == 0


def test_object_is_written_again_when_a_sweep_takes_it_away_half_way() -> None:
    class Swept(MemoryDisk):
        stolen = 0

        def replace(self, source: str, target: str, /) -> None:
            if not self.stolen:
                self.stolen += 1
                ObjectStore("/objects", disk=self).sweep()
            super().replace(source, target)

    disk = Swept()
    objects = ObjectStore("/objects", disk=disk)

    assert objects.get(objects.put(DATA)) == DATA
    assert disk.stolen == 1


@pytest.mark.parametrize("room", [0, 1, len(DATA) - 1])
def test_no_half_object_is_left_when_the_disk_is_full(room: int) -> None:
    disk = MemoryDisk(room=room)
    objects = ObjectStore("/objects", disk=disk)

    with pytest.raises(DiskError) as caught:
        objects.put(DATA)

    assert (caught.value.code, caught.value.retryable) == ("ota.disk", True)
    assert disk.listdir("/objects") == []
    disk.room = None
    assert objects.get(objects.put(DATA)) == DATA


@pytest.mark.parametrize("call", ["open", "read", "fsync", "replace", "listdir", "unlink", "mkdir"])
def test_coded_error_comes_when_the_system_refuses_a_call(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = MemoryDisk()
    objects = ObjectStore("/objects", disk=disk)
    if call != "mkdir":
        objects.put(DATA)

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(disk, call, refuse)

    caught = []
    for act in (lambda: objects.put(b"other"), lambda: objects.get(DIGEST), lambda: objects.remove(DIGEST)):
        with contextlib.suppress(MissingError):
            try:
                act()
            except DiskError as error:
                caught.append(error.got)

    assert set(caught) == {"Input/output error"}
    assert disk._open == {}
