"""The shipped transforms as real modules: lint, boundaries, and replies that are the sandbox's byte for byte."""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cbor2
import pytest
from tests.fakes.elf import Elf
from tests.native.test_module_instructions import code_of, disassembled
from tests.transforms.in_process import InProcess
from tests.transforms.lang.differential import generated, report
from tests.transforms.lang.test_differential_library import FIXES, LIBRARY, portable
from tests.transforms.test_native_runner import sections

from alloy_native.module import Module, instructions, lint
from alloy_transforms.sandbox.examples import inputs_of

emit = pytest.importorskip("alloy_transforms.emit", reason="the emitter is another change")
compiled = pytest.importorskip("tests.transforms.emit.compiled", reason="the emitter is another change")
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


@functools.cache
def built(name: str) -> bytes:
    """The module of a shipped transform with its own PARAMS."""
    source = LIBRARY.joinpath(f"{name}.py").read_bytes()
    document = report(source.decode()).document
    assert document is not None
    params = InProcess(source.decode()).contract.params
    digest = hashlib.sha256(cbor2.dumps([source, dict(params)], canonical=True)).hexdigest()
    text = emit.crate(document, schema=emit.schema(document, name=name, digest=digest), extra=PYTHON)
    with tempfile.TemporaryDirectory() as folder:
        return bytes(compiled.build(text, Path(folder)).read_bytes())


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
