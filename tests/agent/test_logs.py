"""Events on their way out: journal datagrams, prefixed lines, JSON; masked and capped."""

from __future__ import annotations

import io
import json
import logging
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from alloy_agent.core import logs
from alloy_agent.core.journal import Journal, stream_is_journal


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    """Leave the logging tree as it was."""
    root = logging.getLogger(logs.ROOT)
    before = (root.handlers[:], root.propagate, root.level)
    yield
    root.handlers[:], root.propagate = before[0], before[1]
    root.setLevel(before[2])


def parse_entry(data: bytes) -> dict[str, str]:
    """Read one journal datagram by the words of the protocol document."""
    entry = {}
    while data:
        head, _, rest = data.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if equals:
            data = rest
        else:
            (length,) = struct.unpack("<Q", rest[:8])
            value, data = rest[8 : 8 + length], rest[9 + length :]
        entry[name.decode()] = value.decode()
    return entry


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[socket.socket]:
    """Stands where journald listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "journal"))
        listening.settimeout(5)
        yield listening


def test_fields_arrive_in_the_journal_when_it_listens(receiver: socket.socket, tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "journal"))
    logs.setup(journal=journal, stream=io.StringIO())

    logs.get("pipeline.roof").warning("transform.disabled", "three\nerrors", transform="ers", errors=3)
    entry = parse_entry(receiver.recv(65536))
    journal.close()

    assert entry == {
        "MESSAGE": "three\nerrors",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "alloy-edge",
        "ALLOY_SOURCE": "pipeline.roof",
        "ALLOY_PIPELINE": "roof",
        "ALLOY_EVENT": "transform.disabled",
        "ALLOY_TRANSFORM": "ers",
        "ALLOY_ERRORS": "3",
    }


def test_the_line_goes_to_the_stream_when_the_journal_is_gone(tmp_path: Path) -> None:
    out = io.StringIO()
    journal = Journal(str(tmp_path / "nobody"))
    logs.setup(journal=journal, stream=out)

    logs.get("core").error("stop", "bye", reason="signal 15")
    journal.close()

    assert out.getvalue() == '<3>core stop: bye reason="signal 15"\n'
    assert journal.dropped == 1


def test_one_object_a_line_is_written_when_json_is_asked_for() -> None:
    out = io.StringIO()
    logs.setup(as_json=True, stream=out)

    logs.get("mqtt").info("link.up", "connected", host="127.0.0.1", port=1883)

    assert json.loads(out.getvalue()) == {
        "level": "info",
        "source": "mqtt",
        "event": "link.up",
        "message": "connected",
        "fields": {"host": "127.0.0.1", "port": 1883},
    }


def test_a_secret_is_masked_when_it_is_in_message_field_or_traceback() -> None:
    out = io.StringIO()
    mask = logs.setup(stream=out, secrets=[b"hunter2"])
    mask.add(b"s3cret!")

    logs.get("mqtt").info("link.up", "with hunter2", password="hunter2", other="x s3cret! y")
    try:
        raise ValueError("hunter2")
    except ValueError:
        logging.getLogger("alloy.mqtt").exception("failed")

    assert "hunter2" not in out.getvalue()
    assert "s3cret!" not in out.getvalue()
    assert out.getvalue().count("***") == 5


def test_levels_below_the_chosen_one_are_left_out_when_set() -> None:
    out = io.StringIO()
    logs.setup(level="warning", stream=out)

    logs.get("core").debug("a")
    logs.get("core").info("b")
    logs.get("core").warning("c")

    assert out.getvalue() == "<4>core c: c\n"


def record(source: str = "mqtt") -> logging.LogRecord:
    return logging.makeLogRecord({"name": f"alloy.{source}", "alloy_event": "link.down"})


def test_repeats_are_capped_and_counted_when_a_source_floods() -> None:
    now = [0.0]
    cap = logs.RateCap(clock=lambda: now[0])
    passed = []

    for second in range(65):
        now[0] = float(second)
        line = record()
        if cap.filter(line):
            passed.append((second, getattr(line, "alloy_left_out", None)))

    assert passed == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (34, 29), (64, 29)]


def test_another_source_passes_when_one_is_capped() -> None:
    cap = logs.RateCap(clock=lambda: 0.0, first=1)

    assert [cap.filter(record("a")), cap.filter(record("a")), cap.filter(record("b"))] == [True, False, True]


def test_a_source_starts_afresh_when_it_was_quiet_long_enough() -> None:
    now = [0.0]
    cap = logs.RateCap(clock=lambda: now[0], first=2)
    for _ in range(5):
        cap.filter(record())
    now[0] = 60.0

    assert [cap.filter(record()) for _ in range(3)] == [True, True, False]


def test_the_cap_forgets_the_quietest_when_it_is_full() -> None:
    cap = logs.RateCap(clock=lambda: 0.0, first=1, capacity=2)

    assert [cap.filter(record(name)) for name in ("a", "b", "c", "a")] == [True] * 4


def test_a_long_message_is_cut_when_it_would_fill_the_log() -> None:
    out = io.StringIO()
    logs.setup(stream=out)

    logs.get("core").info("x", "y" * 10_000)

    assert len(out.getvalue()) < 2100


def test_logging_goes_on_when_the_stream_is_closed() -> None:
    out = io.StringIO()
    logs.setup(stream=out)
    out.close()

    logs.get("core").error("stop")


def test_an_event_is_refused_when_it_is_no_dotted_name() -> None:
    logs.setup(stream=io.StringIO())

    with pytest.raises(RuntimeError):
        logs.get("core").info("Not An Event")


def test_the_journal_is_recognised_when_the_inode_of_the_stream_is_named(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "stream", os.O_CREAT | os.O_WRONLY)
    facts = os.fstat(fd)
    try:
        assert stream_is_journal({"JOURNAL_STREAM": f"{facts.st_dev}:{facts.st_ino}"}, fd)
        assert not stream_is_journal({"JOURNAL_STREAM": f"{facts.st_dev}:{facts.st_ino + 1}"}, fd)
        assert not stream_is_journal({}, fd)
    finally:
        os.close(fd)
    assert not stream_is_journal({"JOURNAL_STREAM": "1:1"}, fd)
