"""Sink `file`: appends messages, synced before they count as safe; rotated by size.

A file that ends in half a message (power cut, kill) is cut back to its last whole one before anything is added:
half a message was never acknowledged.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import trio

from alloy_agent.errors import AgentError
from alloy_transforms.wire.typed import Buffer

from .cborseq import sound_end

MAX_DESCRIPTORS = 64
"""Descriptors written again at the head of each new file; files bring one each, the oldest go."""


class Done:
    """A ticket that is safe already."""

    async def wait(self) -> None:
        """Return at once."""


DONE = Done()


class FileSink:
    """Appends to one file; `keep` older ones stay beside it as `<name>.1` and so on.

    Args:
        max_bytes: size at which a file is put aside [B]; one larger message still passes alone.
        keep: older files that stay.
        framed_lines: JSON lines; else a CBOR sequence, with its descriptors in line.
    """

    def __init__(self, path: Path, *, max_bytes: int, keep: int, framed_lines: bool) -> None:
        self.name = "file"
        self.path = path
        self.cut_bytes = 0  # torn tails that were cut off
        self._max_bytes = max_bytes
        self._keep = keep
        self._lines = framed_lines
        self._file: BinaryIO | None = None
        self._descriptors: dict[str, bytes] = {}

    async def announce(self, sid: str, descriptor: bytes) -> None:
        """A CBOR sequence carries its descriptors in line; JSON lines name units in every line.

        Raises:
            AgentError: as `send`.
        """
        if self._lines:
            return
        await self.send((descriptor,))
        self._descriptors.pop(sid, None)
        self._descriptors[sid] = descriptor
        while len(self._descriptors) > MAX_DESCRIPTORS:
            del self._descriptors[next(iter(self._descriptors))]

    async def send(self, block: Sequence[Buffer]) -> Done:
        """Write and sync.

        Raises:
            AgentError: `sink.write` (retryable): the disk refused; the file ends where it ended before.
        """
        try:
            await trio.to_thread.run_sync(self._write, block)
        except OSError as error:
            raise AgentError(
                "sink.write",
                "the sink file cannot be written",
                where=str(self.path),
                got=error.strerror or str(error),
                hint="free space or fix the folder's permissions; nothing is lost meanwhile, the source waits",
                retryable=True,
            ) from error
        return DONE

    async def aclose(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _write(self, block: Sequence[Buffer]) -> None:
        file = self._file or self._open()
        start = file.seek(0, os.SEEK_END)
        data = b"".join(block)
        if start and start + len(data) > self._max_bytes:
            file = self._rotated()
            start = 0
            data = b"".join((*self._descriptors.values(), data))
        try:
            left = memoryview(data)
            while left:
                left = left[file.write(left) or 0 :]
            os.fdatasync(file.fileno())
        except OSError:
            os.ftruncate(file.fileno(), start)
            raise

    def _open(self) -> BinaryIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = not self.path.exists()
        file = self.path.open("ab+", buffering=0)
        try:
            size = os.fstat(file.fileno()).st_size
            end = self._sound_end(file, size)
            if end < size:
                os.ftruncate(file.fileno(), end)
                self.cut_bytes += size - end
            if new:
                _sync_folder(self.path.parent)
        except BaseException:
            file.close()
            raise
        self._file = file
        return file

    def _sound_end(self, file: BinaryIO, size: int) -> int:
        if not size:
            return 0
        with mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ) as data:
            return data.rfind(b"\n") + 1 if self._lines else sound_end(data)

    def _rotated(self) -> BinaryIO:
        """A new, empty file; whatever fails on the way, the next call starts from the files as they are."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
        for number in range(self._keep, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            newer = self.path.with_name(f"{self.path.name}.{number - 1}") if number > 1 else self.path
            if newer.exists():
                newer.replace(older)
        if self._keep == 0:
            self.path.unlink(missing_ok=True)
        return self._open()


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
