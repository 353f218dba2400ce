"""Runs a board program on this machine: `python -m alloy_devices.shims node/main.py --uart /dev/ttyUSB0`."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
from pathlib import Path

from ..errors import DeviceError
from .board import Board, Port
from .machine import BoardResetError

RESET_STATUS = 75  # EX_TEMPFAIL: whoever keeps the program running starts it again


def ports(given: list[str]) -> Port | dict[int, Port] | None:
    """`PATH` for whatever UART is opened, or `NUMBER=PATH` for each."""
    numbered: dict[int, Port] = {}
    for text in given:
        number, mark, path = text.partition("=")
        if mark and number.isdecimal():
            numbered[int(number)] = path
        elif len(given) == 1:
            return text
        else:
            raise ValueError(f"several ports are given as NUMBER=PATH, not `{text}`")
    return numbered or None


def main(arguments: list[str] | None = None) -> int:
    """Run until the program ends, asks for a reset (exit status 75) or is interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m alloy_devices.shims",
        description="run a MicroPython board program on this machine",
        epilog="example: python -m alloy_devices.shims node/main.py --uart /dev/ttyUSB0",
    )
    parser.add_argument(
        "program", type=Path, help="the board's main.py; its folder becomes the board's file system"
    )
    parser.add_argument(
        "--uart", action="append", default=[], metavar="[NUMBER=]PATH", help="serial port behind a UART"
    )
    options = parser.parse_args(arguments)
    if not options.program.is_file():
        parser.error(f"there is no file {options.program}")
    try:
        uart = ports(options.uart)
    except ValueError as error:
        parser.error(str(error))
    program = options.program.resolve()
    os.chdir(program.parent)
    try:
        with Board(uart=uart, folder=program.parent):
            runpy.run_path(str(program), run_name="__main__")
    except BoardResetError as reset:
        print(reset.code, file=sys.stderr)  # noqa: T201
        return RESET_STATUS
    except DeviceError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
