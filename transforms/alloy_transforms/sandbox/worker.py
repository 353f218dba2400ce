"""The entry of a transform worker: requests in, answers out, until the channel ends.

`serve` is called by the zygote's child after the jail has closed. Importing this module loads, in the zygote,
what every worker shares: the codecs, the modules known under plain names, MessagePack, the runner.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgpack

from ..native import jail, module
from .answers import Problem, pack, pack_checked, pack_contract, pack_failure
from .checker import Rejected, check, locate
from .contract import Profile
from .frames import read_frame, write_frame
from .loader import load
from .log import Log
from .map_runner import MapRunner
from .modules import ALWAYS, OWN_MODULES, PORTABLE_MODULES
from .protocol import (
    BUILD,
    CHECK,
    CHECKED,
    EXAMPLES,
    EXAMPLES_ARE,
    LINT,
    LINTED,
    LOAD,
    LOADED,
    MAX_REQUEST_BYTES,
    RUN,
    VERSION,
    Buffer,
    decode_run,
    encode_state,
    malformed,
)
from .runner import Runner

if TYPE_CHECKING:
    from ..native import Module
    from .native_runner import NativeRunner

_GC_THRESHOLD = 50_000  # rows of a batch are no cycles: looking for them at each 700 objects costs 5 %


def preload() -> None:
    """Import what user code may ask for later, and give `kit` and `fmath` their plain names."""
    for name in (*ALWAYS, *(PORTABLE_MODULES - OWN_MODULES.keys())):
        importlib.import_module(name)
    for plain, full in sorted(OWN_MODULES.items()):  # fmath first: kit may use it
        if plain not in sys.modules and importlib.util.find_spec(full) is not None:
            sys.modules[plain] = importlib.import_module(full)


preload()


def serve(channel_fd: int, fds: tuple[int, ...]) -> None:  # noqa: ARG001 - the shape of an entry
    """Answer requests until the channel ends. The jail is closed already."""
    worker = Worker(module.opened())
    gc.set_threshold(_GC_THRESHOLD, 10, 10)
    while True:
        body = read_frame(channel_fd, MAX_REQUEST_BYTES)
        if body is None:
            return
        write_frame(channel_fd, *worker.answer(body))


class Worker:
    """What one worker holds between requests; no I/O.

    Args:
        opened: the native module that was mapped before the jail closed; it answers batches.
    """

    def __init__(self, opened: Module | None = None) -> None:
        self._log = Log()
        self._opened = opened
        self._runner: Runner | None = None
        self._native: NativeRunner | None = None

    def answer(self, body: bytes) -> list[Buffer]:
        """The frame that answers one request."""
        if len(body) < 2 or body[1] != VERSION:
            raise malformed("a request of another version")
        kind = body[0]
        if kind == RUN and self._native is not None:
            return self._native.run(body)
        if kind == RUN and self._runner is not None:
            return self._runner.run(decode_run(body, self._runner.contract.inputs))
        try:
            if kind == CHECK:
                return [self._check(_arguments(body))]
            if kind == LINT:
                from .lint import lint  # loaded before the jail closed, in a worker that lints only

                return [pack(LINTED, lint(**_arguments(body)))]
            if kind == BUILD:
                from .build import build  # loaded before the jail closed, in a worker that builds only

                return [build(**_arguments(body))]
            if kind == LOAD:
                return [self._load(_arguments(body))]
            if kind == EXAMPLES and self._runner is not None:
                return [self._examples(self._runner)]
        except Rejected as rejected:
            return [pack_failure(rejected.problems)]
        except (MemoryError, RecursionError):
            return [pack_failure([Problem("build.limit", "the file takes more than a worker has")])]
        raise malformed("a request that fits no state of this worker")

    def _check(self, arguments: Mapping[str, Any]) -> bytes:
        checked = check(
            arguments["source"], arguments["file"], arguments["modules"], params=arguments["params"]
        )
        return pack_checked(CHECKED, checked)

    def _load(self, arguments: Mapping[str, Any]) -> bytes:
        transform = load(
            arguments["source"],
            arguments["file"],
            name=arguments["name"],
            profile=Profile(arguments["profile"]),
            modules=_importable(arguments["imports"]),
            params=arguments["params"],
            needs=tuple(arguments["needs"]),
            log=self._log.print,
        )
        self._log.take()
        runner = MapRunner if transform.contract.elementwise else Runner
        self._runner = runner(transform, self._log)
        if self._opened is not None:
            from .native_runner import (
                NativeRunner,
            )  # loaded before the jail closed, in a worker with a module

            self._native = NativeRunner(self._runner, self._opened, self._log)
        jail.trim_heap()  # compiling a file needs more than the file: 0.2 MB for each worker
        state = encode_state(transform.state) if transform.contract.stateful else b""
        return pack_contract(LOADED, transform.contract, state, native=self._native is not None)

    def _examples(self, runner: Runner) -> bytes:
        transform = runner.transform
        out = []
        for i, entry in enumerate(transform.examples):
            line = locate(transform.source, "EXAMPLES", i)
            rows = [dict(row) for row in entry.get("out", ())]
            out.append({"inputs": entry["in"], "rows": rows, "error": entry.get("error", ""), "line": line})
        try:
            return pack(EXAMPLES_ARE, out)
        except (TypeError, ValueError, OverflowError) as error:
            line = locate(transform.source, "EXAMPLES")
            raise Rejected(
                Problem("build.type", f"EXAMPLES holds what is no plain value: {error}", line)
            ) from None


def _importable(imports: list[str]) -> frozenset[str]:
    """What `import` may find: what the checker saw and the packages above it."""
    return frozenset(name for dotted in imports for name in _prefixes(dotted))


def _prefixes(dotted: str) -> list[str]:
    parts = dotted.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _arguments(body: Buffer) -> dict[str, Any]:
    try:
        arguments = msgpack.unpackb(bytes(body[2:]), raw=False, strict_map_key=True)
    except (ValueError, msgpack.UnpackException) as error:
        raise malformed("a request that is no MessagePack") from error
    if not isinstance(arguments, dict):
        raise malformed("a request that is no map")
    return arguments
