"""From a `source` section to the driver that reads it."""

from __future__ import annotations

from pathlib import Path

from alloy_agent.config.model import FilesSource, LinesSource, MqttSource
from alloy_agent.errors import AgentError
from alloy_agent.mqtt.link import Link
from alloy_devices import mqtt
from alloy_devices.clock import HostClock
from alloy_devices.files import After, FolderOptions, FolderSource
from alloy_devices.framing import FramingSpec
from alloy_devices.lines import Lines
from alloy_devices.ports import SerialOptions, TcpOptions
from alloy_devices.source import Source

_CLOCK = HostClock()
_AFTER: dict[str, After] = {"keep": "keep", "delete": "delete", "move": "move"}


def _lines(name: str, section: LinesSource) -> Lines:
    f = section.framing
    framing = FramingSpec(
        kind=f.kind,
        delimiter=f.delimiter,
        strip=f.strip,
        start=f.start,
        size=f.size,
        length_offset=f.length_offset,
        length_bytes=f.length_bytes,
        length_order=f.length_order,
        length_adjust=f.length_adjust,
        gap_ms=f.gap_ms,
        max_bytes=f.max_bytes,
    )
    options: SerialOptions | TcpOptions
    if section.tcp:
        host, _, port = section.tcp.rpartition(":")
        options = TcpOptions(host.strip("[]"), int(port))
    else:
        options = SerialOptions(
            section.port, section.baud, section.parity, section.stop_bits, section.data_bits
        )
    return Lines(name, options, framing, silence_s=section.silence_s, clock=_CLOCK)


def records(name: str, section: LinesSource | MqttSource, link: Link | None) -> Source:
    """The source of a record pipeline.

    Raises:
        AgentError: `config.needs_broker`, an mqtt source without a broker.
    """
    if isinstance(section, LinesSource):
        return _lines(f"lines:{name}", section)
    if link is None:
        raise AgentError("config.needs_broker", "an mqtt source needs `mqtt` in agent.yaml", where=name)
    return mqtt.MqttSource(
        f"mqtt:{section.topic}",
        link,
        section.topic,
        qos=section.qos,
        manual_acknowledge=link.capabilities.manual_acknowledge,
        clock=_CLOCK.state,
    )


def files(name: str, section: FilesSource, state: Path) -> FolderSource:
    """The source of a file pipeline; what it has finished is remembered in the state folder."""
    folder = state / "files"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = FolderOptions(
        path=section.path,
        pattern=section.pattern,
        settle_s=section.settle_s,
        poll_s=section.poll_s,
        after=_AFTER[section.after],
        move_to=section.move_to or "done",
        state=str(folder / f"{name}.done"),
    )
    return FolderSource(f"files:{name}", options, clock_state=_CLOCK.state)
