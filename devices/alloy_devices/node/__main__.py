"""Puts the firmware of a node into a folder: `python -m alloy_devices.node FOLDER`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import SETTINGS, put


def main(arguments: list[str] | None = None) -> int:
    """Write the files and say what to do with them."""
    parser = argparse.ArgumentParser(
        prog="python -m alloy_devices.node",
        description="put the firmware of a MicroPython sensor node into a folder",
        epilog="example: python -m alloy_devices.node roof && mpremote cp roof/* :",
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    try:
        written = put(folder)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"{folder}: {', '.join(written)}")  # noqa: T201
    print(f"next: edit {folder / SETTINGS}, then `mpremote cp {folder}/* :` and `mpremote reset`")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
