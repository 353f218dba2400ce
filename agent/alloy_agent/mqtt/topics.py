"""The topic tree of one device: `alloy/1/<fleet>/<device>/…` (docs/topics.md)."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import LinkError

ROOT = "alloy/1"
MAX_SEGMENT = 64  # characters


def segment(text: str, what: str) -> str:
    """One topic level, checked.

    Raises:
        LinkError: `mqtt.topic`: empty, longer than MAX_SEGMENT, or with a character MQTT gives a meaning.
    """
    if (
        not 0 < len(text) <= MAX_SEGMENT
        or any(c in "/+#\0" or not c.isprintable() for c in text)
        or text[0] == "$"
    ):
        raise LinkError(
            "mqtt.topic",
            f"{what} cannot be a topic level",
            got=repr(text[:80]),
            expected=f"1 to {MAX_SEGMENT} printable characters without / + #",
        )
    return text


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics of one device; every name is checked when the object is made."""

    fleet: str
    device: str

    def __post_init__(self) -> None:
        segment(self.fleet, "fleet")
        segment(self.device, "device")

    @property
    def fleet_root(self) -> str:
        """Where responses may be sent to."""
        return f"{ROOT}/{self.fleet}"

    @property
    def root(self) -> str:
        """Everything of this device."""
        return f"{self.fleet_root}/{self.device}"

    @property
    def status(self) -> str:
        """Birth and will, retained."""
        return f"{self.root}/status"

    @property
    def about(self) -> str:
        """What this device is, retained."""
        return f"{self.root}/about"

    @property
    def metric(self) -> str:
        """Figures every interval, QoS 0."""
        return f"{self.root}/metric"

    def req(self, verb: str) -> str:
        """Requests; `+` subscribes to all verbs."""
        return f"{self.root}/req/{verb}"

    def res(self, verb: str) -> str:
        """Default place of answers."""
        return f"{self.root}/res/{verb}"

    def data(self, pipeline: str, stream: str) -> str:
        """Blocks and manifests of one stream."""
        return f"{self.root}/data/{segment(pipeline, 'pipeline')}/{segment(stream, 'stream')}"

    def schema(self, sid: str) -> str:
        """Descriptors, retained."""
        return f"{self.root}/schema/{sid}"

    def dlq(self, pipeline: str) -> str:
        """Announcements of dead letters."""
        return f"{self.root}/dlq/{segment(pipeline, 'pipeline')}"

    def alert(self, name: str) -> str:
        """Things that somebody should look at."""
        return f"{self.root}/alert/{segment(name, 'alert')}"

    def event(self, name: str) -> str:
        """Things that happened."""
        return f"{self.root}/event/{segment(name, 'event')}"
