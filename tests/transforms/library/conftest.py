"""Run library transforms by plain import; the jailed runner has its own tests."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import resources
from types import ModuleType

import pytest

from alloy_transforms.portable import fmath, kit

Row = dict[str, object]
Load = Callable[[str], ModuleType]


@pytest.fixture(scope="session")
def load() -> Load:
    """Load a library transform as a module, with `kit` and `fmath` under their plain names."""

    def one(name: str) -> ModuleType:
        source = resources.files("alloy_transforms.library").joinpath(f"{name}.py").read_text("utf-8")
        module = ModuleType(name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "kit", kit)
            patch.setitem(sys.modules, "fmath", fmath)
            exec(compile(source, f"{name}.py", "exec"), module.__dict__)
        return module

    return one


@pytest.fixture(scope="session")
def rows_of() -> Callable[..., list[Row]]:
    """Call a transform and return its rows, whether it returns one or yields them."""

    def call(module: ModuleType, *args: object) -> list[Row]:
        result = module.transform(*args)
        return list(result) if inspect.isgenerator(result) else [result]

    return call
