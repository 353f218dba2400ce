"""Texts in files: fixed characters, their declared and their true character set.

A text that is not UTF-8 is never decoded by guess: its variable is declared `bytes`, its values keep every
byte and are marked quality 3 with the reason TEXT.
"""

from __future__ import annotations

from collections.abc import Iterable

from .model import TypedAttr


def text_attr(items: list[bytes]) -> TypedAttr:
    """Text as stored: trailing NUL dropped; bytes where it is not UTF-8."""
    cut = [v.rstrip(b"\0") for v in items]
    try:
        texts = tuple(v.decode("utf-8") for v in cut)
    except UnicodeDecodeError:
        return TypedAttr("bytes", b"\0".join(cut))
    if any("\0" in t for t in texts):
        return TypedAttr("bytes", b"\0".join(cut))
    return TypedAttr("text", texts[0] if len(texts) == 1 else texts)


def is_text(value: bytes) -> bool:
    """True for UTF-8 without a NUL inside."""
    if b"\0" in value:
        return False
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def split_fixed(data: bytes | memoryview, width: int) -> list[bytes]:
    """Cut characters into texts of `width` bytes; trailing NUL are no part of a text."""
    stored = bytes(data)
    return [stored[i : i + width].rstrip(b"\0") for i in range(0, len(stored), width)] if width else []


def payload(texts: Iterable[bytes]) -> tuple[bytes, list[bool]]:
    """Texts as a chunk carries them: n + 1 offsets (u4, little-endian) and the bytes.

    Returns:
        (payload, for each text whether it is UTF-8).
    """
    offsets = bytearray((0).to_bytes(4, "little"))
    arena = bytearray()
    good: list[bool] = []
    for text in texts:
        arena += text
        offsets += len(arena).to_bytes(4, "little")
        good.append(is_text(text))
    return bytes(offsets + arena), good
