"""Topic names and topic filters: the rules of MQTT 5 section 4.7, pure."""

from __future__ import annotations

from ..errors import LinkError

MAX_TOPIC_BYTES = 1024
"""Longer topics are refused on both sides; the protocol allows 65,535."""
MAX_LEVELS = 64


def _check_text(text: str, kind: str) -> None:
    if not text or len(text.encode("utf-8", "replace")) > MAX_TOPIC_BYTES:
        raise LinkError(
            "mqtt.topic", f"a {kind} has 1 to {MAX_TOPIC_BYTES} bytes", got=f"{len(text)} characters"
        )
    if "\0" in text or text.count("/") >= MAX_LEVELS:
        raise LinkError(
            "mqtt.topic", f"a {kind} has no NUL and at most {MAX_LEVELS} levels", got=repr(text[:80])
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise LinkError("mqtt.topic", f"a {kind} is UTF-8 text", got=repr(text[:80])) from error


def check_topic(topic: str) -> str:
    """Return the topic name.

    Raises:
        LinkError: `mqtt.topic`.

    Source: MQTT 5.0, sections 4.7.1 and 4.7.3.
    """
    _check_text(topic, "topic")
    if "+" in topic or "#" in topic:
        raise LinkError("mqtt.topic", "a topic to publish on has no wildcard", got=repr(topic[:80]))
    return topic


def check_filter(topic_filter: str) -> str:
    """Return the topic filter.

    Raises:
        LinkError: `mqtt.topic`.

    Source: MQTT 5.0, section 4.7.1.
    """
    _check_text(topic_filter, "topic filter")
    levels = topic_filter.split("/")
    for index, level in enumerate(levels):
        lonely = level in ("+", "#") or not ("+" in level or "#" in level)
        if not lonely or (level == "#" and index != len(levels) - 1):
            raise LinkError(
                "mqtt.topic",
                "`+` and `#` stand alone in their level, and `#` is last",
                got=repr(topic_filter[:80]),
            )
    return topic_filter


def is_shared(topic_filter: str) -> bool:
    """True for `$share/<group>/<filter>` (MQTT 5.0, section 4.8.2)."""
    return topic_filter.startswith("$share/")


def matches(topic_filter: str, topic: str) -> bool:
    """True when the (checked) filter matches the (checked) topic.

    Source: MQTT 5.0, sections 4.7.1 and 4.7.2 (a leading wildcard matches no `$` topic).
    """
    if topic_filter == topic:
        return True
    if topic.startswith("$") and topic_filter[0] in "+#":
        return False
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(levels) or level not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)
