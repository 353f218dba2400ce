"""The compiled configuration: what the one-shot compiler hands the core, as MessagePack.

The core decodes these structs and reads nothing else: no YAML, no schema, no user path. Every duration
is in seconds, every size in bytes. Secrets are resolved by the core at use (`Secret`), never stored here.
"""

from __future__ import annotations

from typing import Literal

import msgspec

DOCUMENT_VERSION = 1


class Base(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Common options of every section."""


class Secret(Base, frozen=True):
    """Where a secret comes from: exactly one is set."""

    credential: str = ""  # name under $CREDENTIALS_DIRECTORY (systemd)
    file: str = ""
    env: str = ""


class Mqtt(Base, frozen=True):
    """Broker connection of the device."""

    host: str = "127.0.0.1"
    port: int = 1883
    version: str = "5"  # "5" native session, "3.1.1" aiomqtt adapter
    client_id: str = ""  # default alloy-<fleet>-<device>
    username: str = ""
    password: Secret | None = None
    tls: bool = False
    ca_file: str = ""
    keepalive_s: int = 30
    session_expiry_s: int = 86_400
    inflight_maximum: int = 256


class Workers(Base, frozen=True):
    """Jailed processes."""

    max: int = 16
    wall_ms: int = 250
    first_wall_ms: int = 1000
    memory_mb: int = 32
    idle_stop_s: float = 60.0


class Capabilities(Base, frozen=True):
    """The most that a transform may declare in NEEDS."""

    memory_mb: int = 256
    wall_ms: int = 10_000
    rows: int = 64
    log: bool = True
    state: bool = True
    array: bool = True


class Sandbox(Base, frozen=True):
    """Device policy for transforms."""

    allow_degraded: bool = False
    modules: tuple[str, ...] = ()  # beyond the closed list
    capabilities: Capabilities = Capabilities()


class Modules(Base, frozen=True):
    """Native modules."""

    trust: str = "signed"  # signed | local


class Canary(Base, frozen=True):
    """Comparison of both tiers on live batches after a promotion."""

    every: int = 100  # one batch of so many
    for_s: float = 3600.0


class Promotion(Base, frozen=True):
    """When a transform goes from the sandbox to its native module and back."""

    policy: str = "propose"  # manual | propose | auto
    share: float = 0.05  # of one core
    over_s: float = 600.0
    decline_limit: float = 0.05  # of the records
    decline_window: int = 1000  # records
    canary: Canary = Canary()
    build: str = "off"  # off | local


class Spool(Base, frozen=True):
    """Bounds of what is kept until acknowledged."""

    window_bytes: int = 8 << 20
    dead_letter_bytes: int = 16 << 20


class Agent(Base, frozen=True):
    """`agent.yaml`: the device."""

    fleet: str = "default"
    device: str = ""  # default: host name
    state_dir: str = "/var/lib/alloy-edge"
    run_dir: str = "/run/alloy-edge"
    mqtt: Mqtt | None = None
    workers: Workers = Workers()
    sandbox: Sandbox = Sandbox()
    modules: Modules = Modules()
    promotion: Promotion = Promotion()
    spool: Spool = Spool()
    status_interval_s: float = 30.0
    log_level: str = "info"


class Framing(Base, frozen=True):
    """How `lines` cuts its bytes; exactly one kind."""

    kind: str  # delimiter | fixed | length | burst
    delimiter: bytes = b"\n"
    strip: bytes = b"\r"  # removed from the end of a delimited frame
    start: bytes = b""  # a frame begins with these bytes; anything before is dropped and counted
    size: int = 0  # fixed: bytes
    length_offset: int = 0  # length: position of the length field
    length_bytes: int = 1
    length_order: str = "big"
    length_adjust: int = 0  # added to the field to get the frame's whole size
    gap_ms: float = 0.0  # burst: silence that ends a frame
    max_bytes: int = 4096


class LinesSource(Base, frozen=True, tag="lines", tag_field="kind"):
    """Serial port, TCP stream."""

    framing: Framing
    port: str = ""  # /dev/ttyUSB0, /dev/serial/by-id/…
    baud: int = 9600
    parity: str = "N"
    stop_bits: float = 1
    data_bits: int = 8
    tcp: str = ""  # host:port; exactly one of port and tcp
    silence_s: float = 0.0  # reopen after this much silence; 0 never


class MqttSource(Base, frozen=True, tag="mqtt", tag_field="kind"):
    """Messages of a topic filter, on the device's broker."""

    topic: str
    qos: int = 1


class FilesSource(Base, frozen=True, tag="files", tag_field="kind"):
    """A watched folder of NetCDF, HDF5 and FITS files."""

    path: str
    pattern: str = "*"
    settle_s: float = 1.0  # a file is finished when size and mtime stayed equal this long
    poll_s: float = 0.5
    after: Literal["keep", "delete", "move"] = "keep"
    move_to: str = ""
    max_bytes: int = 8 << 30


class Attribute(Base, frozen=True):
    """A number that each file says itself."""

    attribute: str  # of the variable, or of the file


class TransformRef(Base, frozen=True):
    """One stage: the source text of the transform was read by the compiler and is carried as bytes."""

    name: str  # library name or file stem
    origin: str  # "library" or the path as written
    source: bytes
    params: dict[str, int | float | bool | str] = {}
    inputs: dict[
        str, str | float | Attribute
    ] = {}  # element-wise: a variable (one of them), a number, an attribute


class Route(Base, frozen=True):
    """`route`: the next stage by the value of a field of the row."""

    on: str
    cases: dict[str, tuple[TransformRef, ...]]
    otherwise: str = "dead_letter"  # dead_letter | drop


class Expect(Base, frozen=True):
    """Physical limits a site expects; outside: quality 3 and a reason bit."""

    min: float | None = None
    max: float | None = None


class MqttSink(Base, frozen=True, tag="mqtt", tag_field="kind"):
    """Publish below data/<pipeline>/<stream>."""

    stream: str
    encoding: str = "cbor"  # cbor | msgpack | jsonl
    qos: int = 1
    require_consumer: bool = False


class FileSink(Base, frozen=True, tag="file", tag_field="kind"):
    """Append to a file: NDJSON or a CBOR sequence; rotated by size."""

    path: str
    encoding: str = "jsonl"  # jsonl | cbor
    max_bytes: int = 64 << 20
    keep: int = 2


class StdoutSink(Base, frozen=True, tag="stdout", tag_field="kind"):
    """One line a record on standard output."""

    encoding: str = "jsonl"


class OnError(Base, frozen=True):
    """What happens to an input whose transform or sink fails."""

    strategy: str = "backoff"  # none | backoff
    max: int = 5
    timeout_s: float = 30.0
    then: str = "dead_letter"  # dead_letter | drop


class Pipeline(Base, frozen=True):
    """One pipeline file."""

    name: str
    file: str  # as shown in messages
    digest: str  # SHA-256 hex of the compiled section without this field and without `marks`
    source: LinesSource | MqttSource | FilesSource
    sinks: tuple[MqttSink | FileSink | StdoutSink, ...]
    stages: tuple[TransformRef, ...] = ()
    route: Route | None = None  # after the last stage
    expect: dict[str, Expect] = {}
    on_error: OnError = OnError()
    batch_rows: int = 1024
    batch_bytes: int = 1 << 20
    batch_wait_ms: float = 20.0
    enabled: bool = True
    marks: dict[str, tuple[int, int]] = {}  # "stage.0", "case.ERS2.0", "route", "expect.x" -> (line, column)


class Problem(Base, frozen=True):
    """One finding of the compiler."""

    file: str
    line: int
    column: int
    code: str  # config.*
    message: str
    key: str = ""  # "mqtt.port", where the finding belongs to one key
    got: str = ""
    expected: str = ""
    hint: str = ""
    severity: str = "error"  # error | warning


class Document(Base, frozen=True):
    """What the compiler writes: good pipelines, and what is wrong with the others."""

    version: int = DOCUMENT_VERSION
    agent: Agent = Agent()
    pipelines: tuple[Pipeline, ...] = ()
    problems: tuple[Problem, ...] = ()
    broken: tuple[str, ...] = ()  # pipeline files that were left out
    device_valid: bool = True  # False: `agent` holds defaults only, nothing may be started from it
