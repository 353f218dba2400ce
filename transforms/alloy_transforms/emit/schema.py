"""The schema of a native module: what a host must know of it before anything of it runs (`docs/native-abi.md`)."""

from __future__ import annotations

import json

from ..lang.document import digest as ir_digest
from .layout import Doc, Layout, malformed

ABI = 1
VERSION = 1
"""Of the emitter; a change of what it makes of a document makes it greater."""


def schema(doc: Doc, layout: Layout, name: str, digest: str) -> bytes:
    """The schema as it lies in the file."""
    source = doc["source"]
    if not isinstance(source, str) or len(source) != 64 or set(source) - set("0123456789abcdef"):
        malformed("`source`")
    out = {
        "abi": ABI,
        "name": name,
        "kind": layout.kind,
        "source": source,
        "digest": digest,
        "ir": ir_digest(dict(doc)),
        "emitter": VERSION,
        "inputs": [list(item) for item in layout.inputs],
        "outputs": [[f.name, f.type, f.optional] for f in layout.outputs.values()],
        "state": [list(item) for item in doc["state"]],
        "max_rows": layout.max_rows,
    }
    if layout.kind == "map":
        out["inputs"] = [
            param[:2] for f in doc["functions"] if f["name"] == doc["entry"] for param in f["params"]
        ]
        out["total"] = not layout.main.fallible
    return json.dumps(out, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
