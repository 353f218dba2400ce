"""What is particular to the MQTT 3.1.1 adapter."""

from __future__ import annotations

import sys

import pytest
import trio

from alloy_agent.errors import LinkError
from alloy_agent.mqtt.aiomqtt_adapter import AiomqttLink
from alloy_agent.mqtt.link import Link, LinkOptions


def test_run_names_the_extra_when_packages_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiomqtt", None)
    link: Link = AiomqttLink(LinkOptions("127.0.0.1", 1, "device"))

    with pytest.raises(LinkError) as caught:
        trio.run(link.run)

    assert caught.value.code == "mqtt.missing_extra"
    assert "mqtt311" in caught.value.hint


def test_missing_capabilities_are_declared() -> None:
    capabilities = AiomqttLink(LinkOptions("127.0.0.1", 1, "device")).capabilities

    assert not capabilities.reason_codes
    assert not capabilities.manual_acknowledge
    assert capabilities.extra["back_pressure"] is False
