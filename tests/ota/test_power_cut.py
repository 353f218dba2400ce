"""The power goes before each single write, fsync and rename, twice: what was said to be safe is, and all of it loads.

The last test is the test of the tests: without an fsync they would find something.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import pytest
from tests.fakes.disk import MemoryDisk, PowerCutError

from alloy_ota.local import Built
from alloy_ota.modules import Modules
from alloy_ota.state import Active, Demoted, Quarantined, State

DATA = [b"module %d" % i * 50 for i in range(3)]
MODULES = [hashlib.sha256(d).hexdigest() for d in DATA]
TRANSFORM = "ab" * 32


def built(number: int) -> Built:
    return Built(
        MODULES[number], "t", TRANSFORM, TRANSFORM, TRANSFORM, "x86_64", 1, len(DATA[number]), number
    )


def promote(number: int) -> Callable[[State], State]:
    return lambda s: s.promoted(Active("p/t", TRANSFORM, MODULES[number], number, 3600.0))


def ban(number: int) -> Callable[[State], State]:
    return lambda s: s.banning(
        Quarantined(MODULES[number], "p/t", TRANSFORM, "build.diff", "differs", number)
    )


def back(number: int) -> Callable[[State], State]:
    return lambda s: s.went_back(Demoted("p/t", TRANSFORM, MODULES[number], "by an operator", number))


CHANGES = [promote(0), back(0), promote(1), ban(1)]


class Acknowledged:
    """What a run was told to be safe before the power went."""

    def __init__(self) -> None:
        self.objects: list[int] = []
        self.serial = 0


ORDERS = ("aarrrr", "arrarr", "rrrraa", "rararr")
"""What comes when: a: the next module is built and kept, r: the next decision is written."""


def life(disk: MemoryDisk, done: Acknowledged, order: str) -> None:
    """Two modules are built, and four decisions are written."""
    modules = Modules("/state/modules", disk=disk)
    modules.record.load()
    changes = iter(CHANGES)
    for what in order:
        if what == "a":
            number = len(done.objects)
            modules.admit(DATA[number], built(number))
            done.objects.append(number)
        else:
            done.serial = modules.record.update(next(changes)).serial


def expected() -> list[State]:
    states = [State()]
    for change in CHANGES:
        states.append(change(states[-1]))
    return states


def fresh(**options: object) -> MemoryDisk:
    disk = MemoryDisk(**options)  # type: ignore[arg-type]
    disk.mkdir("/state")
    disk.mkdir("/state/modules")
    for name in ("objects", "built"):
        disk.mkdir(f"/state/modules/{name}")
    return disk


def found(disk: MemoryDisk, done: Acknowledged) -> Iterator[str]:
    """What is wrong with a disk after a cut; the state is loaded as on start."""
    modules = Modules("/state/modules", disk=disk)
    state = modules.record.load()
    if modules.record.problems:
        yield f"set aside: {modules.record.problems}"
    if state.serial < done.serial:
        yield f"serial {state.serial}, {done.serial} was safe"
    wanted = expected()[state.serial]
    if (state.active, state.demoted, state.quarantined) != (
        wanted.active,
        wanted.demoted,
        wanted.quarantined,
    ):
        yield "another state than was written"
    for number in done.objects:
        try:
            if modules.objects.get(MODULES[number]) != DATA[number]:
                yield "another object"
            if modules.built.get(MODULES[number]) != built(number):
                yield "another record of a built module"
        except Exception as error:
            yield str(error)
    for digest in modules.objects.sizes():
        try:
            modules.objects.get(digest)
        except Exception as error:
            yield str(error)
    if len(modules.built.all()) < len(done.objects):
        yield "a record of a built module is damaged"


def cuts(order: str = ORDERS[0], **mistakes: bool) -> Iterator[tuple[int, MemoryDisk, Acknowledged]]:
    """Every disk that may be found, for a cut before each step and one after the last."""
    whole = fresh(**mistakes)
    life(whole, Acknowledged(), order)
    for step in range(whole.steps + 1):
        disk, done = fresh(cut_at=step, **mistakes), Acknowledged()
        try:
            life(disk, done, order)
        except PowerCutError:
            assert step < whole.steps
        for after in disk.outcomes():
            yield step, after, done


@pytest.mark.parametrize("order", ORDERS)
def test_everything_loads_and_nothing_safe_is_gone_when_the_power_goes_at_any_step(order: str) -> None:
    count = 0
    for step, disk, done in cuts(order):
        count += 1
        assert list(found(disk, done)) == [], step
    print(f"{count} cuts")
    assert count > 50


@pytest.mark.slow
def test_the_next_run_finishes_when_the_power_goes_twice() -> None:
    """After the first cut everything is done again, and cut again at each step; then once more to the end."""
    firsts = {}
    for step, disk, _ in cuts():  # one disk a step that differs, as it would be found
        firsts[step, tuple(sorted((p, n) for p, f in disk.folders.items() for n in f.names))] = disk
    count = 0
    for disk in firsts.values():
        names = {p: dict(f.names) for p, f in disk.folders.items()}
        for step in range(0, 60, 3):
            again = MemoryDisk(cut_at=step)
            for path, own in names.items():
                again.folders.setdefault(path, type(disk.folders[path])()).names.update(own)
                again.folders[path].synced.update(own)
            done = Acknowledged()
            modules = Modules("/state/modules", disk=again)
            try:
                modules.record.load()
                modules.sweep()
                modules.admit(DATA[2], built(2))
                done.objects.append(2)
                done.serial = modules.record.update(promote(2)).serial
            except PowerCutError:
                pass
            for after in again.outcomes():
                count += 1
                end = Modules("/state/modules", disk=after)
                state = end.record.load()
                assert end.record.problems == []
                assert state.serial >= done.serial
                for number in done.objects:
                    assert end.objects.get(MODULES[number]) == DATA[number]
                assert end.record.update(promote(2)).running("p/t", TRANSFORM) is not None
    print(f"{count} second cuts")


@pytest.mark.parametrize("mistake", ["file_sync", "folder_sync"])
def test_the_cuts_find_it_when_an_fsync_is_missing(mistake: str) -> None:
    assert any(list(found(disk, done)) for _, disk, done in cuts(**{mistake: False}))
