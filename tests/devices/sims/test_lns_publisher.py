from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from alloy_devices.sims.lns import publications, topic_of


def test_topics_are_those_of_the_servers_when_real_messages_are_published(shared_data: Path) -> None:
    with (shared_data / "lns-uplink-messages.jsonl").open("rb") as file:
        messages = [json.loads(line) for line in file]
    wanted = [json.dumps(each["payload"]).encode() for each in messages
              if each["lns"] == "ChirpStack" or each["lns"].startswith("ThingsStack")]  # fmt: skip

    made = list(publications(wanted))

    assert len(made) == 604
    assert [json.loads(each.payload) for each in made] == [json.loads(each) for each in wanted]
    topics = {each.topic for each in made}
    assert "application/32dafeb5-0865-4edd-bf1c-3f8d9b07af52/device/70b3d57ba0003bb8/event/up" in topics
    assert "application/123/device/0202020202020202/event/up" in topics
    assert "v3/application-tti-name@tenant/devices/eui-1000000000000001/up" in topics


def test_messages_start_again_when_they_repeat() -> None:
    line = b'{"deviceInfo": {"applicationId": "a", "devEui": "d"}}'

    assert [each.topic for each in islice(publications([line, b"\n"], repeat=True), 3)] == [
        "application/a/device/d/event/up"
    ] * 3


def test_a_message_is_refused_when_it_is_no_uplink() -> None:
    with pytest.raises(ValueError, match="not an uplink"):
        topic_of({})
