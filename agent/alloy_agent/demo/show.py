"""How the demo shows quantities: a live table on a terminal, one fresh plain line per quantity elsewhere."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TextIO

from .observer import Observer, Quantity

WIDTHS = (18, 26, 30, 14, 25, 14, 8)
TITLES = ("source", "quantity", "value", "unit", "time", "quality", "tier")


def row(quantity: Quantity) -> str:
    """One quantity as text, columns aligned."""
    cells = (
        quantity.source,
        quantity.name,
        quantity.value,
        quantity.unit,
        quantity.time,
        quantity.quality,
        quantity.tier,
    )
    return " ".join(_fit(cell, width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def _fit(text: str, width: int) -> str:
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return printable[: width - 1] + "…" if len(printable) > width else printable.ljust(width)


def title() -> str:
    """The head of the table."""
    return " ".join(name.ljust(width) for name, width in zip(TITLES, WIDTHS, strict=True)).rstrip()


@dataclass(slots=True)
class Show:
    """Writes to `out`; `live` redraws the whole table in place."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    live: bool = False
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _height: int = 0

    def begin(self) -> None:
        """The head, once."""
        if not self.live:
            print(title(), file=self.out, flush=True)

    def changed(self, quantities: Iterable[Quantity]) -> None:
        """A plain line for each quantity seen for the first time."""
        if self.live:
            return
        for quantity in quantities:
            key = (quantity.source, quantity.name)
            if key not in self._seen:
                self._seen.add(key)
                print(row(quantity), file=self.out, flush=True)

    def redraw(self, observer: Observer) -> None:
        """The table as it is now, in place (terminals only)."""
        if not self.live:
            return
        size = shutil.get_terminal_size()
        rows = [row(observer.quantities[key]) for key in sorted(observer.quantities)]
        lines = [title(), *rows[: max(size.lines - 3, 1)]]
        if len(rows) > len(lines) - 1:
            lines.append(f"… and {len(rows) - len(lines) + 1} more")
        up = f"\x1b[{self._height}A" if self._height else ""
        body = "".join(f"\x1b[2K{line[: size.columns - 1]}\n" for line in lines)
        self.out.write(f"{up}{body}\x1b[J")
        self.out.flush()
        self._height = len(lines)
