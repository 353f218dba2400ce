"""What follows from a transform being hot. Pure: told what is known, asked now and then.

policy    candidate    build    what is done
manual    -            -        nothing
propose   -            off      an event, once a window
propose   none         local    the module is built once, then an event
auto      none         off      an event, once a window
auto      none         local    the module is built once; an event if that fails
auto      there is one -        it is promoted; after a refusal that may pass, again one window later
"""

from __future__ import annotations

import enum


class Act(enum.Enum):
    """What to do about one transform now."""

    PROPOSE = "propose"
    PROMOTE = "promote"
    BUILD = "build"


class Proposals:
    """Of one transform: when something was done last, so that it is not done again in the same window.

    Args:
        policy: `manual`, `propose` or `auto`.
        build: whether this host may build the module.
        over_s: length of a window [s].
    """

    def __init__(self, policy: str, *, build: bool, over_s: float) -> None:
        self._policy = policy
        self._build = build
        self._over_s = over_s
        self._next_s = float("-inf")
        self._built = False

    def due(self, *, hot: bool, native: bool, now_s: float) -> bool:
        """Whether there is anything to decide.

        Args:
            native: it runs native already, or never can.
            now_s: monotonic clock [s].
        """
        return self._policy != "manual" and hot and not native and now_s >= self._next_s

    def decide(self, *, candidate: bool, buildable: bool, now_s: float) -> Act:
        """What to do about one that is due; the caller does it.

        Args:
            candidate: there is a module that it could run.
            buildable: there is none, and a build would make one.
            now_s: monotonic clock [s].
        """
        if buildable and self._build and not self._built:
            self._built = True  # once a version: the same file gives the same module, or none
            return Act.BUILD
        self._next_s = now_s + self._over_s
        return Act.PROMOTE if candidate and self._policy == "auto" else Act.PROPOSE
