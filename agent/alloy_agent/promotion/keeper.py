"""Writes decisions into the durable record, one at a time, off the loop; what the disk refused is tried again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import trio

from alloy_ota.errors import OtaError
from alloy_ota.record import StateRecord
from alloy_ota.state import Active, Demoted, Quarantined, State

CANARY_STEP_S: Final = 30.0  # a smaller change of what is left is not worth a write

Change = Callable[[State], State]


class Keeper:
    """The only writer of the record.

    Attributes:
        waiting: ways back that the disk has not taken yet; they hold in this process.
    """

    def __init__(self, record: StateRecord) -> None:
        self.waiting: list[Change] = []
        self._record = record
        self._lock = trio.Lock()

    async def promoted(self, entry: Active) -> None:
        """A module runs from now on; on disk when this returns, unchanged where it raises OtaError."""
        await self._write(lambda s: s.promoted(entry), keep=False)

    async def went_back(self, entry: Demoted) -> None:
        """A place is in the sandbox; raises OtaError where the disk has not taken it yet."""
        await self._write(lambda s: s.went_back(entry), keep=True)

    async def banned(self, entry: Quarantined) -> None:
        """A module never runs again; raises OtaError where the disk has not taken it yet."""
        await self._write(lambda s: s.banning(entry), keep=True)

    async def canary(self, left_s: Mapping[tuple[str, str], float]) -> None:
        """What is left of canary windows; written where it has changed. Raises OtaError."""
        stored = {(a.place, a.transform): a.canary_left_s for a in self._record.state.active}
        changed = any(
            abs(stored[key] - left) >= CANARY_STEP_S or bool(stored[key]) != bool(left)
            for key, left in left_s.items()
            if key in stored
        )
        if changed:
            await self._write(lambda s: s.canary(left_s), keep=False)

    async def again(self) -> None:
        """Write what waits, if anything does. Raises OtaError."""
        if self.waiting:
            await self._write(lambda s: s, keep=False)

    async def _write(self, change: Change, *, keep: bool) -> None:
        """Write a change and all that wait before it."""
        async with self._lock:
            waiting = [*self.waiting, change]

            def together(state: State) -> State:
                for each in waiting:
                    state = each(state)
                return state

            try:
                await trio.to_thread.run_sync(self._record.update, together)
            except OtaError:
                if keep:
                    self.waiting = waiting
                    self._record.state = change(self._record.state)  # it holds here, whatever the disk says
                raise
            self.waiting = []
