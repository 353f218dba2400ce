"""What a good configuration becomes, and what a broken pipeline does to the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from alloy_agent.config import reader
from alloy_agent.config.folder import compile_folder
from alloy_agent.config.model import (
    Agent,
    Canary,
    Document,
    Expect,
    FileSink,
    FilesSource,
    Framing,
    LinesSource,
    Modules,
    Mqtt,
    MqttSink,
    MqttSource,
    OnError,
    Pipeline,
    Promotion,
    Sandbox,
    Secret,
    Spool,
    StdoutSink,
    Workers,
)
from alloy_agent.config.scripts import Scripts

Write = Callable[[str, str], Path]

ROOF = r"""
name: roof
source: {mqtt: {topic: "application/+/device/+/event/up", qos: 1}}
transform:
  - ./good.py
  - {use: ./good.py, params: {offset: -3, factor: 0.5, on: true, label: "yes", mask: 0x1F, name: north}}
route: {on: device_profile, ERS2: ./good.py, 17: [./good.py, ./good.py], else: drop}
expect: {temperature: {min: -40, max: 60}, humidity: {max: 1e2}}
sink: {mqtt: {stream: climate, encoding: cbor}}
on_error: {retry: {strategy: backoff, max: 5, timeout: 30s}, then: dead_letter}
batch: {rows: 64, bytes: 64KiB, wait: 50ms}
"""
MINIMAL = "source: {mqtt: {topic: a/b}}\ntransform: ./good.py\nsink: stdout\n"


def only(folder: Path) -> Pipeline:
    document = compile_folder(folder)
    assert document.problems == ()
    return document.pipelines[0]


def test_every_key_arrives_when_a_pipeline_is_good(config: Path, write: Write) -> None:
    write("roof.yaml", ROOF)

    roof = only(config)

    assert (roof.name, roof.file) == ("roof", "pipelines/roof.yaml")
    assert roof.source == MqttSource(topic="application/+/device/+/event/up", qos=1)
    assert [stage.name for stage in roof.stages] == ["good", "good"]
    assert roof.stages[0].source.startswith(b"def transform")
    assert roof.stages[0].origin == "./good.py"
    assert roof.stages[1].params == {
        "offset": -3,
        "factor": 0.5,
        "on": True,
        "label": "yes",
        "mask": 31,
        "name": "north",
    }
    assert roof.route is not None
    assert (roof.route.on, roof.route.otherwise) == ("device_profile", "drop")
    assert {name: len(case) for name, case in roof.route.cases.items()} == {"ERS2": 1, "17": 2}
    assert roof.expect == {"temperature": Expect(min=-40.0, max=60.0), "humidity": Expect(max=100.0)}
    assert roof.sinks == (MqttSink(stream="climate"),)
    assert roof.on_error == OnError(strategy="backoff", max=5, timeout_s=30.0, then="dead_letter")
    assert (roof.batch_rows, roof.batch_bytes, roof.batch_wait_ms) == (64, 65536, 50.0)


def test_every_key_arrives_when_the_device_file_is_good(config: Path, write: Write) -> None:
    write("roof.yaml", MINIMAL)
    (config / "agent.yaml").write_text(
        """
fleet: north
device: 0042
state_dir: /data/alloy
run_dir: /run/x
mqtt:
  host: broker.example.org
  tls: true
  version: "3.1.1"
  client_id: gw-42
  username: edge
  password: {credential: mqtt-password}
  ca_file: /etc/ssl/ca.pem
  keepalive: 1min
  session_expiry: 2h
  inflight: 32
workers: {max: 4, wall: 100ms, first_wall: 2s, memory: 64MiB, idle_stop: 5m}
sandbox: {allow_degraded: true, modules: [zoneinfo, heapq, heapq]}
modules: {trust: local}
promotion:
  {policy: auto, share: 2.5%, over: 1min, decline_limit: 10%, decline_window: 500 records,
   canary: {every: 10, for: 0s}, build: local}
spool: {window: 1MiB, dead_letters: 2MB}
status_interval: 10s
log_level: debug
"""
    )

    document = compile_folder(config)

    assert document.problems == ()
    assert document.agent == Agent(
        fleet="north",
        device="0042",
        state_dir="/data/alloy",
        run_dir="/run/x",
        mqtt=Mqtt(
            host="broker.example.org",
            port=8883,
            version="3.1.1",
            client_id="gw-42",
            username="edge",
            password=Secret(credential="mqtt-password"),
            tls=True,
            ca_file="/etc/ssl/ca.pem",
            keepalive_s=60,
            session_expiry_s=7200,
            inflight_maximum=32,
        ),
        workers=Workers(max=4, wall_ms=100, first_wall_ms=2000, memory_mb=64, idle_stop_s=300.0),
        sandbox=Sandbox(allow_degraded=True, modules=("heapq", "zoneinfo")),
        modules=Modules(trust="local"),
        promotion=Promotion(
            policy="auto",
            share=0.025,
            over_s=60.0,
            decline_limit=0.1,
            decline_window=500,
            canary=Canary(every=10, for_s=0.0),
            build="local",
        ),
        spool=Spool(window_bytes=1 << 20, dead_letter_bytes=2_000_000),
        status_interval_s=10.0,
        log_level="debug",
    )


@pytest.mark.parametrize(
    ("framing", "wanted"),
    [
        ('{delimiter: "\\r\\n"}', Framing(kind="delimiter", delimiter=b"\r\n")),
        (
            r"{delimiter: {bytes: '\r\n', strip: '', start: '$', max: 82}}",
            Framing(kind="delimiter", delimiter=b"\r\n", strip=b"", start=b"$", max_bytes=82),
        ),
        ("{fixed: 32}", Framing(kind="fixed", size=32, max_bytes=32)),
        (
            '{length: {start: "0x42 0x4d", offset: 2, bytes: 2, adjust: 4, max: 64B}}',
            Framing(
                kind="length", start=b"BM", length_offset=2, length_bytes=2, length_adjust=4, max_bytes=64
            ),
        ),
        ("{burst: 20ms}", Framing(kind="burst", gap_ms=20.0)),
        (r"{delimiter: '\x00'}", Framing(kind="delimiter", delimiter=b"\0")),
    ],
)
def test_framing_arrives_in_bytes_when_it_is_written_in_any_form(
    config: Path, write: Write, framing: str, wanted: Framing
) -> None:
    write(
        "gps.yaml",
        f"source: {{lines: {{port: /dev/gps, framing: {framing}}}}}\ntransform: ./good.py\nsink: stdout\n",
    )

    source = only(config).source

    assert source == LinesSource(framing=wanted, port="/dev/gps")


def test_serial_settings_arrive_as_numbers_when_they_are_given(config: Path, write: Write) -> None:
    write(
        "pms.yaml",
        "source: {lines: {port: /dev/x, baud: 115200, parity: E, stop_bits: 1.5, data_bits: 7,"
        " silence: 5s}}\n"
        "transform: ./good.py\nsink: [{file: {path: /data/x.jsonl, max: 1MiB, keep: 0}}, stdout]\n",
    )

    pipeline = only(config)

    assert pipeline.source == LinesSource(
        framing=Framing(kind="delimiter"),
        port="/dev/x",
        baud=115200,
        parity="E",
        stop_bits=1.5,
        data_bits=7,
        silence_s=5.0,
    )
    assert pipeline.sinks == (FileSink(path="/data/x.jsonl", max_bytes=1 << 20, keep=0), StdoutSink())


def test_a_folder_of_files_needs_no_transform_when_it_is_the_source(config: Path, write: Write) -> None:
    write(
        "sky.yaml",
        "source: {files: {path: /data/in, pattern: '*.nc', settle: 2s, after: move,"
        " move_to: /data/done, max: 1GiB}}\n"
        "sink: {mqtt: {stream: sky}}\n",
    )

    assert only(config).source == FilesSource(
        path="/data/in", pattern="*.nc", settle_s=2.0, after="move", move_to="/data/done", max_bytes=1 << 30
    )


def test_the_others_are_compiled_when_one_pipeline_is_broken(config: Path, write: Write) -> None:
    write("a.yaml", MINIMAL)
    write("b.yaml", "source: [")
    write(
        "c.json", '{"source": {"mqtt": {"topic": "a/c"}}, "transform": ["./good.py"], "sink": {"stdout": {}}}'
    )

    document = compile_folder(config)

    assert [pipeline.name for pipeline in document.pipelines] == ["a", "c"]
    assert document.broken == ("pipelines/b.yaml",)
    assert document.device_valid
    assert [problem.code for problem in document.problems] == ["config.yaml"]


def test_the_second_is_left_out_when_two_pipelines_have_one_name(config: Path, write: Write) -> None:
    write("a.yaml", MINIMAL)
    write("b.yaml", "name: a\n" + MINIMAL)

    document = compile_folder(config)

    assert [problem.code for problem in document.problems] == ["config.duplicate_name"]
    assert (document.problems[0].file, document.problems[0].line) == ("pipelines/b.yaml", 1)
    assert document.broken == ("pipelines/b.yaml",)


def test_only_the_pipeline_beyond_the_limit_is_left_out_when_workers_run_short(
    config: Path, write: Write
) -> None:
    (config / "agent.yaml").write_text("mqtt: {}\nworkers: {max: 3}\n")
    write("a.yaml", MINIMAL.replace("./good.py", "[./good.py, ./good.py]"))
    write("b.yaml", MINIMAL.replace("./good.py", "[./good.py, ./good.py]"))
    write("c.yaml", MINIMAL)
    write("d.yaml", MINIMAL + "enabled: false\n")

    document = compile_folder(config)

    assert [pipeline.name for pipeline in document.pipelines] == ["a", "c", "d"]
    assert [(p.code, p.got) for p in document.problems] == [
        ("config.too_many_workers", "4 workers together with the pipelines before it")
    ]


def test_mqtt_is_refused_when_the_device_has_no_broker(config: Path, write: Write) -> None:
    (config / "agent.yaml").write_text("fleet: north\n")
    write("a.yaml", MINIMAL.replace("stdout", "{mqtt: {stream: s}}"))

    document = compile_folder(config)

    assert [(p.code, p.line) for p in document.problems] == [
        ("config.needs_broker", 1),
        ("config.needs_broker", 3),
    ]


def test_nothing_may_start_when_the_device_file_is_missing_or_not_a_file(config: Path, write: Write) -> None:
    write("a.yaml", MINIMAL)
    (config / "agent.yaml").unlink()

    missing = compile_folder(config)
    (config / "agent.yaml").mkdir()
    folder = compile_folder(config)

    assert not missing.device_valid
    assert not folder.device_valid
    assert [p.code for p in missing.problems] == ["config.unreadable"]
    assert [p.code for p in folder.problems] == ["config.unreadable"]


def test_a_warning_is_given_when_there_is_no_pipeline(config: Path) -> None:
    (config / "pipelines").rmdir()

    document = compile_folder(config)

    assert [(p.code, p.severity) for p in document.problems] == [("config.no_pipelines", "warning")]
    assert document.device_valid


def test_the_nearest_name_is_told_when_a_library_name_is_wrong(
    config: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "alloy_agent.config.scripts.Scripts.library", lambda self: ("lns_chirpstack", "nmea0183")
    )
    write("a.yaml", MINIMAL.replace("./good.py", "nmea0138"))
    write("b.yaml", MINIMAL.replace("./good.py", "good"))

    document = compile_folder(config)

    assert [(p.code, p.hint) for p in document.problems] == [
        ("config.unknown_transform", "did you mean `nmea0183`?"),
        ("config.unknown_transform", "write ./good.py for the one in transforms/"),
    ]


def test_every_shipped_transform_is_found_when_it_is_named(config: Path, write: Write) -> None:
    names = Scripts(config / "transforms").library()
    for name in names:
        write(f"{name}.yaml", MINIMAL.replace("./good.py", name) + "enabled: false\n")

    found = compile_folder(config).pipelines

    assert [pipeline.stages[0].name for pipeline in found] == list(names)
    assert all(pipeline.stages[0].origin == "library" for pipeline in found)


def test_the_digest_stays_when_only_comments_move_lines(config: Path, write: Write) -> None:
    write("a.yaml", MINIMAL)
    before = only(config)
    write("a.yaml", "# moved\n\n" + MINIMAL)
    after = only(config)
    write("a.yaml", MINIMAL.replace("a/b", "a/c"))
    changed = only(config)

    assert before.digest == after.digest != changed.digest
    assert before.marks["stage.0"] == (2, 12)
    assert after.marks["stage.0"] == (4, 12)


def test_the_document_survives_strict_decoding_when_it_went_over_the_wire(config: Path, write: Write) -> None:
    write("roof.yaml", ROOF)
    document = compile_folder(config)

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(document), type=Document) == document


def test_the_same_tree_comes_out_when_libyaml_is_absent(
    config: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("roof.yaml", ROOF)
    write("bad.yaml", "sorce: {mqtt: {topic: [1}}\n")
    fast = compile_folder(config)
    monkeypatch.setattr(reader, "LOADER", reader.yaml.SafeLoader)

    slow = compile_folder(config)

    assert slow.pipelines == fast.pipelines
    assert [(p.code, p.line) for p in slow.problems] == [(p.code, p.line) for p in fast.problems]


def test_findings_are_counted_when_a_file_has_more_than_are_shown(config: Path, write: Write) -> None:
    write("a.yaml", "".join(f"key{i}: 1\n" for i in range(300)))

    problems = compile_folder(config).problems

    assert len(problems) == 101
    assert problems[-1].code == "config.limit"
    assert problems[-1].message == "202 more findings of this file are not shown"


def test_a_file_is_refused_when_it_is_too_large(config: Path, write: Write) -> None:
    write("a.yaml", "#" * ((1 << 20) + 1))

    assert [p.code for p in compile_folder(config).problems] == ["config.limit"]


def test_the_demo_is_without_findings_when_it_is_filled_in(tmp_path: Path) -> None:
    from alloy_agent.demo.scene import write_config

    document = compile_folder(write_config(tmp_path, 1883))

    assert document.problems == ()
    assert {pipeline.name for pipeline in document.pipelines} >= {"air", "climate", "position", "science"}
