"""Connections to the broker: a session for each source, and shares of the memory."""

from __future__ import annotations

import pytest

from alloy_agent.config.model import Agent, Mqtt
from alloy_agent.core.links import INBOUND_BYTES, RECEIVE_MAXIMUM, link_options, make_link, source_options
from alloy_agent.errors import AgentError
from alloy_agent.mqtt.aiomqtt_adapter import AiomqttLink
from alloy_agent.mqtt.session import MqttSession
from alloy_agent.mqtt.topics import Topics

TOPICS = Topics("fleet", "gateway")


def agent(**mqtt: object) -> Agent:
    return Agent(mqtt=Mqtt(host="broker", port=1883, **mqtt))  # type: ignore[arg-type]


def test_the_client_id_names_fleet_and_device_when_none_is_given() -> None:
    assert link_options(agent(), TOPICS).client_id == "alloy-fleet-gateway"
    assert link_options(agent(client_id="mine"), TOPICS).client_id == "mine"


def test_an_agent_without_a_broker_is_refused() -> None:
    with pytest.raises(AgentError) as caught:
        link_options(Agent(), TOPICS)

    assert caught.value.code == "config.needs_broker"


@pytest.mark.parametrize("sources", [1, 2, 5, 16])
def test_sources_share_the_inbound_memory_and_have_sessions_of_their_own(sources: int) -> None:
    whole = link_options(agent(), TOPICS)

    made = [source_options(whole, f"p{number}", sources) for number in range(sources)]

    assert len({options.client_id for options in made} | {whole.client_id}) == sources + 1
    assert made[0].client_id == "alloy-fleet-gateway-p0"
    assert sum(options.inbound_bytes for options in made) <= INBOUND_BYTES
    assert {options.receive_maximum for options in made} == {RECEIVE_MAXIMUM}


@pytest.mark.parametrize("sources", [0, 1000])
def test_a_share_holds_one_packet_at_least(sources: int) -> None:
    whole = link_options(agent(), TOPICS)

    assert source_options(whole, "p", sources).inbound_bytes >= whole.max_packet_bytes


def test_the_client_follows_the_version_of_the_broker() -> None:
    options = link_options(agent(), TOPICS)

    assert isinstance(make_link(options, "5"), MqttSession)
    assert isinstance(make_link(options, "3.1.1"), AiomqttLink)
