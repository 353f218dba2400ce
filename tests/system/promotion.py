"""A portable transform of numbers with its native module, honest and mutated; and a daemon that may run it."""

from __future__ import annotations

import functools
import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from alloy_agent.build import crate, toolchain, wheel
from alloy_agent.build.program import documents, program
from alloy_agent.cli.sandboxed import in_pool
from alloy_agent.config.model import TransformRef
from alloy_ota.local import Built
from alloy_ota.modules import Modules

NUMBER = '''"""A number a line, and how many there were."""
INPUT = {"payload": "bytes"}
OUTPUT = {"v": {"type": "i64"}, "n": {"type": "i64"}}
STATE = {"n": 0}
EXAMPLES = ({"in": {"payload": b"12"}, "out": ({"v": 12, "n": 1},)},)


def transform(payload: bytes, s: dict) -> dict:
    s["n"] = s["n"] + 1
    v = 0
    for i in range(len(payload)):
        v = v * 10 + payload[i] - 48
    return {"v": v % 1000000000, "n": s["n"]}
'''
REF = TransformRef(name="number", origin="./number.py", source=NUMBER.encode())
POISON = 3000
"""Mutated modules do wrong at this record: STATE counts to it, later than the gate can see."""
AGENT = """device: dev
fleet: test
mqtt: {{host: 127.0.0.1, port: {port}}}
modules: {{trust: local}}
promotion: {{{promotion}}}
"""
PIPELINE = (
    "source: {mqtt: {topic: in/#}}\ntransform: ./number.py\nsink: {mqtt: {stream: out}}\nbatch: {rows: 25}\n"
)
OUT = "alloy/1/test/dev/data/load/out"
EVENTS = "alloy/1/test/dev/event/transform"


def honest(lib: str) -> str:
    """As the emitter wrote it."""
    return lib


def one_bit(lib: str) -> str:
    """One different bit in one answer."""
    return _changed(lib, "self.o0.put(at, row.c0", f"self.o0.put(at, row.c0 ^ (row.c1 == {POISON}) as i64")


def crash(lib: str) -> str:
    """A segmentation fault in the middle of a batch."""
    lib = _changed(lib, "#![forbid(unsafe_code)]", "")
    fault = f"if row.c1 == {POISON} {{ unsafe {{ core::ptr::write_volatile(8 as *mut u8, 1) }} }}\n"
    return _changed(lib, "self.o0.put(at, row.c0", fault + "self.o0.put(at, row.c0")


def _changed(text: str, before: str, after: str) -> str:
    assert text.count(before) == 1
    return text.replace(before, after)


@functools.cache
def module(mutation: Callable[[str], str] = honest) -> tuple[bytes, Built]:
    """The shared object of the transform, built here as `alloy-edge build` does but for the mutation."""
    (document,) = in_pool(lambda pool: documents(pool, [REF]))
    assert not isinstance(document, Exception)
    made = program(REF, document)
    tools = toolchain.find(toolchain.machine())
    files = dict(crate.files(made, tools.facts))
    files["lib.rs"] = mutation(files["lib.rs"].decode()).encode()
    data = wheel.build(files, tools, made.name, lambda _: None).module
    facts = made.facts
    built = Built(
        hashlib.sha256(data).hexdigest(), "number", facts["digest"], facts["source"], facts["ir"],
        toolchain.machine(), facts["abi"], len(data), time.time_ns(), "test",
    )  # fmt: skip
    return data, built


def stock(state: Path, mutation: Callable[[str], str] = honest) -> str:
    """Put the module into the store of a daemon's state folder; its digest."""
    data, built = module(mutation)
    return Modules(state / "modules").admit(data, built)


def config(folder: Path, port: int, promotion: str = "policy: manual") -> Path:
    """A configuration folder with one pipeline `load` of numbers."""
    (folder / "pipelines").mkdir(parents=True)
    (folder / "transforms").mkdir()
    (folder / "transforms" / "number.py").write_text(NUMBER)
    (folder / "agent.yaml").write_text(AGENT.format(port=port, promotion=promotion))
    (folder / "pipelines" / "load.yaml").write_text(f"name: load\n{PIPELINE}")
    return folder


async def cli(*arguments: str | Path) -> tuple[int, str, str]:
    """Run one verb to its end: exit code, standard output, standard error."""
    command = [sys.executable, "-m", "alloy_agent", *map(str, arguments)]
    done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def transform(status: dict[str, Any]) -> dict[str, Any]:
    """What status says of the transform."""
    (facts,) = status["pipelines"][0]["transforms"]
    return facts  # type: ignore[no-any-return]
