"""Native modules written in C and made by the host's compiler: honest ones and liars, for tests of lint and loader."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cbor2

HEAD = """
#include <stdint.h>
#include <stddef.h>
struct alloy_input  { const void *values; const uint8_t *arena; uint64_t arena_len; };
struct alloy_output { void *values; uint8_t *validity; };
struct alloy_span   { const uint8_t *at; uint64_t len; };
struct alloy_batch {
    uint64_t n, first;
    const struct alloy_input *inputs;
    struct alloy_output *outputs;
    uint64_t rows_max;
    uint32_t *src;
    uint8_t *codes;
    uint64_t *state;
    uint64_t rows, answered;
};
struct alloy_argument { const double *values; uint64_t stride; };
struct alloy_map {
    uint64_t n;
    const struct alloy_argument *arguments;
    double *out;
    uint8_t *codes;
};
#define PUBLIC __attribute__((visibility("default")))
extern void *PyModuleDef_Init(void *);
static struct { uint64_t head[10]; } definition;
PUBLIC void *PyInit_m(void) { return PyModuleDef_Init(&definition); }
"""
RUN = "PUBLIC uint64_t alloy_run_v1(struct alloy_batch *b)"
MAP = "PUBLIC uint64_t alloy_map_v1(struct alloy_map *m)"
# gcc would turn loops into calls of memset and memcpy, which no module has.
FLAGS = ("-O2", "-fPIC", "-fvisibility=hidden", "-fno-tree-loop-distribute-patterns", "-fno-stack-protector",
         "-fcf-protection=none", "-nostdlib", "-shared", "-Wl,-z,now", "-Wl,-z,separate-code")  # fmt: skip


def compiler(machine: str = "") -> str:
    """The host's C compiler, or the one for another machine."""
    found = shutil.which(f"{machine}-linux-gnu-gcc" if machine else "cc")
    assert found is not None, "a C compiler is a stated prerequisite"
    return found


@functools.cache
def compiled(source: str, flags: tuple[str, ...] = (), machine: str = "") -> bytes:
    """A shared object of a whole C file."""
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder, "m.c"), Path(folder, "m.so")
        file.write_text(source, encoding="ascii")
        command = [compiler(machine), *FLAGS, *flags, "-o", str(out), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return out.read_bytes()


def schema(source: bytes = b"", params: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The schema of a module of a transform with one int input `x` and one output `v` of type i64."""
    return {
        "abi": 1,
        "name": "t",
        "kind": "record",
        "source": hashlib.sha256(source).hexdigest(),
        "digest": hashlib.sha256(cbor2.dumps([source, dict(params or {})], canonical=True)).hexdigest(),
        "ir": "0" * 64,
        "emitter": "c",
        "inputs": [["x", "int"]],
        "outputs": [["v", "i64", False]],
        "state": [],
        "max_rows": 1,
        "total": False,
        **changes,
    }


def encoded(facts: Mapping[str, Any]) -> str:
    """A schema as its module holds it."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def module(
    body: str,
    facts: Mapping[str, Any] | None = None,
    *,
    extra: str = "",
    flags: Sequence[str] = (),
    machine: str = "",
    entry: str = RUN,
) -> bytes:
    """A module whose entry has this body.

    Args:
        body: statements of the entry.
        facts: its schema; of `schema()` where None.
        extra: C before the entry.
        flags: further ones of the compiler.
    """
    text = encoded(schema() if facts is None else facts)
    # One character a time: a string literal has a zero more, which would be part of the schema.
    letters = ",".join(str(byte) for byte in text.encode("ascii"))
    constant = "PUBLIC extern const unsigned char ALLOY_SCHEMA[];\n"
    constant += f"const unsigned char ALLOY_SCHEMA[] = {{{letters}}};\n"
    return compiled(f"{HEAD}{constant}{extra}\n{entry} {{\n{body}\n}}\n", tuple(flags), machine)


DOUBLE = """
    const int64_t *x = b->inputs[0].values;
    int64_t *v = b->outputs[0].values;
    for (uint64_t i = b->first; i < b->n; i++) {
        if (b->codes[i]) continue;
        v[b->rows] = 2 * x[i];
        b->src[b->rows++] = (uint32_t) i;
    }
    b->answered = b->n;
    return 0;
"""
"""An entry: v = 2 * x."""
