"""Entries that run inside a jailed worker of the tests; imported by the zygote, so standard library only."""

from __future__ import annotations

import io
import linecache  # noqa: F401 - preloaded for tracebacks, as the real worker does
import traceback
from typing import Any

from alloy_transforms.sandbox.frames import read_frame, write_frame

FRAME_MAX = 64 << 20


def execute(channel: int, fds: tuple[int, ...]) -> None:
    """Each frame is Python source; the answer is the repr of its `result`, or `Error: text`."""
    namespace: dict[str, Any] = {"channel": channel, "fds": fds}
    while (source := read_frame(channel, FRAME_MAX)) is not None:
        namespace.pop("result", None)
        try:
            exec(compile(source, "<attack>", "exec"), namespace)
            answer = repr(namespace.get("result"))
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        write_frame(channel, answer.encode("utf-8", "replace"))


def echo(channel: int, fds: tuple[int, ...]) -> None:
    """Send every frame back."""
    while (body := read_frame(channel, FRAME_MAX)) is not None:
        write_frame(channel, body)


def no_memory(channel: int, fds: tuple[int, ...]) -> None:
    """End with MemoryError at the top."""
    raise MemoryError


def trace(channel: int, fds: tuple[int, ...]) -> None:
    """Like `execute`, with a traceback; shows that a worker can print one without files."""
    while (source := read_frame(channel, FRAME_MAX)) is not None:
        text = io.StringIO()
        try:
            exec(compile(source, "<attack>", "exec"), {})
        except Exception:
            traceback.print_exc(file=text)
        write_frame(channel, text.getvalue().encode())
