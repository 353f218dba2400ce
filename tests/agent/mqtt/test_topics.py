"""Topics: one level per name, and nothing MQTT gives a meaning inside one."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloy_agent.errors import LinkError
from alloy_agent.mqtt.topics import MAX_SEGMENT, Topics

TOPICS = Topics("north", "gw-1")
MADE = {
    "status": TOPICS.status,
    "about": TOPICS.about,
    "metric": TOPICS.metric,
    "req/ping": TOPICS.req("ping"),
    "res/ping": TOPICS.res("ping"),
    "data/roof/climate": TOPICS.data("roof", "climate"),
    "schema/0123456789abcdef": TOPICS.schema("0123456789abcdef"),
    "dlq/roof": TOPICS.dlq("roof"),
    "event/started": TOPICS.event("started"),
}


@pytest.mark.parametrize("rest", MADE)
def test_a_topic_lies_below_the_device(rest: str) -> None:
    assert MADE[rest] == f"alloy/1/north/gw-1/{rest}"


@pytest.mark.parametrize("rest", MADE)
def test_every_topic_is_on_the_page(rest: str) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "topics.md").read_text(encoding="utf-8")

    assert f"| `{rest.partition('/')[0]}" in page


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "a\0b", "a\nb", "$SYS", "x" * (MAX_SEGMENT + 1)])
def test_a_name_that_is_no_level_is_refused(name: str) -> None:
    for make in (
        lambda: Topics(name, "d"),
        lambda: Topics("f", name),
        lambda: TOPICS.data(name, "s"),
        lambda: TOPICS.data("p", name),
        lambda: TOPICS.dlq(name),
        lambda: TOPICS.event(name),
    ):
        with pytest.raises(LinkError, match=r"mqtt\.topic"):
            make()
