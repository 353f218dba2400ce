"""Cuts frames that carry their own length out of a byte stream, exactly as the gateway's `length` framing does.

A length that cannot be means that this was no frame: the search goes on one byte further. What is kept is bounded by
one frame. Checksums are the transform's work.
"""


class Frames:
    """`feed` bytes, get the frames they completed; `dropped` counts the bytes that were in none."""

    def __init__(self, start: bytes, length_at: int, adjust: int, limit: int) -> None:
        self.start = start
        self.length_at = length_at
        self.adjust = adjust
        self.limit = limit
        self.header = max(len(start), length_at + 2)
        self.held = b""
        self.dropped = 0

    def feed(self, data: bytes) -> list:
        """The frames that end in `data`, in their order."""
        held = self.held + bytes(data)
        frames = []
        at = self.find(held, 0)
        while len(held) - at >= self.header:
            size = (held[at + self.length_at] << 8 | held[at + self.length_at + 1]) + self.adjust
            if size < self.header or size > self.limit:
                self.dropped += 1
                at = self.find(held, at + 1)
            elif at + size > len(held):
                break
            else:
                frames.append(held[at : at + size])
                at = self.find(held, at + size)
        self.held = held[at:]
        return frames

    def find(self, held: bytes, at: int) -> int:
        """Offset of the next start pattern, or of what may become one; what lies before it is dropped."""
        found = held.find(self.start, at)
        if found < 0:
            found = len(held)
            for length in range(min(len(self.start) - 1, len(held) - at), 0, -1):
                if held.endswith(self.start[:length]):
                    found -= length
                    break
        self.dropped += found - at
        return found
