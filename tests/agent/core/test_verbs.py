"""The verb table answers with a result or a coded failure, whoever asks and whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import trio

from alloy_agent.core.verbs import Request, Response, Verbs, decode_request, encode_response
from alloy_agent.errors import AgentError


def table() -> Verbs:
    verbs = Verbs()

    async def ping(args: Mapping[str, Any]) -> Any:
        return dict(args)

    async def refuse(_args: Mapping[str, Any]) -> Any:
        raise AgentError("store.write", "the disk is full", hint="free space")

    async def broken(_args: Mapping[str, Any]) -> Any:
        raise ZeroDivisionError("a fault of ours")

    verbs.add("ping", ping, remote=True)
    verbs.add("refuse", refuse, remote=True)
    verbs.add("broken", broken, remote=False)
    return verbs


def ask(verb: str, *, remote: bool = False) -> Response:
    async def main() -> Response:
        return await table().answer(Request("7", verb, {"a": 1}), remote=remote)

    return trio.run(main)


def test_a_verb_answers_with_its_result_and_the_id_of_the_request() -> None:
    assert ask("ping") == Response("7", ok=True, result={"a": 1})


def test_a_coded_error_becomes_part_of_the_answer() -> None:
    answer = ask("refuse")

    assert not answer.ok
    assert answer.error is not None
    assert (answer.error.code, answer.error.hint) == ("store.write", "free space")


def test_a_fault_of_ours_is_answered_when_a_verb_breaks() -> None:
    answer = ask("broken")

    assert answer.error is not None
    assert (answer.error.code, answer.error.message) == ("control.failed", "ZeroDivisionError")


def test_a_local_verb_is_unknown_when_it_is_asked_over_mqtt() -> None:
    answer = ask("broken", remote=True)

    assert answer.error is not None
    assert answer.error.code == "control.unknown_verb"
    assert "ping" in answer.error.hint


@pytest.mark.parametrize("as_json", [True, False])
def test_a_request_comes_back_in_its_own_encoding(as_json: bool) -> None:
    data = encode_response(Response("1", ok=True, result=5), as_json=as_json)

    assert (data[:1] == b"{") is as_json


@pytest.mark.parametrize("data", [b"{", b"{" * 70_000, b"\xc1", b'{"id": 5}'])
def test_bytes_that_are_no_request_are_refused(data: bytes) -> None:
    with pytest.raises(AgentError) as caught:
        decode_request(data)

    assert caught.value.code == "control.bad_request"
