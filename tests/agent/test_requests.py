"""Where an answer may go: a request must not lend the device's rights to whoever may ask."""

from __future__ import annotations

import pytest

from alloy_agent.core.requests import response_topic
from alloy_agent.mqtt.link import Message
from alloy_agent.mqtt.topics import Topics

TOPICS = Topics("fleet", "gateway")


def asked(topic: str) -> str:
    message = Message(TOPICS.req("ping"), b"", 1, False, False, lambda: None, response_topic=topic)
    return response_topic(TOPICS, message, "ping")


@pytest.mark.parametrize("topic", ["alloy/1/fleet/console/res/7", "alloy/1/fleet/gateway/res/ping/7"])
def test_an_answer_goes_where_it_was_asked_for_when_that_is_a_place_of_answers(topic: str) -> None:
    assert asked(topic) == topic


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "elsewhere",
        "alloy/1/fleet",
        "alloy/1/fleet/console",
        "alloy/1/fleet/console/res",
        "alloy/1/fleet/gateway/status",
        "alloy/1/fleet/gateway/data/position/fix",
        "alloy/1/fleet/gateway/req/ping",
        "alloy/1/fleet/other/req/ping",
        "alloy/1/fleet/res/ping",
        "alloy/1/other/console/res/7",
        "alloy/1/fleet/console/res/+",
        "alloy/1/fleet/console/res/#",
        "alloy/1/fleet/console/res/\0",
        "alloy/1/fleet/console/res/" + "x" * 300,
        "$SYS/alloy/1/fleet/console/res/7",
    ],
)
def test_an_answer_goes_to_the_default_place_when_another_is_asked_for(topic: str) -> None:
    assert asked(topic) == "alloy/1/fleet/gateway/res/ping"
