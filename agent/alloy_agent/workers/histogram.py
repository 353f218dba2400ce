"""A bounded histogram of times: eight buckets an octave from 1 us to 68 s, so a percentile is 12.5 % high at most."""

from __future__ import annotations

from array import array

_LOW = 10  # bits of 1 us [ns]
_HIGH = 36  # bits of 68 s [ns]
_SIZE = (_HIGH - _LOW + 1) * 8


class Histogram:
    """Counts of durations [ns]; 1.7 KB, whatever it is given."""

    __slots__ = ("_counts", "count", "maximum", "total")

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * _SIZE))
        self.count = 0
        self.total = 0
        self.maximum = 0

    def add(self, ns: int) -> None:
        """Count one duration."""
        bits = ns.bit_length()
        if bits < _LOW:
            at = 0
        elif bits > _HIGH:
            at = _SIZE - 1
        else:
            at = (bits - _LOW) * 8 + (ns >> (bits - 4) & 7)
        self._counts[at] += 1
        self.count += 1
        self.total += ns
        if ns > self.maximum:
            self.maximum = ns

    def percentile(self, share: float) -> int:
        """The duration that `share` of all did not exceed [ns]: the end of its bucket, never above the maximum."""
        wanted = share * self.count
        seen = 0
        for at, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                bits, eighth = divmod(at, 8)
                return min(self.maximum, (9 + eighth << (bits + _LOW - 4)) - 1)
        return self.maximum
