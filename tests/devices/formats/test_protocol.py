"""The decoder's protocol: what is no frame of it is refused with its code."""

from __future__ import annotations

import socket

import msgpack
import pytest

from alloy_devices.errors import FormatError
from alloy_devices.formats import worker
from alloy_devices.formats.engine import Run
from alloy_devices.formats.model import Limits
from alloy_devices.formats.protocol import REPLY_BYTES_MAX, failure, read_failure, read_request, request
from alloy_transforms.record import ClockState
from alloy_transforms.sandbox.frames import read_frame, write_frame


def test_an_error_comes_back_with_its_place_when_it_is_written_and_read() -> None:
    body = failure("format.malformed", {"what": "stored chunks overlap", "where": "/v", "got": "2"})

    error = read_failure(body, "a.h5")

    assert (error.code, error.what, error.where) == ("format.malformed", "stored chunks overlap", "a.h5: /v")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"e",
        b"q" + msgpack.packb({"code": "format.crash"}),
        b"e" + msgpack.packb(["format.crash"]),
        b"e" + msgpack.packb({"code": "control.failed"}),
        b"e" + msgpack.packb({"code": "format." + "x" * 64}),
        b"e" + msgpack.packb({str(number): 1 for number in range(65)}),
    ],
)
def test_a_frame_is_refused_when_it_is_no_error_of_a_decoder(body: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_failure(body, "a.h5")

    assert caught.value.code == "format.protocol"


def test_a_request_is_refused_when_its_version_is_another() -> None:
    with pytest.raises(FormatError) as caught:
        read_request(b"q" + msgpack.packb({"v": 0, "limits": {}}))

    assert caught.value.code == "format.protocol"


def test_the_core_is_told_when_a_reader_runs_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: object) -> None:
        raise MemoryError  # what the allocator of a jailed decoder says; where it says so differs by library

    monkeypatch.setattr(worker, "_decode", greedy)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        write_frame(ours.fileno(), request(Run("r", "a.h5", 1, 1, 1, ClockState.NTP), Limits()))

        worker.serve(theirs.fileno(), (-1,))
        body = read_frame(ours.fileno(), REPLY_BYTES_MAX)

    assert body is not None
    assert read_failure(body, "a.h5").code == "format.memory"
