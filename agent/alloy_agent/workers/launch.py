"""How a zygote is started: its command line, its whole environment, its import path. No I/O but look-ups."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from alloy_agent.errors import ZygoteDiedError
from alloy_transforms.sandbox.zygote import BOOT

ENVIRONMENT: Final[dict[str, str]] = {
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    # The same order of sets in every zygote: output is a function of input. -E would ignore this variable,
    # so the interpreter runs without -E, with no other PYTHON* variable to read.
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",  # a thread at import would be lost by fork, and seal wants one thread
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",  # no 64 MiB reservation counted against RLIMIT_AS
    "HDF5_PLUGIN_PATH": "/nonexistent",
    "HDF5_USE_FILE_LOCKING": "FALSE",
}
"""Everything a zygote sees of the outside; nothing of the core's environment is inherited."""

BULK: Final[dict[str, str]] = {
    "MALLOC_MMAP_THRESHOLD_": str(64 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
}
"""For a zygote whose workers handle chunks of arrays: their buffers are used again instead of mapped again."""

FLAGS: Final = ("-P", "-s", "-S", "-B")  # no script folder, no user site, no site, no bytecode written
NEEDED: Final = ("alloy_transforms", "alloy_native", "msgpack")


def import_paths(modules: Iterable[str]) -> tuple[str, ...]:
    """The sys.path entries that the top-level packages of `modules` are found in; nothing is imported.

    Raises:
        ZygoteDiedError: `worker.zygote`, a package is not installed.
    """
    paths: dict[str, None] = {}
    for top in dict.fromkeys(name.partition(":")[0].partition(".")[0] for name in modules):
        if top in sys.stdlib_module_names:
            continue
        spec = importlib.util.find_spec(top)
        if spec is None:
            raise ZygoteDiedError(
                "worker.zygote",
                "a package that workers need is not installed",
                got="nothing",
                expected=f"`{top}`",
            )
        if spec.submodule_search_locations:
            paths[str(Path(next(iter(spec.submodule_search_locations))).parent)] = None
        elif spec.origin:
            paths[str(Path(spec.origin).parent)] = None
    return tuple(paths)


def command(control_fd: int, entry: str, preload: Sequence[str], paths: Sequence[str] | None) -> list[str]:
    """The argument vector of a zygote; `paths` None means the folders of the packages it names."""
    if paths is None:
        paths = import_paths((*NEEDED, entry, *preload))
    return [sys.executable, *FLAGS, "-c", BOOT, str(control_fd), entry, ",".join(preload), *paths]
