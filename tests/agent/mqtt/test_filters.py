"""Topic filters, against the examples of the standard and against paho."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from alloy_agent.errors import LinkError
from alloy_agent.mqtt.filters import check_filter, check_topic, matches

LEVEL = st.sampled_from(["a", "b", "", "$x", "long level"])


@pytest.mark.parametrize(
    ("topic_filter", "topic", "wanted"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/#", "sport", True),
        ("#", "sport/x", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/uptime", False),
        ("+/monitor", "$SYS/monitor", False),
        ("$SYS/#", "$SYS/uptime", True),
    ],
)
def test_filter_matches_as_the_standard_says_when_given_its_examples(
    topic_filter: str, topic: str, wanted: bool
) -> None:
    assert matches(check_filter(topic_filter), check_topic(topic)) is wanted


@given(
    st.lists(st.one_of(LEVEL, st.just("+")), min_size=1, max_size=4),
    st.booleans(),
    st.lists(LEVEL, min_size=1, max_size=4),
)
def test_filter_matches_as_paho_does_when_generated(levels: list[str], rest: bool, topic: list[str]) -> None:
    topic_filter = "/".join([*levels, "#"] if rest else levels)
    name = "/".join(topic)
    if topic_filter and name:
        assert matches(topic_filter, name) == topic_matches_sub(topic_filter, name)


@pytest.mark.parametrize("wrong", ["", "a#", "a/#/b", "+a", "a/b+", "x" * 1025, "/" * 64, "a\0", "\ud800"])
def test_filter_is_refused_when_it_breaks_the_rules(wrong: str) -> None:
    with pytest.raises(LinkError) as caught:
        check_filter(wrong)

    assert caught.value.code == "mqtt.topic"
