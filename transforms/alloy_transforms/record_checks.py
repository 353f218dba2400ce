"""Checks that several parts of the record model share."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import RecordError

MAX_NAME = 1024
"""Characters of a name or path."""

MAX_EXP10 = 308
MAX_RANK = 32
SID_CHARACTERS = 16
QUALITIES = frozenset((1, 2, 3, 4, 9))
U16_MAX, U32_MAX = 0xFFFF, 0xFFFF_FFFF


def refuse(what: str, where: str, got: object, expected: str, code: str = "record.value") -> RecordError:
    """The error of a constructor."""
    return RecordError(code, what, where=where, got=repr(got)[:80], expected=expected)


def check_names(where: str, names: Iterable[str]) -> None:
    """Names are neither empty nor endless."""
    for name in names:
        if not 0 < len(name) <= MAX_NAME:
            raise refuse("a name is empty or too long", where, name, f"1 to {MAX_NAME} characters")


def check_sides(
    where: str, n: int, validity: bytes | None, quality: int | bytes, reasons: int | bytes
) -> None:
    """Validity, quality and reasons have the length `n` values ask for."""
    if validity is not None and len(validity) != (n + 7) // 8:
        raise refuse("validity bits", where, len(validity), f"{(n + 7) // 8} bytes", "record.shape")
    if isinstance(quality, bytes) and len(quality) != n:
        raise refuse("quality bytes", where, len(quality), f"{n} bytes", "record.shape")
    if isinstance(reasons, bytes) and len(reasons) != 2 * n:
        raise refuse("reason masks", where, len(reasons), f"{2 * n} bytes", "record.shape")


def check_marks(where: str, quality: int | bytes, reasons: int | bytes) -> None:
    """Constant quality and reasons are ones that exist."""
    if isinstance(quality, int) and quality not in QUALITIES:
        raise refuse("not a quality", where, quality, "1, 2, 3, 4 or 9")
    if isinstance(reasons, int) and not 0 <= reasons <= U16_MAX:
        raise refuse("not a reason mask", where, reasons, "16 bits")


def check_block(where: str, sid: str, run: str, seq: int) -> None:
    """The identity every block has."""
    if len(sid) != SID_CHARACTERS:
        raise refuse("not a descriptor id", where, sid, f"{SID_CHARACTERS} hex characters")
    if not 0 < len(run) <= MAX_NAME or seq < 0:
        raise refuse("a block without run or sequence", where, (run, seq), "a run id and a number from 0")
