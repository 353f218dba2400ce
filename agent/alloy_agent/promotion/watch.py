"""A stage while it runs native: which module, what it has to stand, and why it went back. The stage asks, it decides.

why                                     what follows
the tiers differ                        quarantine, the batch is answered by Python
a crash, a violation, a load refused    the same
three deaths in ten minutes             the same; the ones before: Python answers the batch, then native again
too many records declined               back to the sandbox, no quarantine
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from alloy_agent.config.model import Promotion
from alloy_agent.promotion.canary import Canary, Declines, Strikes
from alloy_agent.workers.module import NativeModule, facts


@dataclass(frozen=True, slots=True)
class Back:
    """A stage goes back to the sandbox.

    Attributes:
        quarantine: the module never runs again.
        evidence: plain values for the event.
    """

    quarantine: bool
    code: str
    why: str
    evidence: dict[str, Any] = field(default_factory=dict)


class Watch:
    """Of one stage and one module; the module is closed with it.

    Args:
        left_s: what is left of the canary window [s].
        now_s: monotonic clock [s].
        on_back: makes a way back durable; must not raise.
    """

    def __init__(
        self,
        module: NativeModule,
        config: Promotion,
        left_s: float,
        since_ns: int,
        now_s: float,
        on_back: Callable[[Back], Awaitable[None]],
    ) -> None:
        self.module = module
        self.since_ns = since_ns
        self.on_back = on_back
        self.canary = Canary(config.canary.every, left_s, now_s)
        self.declines = Declines(config.decline_limit, config.decline_window)
        self.revoked = ""  # why the module must answer no more; its stage leaves it before the next batch
        self.fallbacks = 0  # batches that Python answered because a worker died
        self._strikes = Strikes()
        self._limit = config.decline_limit

    def died(self, code: str, text: str, now_s: float, evidence: dict[str, Any]) -> Back | None:
        """A worker with the module died over inputs that Python alone then answered; None: it may go on."""
        if self._strikes.add(code, now_s):
            return Back(True, code, f"the worker with the native module died: {text}", evidence)
        return None

    def answered(self, records: int, declined: int) -> Back | None:
        """Count a batch; the way back of a module that declines too much."""
        if self.declines.add(records, declined):
            rate, over = self.declines.rate, self.declines.records
            return Back(
                False,
                "promotion.declines",
                f"the module left {rate:.1%} of {over} records to Python",
                {"declined": self.declines.declined, "records": over, "limit": self._limit},
            )
        return None

    def facts(self, now_s: float) -> dict[str, Any]:
        """Plain values for status."""
        return {
            **facts(self.module),
            "since_ns": self.since_ns,
            "canary_left_s": round(self.canary.left_s(now_s), 1),
            "compared": self.canary.compared,
            "decline_rate": round(self.declines.rate, 5),
            "fallbacks": self.fallbacks,
        }
