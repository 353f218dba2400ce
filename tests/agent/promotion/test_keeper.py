"""Decisions on their way to the disk: in order, and kept where the disk refuses."""

from __future__ import annotations

import pytest
from tests.fakes.disk import MemoryDisk
from tests.fakes.trio_run import in_trio

from alloy_agent.promotion.keeper import CANARY_STEP_S, Keeper
from alloy_ota.errors import DiskError
from alloy_ota.record import StateRecord
from alloy_ota.state import Active, Demoted, Quarantined

T, M = "ab" * 32, "cd" * 32
ACTIVE = Active("p/t", T, M, 1, 3600.0)
BACK = Demoted("p/t", T, M, "declines", 2)
BANNED = Quarantined(M, "p/t", T, "build.diff", "differs", 3)


def kept() -> tuple[MemoryDisk, StateRecord, Keeper]:
    disk = MemoryDisk()
    record = StateRecord("/modules", disk=disk)
    return disk, record, Keeper(record)


def again(disk: MemoryDisk) -> StateRecord:
    record = StateRecord("/modules", disk=disk)
    record.load()
    return record


@in_trio
async def test_nothing_is_promoted_when_the_disk_refuses() -> None:
    disk, record, keeper = kept()
    disk.room = 0

    with pytest.raises(DiskError):
        await keeper.promoted(ACTIVE)

    assert record.state.running("p/t", T) is None
    assert keeper.waiting == []


@in_trio
async def test_a_way_back_holds_at_once_and_is_written_later_when_the_disk_refuses() -> None:
    disk, record, keeper = kept()
    await keeper.promoted(ACTIVE)
    disk.room = 0

    with pytest.raises(DiskError):
        await keeper.went_back(BACK)
    with pytest.raises(DiskError):
        await keeper.banned(BANNED)
    with pytest.raises(DiskError):
        await keeper.again()

    assert record.state.running("p/t", T) is None
    assert record.state.banned(M) is not None
    assert len(keeper.waiting) == 2
    assert again(disk).state.running("p/t", T) == ACTIVE
    disk.room = None
    await keeper.again()
    assert keeper.waiting == []
    assert again(disk).state == record.state
    assert again(disk).state.banned(M) == BANNED
    assert again(disk).state.left("p/t", T, M) == BACK


@in_trio
async def test_what_waits_is_written_first_when_the_disk_takes_the_next_decision() -> None:
    disk, record, keeper = kept()
    await keeper.promoted(ACTIVE)
    disk.room = 0
    with pytest.raises(DiskError):
        await keeper.went_back(BACK)
    disk.room = None

    await keeper.promoted(ACTIVE)

    assert again(disk).state.running("p/t", T) == ACTIVE
    assert again(disk).state.left("p/t", T, M) is None
    await keeper.again()
    assert record.state.serial == 2


@in_trio
async def test_canary_windows_are_written_when_they_have_moved() -> None:
    disk, record, keeper = kept()
    await keeper.promoted(ACTIVE)

    await keeper.canary({("p/t", T): 3600.0 - CANARY_STEP_S + 1, ("other/t", T): 1.0})
    assert record.state.serial == 1
    await keeper.canary({("p/t", T): 3600.0 - CANARY_STEP_S})
    assert again(disk).state.active[0].canary_left_s == 3600.0 - CANARY_STEP_S
    await keeper.canary({("p/t", T): 0.0})
    await keeper.canary({("p/t", T): 0.0})
    assert record.state.serial == 3
