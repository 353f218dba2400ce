"""What status says of a pipeline, and that every key of it is documented."""

from __future__ import annotations

import re
from pathlib import Path

from tests.agent.pipeline.making import LocalStage, MemorySink, NumberSource, contract
from tests.fakes.answering import FakeLink

from alloy_agent.core.facts import pipeline_facts
from alloy_agent.pipeline.deadletter import DeadLetters
from alloy_agent.pipeline.outlet import Outlet
from alloy_agent.pipeline.queue import BatchLimits
from alloy_agent.pipeline.records import RecordPipeline
from alloy_agent.pipeline.routes import Route
from alloy_agent.pipeline.window import Retry, Window
from alloy_transforms.sandbox.contract import Field
from alloy_transforms.wire import cbor
from alloy_transforms.wire.encoding import encoding

DOC = Path(__file__).resolve().parents[3] / "docs" / "topics.md"


def pipeline(folder: Path) -> RecordPipeline:
    stage = LocalStage(contract("t", [("payload", "bytes")], Field("v", "i64")), lambda _: [{"v": 1}])
    sink = MemorySink()
    pairs = [(sink, encoding("cbor"))]
    out = Outlet([stage.contract], ["sandbox"], "here", "test", {}, pairs, cbor.sid, 0)
    return RecordPipeline(
        "p",
        NumberSource([]),
        Route([stage], out),
        Window([sink], 1 << 20, Retry()),
        DeadLetters(folder, "p", 1 << 20),
        BatchLimits(),
        lambda _: None,
    )


def test_every_key_is_documented(tmp_path: Path) -> None:
    section = DOC.read_text("utf-8").split("## The verb status")[1].split("\n## ")[0]
    documented = set(re.findall(r"`(\w+)`", section))

    facts = pipeline_facts(pipeline(tmp_path), "d", [], None)

    assert set(facts) <= documented
    assert set(facts["source"]) <= documented


def test_a_source_is_connected_only_when_its_connection_is(tmp_path: Path) -> None:
    made, link = pipeline(tmp_path), FakeLink(connected=False)
    made.source.stats.connected = True
    link.stats.last_error = "connection refused"

    away = pipeline_facts(made, "d", [], link)["source"]
    link.stats.connected = True
    back = pipeline_facts(made, "d", [], link)["source"]

    assert (away["connected"], away["last_error"]) == (False, "connection refused")
    assert back["connected"] is True


def test_the_reason_is_the_nearest_trouble(tmp_path: Path) -> None:
    made = pipeline(tmp_path)
    made.letters.trouble = "disk"
    assert pipeline_facts(made, "d", [], None)["reason"] == "disk"

    made.window.trouble = "sink"
    assert pipeline_facts(made, "d", [], None)["reason"] == "sink"
