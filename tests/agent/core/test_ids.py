"""Identifiers: what sorts, what repeats, and a number that outlives the process where the disk lets it."""

from __future__ import annotations

import errno
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_agent.core.ids import MAX_BIRTH, file_run, next_birth, stream_run, ulid

MS = 1_000_000


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), st.binary(min_size=10, max_size=10))
def test_ulids_sort_as_their_times_when_milliseconds_differ(a: int, b: int, entropy: bytes) -> None:
    first, second = ulid(a, b"\xff" * 10), ulid(b, entropy)

    assert len(first) == len(second) == 26
    if a // MS < b // MS:
        assert first < second


def test_the_known_ulid_comes_out() -> None:
    """The timestamp of the ULID specification's example, 01ARYZ6S41 = 1469918176385 ms."""
    assert ulid(1_469_918_176_385 * MS, bytes(10)) == "01ARYZ6S41" + "0" * 16


def test_runs_differ_when_they_begin_in_the_same_moment() -> None:
    assert len({stream_run(5) for _ in range(100)}) == 100


def test_the_run_of_a_file_is_the_same_when_it_is_decoded_again() -> None:
    assert file_run("a.h5", 10, 5) == file_run("a.h5", 10, 5)
    others = {
        file_run("a.h5", 11, 5),
        file_run("a.h5", 10, 6),
        file_run("b.h5", 10, 5),
        file_run("a.h5", 10, 5, "t"),
    }
    assert len(others | {file_run("a.h5", 10, 5)}) == 5


@pytest.mark.parametrize("mtime_ns", [-1, 0, 2**63 - 1])
def test_a_file_has_a_run_when_its_time_is_odd(mtime_ns: int) -> None:
    assert len(file_run("a", 0, mtime_ns)) == 26


def test_each_start_has_the_next_number(tmp_path: Path) -> None:
    assert [next_birth(tmp_path / "birth") for _ in range(3)] == [1, 2, 3]
    assert [path.name for path in tmp_path.iterdir()] == ["birth"]


@pytest.mark.parametrize(
    "damaged", [b"", b"\x00" * 8, b"x", b"-7", b"1_0", b"\xff\xfe", b"9" * 30, b"9" * 6000, b"12 34", b"1.5"]
)
def test_numbers_begin_anew_when_the_file_is_damaged(damaged: bytes, tmp_path: Path) -> None:
    path = tmp_path / "birth"
    path.write_bytes(damaged)

    number = next_birth(path)

    assert number == 1
    assert next_birth(path) == 2


def test_a_number_fits_every_message_when_it_has_come_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "birth").write_text(f"{MAX_BIRTH}\n")

    number = next_birth(tmp_path / "birth")

    assert number == 1
    assert msgspec.msgpack.encode(MAX_BIRTH)


def test_the_daemon_starts_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "birth"
    path.write_text("41\n")

    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("alloy_agent.core.ids.os.fsync", full)

    assert next_birth(path) == 42
    assert path.read_text() == "41\n"  # whole, as it was


def test_the_daemon_starts_when_the_folder_is_gone(tmp_path: Path) -> None:
    assert next_birth(tmp_path / "none" / "birth") == 1
