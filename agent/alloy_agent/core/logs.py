"""Logging of the daemon: events with fields, to the journal or to standard error; no log files of our own.

    log = logs.get("pipeline.roof")
    log.warning("transform.disabled", "elsys_ers failed three times", transform="elsys_ers", errors=3)

Three things hold on every way out: known secrets are masked, a source that repeats itself is capped, and a
journal or a standard error that takes nothing costs a line, never the daemon.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from .journal import Journal, priority, stream_is_journal

ROOT = "alloy"
Plain = str | int | float | bool | None

FIRST_LINES = 5  # of one source and event before the cap begins [lines]
CAP_PERIOD_S = 30.0  # then one line in this time, with the number of those left out [s]
MAX_CAPPED = 1024  # sources and events remembered by the cap [count]
MAX_TEXT_CHARS = 2000  # one message or field [characters]
MASK = "***"
_MIN_SECRET_CHARS = 4  # shorter texts would mask half of every line
_EVENT = re.compile(r"[a-z][a-z0-9_.]*\Z")


class Log:
    """A named source of events."""

    __slots__ = ("_logger", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self._logger = logging.getLogger(f"{ROOT}.{source}")

    def debug(self, event: str, message: str = "", /, **fields: Plain) -> None:
        """What only a developer reads."""
        self._log(logging.DEBUG, event, message, fields)

    def info(self, event: str, message: str = "", /, **fields: Plain) -> None:
        """What happened."""
        self._log(logging.INFO, event, message, fields)

    def warning(self, event: str, message: str = "", /, **fields: Plain) -> None:
        """What somebody may have to look at."""
        self._log(logging.WARNING, event, message, fields)

    def error(self, event: str, message: str = "", /, **fields: Plain) -> None:
        """What somebody has to look at."""
        self._log(logging.ERROR, event, message, fields)

    def _log(self, level: int, event: str, message: str, fields: Mapping[str, Plain]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        if not _EVENT.match(event):
            raise RuntimeError(f"an event is a dotted name, not {event!r}")
        extra = {"alloy_event": event, "alloy_source": self.source, "alloy_fields": dict(fields)}
        self._logger.log(level, message or event, extra=extra)


def get(source: str) -> Log:
    """The log of one source ("mqtt", "pipeline.roof")."""
    return Log(source)


@dataclass(slots=True)
class _Count:
    shown: int = 0
    left_out: int = 0
    last_s: float = 0.0


@dataclass
class RateCap(logging.Filter):
    """The first lines of a source and event pass, then one a period, which says how many did not.

    A new period without any line gives the source its first lines back. Memory is bounded: the entry that was
    quiet longest goes first.
    """

    clock: Callable[[], float] = time.monotonic
    first: int = FIRST_LINES
    period_s: float = CAP_PERIOD_S
    capacity: int = MAX_CAPPED
    _counts: dict[tuple[str, str], _Count] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def filter(self, record: logging.LogRecord) -> bool:
        """See logging.Filter."""
        key = (record.name, getattr(record, "alloy_event", ""))
        now = self.clock()
        count = self._counts.pop(key, None) or _Count()
        self._counts[key] = count  # to the end: the first key is the quietest
        if len(self._counts) > self.capacity:
            del self._counts[next(iter(self._counts))]
        quiet_s = now - count.last_s
        if count.shown >= self.first and quiet_s < self.period_s:
            count.left_out += 1
            return False
        if quiet_s >= 2 * self.period_s:
            count.shown = 0
        record.alloy_left_out = count.left_out
        count.shown += 1
        count.left_out = 0
        count.last_s = now
        return True


class Mask:
    """Replaces known secrets in every text that leaves."""

    def __init__(self) -> None:
        self._pattern: re.Pattern[str] | None = None
        self._known: set[str] = set()

    def add(self, secret: bytes) -> None:
        """From now on this value is masked."""
        text = secret.decode("utf-8", "replace")
        if len(text) >= _MIN_SECRET_CHARS:
            self._known.add(text)
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(re.escape(known) for known in longest_first))

    def text(self, text: str) -> str:
        """The text without secrets, bounded."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        return text if len(text) <= MAX_TEXT_CHARS else text[: MAX_TEXT_CHARS - 1] + "…"


@dataclass(frozen=True, slots=True)
class Line:
    """One event, ready to be written: masked and bounded."""

    level: int
    source: str
    event: str
    message: str
    fields: dict[str, Plain]


class _Handler(logging.Handler):
    """Makes a `Line` of each record and gives it to `write`."""

    def __init__(self, mask: Mask, write: Callable[[Line], None]) -> None:
        super().__init__()
        self._mask = mask
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            message = f"{message}\n{logging.Formatter().formatException(record.exc_info)}"
        fields: dict[str, Any] = dict(getattr(record, "alloy_fields", {}))
        if getattr(record, "alloy_left_out", 0):
            fields["left_out"] = record.alloy_left_out  # type: ignore[attr-defined]  # set by RateCap
        masked = {k: self._mask.text(v) if isinstance(v, str) else v for k, v in fields.items()}
        source = getattr(record, "alloy_source", record.name.removeprefix(f"{ROOT}."))
        self._write(
            Line(record.levelno, source, getattr(record, "alloy_event", ""), self._mask.text(message), masked)
        )


def text_line(line: Line) -> str:
    """`<4>pipeline.roof transform.disabled: message key=value`; journald and syslog read the prefix."""
    event = f" {line.event}" if line.event else ""
    pairs = "".join(f" {key}={_pair(value)}" for key, value in line.fields.items())
    message = line.message.replace("\n", "\n  ")
    return f"<{priority(line.level)}>{line.source}{event}: {message}{pairs}"


def json_line(line: Line) -> str:
    """The same as one JSON object."""
    head = {"level": logging.getLevelName(line.level).lower(), "source": line.source, "event": line.event}
    return json.dumps({**head, "message": line.message, "fields": line.fields})


def _pair(value: Plain) -> str:
    text = str(value)
    return json.dumps(text) if isinstance(value, str) and not re.fullmatch(r"[!#-<>-~]+", text) else text


def _stream_writer(stream: IO[str], form: Callable[[Line], str]) -> Callable[[Line], None]:
    def write(line: Line) -> None:
        try:
            stream.write(form(line) + "\n")
            stream.flush()
        except (OSError, ValueError):
            # standard error is closed or full: there is no place left to say so
            return

    return write


def setup(
    *,
    level: str = "info",
    as_json: bool = False,
    secrets: Iterable[bytes] = (),
    environ: Mapping[str, str] = os.environ,
    stream: IO[str] | None = None,
    journal: Journal | None = None,
) -> Mask:
    """Send every event of the daemon to the journal if standard error is connected to it, else to the stream.

    Returns:
        The mask: whoever resolves a secret later adds it there.
    """
    mask = Mask()
    for secret in secrets:
        mask.add(secret)
    out = stream or sys.stderr
    if journal is None and not as_json and stream is None and stream_is_journal(environ):
        journal = Journal()
    fallback = _stream_writer(out, json_line if as_json else text_line)

    def write(line: Line) -> None:
        sent = journal is not None and journal.send(
            line.level, line.message, line.source, line.event, line.fields
        )
        if not sent:
            fallback(line)

    handler = _Handler(mask, write)
    handler.addFilter(RateCap())
    root = logging.getLogger(ROOT)
    root.handlers[:] = [handler]
    root.propagate = False
    root.setLevel(level.upper())
    return mask
