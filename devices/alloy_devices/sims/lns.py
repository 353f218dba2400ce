"""A LoRaWAN network server that publishes uplinks: a pure generator of topics and payloads.

Whoever has an MQTT connection publishes them; the topics are those that the real servers use.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Publication:
    """One message to publish."""

    topic: str
    payload: bytes


def topic_of(message: Mapping[str, Any]) -> str:
    """The topic that ChirpStack 4, ChirpStack 3 or The Things Stack would publish this uplink on.

    Raises:
        ValueError: the message is none of these.
    """
    if "end_device_ids" in message:
        ids = message["end_device_ids"]
        tenant = message.get("uplink_message", {}).get("network_ids", {}).get("tenant_id", "ttn")
        application = ids["application_ids"]["application_id"]
        return f"v3/{application}@{tenant}/devices/{ids['device_id']}/up"
    if "deviceInfo" in message:
        info = message["deviceInfo"]
        return f"application/{info['applicationId']}/device/{info['devEui']}/event/up"
    if "devEUI" in message:
        eui = base64.b64decode(message["devEUI"]).hex()
        return f"application/{message['applicationID']}/device/{eui}/event/up"
    raise ValueError("not an uplink of ChirpStack or The Things Stack")


def publications(lines: Iterable[bytes], *, repeat: bool = False) -> Iterator[Publication]:
    """Publications of a file with one message per line, in order; endless with `repeat`."""
    messages = [json.loads(line) for line in lines if line.strip()]
    made = [
        Publication(topic_of(each), json.dumps(each, separators=(",", ":")).encode()) for each in messages
    ]
    yield from made
    while repeat and made:
        yield from made
