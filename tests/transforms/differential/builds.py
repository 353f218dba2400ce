"""What is compiled for the gate: many transforms in one shared object, single modules, and the driver of both.

One driver for both machines: compiled for this one it runs as a process, for the other under qemu-user.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import cbor2
from tests.transforms.differential.native import Entry, Machine
from tests.transforms.differential.outcome import Outcome
from tests.transforms.differential.subjects import Subject, Work, document
from tests.transforms.emit import compiled
from tests.transforms.test_native_library import PYTHON

from alloy_agent.build import make, toolchain
from alloy_agent.build.program import program
from alloy_agent.config.model import TransformRef
from alloy_native.module import lint
from alloy_transforms import emit
from alloy_transforms.cases import Inputs

DRIVER = Path(__file__).parent / "driver.c"


@dataclass(frozen=True)
class Other:
    """The machine that this one is not, under qemu-user."""

    name: str
    runner: tuple[str, ...]


@dataclass(frozen=True)
class Native:
    """Many programs in one shared object, and the machine that runs them."""

    machine: Machine
    entries: Mapping[str, Entry]
    folder: Path

    def run(self, name: str, subject: Subject, inputs: Sequence[Inputs], reference: Outcome) -> Outcome:
        """One of them."""
        return self.machine.run({name: (subject, inputs, reference)}, self.entries, self.folder)[name]

    def run_all(self, work: Work) -> dict[str, Outcome]:
        """All in one process."""
        return self.machine.run(work, self.entries, self.folder)


def build(folder: Path, subjects: Sequence[Subject], machine: str, runner: tuple[str, ...] = ()) -> Native:
    """Emit and compile transforms into one shared object, with rustc alone.

    Args:
        folder: for the files.
        subjects: the transforms.
        machine: as `alloy-edge build --target` names it.
        runner: what runs programs of that machine here.
    """
    tools = toolchain.find(machine)
    library = compiled.build(
        emit.many([document(of) for of in subjects]),
        folder,
        rustc=tools.rustc,
        target=tools.target,
        linker=tools.linker,
    )
    entries = {of.name: Entry(library, f"alloy_run_v1_{k}") for k, of in enumerate(subjects)}
    return Native(compile_driver(folder, tools.linker, runner), entries, folder)


def compile_driver(
    folder: Path, compiler: str, runner: tuple[str, ...] = (), stubs: Sequence[str] = ()
) -> Machine:
    """The driver for one machine.

    Args:
        folder: for the program.
        compiler: C compiler of that machine.
        runner: what runs its programs here.
        stubs: the functions of Python that the modules name; never called.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stubs.h").write_text("".join(f"STUB({name})\n" for name in sorted(stubs)))
    program = folder / "driver"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-rdynamic", f"-I{folder}"]
    command = [compiler, *flags, str(DRIVER), "-o", str(program), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return Machine(program, runner)


@cache
def module(of: Subject) -> bytes:
    """The module of one transform for this machine, by rustc alone; its Python face is the least there can be."""
    params = dict(of.contract.params)
    digest = hashlib.sha256(cbor2.dumps([of.source.encode(), params], canonical=True)).hexdigest()
    made = document(of)
    text = emit.crate(made, schema=emit.schema(made, name=of.name, digest=digest), extra=PYTHON)
    with TemporaryDirectory() as folder:
        return compiled.build(text, Path(folder)).read_bytes()


def shipped(of: Subject, machine: str) -> bytes:
    """The module as `alloy-edge build` makes it, out of its wheel."""
    ref = TransformRef(of.name, f"./{of.name}.py", of.source.encode(), dict(of.params))
    made = make.make(program(ref, document(of)), toolchain.find(machine), None, lambda _: None)
    return made.wheel.module


def of_modules(
    folder: Path, modules: Mapping[str, bytes], machine: str, runner: tuple[str, ...] = ()
) -> Native:
    """Single modules as a driver runs them."""
    entries, stubs = {}, set[str]()
    for name, data in modules.items():
        path = folder / f"{name}.so"
        path.write_bytes(data)
        stubs |= set(lint(data, machine)["undefined"])
        entries[name] = Entry(path)
    driver = compile_driver(folder, toolchain.find(machine).linker, runner, sorted(stubs))
    return Native(driver, entries, folder)
