"""The queue of a node is bounded, and its settings are checked as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from alloy_devices.shims import Board


def test_the_oldest_messages_go_when_the_queue_is_full(board: Board) -> None:
    import outbox

    box = outbox.Outbox()
    for number in range(outbox.MAX_MESSAGES + 10):
        assert box.number == number
        box.put(b"%d" % number)

    assert len(box.queue) == outbox.MAX_MESSAGES
    assert (box.lost, box.first()) == (10, (10, b"10"))


def test_messages_go_by_their_size_when_they_are_large(board: Board) -> None:
    import outbox

    box = outbox.Outbox()
    for _ in range(20):
        box.put(b"x" * (outbox.MAX_BYTES // 4))

    assert (len(box.queue), box.bytes, box.lost) == (4, outbox.MAX_BYTES, 16)
    box.put(b"y" * (outbox.MAX_BYTES + 1))
    assert (len(box.queue), box.bytes) == (0, 0)


def test_only_the_acknowledged_message_leaves_when_the_queue_has_moved_on(board: Board) -> None:
    import outbox

    box = outbox.Outbox()
    assert box.first() is None
    box.done(0)
    box.put(b"a")
    box.put(b"b")
    box.done(1)  # not the first: it was lost before its acknowledgement came
    assert box.first() == (0, b"a")
    box.done(0)
    assert (box.first(), box.bytes, box.lost) == ((1, b"b"), 1, 0)


GOOD: dict[str, Any] = {"wifi": {"ssid": "field"}, "mqtt": {"host": "broker"}}


def settings(folder: Path, text: str) -> dict[str, Any]:
    import config

    (folder / "node.json").write_text(text)
    return config.read(str(folder / "node.json"))  # type: ignore[no-any-return]


def test_defaults_are_filled_in_when_only_the_necessary_is_said(board: Board, tmp_path: Path) -> None:
    read = settings(tmp_path, json.dumps(GOOD))

    assert read == {
        "node": {"name": "", "topic": "alloy-node/1"},
        "wifi": {"ssid": "field", "key": ""},
        "mqtt": {"host": "broker", "port": 1883, "user": "", "password": "", "version": 4},
        "uart": {"id": 1, "tx": -1, "rx": -1},
    }


def test_the_shipped_settings_are_read_when_nothing_is_changed(board: Board, tmp_path: Path) -> None:
    shipped = (tmp_path / "node" / "node.json").read_text()

    assert settings(tmp_path, shipped)["uart"] == {"id": 1, "tx": 4, "rx": 5}


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"wifi": {}, "mqtt": {"hots": "b"}}, ["`wifi.ssid` is missing", "key `mqtt.hots`", "`mqtt.host` is missing"]),
        ({"mqtt": {"host": "b", "port": "1883"}}, ["`mqtt.port` has the wrong type"]),
        ({"mqtt": {"host": "b", "port": True}}, ["`mqtt.port` has the wrong type"]),
        ({"mqtt": {"host": "b", "port": 65536}}, ["`mqtt.port` is 1 to 65535"]),
        ({"mqtt": {"host": "b", "version": 3}}, ["`mqtt.version` is 4 (MQTT 3.1.1) or 5"]),
        ({"uart": []}, ["`uart` is an object"]),
        ({"usb": {}}, ["unknown section `usb`"]),
        ({"node": {"topic": "a/#", "name": "x" * 65}}, ["`node.name` is at most", "`node.topic` is at most"]),
    ],
)  # fmt: skip
def test_every_fault_is_named_when_settings_are_wrong(
    board: Board, tmp_path: Path, change: dict[str, Any], faults: list[str]
) -> None:
    with pytest.raises(ValueError, match=r"node\.json") as caught:
        settings(tmp_path, json.dumps({**GOOD, **change}))

    for fault in faults:
        assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [("[1]", "holds an object"), ("{", "not JSON"), (" " * 5000, "more than 4096 characters")],
)
def test_the_file_is_refused_when_it_is_no_small_object(
    board: Board, tmp_path: Path, text: str, fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        settings(tmp_path, text)
