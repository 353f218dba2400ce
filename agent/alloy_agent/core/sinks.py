"""From a `sink` section to the sink that writes it, and its encoding."""

from __future__ import annotations

from pathlib import Path

from alloy_agent.config import model
from alloy_agent.errors import AgentError
from alloy_agent.mqtt.link import Link
from alloy_agent.mqtt.topics import Topics
from alloy_agent.pipeline.sinks import FileSink, MqttSink, StdoutSink
from alloy_agent.pipeline.window import Sink
from alloy_transforms.wire.encoding import Encoding, encoding

SinkPair = tuple[Sink, Encoding]


def make_sink(
    config: model.Pipeline,
    section: model.MqttSink | model.FileSink | model.StdoutSink,
    link: Link | None,
    topics: Topics,
) -> SinkPair:
    """One sink of a pipeline.

    Raises:
        AgentError: `config.needs_broker`, an mqtt sink without a broker.
    """
    how = encoding(section.encoding)
    if isinstance(section, model.StdoutSink):
        return StdoutSink(), how
    if isinstance(section, model.FileSink):
        lines = section.encoding == "jsonl"
        path = Path(section.path)
        return FileSink(path, max_bytes=section.max_bytes, keep=section.keep, framed_lines=lines), how
    if link is None:
        raise AgentError("config.needs_broker", "an mqtt sink needs a broker", where=config.file)
    sink = MqttSink(
        link,
        topics.data(config.name, section.stream),
        topics.schema(""),
        qos=section.qos,
        content_type=how.CONTENT_TYPE,
        require_consumer=section.require_consumer,
    )
    return sink, how
