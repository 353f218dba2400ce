"""The firmware of a MicroPython sensor node, and which files it is made of.

`board/` holds what only runs on a board (or under `alloy_devices.shims`); the transform and its helpers are the same
files that the gateway runs. `python -m alloy_devices.node FOLDER` puts all of them into one folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

BOARD = (
    "main.py",
    "config.py",
    "frames.py",
    "link.py",
    "mqtt_min.py",
    "outbox.py",
    "records.py",
    "sensor.py",
)
SETTINGS = "node.json"
PORTABLE = ("kit.py", "boardkit.py")
TRANSFORM = "pms5003.py"


def files() -> Iterator[tuple[str, bytes]]:
    """Name and content of every file of a node; the settings are an example."""
    for name in (*BOARD, SETTINGS):
        yield name, resources.files(__package__).joinpath("board", name).read_bytes()
    for name in PORTABLE:
        yield name, resources.files("alloy_transforms.portable").joinpath(name).read_bytes()
    yield TRANSFORM, resources.files("alloy_transforms.library").joinpath(TRANSFORM).read_bytes()


def put(folder: Path) -> list[str]:
    """Write every file into a folder, and return their names; settings that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in files():
        if name == SETTINGS and (folder / name).exists():
            continue
        (folder / name).write_bytes(content)
        written.append(name)
    return written
