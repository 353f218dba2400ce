"""What a transform has cost so far: made to be read by status, metrics and a live view."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MAX_SCRIPT_ERRORS = 3  # batches in a row with nothing but script errors


@dataclass(slots=True)
class Accounting:
    """Counters of one transform of one pipeline since it was started.

    Attributes:
        calls: requests answered.
        inputs: inputs answered, good or bad.
        errors: code -> inputs that ended with it.
        cpu_ns: CPU time the worker reported for its batches [ns].
        wall_ns, wall_max_ns: time from request to reply as the core saw it [ns].
        respawns: workers started after the first.
        deaths: workers that ended before they answered.
        memory_high_bytes: largest resident size of any of its workers, shared pages included.
        script_errors: script batch errors in a row.
    """

    calls: int = 0
    inputs: int = 0
    rows: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    cpu_ns: int = 0
    wall_ns: int = 0
    wall_max_ns: int = 0
    respawns: int = 0
    deaths: int = 0
    memory_high_bytes: int = 0
    output_bytes: int = 0
    log_bytes: int = 0
    script_errors: int = 0

    def answered(self, inputs: int, rows: int, cpu_ns: int, wall_ns: int) -> None:
        """Count one reply."""
        self.calls += 1
        self.inputs += inputs
        self.rows += rows
        self.cpu_ns += cpu_ns
        self.wall_ns += wall_ns
        self.wall_max_ns = max(self.wall_max_ns, wall_ns)

    def batch(self, n: int, codes: Counter[str], kills: int) -> None:
        """Count the errors of one batch; script errors in a row end with the first input that had none.

        A batch is a script error if it killed its worker or if every input of it ended with `script.*`; one
        poison search is one error, whatever it cost.
        """
        self.errors += codes
        script = sum(count for code, count in codes.items() if code.startswith("script."))
        if script < n:
            self.script_errors = 0
        elif n or kills:
            self.script_errors += 1

    @property
    def disabled(self) -> bool:
        """Whether three batches in a row had nothing but script errors."""
        return self.script_errors >= MAX_SCRIPT_ERRORS

    def high_water(self, bytes_: int) -> None:
        """Note a worker's resident size."""
        self.memory_high_bytes = max(self.memory_high_bytes, bytes_)
