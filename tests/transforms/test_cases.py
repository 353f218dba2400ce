"""Generated inputs: repeatable, of the right types, with the edges, and mostly sound."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from tests.transforms.differential.subjects import Direct, subject
from tests.transforms.in_process import InProcess

from alloy_transforms.cases import Inputs, cases, words
from alloy_transforms.sandbox.examples import inputs_of

COUNT = 600
TWO = """
INPUT = {"payload": "bytes", "port": "int", "level": "float", "on": "bool"}
OUTPUT = {"v": {"type": "i16", "exp10": -1, "range": (-40, 85)}}
EXAMPLES = (
    {"in": {"payload": "0102030405060708", "port": 5, "level": 1.5, "on": True}, "out": ({"v": 1},)},
    {"in": {"payload": "0a0b0c0d0e0f1011", "port": 6, "level": -0.5, "on": False}, "out": ({"v": 2},)},
    {"in": {"payload": "ff", "port": 5, "level": 0.0, "on": False}, "error": "data.value"},
)


def transform(payload: bytes, port: int, level: float, on: bool) -> dict:
    return {"v": 1}
"""


def of(source: str, count: int, seed: int = 1, **options: Any) -> list[Inputs]:
    worker = InProcess(source)
    return cases(worker.contract, worker.examples(), count, seed, **options)


def test_the_same_inputs_come_out_when_contract_and_seed_are_the_same() -> None:
    assert repr(of(TWO, COUNT)) == repr(of(TWO, COUNT))
    assert repr(of(TWO, COUNT)) != repr(of(TWO, COUNT, seed=2))


@pytest.mark.slow
def test_the_same_inputs_come_out_when_another_process_makes_them() -> None:
    here = hashlib.sha256(repr(subject("nmea").inputs(COUNT)).encode()).hexdigest()
    script = (
        "import hashlib, sys; sys.path.insert(0, '.')\n"
        "from tests.transforms.differential.subjects import subject\n"
        f"print(hashlib.sha256(repr(subject('nmea').inputs({COUNT})).encode()).hexdigest())"
    )

    there = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300
    )

    assert there.stdout.strip() == here


def test_every_value_has_the_type_of_its_input_when_cases_are_made() -> None:
    for payload, port, level, on in of(TWO, COUNT):
        assert (type(payload), type(port), type(level), type(on)) == (bytes, int, float, bool)
        assert -(1 << 63) <= port < 1 << 63
        assert len(payload) <= 65_536


def test_examples_come_first_and_every_length_of_them_is_there_when_there_is_room() -> None:
    made = of(TWO, COUNT)
    worker = InProcess(TWO)
    seeds = [tuple(inputs_of(worker.contract, e)) for e in worker.examples()]

    assert made[:3] == seeds
    for given in seeds[:2]:
        lengths = {
            len(payload)
            for payload, *rest in made
            if payload == given[0][: len(payload)] and rest == [*given[1:]]
        }
        assert lengths >= set(range(len(given[0])))


def test_numbers_reach_their_edges_when_cases_are_made() -> None:
    made = of(TWO, 4 * COUNT)
    ports, levels = {g[1] for g in made}, [g[2] for g in made]

    assert {0, -1, (1 << 63) - 1, -(1 << 63), (1 << 53) + 1} <= ports
    assert {"nan", "inf", "-inf", "-0.0", "5e-324"} <= {repr(x) for x in levels}


def test_payloads_hold_the_edges_of_a_declared_range_when_cases_are_made() -> None:
    held = b"".join(payload for payload, *_ in of(TWO, 8 * COUNT))

    assert (850).to_bytes(2, "big") in held
    assert (-400 & 0xFFFF).to_bytes(2, "little") in held


def test_nothing_is_there_twice_when_there_is_enough_to_change() -> None:
    made = of(TWO, COUNT)

    assert len({repr(given) for given in made}) > 0.98 * COUNT


def test_only_changes_come_out_when_the_examples_were_there_before() -> None:
    more = [(b"\x55" * 9, 7, 2.5, True)]

    made = of(TWO, COUNT, more=more, whole=False)

    near = sum(payload.count(0x55) >= 5 for payload, *_ in made)
    assert near > COUNT // 2
    assert more[0] not in made


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_so_many_come_out_when_few_are_asked_for(count: int) -> None:
    assert len(of(TWO, count)) == count


def test_noise_comes_out_when_there_is_no_example() -> None:
    bare = TWO[: TWO.index("EXAMPLES")] + TWO[TWO.index("def transform") :]

    made = of(bare, COUNT)

    assert len(made) == COUNT
    assert len({payload for payload, *_ in made}) > COUNT // 4


@pytest.mark.parametrize("name", ["nmea", "pms5003", "sds011", "netvox"])
def test_a_share_gives_rows_when_the_format_has_a_checksum_or_many_kinds(name: str) -> None:
    of_library = subject(name)
    made = cases(of_library.contract, of_library.examples, COUNT, 3)

    assert Direct(of_library).run(made).share_good > 0.15


def test_words_are_the_numbers_of_the_code_when_a_source_is_read() -> None:
    head = b"X = 7\n\n\ndef transform(b):\n    "
    source = head + b'return b[0] == 0x1F and b[1:4] == b"GGA" and b[2] < 1_000 and x1 > 2.5\n'

    assert words(source) == [0, 31, 1, 4, 2, 1000, b"GGA"]


def test_another_message_has_its_own_size_when_the_source_names_both() -> None:
    with_pair = of(TWO, COUNT, words=[38, 21, 7, 7, 7, 500, 9])

    assert any(payload[0] == 38 and len(payload) == 21 for payload, *_ in with_pair if payload)
    assert any(b"\x26\x15" in payload for payload, *_ in with_pair)


def test_a_word_of_the_source_stands_in_payloads_when_it_is_given() -> None:
    with_word = of(TWO, COUNT, words=[0xBEEF, b"GGA", 21])

    assert any(b"\xbe\xef" in payload for payload, *_ in with_word)
    assert any(b"GGA" in payload for payload, *_ in with_word)
    assert any(len(payload) == 21 for payload, *_ in with_word)


@pytest.mark.slow
def test_inputs_are_fewer_when_examples_are_as_long_as_records_may_be() -> None:
    worker = InProcess(TWO)
    (first, *_) = worker.examples()
    long = replace(first, inputs={**first.inputs, "payload": bytes(range(256)) * 256})

    made = cases(worker.contract, [long] * 3, 100_000, 1)

    assert sum(len(payload) for payload, *_ in made) < (8 << 20) + (1 << 17)
    assert len(made) > 100
