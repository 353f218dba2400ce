"""`machine`: UART, Pin, WDT, and who and why this board is."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from .uart import UART

if TYPE_CHECKING:
    from .board import Board

RESETS: dict[str, int] = {
    "PWRON_RESET": 1,
    "HARD_RESET": 2,
    "WDT_RESET": 3,
    "DEEPSLEEP_RESET": 4,
    "SOFT_RESET": 5,
}


class BoardResetError(SystemExit):
    """The board would begin anew now; as on a board, `except Exception` does not hold it up."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the board was reset: {why}")


class Pin:
    """A pin that keeps the level it was given; `Board.pins` has them all by their number or name."""

    IN, OUT, OPEN_DRAIN = 0, 1, 2
    PULL_UP, PULL_DOWN = 1, 2
    board: ClassVar[Board]

    def __init__(
        self,
        id: int | str,  # noqa: A002 - the board's name of it
        mode: int = IN,
        pull: int | None = None,
        *,
        value: int | None = None,
    ) -> None:
        before = self.board.pins.get(id)
        self._level: int = before._level if before else int(pull == self.PULL_UP)
        if value is not None:
            self._level = int(bool(value))
        self.board.pins[id] = self

    def value(self, level: int | None = None) -> int | None:
        """Set the level, or ask."""
        if level is None:
            return self._level
        self._level = int(bool(level))
        return None

    def on(self) -> None:
        """Level 1."""
        self._level = 1

    def off(self) -> None:
        """Level 0."""
        self._level = 0


class WDT:
    """A watchdog that looks when it is fed: a program that never comes back to it is not noticed."""

    board: ClassVar[Board]

    def __init__(self, id: int = 0, timeout: int = 5000) -> None:  # noqa: A002 - see Pin
        self._timeout_us = timeout * 1000
        self._fed_us = self.board.clock.now_us()

    def feed(self) -> None:
        """Say that the program is alive.

        Raises:
            BoardResetError: it says so too late.
        """
        now_us = self.board.clock.now_us()
        late_us = now_us - self._fed_us - self._timeout_us
        if late_us > 0:
            raise BoardResetError(f"its watchdog was fed {late_us // 1000} ms late")
        self._fed_us = now_us


def reset() -> NoReturn:
    """Begin anew."""
    raise BoardResetError("the program asked for it")


def module(board: Board) -> types.ModuleType:
    """`machine`."""
    out = types.ModuleType("machine")
    classes = {cls.__name__: type(cls.__name__, (cls,), {"board": board}) for cls in (UART, Pin, WDT)}
    own: dict[str, Any] = {
        **classes,
        **RESETS,
        "reset": reset,
        "reset_cause": lambda: board.reset_cause,
        "unique_id": lambda: board.unique_id,
    }
    out.__dict__.update(own)
    return out
