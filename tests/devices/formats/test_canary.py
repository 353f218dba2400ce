"""A file that points at its neighbour: the neighbour stays unread, in every profile of the jail."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import trio
from tests.devices.formats.decoding import decode_files

from alloy_agent.errors import WorkerDiedError
from alloy_agent.workers.launch import NEEDED, import_paths
from alloy_agent.workers.zygote import Zygote
from alloy_native import jail

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not jail.probe()["seccomp"], reason="this kernel cannot filter system calls"),
]

SECRET = b"CANARY-7f3a-IN-THE-NEIGHBOUR-FILE"
TESTS = Path(__file__).resolve().parents[2]
READ = """
import h5py, os
result = []
file = h5py.File(WHERE, "r")
for name in ("good", "by_link", "by_soft_path", "by_storage", "by_view", "by_compound"):
    try:
        result.append((name, bytes(file[name][()].tobytes())))
    except Exception as error:
        result.append((name, type(error).__name__))
"""
BY_DESCRIPTOR = """
import io
class Passed(io.RawIOBase):
    at = 0
    def readable(self): return True
    def seekable(self): return True
    def seek(self, offset, whence=0):
        self.at = offset + (0, self.at, os.lseek(fds[0], 0, 2))[whence]
        return self.at
    def tell(self): return self.at
    def readinto(self, buffer):
        data = os.pread(fds[0], len(buffer), self.at)
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)
"""


@pytest.fixture
def pointing(tmp_path: Path) -> Path:
    """Links, external storage and virtual datasets that lead to the files beside."""
    (tmp_path / "canary.bin").write_bytes(SECRET)
    with h5py.File(tmp_path / "canary.h5", "w") as neighbour:
        neighbour["secret"] = np.frombuffer(SECRET, "u1")
    layout = h5py.VirtualLayout((len(SECRET),), "u1")
    layout[:] = h5py.VirtualSource(str(tmp_path / "canary.h5"), "secret", (len(SECRET),))
    path = tmp_path / "pointing.h5"
    with h5py.File(path, "w") as file:
        file["good"] = np.arange(5, dtype="i2")
        file["by_link"] = h5py.ExternalLink(str(tmp_path / "canary.h5"), "/secret")
        file["by_soft_path"] = h5py.ExternalLink("../../../.." + str(tmp_path / "canary.h5"), "/secret")
        storage = [(str(tmp_path / "canary.bin"), 0, len(SECRET))]
        file.create_dataset("by_storage", (len(SECRET),), "u1", external=storage)
        file.create_virtual_dataset("by_view", layout, fillvalue=0)
        file["by_compound"] = h5py.ExternalLink("canary.h5", "/secret")
    return path


def test_secret_is_there_when_the_file_is_read_outside_the_jail(pointing: Path) -> None:
    with h5py.File(pointing) as file:
        for name in ("by_link", "by_storage", "by_view"):
            assert file[name][()].tobytes() == SECRET


def test_secret_stays_unread_when_the_decoder_reads_the_file(pointing: Path) -> None:
    done = decode_files([pointing])[pointing.name]

    assert done.manifest is not None, done.error
    assert b"CANARY" not in b"".join(chunk.payload for chunk in done.chunks)
    assert b"CANARY" not in repr((done.descriptor, done.manifest, done.error)).encode()
    assert [chunk.payload for chunk in done.of("/good")] == [np.arange(5, dtype="<i2").tobytes()]


@pytest.mark.parametrize("profile", jail.PROFILES)
def test_secret_stays_unread_when_h5py_itself_reads_the_file(profile: str, pointing: Path) -> None:
    """Even if the decoder asked the library to follow every link."""
    reference = profile == "reference"
    source = READ.replace("WHERE", repr(str(pointing)) if reference else "Passed()")
    if not reference:
        source = "import os\n" + BY_DESCRIPTOR + source

    async def main() -> str:
        async with trio.open_nursery() as nursery:
            paths = (*import_paths((*NEEDED, "h5py", "numpy")), str(TESTS))
            zygote = await Zygote.start(
                nursery, name="test", entry="jail_entries:execute", preload=("numpy", "h5py"), paths=paths
            )
            try:
                with pointing.open("rb") as file:
                    worker = await zygote.spawn(
                        profile=profile,
                        memory_bytes=64 << 20,
                        fds=(file.fileno(),),
                        path=str(pointing) if reference else "",
                    )
                async with worker:
                    await worker.send(source.encode())
                    return (await worker.receive(1 << 20)).decode()
            except WorkerDiedError as error:
                return error.code
            finally:
                await zygote.aclose()

    answer = trio.run(main)

    assert "CANARY" not in answer
    if profile == "transform":  # it may not even seek
        assert answer == "violation.syscall"
    else:
        assert "('good', b" in answer, answer
        assert answer.count("Error") >= 4, answer
