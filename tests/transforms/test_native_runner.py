"""A worker with a native module answers as one without: the same bytes, whatever the module leaves to CPython."""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Sequence
from typing import Any

import pytest
from tests.fakes.c_modules import module
from tests.transforms.in_process import InProcess, RefusedError

from alloy_native.module import Module
from alloy_transforms.errors import ViolationError
from alloy_transforms.sandbox import protocol
from alloy_transforms.sandbox.native_runner import HAND_OVERS_MAX, MANY, PIECES_MAX
from alloy_transforms.sandbox.reply import Reply, ReplyDecoder

PLAIN = '''"""Test."""
INPUT = {"x": "int"}
OUTPUT = {"v": {"type": "i64"}, "w": {"type": "bytes", "max": 8, "optional": True}}


def transform(x: int) -> dict:
    if x < 0:
        raise ValueError("negative")
    out = {"v": 2 * x}
    if x % 2 == 1:
        out["w"] = b"odd"
    return out
'''
PLAIN_C = """
    const int64_t *x = b->inputs[0].values;
    int64_t *v = b->outputs[0].values;
    struct alloy_span *w = b->outputs[1].values;
    uint64_t set = 0;
    for (uint64_t i = b->first; i < b->n; i++) {
        if (b->codes[i]) continue;
        if (x[i] < 0) { b->codes[i] = 3; set++; continue; }
        if (x[i] == 100) { b->codes[i] = 200; set++; continue; }      /* CPython has an answer */
        if (x[i] == 101) { b->codes[i] = 201; set++; continue; }
        if (x[i] == 103) { b->codes[i] = 1; set++; continue; }        /* a lie: CPython gives a row */
        uint64_t row = b->rows++;
        v[row] = 2 * x[i] + (x[i] == 104);                            /* a lie: another value */
        if (x[i] & 1) {
            w[row].at = (const uint8_t *) "odd"; w[row].len = 3;
            b->outputs[1].validity[row / 8] |= 1 << row % 8;
        }
        b->src[row] = (uint32_t) i;
    }
    b->answered = b->n;
    return set;
"""
COUNT = '''"""Test."""
INPUT = {"x": "int"}
OUTPUT = {"v": {"type": "i64"}}
STATE = {"total": 0, "scale": 1.0, "seen": False}


def transform(x: int, s: dict) -> dict:
    if x < 0:
        raise ValueError("negative")
    s["total"] = s["total"] + x
    s["seen"] = True
    return {"v": s["total"]}
'''
COUNT_C = """
    const int64_t *x = b->inputs[0].values;
    int64_t *v = b->outputs[0].values, *total = (int64_t *) b->state;
    uint64_t i = b->first;
    for (; i < b->n; i++) {
        if (b->codes[i]) continue;
        if (x[i] < 0 || x[i] == 100) { b->codes[i] = x[i] < 0 ? 3 : 200; b->answered = i + 1; return 1; }
        *total += x[i];
        b->state[2] = 1;
        if (x[i] == 105) b->state[1] ^= 1;                            /* a lie that no row shows */
        b->src[b->rows] = (uint32_t) i;
        v[b->rows++] = *total;
    }
    b->answered = b->n;
    return 0;
"""
Worker = InProcess


@functools.cache
def opened(body: str) -> Module:
    fd = os.memfd_create("test")
    os.write(fd, module(body))
    try:
        return Module(fd)
    finally:
        os.close(fd)


def pair(source: str, body: str) -> tuple[Worker, Worker]:
    """A worker of each tier."""
    return InProcess(source), InProcess(source, opened=opened(body))


def sections(body: bytes) -> tuple[bytes, int, int]:
    """A reply without its times, and what only a native one says."""
    head = list(protocol.REPLY_HEADER.unpack_from(body))
    declined, differs = head[13:]
    head[10] = head[11] = head[13] = head[14] = 0
    return protocol.REPLY_HEADER.pack(*head) + body[protocol.REPLY_HEADER.size :], declined, differs


def same(workers: tuple[Worker, Worker], values: Sequence[Any], **options: Any) -> Reply:
    """Both answer with the same bytes; the native reply."""
    python, native = workers
    ours, declined, differs = sections(python.reply_bytes(values, **options))
    body = native.reply_bytes(values, **options)
    assert (declined, differs) == (0, 0)
    assert sections(body)[0] == ours
    return native.decoder.decode(body, batch=7, asked=len(values))


def test_loaded_says_which_tier_answers_when_a_worker_has_a_module() -> None:
    python, native = pair(PLAIN, PLAIN_C)

    assert (python.native, native.native) == (False, True)
    assert python.contract == native.contract


def test_bytes_are_those_of_the_sandbox_when_the_module_answers_everything() -> None:
    reply = same(pair(PLAIN, PLAIN_C), list(range(50)))

    assert (reply.rows, reply.declined, reply.differs) == (50, 0, 0)


def test_error_texts_are_those_of_the_sandbox_when_an_input_is_bad() -> None:
    reply = same(pair(PLAIN, PLAIN_C), [*range(20), -1, *range(20)])

    assert [(e.index, e.code, e.line, e.message) for e in reply.errors] == [
        (20, "data.value", 8, "ValueError: negative")
    ]
    assert (reply.declined, reply.differs) == (0, 0)


@pytest.mark.parametrize("value", [100, 101])
def test_rows_are_merged_in_order_when_the_module_declines(value: int) -> None:
    reply = same(pair(PLAIN, PLAIN_C), [*range(20), value, *range(20), value, value, 3])

    assert (reply.rows, reply.declined, reply.differs) == (44, 3, 0)


def test_whole_batch_is_answered_by_cpython_when_the_module_declines_much_of_it() -> None:
    values = [100, 1, -1, 101] * 10

    reply = same(pair(PLAIN, PLAIN_C), values)

    assert (reply.rows, len(reply.errors), reply.declined) == (30, 10, 20)


def test_whole_batch_is_answered_by_cpython_when_rows_would_be_merged_too_often() -> None:
    values = [100 if i % (MANY + 1) == 0 else 2 for i in range((MANY + 1) * PIECES_MAX)]

    reply = same(pair(PLAIN, PLAIN_C), values)

    assert (reply.rows, reply.declined) == (len(values), PIECES_MAX)


@pytest.mark.parametrize("seed", range(30))
def test_bytes_are_those_of_the_sandbox_when_inputs_are_generated(seed: int) -> None:
    rng = random.Random(seed)
    odd = rng.choice((0.0, 0.02, 0.1, 0.6))
    workers = pair(PLAIN, PLAIN_C)
    for n in (1, 2, 9, 100):
        values = [
            rng.choice((-1, 100, 101, None)) if rng.random() < odd else rng.randrange(99) for _ in range(n)
        ]
        reply = same(workers, values)
        assert reply.declined == sum(v in (100, 101) for v in values)
        assert reply.differs == 0


def test_absent_inputs_are_answered_as_in_the_sandbox_when_a_batch_has_some() -> None:
    reply = same(pair(PLAIN, PLAIN_C), [1, None, *range(30), None])

    assert [(e.index, e.code, e.message) for e in reply.errors] == [
        (1, "data.schema", "input `x` is absent"),
        (32, "data.schema", "input `x` is absent"),
    ]
    assert reply.declined == 0


@pytest.mark.parametrize("n", [3, 40])
def test_reply_names_the_input_when_the_tiers_disagree_about_an_error(n: int) -> None:
    _, native = pair(PLAIN, PLAIN_C)

    reply = native.run([1, 103, *range(n)])

    assert reply.differs == 2
    assert reply.rows == n + 2  # the answer is CPython's


def test_disagreement_about_a_value_is_seen_when_both_tiers_are_asked() -> None:
    python, native = pair(PLAIN, PLAIN_C)
    values = [*range(20), 104, 100, 104]

    silent, loud = native.run(values), native.run(values, both=True)

    assert silent.differs == 0
    assert (loud.differs, loud.declined) == (21, 1)
    assert loud.columns == python.run(values).columns != silent.columns


def test_nothing_differs_when_both_tiers_are_asked_and_agree() -> None:
    for workers in (pair(PLAIN, PLAIN_C), pair(COUNT, COUNT_C)):
        for values in ([1], [*range(60), -1, 100, 5]):
            assert same(workers, values, both=True).differs == 0


# --- STATE ---
def test_state_goes_on_when_batches_follow_each_other() -> None:
    workers = pair(COUNT, COUNT_C)
    for _ in range(3):
        reply = same(workers, [1, 2, 3])

    assert protocol.decode_state(reply.state or b"") == {"total": 18, "scale": 1.0, "seen": True}


def test_state_is_handed_over_when_the_module_declines() -> None:
    reply = same(
        pair(COUNT, COUNT_C),
        [1, 100, 2, -1, 3, 100, 4],
        state=protocol.encode_state({"total": 1000, "scale": 0.5, "seen": False}),
    )

    assert (reply.rows, reply.declined, [e.index for e in reply.errors]) == (6, 2, [3])
    assert protocol.decode_state(reply.state or b"") == {"total": 1210, "scale": 0.5, "seen": True}


@pytest.mark.parametrize("hand_overs", [HAND_OVERS_MAX - 1, HAND_OVERS_MAX + 1, 3 * HAND_OVERS_MAX])
def test_rest_is_answered_by_cpython_when_state_changes_hands_too_often(hand_overs: int) -> None:
    reply = same(
        pair(COUNT, COUNT_C),
        [5, 100] * hand_overs + [6],
        state=protocol.encode_state({"total": 0, "scale": 1.0, "seen": False}),
    )

    assert reply.rows == 2 * hand_overs + 1
    assert reply.declined == min(hand_overs, HAND_OVERS_MAX)


@pytest.mark.parametrize("seed", range(20))
def test_bytes_are_those_of_the_sandbox_when_inputs_with_state_are_generated(seed: int) -> None:
    rng = random.Random(seed)
    workers = pair(COUNT, COUNT_C)
    state = protocol.encode_state({"total": rng.randrange(99), "scale": 1.5, "seen": False})
    for n in (1, 2, 9, 200):
        odd = rng.choice((0.0, 0.02, 0.3))
        values = [rng.choice((-1, 100, None)) if rng.random() < odd else rng.randrange(99) for _ in range(n)]
        reply = same(workers, values, state=state)
        assert reply.state is not None
        state = reply.state


def test_values_go_to_their_names_when_a_state_comes_in_another_order() -> None:
    state = protocol.encode_state({"seen": True, "scale": 0.25, "total": 7})

    reply = same(pair(COUNT, COUNT_C), [1, 100, 2], state=state)

    assert reply.state == protocol.encode_state({"seen": True, "scale": 0.25, "total": 110})


@pytest.mark.parametrize("state", [{"total": 1}, {"total": 1, "scale": 2, "seen": False}, {"n": 1}])
def test_state_of_another_version_is_an_error_as_in_the_sandbox(state: dict[str, Any]) -> None:
    reply = same(pair(COUNT, COUNT_C), [1, 2], state=protocol.encode_state(state))

    assert [e.code for e in reply.errors] == ["data.schema"] * 2


def test_difference_of_states_is_seen_when_no_row_shows_it() -> None:
    _, native = pair(COUNT, COUNT_C)

    assert native.run([1, 105, 3], both=True).differs == 3  # one of the three
    assert native.run([1, 2, 3], both=True).differs == 0  # CPython's state went on


# --- limits and lies ---
def test_as_many_inputs_are_answered_as_in_the_sandbox_when_rows_are_wide() -> None:
    wide = PLAIN.replace('"max": 8', '"max": 16000')
    workers = pair(wide, PLAIN_C)

    reply = same(workers, [1] * 300)

    assert 0 < reply.answered < 300


def test_reply_is_a_violation_when_the_module_lies() -> None:
    native = InProcess(PLAIN, opened=opened("b->answered = b->n; b->rows = b->rows_max + 1; return 0;"))

    with pytest.raises(
        ViolationError, match="broke its interface: 3 rows where there is room for 2"
    ) as caught:
        native.run([1, 2])

    assert caught.value.code == "violation.protocol"


def test_a_lie_is_no_excuse_when_the_worker_has_no_module() -> None:
    python = InProcess(PLAIN)

    with pytest.raises(ViolationError, match="impossible size"):
        python.decoder.decode(b"".join(protocol.encode_lie("none")), batch=7, asked=1)


@pytest.mark.parametrize(("declined", "differs"), [(3, 0), (0, 3), (1 << 31, 0), (0, 1 << 63)])
def test_reply_is_malformed_when_it_counts_more_than_was_asked(declined: int, differs: int) -> None:
    native = InProcess(PLAIN, opened=opened(PLAIN_C))
    body = bytearray(native.reply_bytes([1, 2]))
    protocol.REPLY_HEADER.pack_into(body, 0, *protocol.REPLY_HEADER.unpack_from(body)[:13], declined, differs)

    with pytest.raises(ViolationError, match="out of bounds"):
        native.decoder.decode(bytes(body), batch=7, asked=2)


def test_reply_is_malformed_when_a_worker_without_module_counts_what_it_declined() -> None:
    native = InProcess(PLAIN, opened=opened(PLAIN_C))
    body = native.reply_bytes([1, 2, *range(20), 100])

    assert native.decoder.decode(body, batch=7, asked=23).declined == 1
    with pytest.raises(ViolationError, match="out of bounds"):
        ReplyDecoder(native.contract).decode(body, batch=7, asked=23)


def test_module_is_refused_when_the_contract_has_what_no_module_can() -> None:
    for source in (COUNT.replace('"scale": 1.0', '"scale": "metres"'), "import json\n" + PLAIN):
        with pytest.raises(RefusedError) as caught:
            InProcess(source, opened=opened(COUNT_C))

        assert caught.value.codes == ["load.abi"]
