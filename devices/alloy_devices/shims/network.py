"""`network`: a station interface. The machine is on the network already; the states are those of a board."""

from __future__ import annotations

import errno
import socket
import types
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import ShimError

if TYPE_CHECKING:
    from .board import Board

STA_IF = 0
STATES: dict[str, int] = {  # names of the documentation, numbers of the rp2 port
    "STAT_IDLE": 0,
    "STAT_CONNECTING": 1,
    "STAT_GOT_IP": 3,
    "STAT_CONNECT_FAIL": -1,
    "STAT_NO_AP_FOUND": -2,
    "STAT_WRONG_PASSWORD": -3,
}
JOIN_US = 500_000  # from `connect` to an address [us]
NO_ADDRESS = ("0.0.0.0",) * 4  # noqa: S104 - what a board says before it has an address


class WLAN:
    """A station: joins a network of `Board.networks` a moment after `connect`, and has this machine's address."""

    board: ClassVar[Board]

    def __init__(self, interface: int = STA_IF) -> None:
        if interface != STA_IF:
            raise ShimError("board.refused", "only the station interface has a stand-in", got=str(interface))
        self._active = False
        self._ssid: str | None = None
        self._key: str | None = None
        self._since_us = 0

    def active(self, on: bool | None = None) -> bool:
        """Switch on or off, or ask."""
        if on is not None:
            self._active = bool(on)
            if not on:
                self._ssid = None
        return self._active

    def connect(self, ssid: str, key: str | None = None) -> None:
        """Begin to join; `status` tells how it goes."""
        if not self._active:
            raise OSError(errno.EPERM, "the interface is not active")
        self._ssid, self._key = ssid, key
        self._since_us = self.board.clock.now_us()

    def disconnect(self) -> None:
        """Leave."""
        self._ssid = None

    def status(self) -> int:
        """One of the STAT_ numbers."""
        networks = self.board.networks
        if self._ssid is None:
            return STATES["STAT_IDLE"]
        if self.board.clock.now_us() - self._since_us < JOIN_US:
            return STATES["STAT_CONNECTING"]
        if networks is not None and self._ssid not in networks:
            return STATES["STAT_NO_AP_FOUND"]
        if networks is not None and networks[self._ssid] != self._key:
            return STATES["STAT_WRONG_PASSWORD"]
        return STATES["STAT_GOT_IP"]

    def isconnected(self) -> bool:
        """Whether there is an address."""
        return self.status() == STATES["STAT_GOT_IP"]

    def ifconfig(self) -> tuple[str, str, str, str]:
        """Address, mask, gateway and name server; the last three are not this machine's."""
        if not self.isconnected():
            return NO_ADDRESS
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))  # TEST-NET-1: picks a route, sends nothing
                address = str(probe.getsockname()[0])
            except OSError:
                address = "127.0.0.1"
        return address, "255.255.255.0", *NO_ADDRESS[:2]


def module(board: Board) -> types.ModuleType:
    """`network`."""
    out = types.ModuleType("network")
    own: dict[str, Any] = {"STA_IF": STA_IF, "WLAN": type("WLAN", (WLAN,), {"board": board}), **STATES}
    out.__dict__.update(own)
    return out
