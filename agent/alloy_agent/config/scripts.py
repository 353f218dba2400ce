"""Finds the source text of transforms: shipped ones by name, the site's own below `<config>/transforms`.

The text is read into the document, so that the core opens no file that a pipeline names. A path is walked one
component at a time without following links: neither `..` nor a symbolic link leads out of the folder.
"""

from __future__ import annotations

import os
import re
import stat
from importlib import resources
from pathlib import Path

from .limits import MAX_SOURCES_BYTES, MAX_TRANSFORM_BYTES
from .model import TransformRef
from .report import Report, meant
from .tree import Node

_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")
_LISTED_FILES = 256


class Scripts:
    """Reads each transform once; `folder` is `<config>/transforms`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, TransformRef] = {}
        self._library: tuple[str, ...] | None = None
        self._bytes = 0

    def library(self) -> tuple[str, ...]:
        """Names of the shipped transforms."""
        if self._library is None:
            files = resources.files("alloy_transforms.library").iterdir()
            names = (file.name.removesuffix(".py") for file in files if file.name.endswith(".py"))
            self._library = tuple(sorted(name for name in names if not name.startswith("_")))
        return self._library

    def find(self, use: str, node: Node, report: Report) -> TransformRef | None:
        """The transform that `use` names, without params; None after reporting."""
        known = self._known.get(use)
        if known is None:
            known = (
                self._path(use, node, report)
                if "/" in use or use.endswith(".py")
                else self._shipped(use, node, report)
            )
            if known is None:
                return None
            self._bytes += len(known.source)
            self._known[use] = known
        if self._bytes > MAX_SOURCES_BYTES:
            report.add(
                node,
                "config.limit",
                "the transforms are too large together",
                got=f"{self._bytes} bytes",
                expected=f"at most {MAX_SOURCES_BYTES}",
            )
            return None
        return known

    def _shipped(self, use: str, node: Node, report: Report) -> TransformRef | None:
        names = self.library()
        if use in names:
            source = resources.files("alloy_transforms.library").joinpath(f"{use}.py").read_bytes()
            return TransformRef(name=use, origin="library", source=source)
        hint = meant(use, names)
        if _NAME.match(use) and (self._folder / f"{use}.py").is_file():
            hint = f"write ./{use}.py for the one in transforms/"
        report.add(
            node, "config.unknown_transform", f"no transform of the library is named `{use}`", hint=hint
        )
        return None

    def _path(self, use: str, node: Node, report: Report) -> TransformRef | None:
        parts = [part for part in use.split("/") if part not in ("", ".")]
        wanted = "a path below transforms/, such as ./elsys_ers.py"
        if use.startswith("/") or ".." in parts or not parts:
            report.add(
                node,
                "config.transform_path",
                "a transform lies below transforms/",
                got=f"`{use}`",
                expected=wanted,
                hint="copy the file to transforms/ and name it ./<file>.py",
            )
            return None
        if not use.endswith(".py"):
            report.add(
                node, "config.transform_path", "a transform is a Python file", got=f"`{use}`", expected=wanted
            )
            return None
        stem = parts[-1].removesuffix(".py")
        if not _NAME.match(stem.lower()) or len(stem) > 64:
            report.add(
                node,
                "config.transform_path",
                "the file name is no name of a transform",
                got=f"`{parts[-1]}`",
                expected="letters, digits and `_`",
            )
            return None
        source = self._read(parts, use, node, report)
        return None if source is None else TransformRef(name=stem, origin=use, source=source)

    def _read(self, parts: list[str], use: str, node: Node, report: Report) -> bytes | None:
        folder = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        opened: list[int] = []
        try:
            opened.append(os.open(self._folder, folder))
            for part in parts[:-1]:
                opened.append(os.open(part, folder | os.O_NOFOLLOW, dir_fd=opened[-1]))
            # O_NONBLOCK: a named pipe must not hold the compiler
            fd = os.open(
                parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=opened[-1]
            )
            opened.append(fd)
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                report.add(node, "config.transform_path", f"`{use}` is no regular file")
                return None
            with os.fdopen(os.dup(fd), "rb") as file:
                source = file.read(MAX_TRANSFORM_BYTES + 1)
        except FileNotFoundError:
            report.add(
                node,
                "config.unknown_transform",
                f"transforms/{'/'.join(parts)} does not exist",
                hint=meant(parts[-1], self._files(parts[:-1])),
            )
            return None
        except OSError as error:
            link = error.errno in (40, 20)  # ELOOP, ENOTDIR: what O_NOFOLLOW answers for a link
            hint = "symbolic links are not followed: copy the file" if link else ""
            report.add(
                node,
                "config.transform_path",
                f"`{use}` cannot be read: {os.strerror(error.errno or 0)}",
                hint=hint,
            )
            return None
        finally:
            for fd in opened:
                os.close(fd)
        if len(source) > MAX_TRANSFORM_BYTES:
            report.add(
                node,
                "config.limit",
                f"`{use}` is too large",
                got=f"more than {MAX_TRANSFORM_BYTES} bytes",
                expected=f"at most {MAX_TRANSFORM_BYTES}",
            )
            return None
        return source

    def _files(self, parts: list[str]) -> list[str]:
        """Names beside a missing file, for the hint only."""
        try:
            with os.scandir(self._folder.joinpath(*parts)) as found:
                return [
                    entry.name
                    for _, entry in zip(range(_LISTED_FILES), found, strict=False)
                    if entry.name.endswith(".py")
                ]
        except OSError:
            return []
