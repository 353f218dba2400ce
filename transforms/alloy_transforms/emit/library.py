"""A whole `lib.rs`: the runtime, programs as modules, their entries, and what a crate without std must define."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

from .layout import Layout
from .program import body

_RUNTIME = ("integers", "floats", "data", "entry", "machine")
_ALLOW = "warnings, clippy::all"  # of a generated text; what rustc denies is still denied
_HEAD = """//! Generated; the source is a portable transform.
#![no_std]
#![no_builtins] // the loops in `machine` stay loops
"""
_ENTRY = {
    "record": """#[no_mangle]
pub extern "C" fn alloy_run_v1{suffix}(batch: *mut entry::Batch) -> u64 {{
    entry::run::<{name}::Entry>(batch)
}}
""",
    "map": """#[no_mangle]
pub extern "C" fn alloy_map_v1{suffix}(map: *mut entry::Map) -> u64 {{
    {name}::element(map)
}}
""",
}
_PANIC = """#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {} // not spin_loop: on aarch64 that is `isb`, which the lint of modules does not let pass
}
"""


@cache
def runtime() -> str:
    """The modules that every program uses."""
    folder = resources.files("alloy_transforms.emit")
    parts = []
    for name in _RUNTIME:
        text = folder.joinpath(f"{name}.rs").read_text("utf-8")
        parts.append(f"#[allow(dead_code)]\nmod {name} {{\n{_indented(text)}}}\n")
    return "\n".join(parts)


def program(layout: Layout, name: str) -> str:
    """One program as one module."""
    return f"#[allow({_ALLOW})]\nmod {name} {{\n{_indented(body(layout))}}}\n"


def library(layouts: Sequence[Layout], *, schema: bytes | None, numbered: bool, extra: str = "") -> str:
    """The text of `lib.rs`."""
    parts = [_HEAD, runtime()]
    for number, layout in enumerate(layouts):
        name = f"program{number}" if numbered else "program"
        parts.append(program(layout, name))
        parts.append(_ENTRY[layout.kind].format(name=name, suffix=f"_{number}" if numbered else ""))
    if schema is not None:
        parts.append(_schema(schema))
    parts.append(_PANIC)
    return "\n".join([*parts, extra] if extra else parts)


def _schema(schema: bytes) -> str:
    text = "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\x{c:02x}" for c in schema)
    return f'#[no_mangle]\n#[used]\npub static ALLOY_SCHEMA: [u8; {len(schema)}] = *b"{text}";\n'


def _indented(text: str) -> str:
    return "".join(f"    {line}" if line.strip() else line for line in text.splitlines(keepends=True))
