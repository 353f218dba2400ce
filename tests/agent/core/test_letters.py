"""Dead letters told to the operator: a few a second, one on its way, the rest counted."""

from __future__ import annotations

import json
from typing import Any

import trio
import trio.testing
from tests.fakes.answering import FakeLink

from alloy_agent.core.letters import PER_SECOND, SAMPLE_BYTES, LetterNews, news
from alloy_agent.errors import LinkError
from alloy_agent.pipeline.deadletter import Letter


def letter(number: int = 0, payload: bytes = b"raw") -> Letter:
    return Letter("data.value", "no number", "nmea", 7, number, payload)


def told(link: FakeLink) -> list[tuple[str, dict[str, Any]]]:
    return [(p.topic, json.loads(p.payload)) for p in link.published]


def in_jumping_time(link: FakeLink | None, body: Any) -> None:
    """Run `body(news)` under a clock that jumps."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            await body(LetterNews(nursery, link))

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_flood_becomes_a_few_a_second_and_every_letter_is_counted() -> None:
    link = FakeLink()

    async def body(all_news: LetterNews) -> None:
        first, second = all_news.publisher("dlq/a"), all_news.publisher("dlq/b")
        for number in range(1000):
            (first if number % 2 else second)([letter(2 * number), letter(2 * number + 1)])
            await trio.sleep(0.01)
        held = all_news.held
        assert sum(1 + facts["others"] for _, facts in told(link)) + held == 2000

    in_jumping_time(link, body)

    assert 0.9 * 10 * PER_SECOND <= len(link.published) <= 10 * PER_SECOND + 1
    assert {topic for topic, _ in told(link)} == {"dlq/a", "dlq/b"}


def test_no_second_one_is_sent_while_the_first_is_on_its_way() -> None:
    link = FakeLink()
    link.hold = trio.Event()

    async def body(all_news: LetterNews) -> None:
        publish = all_news.publisher("dlq/a")
        for number in range(10):
            publish([letter(number)])
            await trio.sleep(1)
        assert len(link.published) == 1
        assert link.hold is not None
        link.hold.set()
        await trio.sleep(1)
        publish([letter(99)])

    in_jumping_time(link, body)

    (_, first), (_, second) = told(link)
    assert (first["others"], second["others"], second["received_ns"]) == (0, 9, 99)


def test_letters_are_counted_while_the_broker_is_away_and_told_after() -> None:
    link = FakeLink(connected=False)

    async def body(all_news: LetterNews) -> None:
        publish = all_news.publisher("dlq/a")
        publish([letter(1), letter(2)])
        link.stats.connected = True
        publish([letter(3)])

    in_jumping_time(link, body)

    ((_, facts),) = told(link)
    assert (facts["received_ns"], facts["others"]) == (3, 2)


def test_the_pipeline_hears_nothing_of_it_when_the_link_fails_or_is_not_there() -> None:
    link = FakeLink()
    link.error = LinkError("mqtt.closed", "gone")

    async def body(all_news: LetterNews) -> None:
        publish = all_news.publisher("dlq/a")
        publish([])
        publish([letter(1)])
        await trio.sleep(1)
        link.error = None
        publish([letter(2)])

    async def without(all_news: LetterNews) -> None:
        all_news.publisher("dlq/a")([letter(1)])

    in_jumping_time(link, body)
    in_jumping_time(None, without)

    assert [facts["received_ns"] for _, facts in told(link)] == [2]


def test_an_announcement_is_bounded_when_the_letter_is_large() -> None:
    large = Letter("data.value", "m" * 5000, "nmea", 1, 2, b"\xff" * 5000, "name.h5")

    data = news(large, 3)

    facts = json.loads(data)
    assert (facts["size"], facts["sample"]) == (5000, "ff" * SAMPLE_BYTES)
    assert len(data) < 1200
