"""The generator: repeatable, accepted by the checker, and wide enough to reach every node of the IR."""

from __future__ import annotations

import ast
import hashlib
import math
import os
import subprocess
import sys

import pytest
from tests.transforms.programs.planted import features_of
from tests.transforms.programs.program import INPUTS, generate

from alloy_transforms.lang.check import check

SEEDS = 400
NODES = """
    const var state has add sub mul neg abs min max floordiv mod div pow band bor bxor invert shl shr lt le gt ge eq ne
    and or not select index slice len crc32 table unpack call tofloat toint trunc floor ceil round sqrt fabs fmod
    copysign ldexp isnan isinf isfinite never set keep row put emit if while for break continue done return do raise
    frexp modf
"""
_DIGEST = (
    "import hashlib, sys; from tests.transforms.programs.program import generate;"
    "print(hashlib.sha256(repr([generate(s) for s in range(20)]).encode()).hexdigest())"
)


def digest() -> str:
    return hashlib.sha256(repr([generate(s) for s in range(20)]).encode()).hexdigest()


def test_programs_are_the_same_when_a_seed_is_used_again() -> None:
    assert digest() == digest()


@pytest.mark.slow
def test_programs_are_the_same_when_another_process_makes_them() -> None:
    out = subprocess.run(
        [sys.executable, "-c", _DIGEST],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert out.stdout.strip() == digest()


@pytest.mark.slow
def test_nearly_every_program_is_accepted_and_every_node_reached_when_hundreds_are_made() -> None:
    reached: set[str] = set()
    accepted = 0
    for seed in range(SEEDS):
        program = generate(seed)
        document = check(program.tree, program.source.encode()).document
        if document is not None:
            accepted += 1
            reached |= features_of(document)

    assert accepted >= SEEDS * 0.95
    assert reached >= set(NODES.split())
    assert reached >= {
        "checked",
        "wide",
        "fit",
        "ranges",
        "optional",
        "yield",
        "eq:bool",
        "eq:bytes",
        "table:int",
    }


def test_inputs_hold_edges_when_they_are_made() -> None:
    values = [v for seed in range(40) for given in generate(seed).inputs for v in given]

    assert {len(v) for v in values if isinstance(v, bytes)} >= {0, 8, 16, 40}
    assert {-(1 << 63), (1 << 63) - 1, 0, -1} <= {v for v in values if type(v) is int}
    floats = [v for v in values if isinstance(v, float)]
    assert any(math.isnan(v) for v in floats)
    assert {math.inf, -math.inf, 2.0**53} <= set(floats)
    assert any(0.0 < abs(v) < sys.float_info.min for v in floats)


def test_a_program_is_plain_python_with_its_inputs_when_it_is_made() -> None:
    program = generate(7)

    assert ast.unparse(program.tree) == ast.unparse(ast.parse(program.source))
    assert len(program.inputs) == INPUTS
