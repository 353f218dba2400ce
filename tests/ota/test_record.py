"""The durable record of decisions: what is written is read, and nothing that lies there stops a start."""

from __future__ import annotations

import errno
import json
import os
import random
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.disk import MemoryDisk

from alloy_ota.errors import DiskError, RecordError
from alloy_ota.record import StateRecord
from alloy_ota.state import (
    MAX_BYTES,
    MAX_ENTRIES,
    MAX_TEXT,
    VERSION,
    Active,
    Demoted,
    Quarantined,
    State,
    decode,
    encode,
)

T, M, N = "ab" * 32, "cd" * 32, "ef" * 32
ACTIVE = Active("roof/ers", T, M, 5, 3600.0)
FULL = (
    State(7)
    .promoted(ACTIVE)
    .went_back(Demoted("yard/ers", T, M, "declines", 6))
    .banning(Quarantined(N, "roof/ers", T, "build.diff", "an answer differed", 7))
)


def record(folder: Path) -> StateRecord:
    return StateRecord(folder / "modules")


def test_state_is_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    first = record(tmp_path)
    assert first.load() == State()

    for _ in range(3):
        first.update(lambda _: FULL)

    second = record(tmp_path)
    assert second.load() == replace(FULL, serial=3)
    assert second.peek() == second.state
    assert sorted(os.listdir(first.folder)) == ["state.0", "state.1"]


@pytest.mark.parametrize("newest", ["state.0", "state.1"])
@pytest.mark.parametrize("damage", [b"", b"x", None])
def test_the_copy_before_counts_when_the_newest_is_damaged(
    tmp_path: Path, newest: str, damage: bytes | None
) -> None:
    first = record(tmp_path)
    for _ in range(3 if newest == "state.0" else 2):
        first.update(lambda s: s.promoted(replace(ACTIVE, since_ns=s.serial)))
    path = Path(first.folder) / newest
    path.write_bytes(path.read_bytes()[:-9] if damage is None else damage)

    second = record(tmp_path)
    state = second.load()

    assert state.serial == first.state.serial - 1
    assert len(second.problems) == 1
    assert "ota.record" in second.problems[0]
    assert (Path(first.folder) / f"{newest}.bad").exists()
    assert second.update(lambda s: s).serial == first.state.serial
    assert record(tmp_path).load() == second.state


def foreign(text: bytes) -> bytes:
    return b"alloy-modules %d %08x %d\n%s\n" % (VERSION, zlib.crc32(text), len(text), text)


GOOD = json.loads(encode(FULL).split(b"\n")[1])
FOREIGN = [
    b"",
    b"\n\n",
    b"\0" * 300,
    b"alloy-modules\n",
    encode(FULL).replace(b"alloy-modules 1", b"alloy-modules 2", 1),
    encode(FULL)[:-1],
    encode(FULL) + b"x",
    foreign(b"[]"),
    foreign(b"{}"),
    foreign(b"not JSON"),
    foreign(b"[" * 5000),
    foreign(json.dumps({**GOOD, "serial": -1}).encode()),
    foreign(json.dumps({**GOOD, "serial": True}).encode()),
    foreign(json.dumps({**GOOD, "active": [1]}).encode()),
    foreign(json.dumps({**GOOD, "active": [{**GOOD["active"][0], "module": "x"}]}).encode()),
    foreign(json.dumps({**GOOD, "active": [{**GOOD["active"][0], "since_ns": 1 << 64}]}).encode()),
    foreign(json.dumps({**GOOD, "active": [{**GOOD["active"][0], "canary_left_s": -1}]}).encode()),
    foreign(json.dumps({**GOOD, "active": [{**GOOD["active"][0], "place": "x" * 300}]}).encode()),
    foreign(json.dumps({**GOOD, "active": GOOD["active"] * (MAX_ENTRIES + 1)}).encode()),
    foreign(json.dumps({**GOOD, "more": 1}).encode()),
]


@pytest.mark.parametrize("data", FOREIGN)
def test_start_goes_on_with_nothing_decided_when_the_record_is_foreign(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(RecordError):
        decode(data)
    for name in ("state.0", "state.1"):
        (tmp_path / "modules").mkdir(exist_ok=True)
        (tmp_path / "modules" / name).write_bytes(data)

    found = record(tmp_path)

    assert found.peek() == State()
    assert found.load() == State()
    assert len(found.problems) == 2
    found.update(lambda s: s.promoted(ACTIVE))
    assert record(tmp_path).load().running("roof/ers", T) == ACTIVE


def test_record_is_refused_when_any_bit_or_length_of_it_changes() -> None:
    data = encode(FULL)
    dice = random.Random(1)
    for _ in range(300):
        bent = bytearray(data)
        bent[dice.randrange(len(bent))] ^= 1 << dice.randrange(8)
        with pytest.raises(RecordError):
            decode(bytes(bent))
    for length in range(0, len(data), 7):
        with pytest.raises(RecordError):
            decode(data[:length])
    assert decode(data) == FULL


@pytest.mark.parametrize("kind", ["link", "folder", "unreadable"])
def test_start_goes_on_when_the_record_cannot_be_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "modules" / "state.0"
    path.parent.mkdir()
    if kind == "link":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(bytes(MAX_BYTES + 1))  # longer than a record may be

    found = record(tmp_path)

    assert found.load() == State()
    assert len(found.problems) == 1
    assert found.update(lambda s: s).serial == 1


def test_nothing_changes_when_the_disk_is_full() -> None:
    disk = MemoryDisk()
    found = StateRecord("/modules", disk=disk)
    found.update(lambda s: s.promoted(ACTIVE))
    disk.room = 10

    for _ in range(2):
        with pytest.raises(DiskError) as caught:
            found.update(lambda s: s.banning(FULL.quarantined[0]))
        assert caught.value.retryable

    assert found.state.banned(N) is None
    assert StateRecord("/modules", disk=disk).load() == found.state
    disk.room = None
    assert found.update(lambda s: s.banning(FULL.quarantined[0])).banned(N) is not None
    assert disk.listdir("/modules") == ["state.0", "state.1"]


def test_a_place_follows_its_decisions_when_they_come_one_after_the_other() -> None:
    other = replace(ACTIVE, place="yard/ers")
    state = State().promoted(ACTIVE).promoted(other)
    assert state.running("roof/ers", T) == ACTIVE
    assert state.running("roof/ers", N) is None  # another file of the same name

    state = state.went_back(Demoted("roof/ers", T, M, "declines", 6))
    assert state.running("roof/ers", T) is None
    assert state.left("roof/ers", T, M) is not None
    assert state.running("yard/ers", T) == other

    state = state.promoted(replace(ACTIVE, module=N))
    assert state.left("roof/ers", T, M) is not None  # of the other module
    assert state.promoted(ACTIVE).left("roof/ers", T, M) is None

    state = state.banning(Quarantined(M, "yard/ers", T, "build.diff", "", 8))
    assert state.running("yard/ers", T) is None
    assert state.running("roof/ers", T) is not None
    assert state.banned(M) is not None
    assert state.canary({("roof/ers", T): 12.5}).active[0].canary_left_s == 12.5
    assert state.canary({("roof/ers", T): -1.0}).active[0].canary_left_s == 0.0


def test_the_oldest_go_when_there_are_too_many_entries() -> None:
    state = State()
    for i in range(MAX_ENTRIES + 10):
        digest = f"{i:064x}"
        state = state.banning(Quarantined(digest, "p/t", T, "script.crash", "", i))
        state = state.went_back(Demoted("p/t", T, digest, "", i))

    assert (len(state.quarantined), len(state.demoted)) == (MAX_ENTRIES, MAX_ENTRIES)
    assert state.banned(f"{9:064x}") is None
    assert state.banned(f"{10:064x}") is not None
    assert decode(encode(state)) == state


def test_a_banned_module_runs_nowhere_when_it_is_promoted_afterwards() -> None:
    state = FULL.promoted(replace(ACTIVE, module=N))

    assert state == FULL


def test_record_is_read_again_when_every_entry_is_as_long_as_it_may_be() -> None:
    text = "\U0001f600" * MAX_TEXT
    full = State(
        active=tuple(Active(text, f"{n:064x}", M, 1, 1.0) for n in range(MAX_ENTRIES)),
        demoted=tuple(Demoted(text, f"{n:064x}", M, text, 1) for n in range(MAX_ENTRIES)),
        quarantined=tuple(Quarantined(f"{n:064x}", text, T, text, text, 1) for n in range(MAX_ENTRIES)),
    )
    disk = MemoryDisk()
    StateRecord("/modules", disk=disk).update(lambda _: full)

    found = StateRecord("/modules", disk=disk).load()

    assert found == replace(full, serial=1)


@pytest.mark.parametrize("updates", [1, 2, 3])
def test_no_decision_is_lost_when_the_record_could_not_be_read_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, updates: int
) -> None:
    first = record(tmp_path)
    for _ in range(4):
        first.update(lambda _: FULL)
    second = record(tmp_path)

    def failing(*_: object) -> int:
        raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "open", failing)
        assert second.load() == State()
        with pytest.raises(DiskError):
            second.update(lambda s: s.promoted(ACTIVE))
    for _ in range(updates):
        second.update(lambda s: s.promoted(ACTIVE))

    state = record(tmp_path).load()
    assert state.banned(N) is not None
    assert state.running(ACTIVE.place, T) == ACTIVE
