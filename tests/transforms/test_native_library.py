"""The shipped transforms as real modules: lint, boundaries, and replies that are the sandbox's byte for byte."""

from __future__ import annotations

import functools
import hashlib
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cbor2
import pytest
from tests.fakes.elf import Elf
from tests.native.test_module_instructions import code_of, disassembled
from tests.transforms.emit.compiled import build
from tests.transforms.in_process import InProcess
from tests.transforms.lang.differential import generated, report
from tests.transforms.lang.test_differential_library import FIXES, LIBRARY, portable
from tests.transforms.test_native_runner import sections

from alloy_native.module import Module, instructions, lint
from alloy_transforms import emit
from alloy_transforms.sandbox.examples import inputs_of

INPUTS = {"quick": 300, "ci": 1_000, "soak": 50_000}[os.environ.get("ALLOY_SIZES", "ci")]
NAMES = portable()
BATCHES = (1, 64, 4096)
PYTHON = """
extern "C" { fn PyModuleDef_Init(definition: *mut u8) -> *mut u8; }
static mut DEFINITION: [u64; 16] = [0; 16];
#[no_mangle]
pub extern "C" fn PyInit_m() -> *mut u8 { unsafe { PyModuleDef_Init(core::ptr::addr_of_mut!(DEFINITION).cast()) } }
"""
"""As little of a Python module as a module has to have; what `alloy-edge build` adds has tests of its own."""


WITH_STATE = '''"""A sum, a mean and a switch."""
INPUT = {"x": "int", "f": "float", "on": "bool"}
OUTPUT = {"total": {"type": "i64"}, "mean": {"type": "f64", "optional": True}, "on": {"type": "bool"}}
STATE = {"total": 0, "mean": 0.0, "on": False}
MAX_ROWS = 2


def transform(x: int, f: float, on: bool, s: dict) -> dict:
    s["total"] = s["total"] + x
    s["mean"] = (s["mean"] + 1.0) / (f - 0.5)
    out = {"total": s["total"], "on": s["on"]}
    if on:
        out["mean"] = s["mean"]
        yield {"total": x, "on": on}
    s["on"] = on
    yield out
'''


@functools.cache
def built(name: str) -> bytes:
    """The module of a shipped transform with its own PARAMS."""
    return compiled(name, LIBRARY.joinpath(f"{name}.py").read_bytes())


def compiled(name: str, source: bytes) -> bytes:
    """The module of a portable file."""
    document = report(source.decode()).document
    assert document is not None
    params = InProcess(source.decode()).contract.params
    digest = hashlib.sha256(cbor2.dumps([source, dict(params)], canonical=True)).hexdigest()
    text = emit.crate(document, schema=emit.schema(document, name=name, digest=digest), extra=PYTHON)
    with tempfile.TemporaryDirectory() as folder:
        return build(text, Path(folder)).read_bytes()


def opened(data: bytes) -> Module:
    fd = os.memfd_create("test")
    os.write(fd, data)
    try:
        return Module(fd)
    finally:
        os.close(fd)


def inputs(worker: InProcess, name: str) -> list[Sequence[Any]]:
    seeds = [inputs_of(worker.contract, example) for example in worker.examples()]
    kinds = [kind for _, kind in worker.contract.inputs]
    return [*seeds, *generated(kinds, seeds, INPUTS, 20260304, FIXES.get(name))]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_replies_are_the_same_bytes_when_a_shipped_transform_is_native(name: str, tmp_path: Path) -> None:
    source = LIBRARY.joinpath(f"{name}.py").read_text("utf-8")
    data = built(name)
    python, native = InProcess(source), InProcess(source, opened=opened(data))
    rows = inputs(python, name)
    declined = 0
    for size in BATCHES:
        for at in range(0, len(rows) if size > 1 else 100, size):
            columns = list(zip(*rows[at : at + size], strict=True))
            body = native.reply_bytes(*columns)
            ours, left, differs = sections(body)
            assert ours == sections(python.reply_bytes(*columns))[0]
            assert differs == 0
            assert native.run(*columns, both=True).differs == 0
            declined += left
    print(f"{name}: {len(data)} bytes, {declined} declined")
    assert native.native
    assert declined < len(rows) // 10


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_boundaries_are_those_of_objdump_when_a_shipped_transform_is_disassembled(
    name: str, tmp_path: Path
) -> None:
    data = built(name)

    found = instructions(code_of(data), "x86_64")

    theirs = set(disassembled(data, tmp_path))
    assert theirs <= set(found)
    assert lint(data, "x86_64")["undefined"] == ["PyModuleDef_Init"]
    assert len(data) < 64 << 10
    assert Elf(data).mapped() <= len(data)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_replies_are_the_same_bytes_when_a_module_has_state(seed: int) -> None:
    """Sums leave 64 bits now and then, which the module declines; 0.5 divides by zero."""
    rng = random.Random(seed)
    data = compiled("sum", WITH_STATE.encode())
    python, native = InProcess(WITH_STATE), InProcess(WITH_STATE, opened=opened(data))
    declined = 0
    for _ in range(20):
        n = rng.choice((1, 5, 200))
        odd = rng.choice((0.0, 0.03, 0.3))
        numbers = [
            rng.choice((1 << 62, -(1 << 62))) if rng.random() < odd else rng.randrange(99) for _ in range(n)
        ]
        floats = [
            rng.choice((-0.0, float("inf"), float("nan"), 1e308, 2.5) if rng.random() > odd / 2 else (0.5,))
            for _ in range(n)
        ]
        columns = (numbers, floats, [rng.random() < 0.5 for _ in range(n)])
        both = rng.random() < 0.3
        ours, left, differs = sections(native.reply_bytes(*columns, both=both))
        assert ours == sections(python.reply_bytes(*columns))[0]
        assert differs == 0
        declined += left
    print(f"{declined} declined")
