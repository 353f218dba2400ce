"""The board whose modules stand in: what is plugged into it, and how its modules come and go."""

from __future__ import annotations

import hashlib
import platform
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from ..errors import ShimError
from . import machine, micropython, names, network, sockets, ticks
from .clock import Clock

Port = str | int
"""Path of a serial port, or an open descriptor, which stays its owner's."""


class Board:
    """A context in which `import machine` and its like find stand-ins.

    Modules that CPython has as well (`time`, `socket`, `gc`) are replaced by ones that have all of it and more; who
    imported one before keeps it. Leaving puts everything back, and forgets the modules of `folder`.

    Args:
        uart: the port of whatever UART is opened, or a port for each UART number.
        folder: where the board program lies; comes first on `sys.path`.
        clock: what ticks, sleeps, time-outs and the watchdog go by.
        networks: name and key (None: open) of each Wi-Fi network in reach; without it every network is, with every key.
        unique_id: of this board; made from the host's name where none is given.
        reset_cause: why the board began.
    """

    def __init__(
        self,
        *,
        uart: Port | Mapping[int, Port] | None = None,
        folder: str | Path | None = None,
        clock: Clock | None = None,
        networks: Mapping[str, str | None] | None = None,
        unique_id: bytes | None = None,
        reset_cause: int = machine.RESETS["PWRON_RESET"],
    ) -> None:
        self.clock = clock or Clock()
        self.networks = networks
        self.unique_id = unique_id or hashlib.sha256(platform.node().encode()).digest()[:6]
        self.reset_cause = reset_cause
        self.pins: dict[int | str, machine.Pin] = {}
        self._uart = uart
        self._folder = Path(folder).resolve() if folder is not None else None
        self._before: dict[str, types.ModuleType | None] | None = None
        self._known: set[str] = set()

    def port(self, number: int) -> Port:
        """What is plugged into a UART.

        Raises:
            ShimError: `board.uart`.
        """
        port = self._uart.get(number) if isinstance(self._uart, Mapping) else self._uart
        if port is None:
            raise ShimError(
                "board.uart",
                f"nothing is plugged into UART({number})",
                hint=f"--uart {number}=/dev/ttyUSB0, or Board(uart={{{number}: ...}})",
            )
        return port

    def __enter__(self) -> Self:
        """Put the stand-ins into `sys.modules`.

        Raises:
            ShimError: `board.installed`, another board's are there.
        """
        if hasattr(sys, "print_exception"):
            raise ShimError("board.installed", "the stand-ins of a board are installed already")
        modules = self._modules()
        self._before = {name: sys.modules.get(name) for name in modules}
        self._known = set(sys.modules)
        sys.modules.update(modules)
        sys.print_exception = names.print_exception  # type: ignore[attr-defined]
        if self._folder is not None:
            sys.path.insert(0, str(self._folder))
        return self

    def __exit__(self, *_: object) -> None:
        """Put everything back. A module that kept a stand-in goes on with the real clock."""
        assert self._before is not None
        for name, module in self._before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
        del sys.print_exception  # type: ignore[attr-defined]
        if self._folder is not None:
            sys.path.remove(str(self._folder))
            for name in set(sys.modules) - self._known:
                if self._is_ours(sys.modules[name]):
                    del sys.modules[name]
        self.clock = Clock()

    def _is_ours(self, module: Any) -> bool:
        file = getattr(module, "__file__", None)
        return file is not None and self._folder in Path(file).resolve().parents

    def _modules(self) -> dict[str, types.ModuleType]:
        own = {
            "machine": machine.module(self),
            "micropython": micropython.module(),
            "network": network.module(self),
            "time": ticks.module(self),
            "socket": sockets.module(),
            "gc": names.gc_module(),
        }
        return own | names.aliases(own)
