"""`workers.max`: places for jailed workers, shared by all stages of a daemon."""

from __future__ import annotations

from alloy_agent.errors import WorkerError


class WorkerPool:
    """Counts places; a stage takes one when it starts and gives it back when it is closed.

    A stage checks its file in a worker that ends before its own begins, so one place is enough for both.
    """

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.taken = 0

    def take(self, name: str) -> None:
        """Take a place.

        Raises:
            WorkerError: `worker.limit`, all are taken.
        """
        if self.taken >= self.maximum:
            raise WorkerError(
                "worker.limit",
                "there is no place for another worker",
                where=name,
                got=f"{self.taken} in use",
                expected=f"at most {self.maximum}",
                hint="raise `workers.max` in agent.yaml; each worker takes about 2 MB",
            )
        self.taken += 1

    def give_back(self) -> None:
        """Return a place that was taken."""
        if self.taken <= 0:
            raise RuntimeError("a place was given back that nobody took")
        self.taken -= 1
