"""The broker connections of the daemon: its own, and one for each pipeline that reads from MQTT.

Why one for each: a broker sends no more than Receive Maximum unacknowledged messages on a connection (MQTT 5.0,
section 4.9). On a shared one, a pipeline that holds its messages back (its disk is full, its transform is
disabled) would use that up, and every other pipeline would starve.
"""

from __future__ import annotations

from dataclasses import replace

from alloy_agent.config.model import Agent
from alloy_agent.errors import AgentError
from alloy_agent.mqtt.link import Link, LinkOptions
from alloy_agent.mqtt.topics import Topics

from .secrets import resolve

RECEIVE_MAXIMUM = 1024
"""Messages of one source that may be on their way through the pipeline."""
INBOUND_BYTES = 16 << 20
"""Payload of unacknowledged inbound messages, all connections together [B]."""


def link_options(agent: Agent, topics: Topics) -> LinkOptions:
    """What `agent.yaml` says of the broker.

    Raises:
        AgentError: `config.needs_broker`, it says nothing; `secret.*`; `mqtt.option`.
    """
    mqtt = agent.mqtt
    if mqtt is None:
        raise AgentError("config.needs_broker", "no `mqtt` section in agent.yaml", where="agent.yaml")
    return LinkOptions(
        host=mqtt.host,
        port=mqtt.port,
        client_id=mqtt.client_id or f"alloy-{topics.fleet}-{topics.device}",
        username=mqtt.username or None,
        password=resolve(mqtt.password) if mqtt.password is not None else None,
        tls=mqtt.tls,
        ca_file=mqtt.ca_file or None,
        keepalive_s=mqtt.keepalive_s,
        session_expiry_s=mqtt.session_expiry_s,
        inflight_maximum=mqtt.inflight_maximum,
        receive_maximum=RECEIVE_MAXIMUM,
        inbound_bytes=INBOUND_BYTES,
    )


def source_options(options: LinkOptions, pipeline: str, sources: int) -> LinkOptions:
    """Options of the connection of one pipeline's source: a session of its own, its share of the memory."""
    share = max(options.inbound_bytes // max(sources, 1), options.max_packet_bytes)
    return replace(options, client_id=f"{options.client_id}-{pipeline}", inbound_bytes=share)


def make_link(options: LinkOptions, version: str) -> Link:
    """The native session, or the adapter for MQTT 3.1.1 brokers."""
    if version == "5":
        from alloy_agent.mqtt.session import MqttSession

        return MqttSession(options)
    from alloy_agent.mqtt.aiomqtt_adapter import AiomqttLink

    return AiomqttLink(options)
