"""A consumer that knows Alloy Edge only by docs/alloy.cddl and docs/record-model.md.

It imports nothing of the product: paho-mqtt brings the messages, cbor2 opens them, numpy reads typed arrays.
What it makes of a message is therefore what any user of the published data would make of it.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import paho.mqtt.client as paho
from numpy.typing import NDArray
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from pycddl import Schema

CDDL = (Path(__file__).resolve().parents[2] / "docs" / "alloy.cddl").read_text("utf-8")
MESSAGE = Schema(CDDL)
COLUMN = Schema("item = column\n" + CDDL)
"""The validator does not look at tags inside an array of choices, so each column is judged by itself too."""

TYPED = {64: "u1", 69: "<u2", 70: "<u4", 71: "<u8", 72: "i1", 77: "<i2", 78: "<i4", 79: "<i8",
         84: "<f2", 85: "<f4", 86: "<f8"}  # fmt: skip
"""RFC 8746, section 2.1: tag -> little-endian type."""
WAIT_S = 90.0
Item = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """One PUBLISH as it came."""

    topic: str
    payload: bytes
    retain: bool
    qos: int
    properties: dict[str, Any]

    @cached_property
    def item(self) -> Item:
        """The one CBOR item of the payload."""
        item: Item = cbor2.loads(self.payload)
        return item


class Consumer:
    """An MQTT 5 client that keeps everything it is sent, in order."""

    def __init__(self, port: int, *filters: str, name: str = "independent") -> None:
        self.messages: list[Message] = []
        self._changed = threading.Condition()
        self._subscribed = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.max_queued_messages_set(0)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port, clean_start=True)
        self._client.loop_start()
        if filters:
            self._client.subscribe([(each, SubscribeOptions(qos=1)) for each in filters])
            assert self._subscribed.wait(WAIT_S)

    def __enter__(self) -> Consumer:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, _client: Any, _data: Any, message: Any) -> None:
        properties = message.properties.json() if message.properties is not None else {}
        with self._changed:
            self.messages.append(
                Message(message.topic, message.payload, bool(message.retain), message.qos, properties)
            )
            self._changed.notify_all()

    def wait(self, condition: Callable[[Sequence[Message]], bool], what: str) -> None:
        """Return once the messages so far fulfil the condition."""
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self.messages), WAIT_S):
                seen = sorted({message.topic for message in self.messages})
                raise AssertionError(f"did not come: {what}; {len(self.messages)} messages on {seen}")

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, **named: Any
    ) -> None:
        """Publish and wait for the acknowledgement."""
        self.publish_all([(topic, payload)], qos=qos, retain=retain, **named)

    def publish_all(
        self, messages: Iterable[tuple[str, bytes]], *, qos: int = 1, retain: bool = False, **named: Any
    ) -> None:
        """Publish in order, then wait for every acknowledgement."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        for key, value in named.items():
            setattr(properties, key, value)
        waiting = [
            self._client.publish(topic, payload, qos, retain, properties) for topic, payload in messages
        ]
        for each in waiting:
            each.wait_for_publish(WAIT_S)
            assert each.is_published()


def validate(message: Message) -> Item:
    """The item of a message on `data/` or `schema/`, judged by the CDDL."""
    MESSAGE.validate_cbor(message.payload)
    item = message.item
    if item["k"] == "b" and "t" in item:
        for column in item["p"]:
            if column != []:  # this validator refuses the empty array among choices
                COLUMN.validate_cbor(cbor2.dumps(column))
    if item["k"] == "b":
        assert list(item)[-1] == "p", "the payload is the last key"
    return item


def base64_bytes(text: str) -> bytes:
    """The bytes of a base64 text; some senders leave out the padding."""
    return base64.b64decode(text + "==")


def sid(descriptor: bytes) -> str:
    """The id of a descriptor by its message."""
    return hashlib.sha256(descriptor).digest()[:8].hex()


def typed(value: Any) -> NDArray[Any]:
    """A typed array of RFC 8746."""
    return np.frombuffer(value.value, TYPED[value.tag])


def spread(value: Any, n: int) -> list[int]:
    """A quality or reason: one for all, or one each."""
    if isinstance(value, int):
        return [value] * n
    marks = typed(value)
    assert marks.size == n
    return [int(each) for each in marks]


def bits(mask: bytes | None, n: int) -> list[bool]:
    """Validity bits, least significant first; none: everything is valid."""
    if mask is None:
        return [True] * n
    assert len(mask) == (n + 7) // 8
    return [bool(mask[i >> 3] >> (i & 7) & 1) for i in range(n)]


@dataclass(frozen=True)
class Row:
    """One row of a batch: physical values by name (no value: not there), and what is said of them."""

    time: int
    received: int
    values: Item
    quality: dict[str, int]
    reasons: dict[str, int]


def rows(batch: Item, descriptor: Item) -> list[Row]:
    """The rows of a batch in physical values: numbers divided, enumerations by name."""
    n = batch["n"]
    times = typed(batch["t"])
    received = typed(batch["rt"]) if "rt" in batch else times
    variables = descriptor["vars"]
    assert times.size == received.size == n
    assert len(batch["p"]) == len(variables)
    found = [Row(int(times[i]), int(received[i]), {}, {}, {}) for i in range(n)]
    for number, (variable, column) in enumerate(zip(variables, batch["p"], strict=True)):
        name = variable["name"]
        stored = column if isinstance(column, list) else [v.item() for v in typed(column)]
        assert len(stored) == n
        valid = bits((batch.get("m") or [None] * len(variables))[number], n)
        quality = spread(batch["q"] if isinstance(batch["q"], int) else batch["q"][number], n)
        reasons = spread(batch["r"] if isinstance(batch["r"], int) else batch["r"][number], n)
        for i, row in enumerate(found):
            row.quality[name], row.reasons[name] = quality[i], reasons[i]
            assert valid[i] == (quality[i] != 9), f"{name}: validity and quality {quality[i]} differ"
            if valid[i]:
                row.values[name] = physical(stored[i], variable)
    return found


def physical(stored: Any, variable: Item) -> Any:
    """One stored value of a batch by its descriptor."""
    flags = variable.get("flags", {})
    if "values" in flags and "meanings" in flags:
        return flags["meanings"][flags["values"].index(stored)]
    if variable["dtype"] == "bool":
        return bool(stored)
    pack = variable.get("pack", {})
    if "exp10" in pack:
        return stored / 10 ** -pack["exp10"] if pack["exp10"] < 0 else stored * 10 ** pack["exp10"]
    if "scale" in pack or "offset" in pack:
        return stored * pack.get("scale", 1.0) + pack.get("offset", 0.0)
    return stored
