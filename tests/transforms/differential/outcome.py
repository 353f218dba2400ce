"""What a tier made of inputs, in one form for all tiers: integers, bits of floats, bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

DECLINED = 200
FUEL = 201

Value = int | bytes | None  # a float as its 64 bits, a bool as 0 or 1, an enum as its index; None: absent
Row = tuple[Value, ...]  # in the order of OUTPUT


@dataclass
class Outcome:
    """One entry per input.

    Attributes:
        codes: wire code of its error, 0 for none.
        rows: its rows.
        states: the values of STATE after it; empty rows without STATE.
    """

    codes: list[int] = field(default_factory=list)
    rows: list[list[Row]] = field(default_factory=list)
    states: list[Row] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, part: slice) -> Outcome:
        return Outcome(self.codes[part], self.rows[part], self.states[part])

    @property
    def share_good(self) -> float:
        """Share of the inputs that gave at least one row."""
        return sum(map(bool, self.rows)) / len(self)

    @property
    def share_declined(self) -> float:
        """Share of the inputs a native module left to the sandbox."""
        return sum(code in (DECLINED, FUEL) for code in self.codes) / len(self)


def differences(one: Outcome, other: Outcome, *, declined: bool = False) -> Iterator[int]:
    """Indexes of the inputs that the two answered differently.

    Args:
        declined: whether `other` may decline; such an input is no difference.
    """
    assert len(one) == len(other)
    if one == other:
        return
    for i in range(len(one)):
        if declined and other.codes[i] in (DECLINED, FUEL):
            continue
        if (
            one.codes[i] != other.codes[i]
            or one.rows[i] != other.rows[i]
            or one.states[i : i + 1] != other.states[i : i + 1]
        ):
            yield i


def same(
    name: str, inputs: Sequence[Sequence[Any]], one: Outcome, other: Outcome, *, declined: bool = False
) -> None:
    """Assert that the tiers agree; the message shows the first inputs that differ.

    Raises:
        AssertionError: they do not.
    """
    found = list(differences(one, other, declined=declined))
    shown = [
        f"{name} {[v.hex() if isinstance(v, bytes) else v for v in inputs[i]]}:\n"
        f"  {one.codes[i]} {one.rows[i]} {one.states[i : i + 1]}\n"
        f"  {other.codes[i]} {other.rows[i]} {other.states[i : i + 1]}"
        for i in found[:5]
    ]
    assert not found, "\n".join([f"{len(found)} of {len(one)} inputs differ", *shown])
