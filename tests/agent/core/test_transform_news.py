"""News of transforms: audit and alerts on their topics, bounded while the broker is away."""

from __future__ import annotations

import json

import pytest
import trio
from tests.fakes.brokers import mini_broker
from tests.fakes.links import running

from alloy_agent.core.transform_news import MAX_WAITING, TransformNews, payload
from alloy_agent.mqtt.link import LinkOptions
from alloy_agent.mqtt.session import MqttSession
from alloy_agent.mqtt.topics import Topics
from alloy_agent.workers.notices import Notice

TOPICS = Topics("fleet", "gateway")


def notice(kind: str, name: str) -> Notice:
    return Notice(kind, name, "roof", "t" * 64, "d" * 64, "script.exception", "why", 3)


@pytest.mark.slow
def test_alert_stands_until_it_is_cleared_and_the_audit_passes_by() -> None:
    async def main() -> None:
        async with (
            mini_broker() as broker,
            running(MqttSession(LinkOptions("127.0.0.1", broker.port, "device"))) as link,
        ):
            news = TransformNews(link, TOPICS)
            alert = TOPICS.alert("roof." + "t" * 59)  # one level, cut to its bound
            async with trio.open_nursery() as nursery:
                nursery.start_soon(news.run)
                heard = await link.subscribe(f"{TOPICS.root}/+/+", qos=1)
                news.tell(notice("alert", "transform.script_error"))
                news.tell(notice("audit", "transform.disabled"))
                news.tell(notice("clear", "transform.clear"))
                with trio.fail_after(60):
                    messages = [await anext(heard.__aiter__()) for _ in range(3)]
                nursery.cancel_scope.cancel()

        assert [m.topic for m in messages] == [alert, TOPICS.event("transform"), alert]
        told = json.loads(messages[0].payload)
        assert (told["name"], told["code"], told["count"]) == (
            "transform.script_error",
            "script.exception",
            3,
        )
        assert json.loads(messages[1].payload)["name"] == "transform.disabled"
        assert messages[2].payload == b""
        assert news.unsaid == 0

    trio.run(main)


def test_evidence_goes_along_and_is_left_out_when_it_is_too_long() -> None:
    short = Notice("audit", "hot.proposed", "roof", "t", "d" * 64, evidence={"share": 0.2, "input": {"n": 1}})
    long = Notice("audit", "module.quarantined", "roof", "t", "d" * 64, evidence={"native": "x" * 20_000})

    assert json.loads(payload(short, 1))["evidence"] == {"share": 0.2, "input": {"n": 1}}
    assert json.loads(payload(long, 1))["evidence"] == {"left_out_bytes": 20_013}
    assert "evidence" not in json.loads(payload(notice("audit", "transform.enabled"), 1))


def test_news_is_bounded_when_nobody_takes_it() -> None:
    async def main() -> None:
        link = MqttSession(LinkOptions("127.0.0.1", 1, "device"))  # never connected
        news = TransformNews(link, TOPICS)
        for _ in range(MAX_WAITING + 10):
            news.tell(notice("alert", "transform.script_error"))
        assert news.unsaid == 10
        silent = TransformNews(None, TOPICS)
        for _ in range(MAX_WAITING + 10):
            silent.tell(notice("audit", "transform.disabled"))
        await silent.run()
        assert silent.unsaid == 0

    trio.run(main)
