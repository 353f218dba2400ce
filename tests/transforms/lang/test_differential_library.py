"""The IR means what the source means: every portable library transform, CPython against the reference interpreter."""

from __future__ import annotations

import ast
from importlib import resources

import pytest
from tests.transforms.in_process import InProcess
from tests.transforms.lang.differential import Fix, Outcome, compare, generated, report

from alloy_transforms.sandbox.answers import Example
from alloy_transforms.sandbox.examples import inputs_of

INPUTS = 2_000
LIBRARY = resources.files("alloy_transforms.library")


def portable() -> list[str]:
    """The shipped transforms that import nothing a portable one may not."""
    out = []
    for file in sorted(LIBRARY.iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".py") or file.name.startswith("_"):
            continue
        tree = ast.parse(file.read_text("utf-8"))
        imports = {a.name for n in tree.body if isinstance(n, ast.Import) for a in n.names}
        if imports <= {"kit", "fmath", "struct", "math", "binascii"}:
            out.append(file.name.removesuffix(".py"))
    return out


def fix_nmea(data: bytearray) -> None:
    star = data.rfind(b"*")
    if star > 0:
        total = 0
        for c in data[1:star]:
            total ^= c
        data[star + 1 :] = b"%02X" % total


def fix_pms(data: bytearray) -> None:
    if len(data) > 6:
        data[2:4] = (len(data) - 4).to_bytes(2, "big")
        data[-2:] = (sum(data[:-2]) & 0xFFFF).to_bytes(2, "big")


FIXES: dict[str, Fix] = {"nmea": fix_nmea, "pms5003": fix_pms}


def differential(name: str, n: int) -> Outcome:
    source = LIBRARY.joinpath(f"{name}.py").read_text("utf-8")
    worker = InProcess(source)
    examples: tuple[Example, ...] = worker.examples()
    seeds = [inputs_of(worker.contract, e) for e in examples]
    inputs = generated([k for _, k in worker.contract.inputs], seeds, n, 20260101, FIXES.get(name))
    return compare(source, inputs, report(source))


@pytest.mark.slow
@pytest.mark.parametrize("name", portable())
def test_differential_rows_are_the_same_when_the_ir_runs_in_place_of_the_source(name: str) -> None:
    out = differential(name, INPUTS)

    assert out.inputs == INPUTS
    assert out.rows > INPUTS // 25
    assert out.declined < INPUTS // 20
