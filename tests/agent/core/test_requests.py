"""Requests over MQTT: what is answered, what is refused, and what becomes of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from tests.fakes.trio_run import in_trio

from alloy_agent.core.requests import answer
from alloy_agent.core.verbs import MAX_REQUEST_BYTES, Verbs, decode_request
from alloy_agent.errors import AgentError
from alloy_agent.mqtt.link import Message


async def ping(args: Mapping[str, Any]) -> Any:
    return {"args": dict(args)}


def verbs() -> Verbs:
    made = Verbs()
    made.add("ping", ping, remote=True)
    made.add("stop", ping, remote=False)
    return made


def message(payload: bytes, *, retain: bool = False) -> Message:
    return Message("alloy/1/f/d/req/ping", payload, 1, retain, False, lambda: None)


@in_trio
async def test_a_retained_request_is_refused_and_not_run() -> None:
    response, _ = await answer(verbs(), message(b"{}", retain=True), "ping")

    assert response.error is not None
    assert response.error.code == "control.retained"


@in_trio
async def test_the_verb_is_that_of_the_topic_when_the_payload_names_another() -> None:
    response, as_json = await answer(
        verbs(), message(b'{"id": "7", "verb": "stop", "args": {"a": 1}}'), "ping"
    )

    assert (response.ok, response.id, response.result, as_json) == (True, "7", {"args": {"a": 1}}, True)


@in_trio
async def test_a_local_verb_is_unknown_on_mqtt() -> None:
    response, _ = await answer(verbs(), message(b"{}"), "stop")

    assert response.error is not None
    assert response.error.code == "control.unknown_verb"


@in_trio
async def test_an_empty_request_is_answered_in_json() -> None:
    response, as_json = await answer(verbs(), message(b""), "ping")

    assert (response.ok, as_json) == (True, True)


@in_trio
async def test_the_answer_is_messagepack_when_the_request_was() -> None:
    response, as_json = await answer(verbs(), message(msgspec.msgpack.encode({"id": "é"})), "ping")

    assert (response.id, as_json) == ("é", False)


@pytest.mark.parametrize(
    "data",
    [b"{", b"[]", b'{"id": 5}', b"{" * 5000, b"\xc1", b'{"args": []}', b"{" + b" " * MAX_REQUEST_BYTES],
)
def test_what_is_no_request_is_refused_with_its_code(data: bytes) -> None:
    with pytest.raises(AgentError) as caught:
        decode_request(data)

    assert caught.value.code == "control.bad_request"
