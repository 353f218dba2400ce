"""Framers: bytes in, frames out, no I/O.

A framer cuts and counts; it looks at no byte beyond its delimiter, start pattern and length field.
Checksums, escapes and contents are the transform's work, in another process.
"""

from __future__ import annotations

from .burst import BurstFramer
from .delimiter import DelimiterFramer
from .fixed import FixedFramer
from .length import LengthFramer
from .spec import MAX_FRAME_BYTES, Frame, Framer, FramerStats, FramingSpec

__all__ = ["MAX_FRAME_BYTES", "Frame", "Framer", "FramerStats", "FramingSpec", "make_framer"]


def make_framer(spec: FramingSpec) -> Framer:
    """Return a fresh framer of the kind that `spec` names."""
    if spec.kind == "delimiter":
        return DelimiterFramer(spec)
    if spec.kind == "fixed":
        return FixedFramer(spec)
    if spec.kind == "length":
        return LengthFramer(spec)
    return BurstFramer(spec)
