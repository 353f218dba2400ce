"""Errors of this package and the registry of their codes."""

from .native import CodedError


class AgentError(CodedError):
    """Root of every error this package raises on purpose."""


class LinkError(AgentError):
    """The broker connection: the world (retryable), a lying peer, or a wrong option (`mqtt.*`)."""


class BrokerError(AgentError):
    """The demo broker (`broker.*`)."""


CODES: dict[str, str] = {
    "mqtt.option": "a link option is out of range",
    "mqtt.topic": "a topic or topic filter breaks the rules of MQTT",
    "mqtt.unreachable": "the broker could not be reached in time",
    "mqtt.tls": "the TLS handshake with the broker failed",
    "mqtt.refused": "the broker refused the connection (CONNACK)",
    "mqtt.version": "the broker does not speak this version of MQTT",
    "mqtt.lost": "the connection to the broker was lost",
    "mqtt.disconnected": "the broker ended the connection (DISCONNECT)",
    "mqtt.keepalive": "the broker answered no ping in time",
    "mqtt.ack_timeout": "the broker did not acknowledge a publish in time",
    "mqtt.malformed": "the peer sent bytes that are no MQTT packet",
    "mqtt.protocol": "the peer broke a rule of MQTT",
    "mqtt.packet_too_large": "a packet is larger than the receiver accepts",
    "mqtt.inbound_bytes": "unacknowledged inbound messages took more memory than allowed",
    "mqtt.subscribe_refused": "the broker refused a subscription",
    "mqtt.unsupported": "this client or broker cannot do what was asked",
    "mqtt.closed": "the link has ended",
    "mqtt.missing_extra": "the MQTT 3.1.1 adapter needs packages that are not installed",
    "broker.address": "the demo broker listens on loopback only",
    "broker.listen": "the demo broker could not open its port",
    "broker.option": "a broker option is out of range",
}
"""code -> meaning; codes are never reused. `docs/errors.md` is generated from this."""
