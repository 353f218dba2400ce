"""Bounds of every decoder in this package; a message beyond one of them is refused, never trimmed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may cost its reader.

    Attributes:
        message_bytes: longest message [B].
        depth: deepest nesting of arrays, maps and tags.
        nodes: items of all arrays and maps together.
        rows: rows of one batch.
        text_bytes: longest text of a descriptor or manifest [B].
    """

    message_bytes: int = 64 << 20
    depth: int = 16
    nodes: int = 1 << 20
    rows: int = 1 << 20
    text_bytes: int = 1 << 20


DEFAULT_LIMITS = Limits()
