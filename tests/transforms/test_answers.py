"""The control answers of a worker: what a megabyte of lies may cost the core."""

from __future__ import annotations

import tracemalloc

import pytest

from alloy_transforms.errors import ViolationError
from alloy_transforms.sandbox.answers import MAX_ANSWER_BYTES, MAX_EXAMPLES, pack, unpack, unpack_examples
from alloy_transforms.sandbox.contract import MAX_ROWS
from alloy_transforms.sandbox.protocol import EXAMPLES_ARE

HEAD = bytes((EXAMPLES_ARE, 1))
ROOM = MAX_ANSWER_BYTES - len(HEAD) - 5
MIB = 1 << 20
LIES = {
    "empty maps": b"\xdd" + (ROOM).to_bytes(4, "big") + b"\x80" * ROOM,
    "empty lists in pairs": b"\xdd" + (ROOM // 2).to_bytes(4, "big") + b"\x91\x90" * (ROOM // 2),
    "deep lists": b"\x91" * ROOM,
    "deep maps": b"\x81\xa1a" * (ROOM // 3),
    "large integers": b"\xdd" + (ROOM // 3).to_bytes(4, "big") + b"\xcd\xff\xff" * (ROOM // 3),
    "claimed length": b"\xdd\xff\xff\xff\xff",
    "claimed map": b"\xdf\xff\xff\xff\xff",
    "claimed text": b"\xdb\xff\xff\xff\xff",
    "extensions": b"\xdd" + (ROOM // 3).to_bytes(4, "big") + b"\xd4\x01\x00" * (ROOM // 3),
    "times": b"\xdd" + (ROOM // 6).to_bytes(4, "big") + b"\xd6\xff\0\0\0\1" * (ROOM // 6),
}


@pytest.mark.parametrize("lie", LIES)
def test_answer_is_refused_within_memory_when_it_is_a_bomb(lie: str) -> None:
    body = HEAD + LIES[lie]
    tracemalloc.start()
    try:
        with pytest.raises(ViolationError) as caught:
            unpack_examples(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert caught.value.code == "violation.protocol"
    assert peak < 24 * MIB


def test_examples_are_refused_when_an_error_code_is_no_text() -> None:
    for error in ({}, [], 3, None, "no.such"):
        with pytest.raises(ViolationError):
            unpack_examples(pack(EXAMPLES_ARE, [{"inputs": {}, "rows": [], "error": error, "line": 0}]))


def test_largest_honest_answer_is_taken_when_examples_are_many() -> None:
    rows = [{} for _ in range(MAX_ROWS)]
    examples = [{"inputs": {}, "rows": rows, "error": "", "line": 1} for _ in range(MAX_EXAMPLES)]

    assert len(unpack(pack(EXAMPLES_ARE, examples))) == MAX_EXAMPLES
