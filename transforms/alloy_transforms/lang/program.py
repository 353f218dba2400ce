"""The modules of one program: the file, and `kit` and `fmath`, whose sources are checked like the file itself."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from importlib import resources
from typing import Any

from .findings import Sink
from .lower import Lowering
from .module import Module, read
from .nodes import Function
from .signatures import Signature, signatures

HELPERS = ("fmath", "kit")


def _sources() -> dict[str, str]:
    """Read while this module is imported: a sealed worker opens no file."""
    folder = resources.files("alloy_transforms.portable")
    files = {name: folder.joinpath(f"{name}.py") for name in HELPERS}
    return {name: file.read_text("utf-8") for name, file in files.items() if file.is_file()}


SOURCES: Mapping[str, str] = _sources()


@functools.cache
def _tree(name: str) -> ast.Module:
    """Parsed once a process; nothing changes it."""
    return ast.parse(SOURCES[name])


class HelperBroken(RuntimeError):  # noqa: N818 - our own bug, not an answer
    """A module that is shipped with the language is not written in it."""


class Program:
    """Lowers functions when they are first asked for."""

    def __init__(self, module: Module, sink: Sink) -> None:
        self.module = module
        self.sink = sink
        self.tables: dict[str, tuple[Any, ...]] = {}
        self.used: set[str] = set()  # names of the file that its functions read
        self.rows_set: set[str] = set()
        self._modules: dict[str, Module] = {"": module}
        self._known: dict[str, Signature] = dict(signatures(module, sink))
        self._functions: dict[str, Function] = {}
        self._helper_sink = Sink()
        for name in HELPERS:
            if name in SOURCES and name != module.name:
                helper = read(_tree(name), name, self._helper_sink)
                self._modules[name] = helper
                self._known |= signatures(helper, self._helper_sink)

    @property
    def own(self) -> list[Signature]:
        """The functions of the file, in source order."""
        return [s for s in self._known.values() if s.module == self.module.name]

    def function(self, name: str) -> Function:
        """One function, lowered."""
        if name not in self._functions:
            signature = self._known[name]
            module = self.module if signature.module == self.module.name else self._modules[signature.module]
            sink = self.sink if module is self.module else self._helper_sink
            lowering = Lowering(module, signature, self._known, self.tables, sink)
            self._functions[name] = lowering.run()
            if module is self.module:
                self.used |= lowering.used
                self.rows_set |= lowering.rows_set
            elif self._helper_sink:
                raise HelperBroken(self._helper_sink.sorted()[0])
        return self._functions[name]

    def all_calls(self) -> dict[str, set[str]]:
        """The call graph of everything the file can reach; lowers it all."""
        out: dict[str, set[str]] = {}
        todo = [s.name for s in self.own]
        while todo:
            name = todo.pop()
            if name not in out:
                out[name] = self.function(name).calls
                todo += sorted(out[name])
        return out
