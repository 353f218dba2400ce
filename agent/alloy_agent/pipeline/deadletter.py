"""Dead letters: inputs that no stage or sink could take, kept raw in a bounded file and announced on `dlq/`.

The file is a CBOR sequence (RFC 8742) of maps; two generations of half the bound each, so the newest letters
stay. A letter counts as safe once it is synced; only then is its input acknowledged.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cbor2
import trio

from alloy_agent.errors import AgentError

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
        self.by_code: dict[str, int] = {}

    def _append(self, data: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            start = os.fstat(fd).st_size
            if start and start + len(data) > self.half:
                os.replace(self.path, self.older)
                os.close(fd)
                fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
            os.close(fd)

    async def add(self, letters: Sequence[Letter]) -> None:
        """Append and sync; returns when they are safe.

        Raises:
            AgentError: `store.write`, the disk refused; nothing was added, the inputs are not safe.
        """
        if not letters:
            return
        data = b"".join(letter.encode() for letter in letters)
        try:
            await trio.to_thread.run_sync(self._append, data)
        except OSError as error:
            self.lost += len(letters)
            raise AgentError(
                "store.write",
                "dead letters could not be written",
                where=self.path.name,
                got=error.strerror or str(error),
                hint="free space in the state folder; inputs that can be asked again are not acknowledged",
                retryable=True,
            ) from error
        self.count += len(letters)
        for letter in letters:
            if letter.code in self.by_code or len(self.by_code) < 64:
                self.by_code[letter.code] = self.by_code.get(letter.code, 0) + 1
