"""What a transform has cost so far: made to be read by status, metrics and a live view."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from alloy_agent.workers.histogram import Histogram


@dataclass(slots=True)
class Accounting:
    """Counters of one transform of one pipeline since it was started, all of its versions together.

    Attributes:
        calls: requests answered.
        inputs: inputs answered, good or bad, and inputs given up.
        errors: code -> inputs that ended with it.
        cpu_ns: CPU time the workers reported for their batches [ns]; of no batch more than it took.
        declined: inputs that a native module left to Python.
        wall: time from request to reply as the core saw it.
        respawns: workers started after the first.
        deaths: workers that ended before they answered.
        idle_stops: workers ended because nothing came.
        generations: versions of the file that have served.
        memory_high_bytes: largest resident size of any of its workers, pages shared with the zygote included.
        memory_bytes: resident size of the present worker when last looked at; 0 without one.
    """

    calls: int = 0
    inputs: int = 0
    rows: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    cpu_ns: int = 0
    declined: int = 0
    wall: Histogram = field(default_factory=Histogram)
    respawns: int = 0
    deaths: int = 0
    idle_stops: int = 0
    generations: int = 0
    memory_high_bytes: int = 0
    memory_bytes: int = 0
    output_bytes: int = 0
    log_bytes: int = 0

    def answered(self, inputs: int, rows: int, cpu_ns: int, wall_ns: int, output_bytes: int) -> None:
        """Count one reply."""
        self.calls += 1
        self.inputs += inputs
        self.rows += rows
        self.cpu_ns += min(cpu_ns, wall_ns)  # whether a transform is hot is not for its worker to say
        self.output_bytes += output_bytes
        self.wall.add(wall_ns)

    def memory(self, resident_bytes: int, high_bytes: int) -> None:
        """Note a worker's resident size now and at its largest."""
        self.memory_bytes = resident_bytes
        self.memory_high_bytes = max(self.memory_high_bytes, high_bytes)

    def facts(self) -> dict[str, Any]:
        """Plain values for status and topics; times in microseconds."""
        return {
            "calls": self.calls,
            "inputs": self.inputs,
            "rows": self.rows,
            "errors": dict(self.errors),
            "cpu_us": self.cpu_ns // 1000,
            "declined": self.declined,
            "wall_p50_us": self.wall.percentile(0.5) / 1000,
            "wall_p99_us": self.wall.percentile(0.99) / 1000,
            "wall_max_us": self.wall.maximum / 1000,
            "memory_bytes": self.memory_bytes,
            "memory_high_bytes": self.memory_high_bytes,
            "output_bytes": self.output_bytes,
            "log_bytes": self.log_bytes,
            "respawns": self.respawns,
            "deaths": self.deaths,
            "idle_stops": self.idle_stops,
            "generations": self.generations,
        }
