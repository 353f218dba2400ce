"""When a transform is out of use. Pure: it is told what happened and the time.

state         event                                             next
in_use        three script batches, no good input between    -> disabled
in_use        three batches that killed workers in 10 min    -> disabled
any           a violation                                    -> quarantined
in_use        an operator's `disable`                        -> disabled
disabled      an operator's `enable`                         -> in_use
quarantined   `enable`                                       -> raises: only another version runs again

A batch is a script error if it killed its worker, or if every input of it ended with `script.*`; one poison
search is one error and one death, whatever it cost. DATA errors never count.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from alloy_agent.errors import TransformDisabledError

IN_USE, DISABLED, QUARANTINED = "in_use", "disabled", "quarantined"
MAX_SCRIPT_BATCHES = 3  # in a row
MAX_DEADLY_BATCHES = 3  # within DEATHS_S
DEATHS_S = 600.0


@dataclass(slots=True)
class Policy:
    """Of one version of one transform.

    Attributes:
        state: `in_use`, `disabled` or `quarantined`.
        why: one clause for people; empty while in use.
        code: the error code that led there; empty when an operator did.
        since_ns: UTC [ns] of the last change of state; 0 before the first.
        by_operator: an operator disabled it: nothing may take its place.
        script_batches: script errors in a row.
    """

    max_script_batches: int = MAX_SCRIPT_BATCHES
    max_deadly_batches: int = MAX_DEADLY_BATCHES
    state: str = IN_USE
    why: str = ""
    code: str = ""
    since_ns: int = 0
    by_operator: bool = False
    script_batches: int = 0
    _deaths: deque[float] = field(default_factory=lambda: deque(maxlen=64))

    def batch(self, n: int, codes: Counter[str], kills: int, now_s: float, now_ns: int) -> None:
        """Judge one batch of `n` inputs.

        Args:
            codes: code -> inputs that ended with it.
            kills: workers that died over it, those of a poison search included.
            now_s: monotonic clock [s].
            now_ns: UTC [ns].
        """
        if not codes and not kills:
            self.script_batches = 0
            return
        if any(code.startswith("violation.") for code in codes):
            self._leave(QUARANTINED, next(c for c in codes if c.startswith("violation.")), "", now_ns)
            return
        script = Counter({code: count for code, count in codes.items() if code.startswith("script.")})
        if n > codes.total():
            self.script_batches = 0  # a good input came between
        elif kills or script.total() == n:
            self.script_batches += 1
        if kills:
            self._deaths.append(now_s)
        while self._deaths and self._deaths[0] <= now_s - DEATHS_S:
            self._deaths.popleft()
        if self.state != IN_USE:
            return
        worst = next(iter(script), "script.crash")
        if self.script_batches >= self.max_script_batches:
            self._leave(DISABLED, worst, f"{self.script_batches} failed batches in a row", now_ns)
        elif len(self._deaths) >= self.max_deadly_batches:
            span = f"{DEATHS_S / 60:.0f} minutes"
            self._leave(DISABLED, worst, f"{len(self._deaths)} batches killed workers within {span}", now_ns)

    def disable(self, why: str, now_ns: int) -> None:
        """An operator takes it out of use; a quarantine stays one."""
        if self.state != QUARANTINED:
            self._leave(DISABLED, "", why or "an operator disabled it", now_ns)
            self.by_operator = True

    def enable(self, where: str, now_ns: int) -> None:
        """An operator puts it into use again, with nothing on its record.

        Raises:
            TransformDisabledError: `transform.quarantined`.
        """
        if self.state == QUARANTINED:
            self.refuse(where)
        self.script_batches = 0
        self._deaths.clear()
        if self.state != IN_USE:
            self._leave(IN_USE, "", "", now_ns)

    def refuse(self, where: str) -> None:
        """Nothing, or the error of a transform that is out of use.

        Raises:
            TransformDisabledError: `transform.disabled` or `transform.quarantined`.
        """
        if self.state == QUARANTINED:
            raise TransformDisabledError(
                "transform.quarantined",
                "the transform is in quarantine",
                where=where,
                got=self.code,
                hint="read the file as hostile; nothing of it runs again before it changes",
            )
        if self.state == DISABLED:
            raise TransformDisabledError(
                "transform.disabled",
                "the transform is disabled",
                where=where,
                got=f"{self.why}: {self.code}" if self.code else self.why,
                hint="run one of its dead letters with `alloy-edge try`, mend the file, reload; "
                "or `transform.enable` on the control socket",
            )

    def _leave(self, state: str, code: str, why: str, now_ns: int) -> None:
        self.state, self.code, self.since_ns = state, code, now_ns
        self.why = why or (f"a worker broke out of its rules: {code}" if code else "")
        self.by_operator = False
