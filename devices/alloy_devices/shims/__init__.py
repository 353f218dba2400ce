"""Stand-ins for the modules of a MicroPython board, so that a board program runs on a PC or a gateway.

    with Board(uart="/dev/ttyUSB0", folder="node") as board:
        import main              # node/main.py; its `import machine` finds the stand-in

`Board` puts the stand-ins into `sys.modules` and takes them out again; nothing happens at start-up or by import of
this package. `python -m alloy_devices.shims main.py --uart /dev/ttyUSB0` runs a program. What each stand-in does, and
what it does not, is in `docs/boards.md`.
"""

from __future__ import annotations

from .board import Board
from .clock import Clock, FakeClock
from .machine import BoardResetError

__all__ = ["Board", "BoardResetError", "Clock", "FakeClock"]
