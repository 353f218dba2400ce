"""What the daemon says of itself: `status` (birth, will), `about`, `metric`, and the answer to the verb `status`.

Birth and will carry the same number (`bd`), so that a late will cannot mark a newer session dead (Sparkplug B 3.0,
section 5.1.2 uses the same device).
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import msgspec

from alloy_agent import __version__
from alloy_agent.mqtt.link import Link, Will
from alloy_agent.mqtt.topics import Topics


def clock_ns() -> int:
    """UTC now [ns since 1970-01-01]."""
    return time.time_ns()


@dataclass(slots=True)
class StatusBoard:
    """Facts of this start of the daemon, and where to find the current ones."""

    topics: Topics
    birth: int
    boot: str
    started_ns: int
    pipelines: Callable[[], list[dict[str, Any]]]
    workers: Callable[[], list[dict[str, Any]]]
    link: Callable[[], dict[str, Any]]
    modules: Callable[[], dict[str, Any]] = dict
    layers: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    state: str = "init"

    def document(self, state: str) -> bytes:
        """The retained `status` message."""
        return msgspec.json.encode(
            {
                "state": state,
                "bd": self.birth,
                "boot": self.boot,
                "version": __version__,
                "started_ns": self.started_ns,
            }
        )

    def will(self) -> Will:
        """What the broker says if this process vanishes."""
        return Will(self.topics.status, self.document("lost"))

    def about(self, verbs: Collection[str]) -> bytes:
        """The retained `about` message: what this device is, and which `verbs` it answers over MQTT."""
        return msgspec.json.encode(
            {
                "version": __version__,
                "python": platform.python_version(),
                "machine": platform.machine(),
                "kernel": platform.release(),
                "sandbox": self.layers,
                "pipelines": [
                    {key: item[key] for key in ("name", "digest", "stages")} for item in self.pipelines()
                ],
                "verbs": sorted(verbs),
            }
        )

    def metric(self) -> bytes:
        """What changes: memory and counters, for the QoS 0 topic."""
        return msgspec.json.encode(
            {"boot": self.boot, "pipelines": self.pipelines(), "workers": self.workers()}
        )

    def snapshot(self) -> dict[str, Any]:
        """Everything, for the verb `status`."""
        return {
            "state": self.state,
            "bd": self.birth,
            "boot": self.boot,
            "version": __version__,
            "pid": os.getpid(),
            "uptime_s": round((clock_ns() - self.started_ns) / 1e9, 3),
            "problems": self.problems,
            "sandbox": self.layers,
            "modules": self.modules(),
            "link": self.link(),
            "pipelines": self.pipelines(),
            "workers": self.workers(),
        }

    async def say(self, link: Link, state: str) -> None:
        """Publish the state, retained."""
        self.state = state
        await link.publish(self.topics.status, self.document(state), qos=1, retain=True)
