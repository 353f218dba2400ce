"""Dead letters: inputs that no stage or sink could take, kept raw in a bounded file and announced on `dlq/`.

The file is a CBOR sequence (RFC 8742) of maps; two generations of half the bound each, so the newest letters
stay. A letter counts as safe once it is synced; only then is its input acknowledged. A file that ends in half a
letter (power cut) is cut back to its last whole one before the first letter of this run is added.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cbor2
import trio

from alloy_agent.errors import AgentError

from .cborseq import sound_end

MAX_SAMPLE_BYTES = 64 * 1024
"""Bytes of one input that are kept [B]; longer inputs are cut and say so."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One input that was given up.

    Attributes:
        code: stable error code.
        stage: transform or sink that refused it.
        line: line in the transform's source; 0 where there is none.
        received_ns: receive time of the input.
        payload: raw bytes of the input (empty for files, whose name is in `note`).
    """

    code: str
    message: str
    stage: str
    line: int
    received_ns: int
    payload: bytes
    note: str = ""

    def encode(self) -> bytes:
        """As one CBOR map."""
        cut = len(self.payload) > MAX_SAMPLE_BYTES
        return cbor2.dumps(
            {
                "code": self.code,
                "message": self.message[:512],
                "stage": self.stage,
                "line": self.line,
                "t": self.received_ns,
                "note": self.note[:256],
                "size": len(self.payload),
                "cut": cut,
                "raw": self.payload[:MAX_SAMPLE_BYTES],
            },
            canonical=True,
        )


class DeadLetters:
    """The dead letters of one pipeline.

    Args:
        folder: state folder; created if missing.
        name: pipeline name, already checked to be a safe file name.
        max_bytes: bound of both generations together [B].
    """

    def __init__(self, folder: Path, name: str, max_bytes: int) -> None:
        self.path = folder / f"{name}.cborseq"
        self.older = folder / f"{name}.1.cborseq"
        self.half = max(max_bytes // 2, 4096)
        self.count = 0
        self.lost = 0
        self.trouble = ""  # why letters cannot be written now
        self.by_code: dict[str, int] = {}
        self._sound = False

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self.path, flags, 0o600)

    def _mend(self, fd: int) -> None:
        """Cut off half a letter that an earlier run left."""
        size = os.fstat(fd).st_size
        if size:
            with mmap.mmap(fd, size, prot=mmap.PROT_READ) as data:
                end = sound_end(data)
            if end < size:
                os.ftruncate(fd, end)

    def _append(self, data: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = self._open()
        try:
            if not self._sound:
                self._mend(fd)
                self._sound = True
            start = os.fstat(fd).st_size
            if start and start + len(data) > self.half:
                os.replace(self.path, self.older)
                os.close(fd)
                fd = -1
                fd = self._open()
                start = 0
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(fd, view) :]
                os.fdatasync(fd)
            except OSError:
                os.ftruncate(fd, start)  # never leave half a letter behind
                raise
        finally:
            if fd >= 0:
                os.close(fd)

    async def add(self, letters: Sequence[Letter]) -> None:
        """Append and sync; returns when they are safe.

        Raises:
            AgentError: `store.write`, the disk refused; the inputs are not safe. No half letter is left behind.
        """
        if not letters:
            return
        try:
            for piece in self._pieces(letters):
                await trio.to_thread.run_sync(self._append, piece)
        except OSError as error:
            refused = AgentError(
                "store.write",
                "dead letters could not be written",
                where=self.path.name,
                got=error.strerror or str(error),
                hint="free space in the state folder; inputs that can be asked again are not acknowledged",
                retryable=True,
            )
            self.trouble = str(refused)
            raise refused from error
        self.trouble = ""
        self.count += len(letters)
        for letter in letters:
            if letter.code in self.by_code or len(self.by_code) < 64:
                self.by_code[letter.code] = self.by_code.get(letter.code, 0) + 1

    def _pieces(self, letters: Sequence[Letter]) -> Iterator[bytes]:
        """The letters encoded, in pieces that fit one generation each (a longer letter passes alone)."""
        piece = bytearray()
        for letter in letters:
            data = letter.encode()
            if piece and len(piece) + len(data) > self.half:
                yield bytes(piece)
                piece.clear()
            piece += data
        if piece:
            yield bytes(piece)
