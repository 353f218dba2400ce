"""The sinks `file` and `stdout` of a running daemon, read back by hand and by `alloy-edge decode`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import cbor2
import pytest
from tests.system import independent, running
from tests.system.independent import Consumer, Item

pytestmark = pytest.mark.slow

AGENT = "fleet: fleet\ndevice: gateway\nmqtt: {host: 127.0.0.1, port: %d}\n"
PIPELINE = """source: {mqtt: {topic: in/nmea, qos: 1}}
transform: nmea
sink:
  - file: {path: "%(folder)s/out/fix.jsonl"}
  - file: {path: "%(folder)s/out/fix.cbor", encoding: cbor}
  - stdout
"""
# rx210.log of gpsd's regression tests; the facts are those of its .chk
RMC = b"$GNRMC,184103.00,A,5000.14112,N,00838.63658,E,0.424,,030416,,,A*6C"
GGA = b"$GNGGA,184103.00,5000.14112,N,00838.63658,E,1,05,3.62,165.8,M,47.6,M,,*4F"
LATITUDE, LONGITUDE, ALTITUDE = 50.002352000, 8.643943000, 165.800
BROKEN = RMC[:-1] + b"D"


@dataclass(frozen=True)
class Written:
    """What one run left behind."""

    jsonl: Path
    cbor: Path
    stdout: bytes
    dead_letters: int


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    """Two runs of the daemon on the same files: the second appends."""
    folder = tmp_path_factory.mktemp("sinks")
    with running.mini_broker(folder) as port, Consumer(port) as instrument:
        config = running.write_config(folder / "config", AGENT % port, position=PIPELINE % {"folder": folder})
        for sentences in ((RMC, BROKEN, GGA), (GGA,)):
            with running.daemon(config, folder) as daemon:
                instrument.publish_all(("in/nmea", sentence) for sentence in sentences)
                facts = daemon.wait_status(partial(inputs_are, len(sentences)))
                assert daemon.stop() == 0  # drains: what was acknowledged is in the files
            if sentences[0] is RMC:
                dead = facts["pipelines"][0]["refused"]
        yield Written(
            folder / "out" / "fix.jsonl", folder / "out" / "fix.cbor", daemon.stdout.read_bytes(), dead
        )


def inputs_are(count: int, status: Item) -> bool:
    """Whether the pipeline has handed over this many inputs."""
    return bool(status["pipelines"][0]["inputs"] == count)


def check_positions(rows: list[Item]) -> None:
    """The three rows, by name and physical value."""
    assert [row["values"]["sentence"]["meaning"] for row in rows] == ["rmc", "gga", "gga"]
    for row in rows:
        assert row["values"]["latitude"]["value"] == pytest.approx(LATITUDE, abs=1e-9)
        assert row["values"]["longitude"]["value"] == pytest.approx(LONGITUDE, abs=1e-9)
        assert row["values"]["longitude"]["unit"] == "deg"
        assert row["values"]["latitude"]["quality"] == 1
    assert rows[1]["values"]["altitude"]["value"] == ALTITUDE
    assert datetime.fromisoformat(rows[0]["time"]) == datetime(2016, 4, 3, 18, 41, 3, tzinfo=UTC)


def test_lines_hold_physical_values_when_a_file_is_written_as_json_lines(written: Written) -> None:
    rows = [json.loads(line) for line in written.jsonl.read_text("utf-8").splitlines()]

    check_positions(rows)
    assert written.dead_letters == 1  # the sentence with the wrong checksum


def test_the_same_lines_come_out_when_the_sink_is_stdout(written: Written) -> None:
    lines = [line for line in written.stdout.splitlines() if line]

    assert b"\n".join(lines) + b"\n" == written.jsonl.read_bytes()


def test_the_sequence_explains_itself_when_a_file_is_written_as_cbor(written: Written) -> None:
    data = io.BytesIO(written.cbor.read_bytes())
    items: list[tuple[Item, bytes]] = []
    while data.tell() < len(data.getvalue()):
        start = data.tell()
        item = cbor2.load(data)
        items.append((item, data.getvalue()[start : data.tell()]))
    schemas: dict[str, Item] = {}
    rows = []
    for item, raw in items:
        independent.MESSAGE.validate_cbor(raw)
        if item["k"] == "d":
            schemas[independent.sid(raw)] = item
        else:
            rows += independent.rows(item, schemas[item["sid"]])  # descriptors come first

    assert [row.values["sentence"] for row in rows] == ["rmc", "gga", "gga"]
    assert rows[0].time == 1459708863 * 10**9
    assert rows[2].values["altitude"] == ALTITUDE
    assert [item["k"] for item, _ in items].count("d") == 2  # one for each start


def test_decode_prints_every_row_when_it_reads_a_sinks_file(written: Written) -> None:
    for path in (written.cbor, written.jsonl):
        as_json = running.alloy_edge("decode", "--json", path)
        as_text = running.alloy_edge("decode", path)

        assert (as_json.returncode, as_text.returncode) == (0, 0), as_json.stderr
        lines = [json.loads(line) for line in as_json.stdout.splitlines()]
        check_positions([line for line in lines if line["k"] == "row"])
        assert as_text.stdout.count(b"latitude 50.002352") == 3
        assert b"altitude 165.8 m" in as_text.stdout
