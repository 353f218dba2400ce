"""CBOR sequences on disk (RFC 8742): how far a file is sound, after a power cut in the middle of an item. Pure."""

from __future__ import annotations

import mmap

_BYTES, _TEXT, _ARRAY, _MAP, _TAG = 2, 3, 4, 5, 6


def sound_end(data: bytes | mmap.mmap) -> int:
    """The length of the longest prefix made of whole items; looks at heads only (RFC 8949, section 3).

    Indefinite lengths, which we never write, count as unsound.
    """
    size = len(data)
    end = at = 0
    while at < size:
        left = 1  # items still to come of the one that began at `end`; a head at least a byte each
        while left:
            if at >= size:
                return end
            major, info = data[at] >> 5, data[at] & 31
            at += 1
            if info >= 28:
                return end
            value = info
            if info >= 24:
                width = 1 << (info - 24)
                value = int.from_bytes(data[at : at + width], "big")
                at += width
            left -= 1
            if major in (_BYTES, _TEXT):
                at += value
            elif major == _ARRAY:
                left += value
            elif major == _MAP:
                left += 2 * value
            elif major == _TAG:
                left += 1
            if at > size:
                return end
        end = at
    return end
