"""The list of components of a module: CycloneDX 1.5, of facts only. No serial number, time or path: the same module
has the same list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alloy_agent import __version__

if TYPE_CHECKING:
    from alloy_agent.build.program import Program


_LICENCE = [{"expression": "MIT OR Apache-2.0"}]


def document(program: Program, toolchain: Mapping[str, str]) -> str:
    """JSON with sorted keys.

    Args:
        program: what is compiled.
        toolchain: `rustc`: version and commit of the compiler, whose `core` is linked.
    """
    facts = program.facts
    module = f"alloy_module_{program.name}"
    release = toolchain["rustc"].removeprefix("rustc ")
    core = f"core@{release}"
    source = f"{program.name}.py@{facts['source'][:12]}"
    components: list[dict[str, Any]] = [
        {
            "type": "file",
            "bom-ref": source,
            "name": f"{program.name}.py",
            "version": facts["source"][:12],
            "hashes": [{"alg": "SHA-256", "content": facts["source"]}],
        },
        {
            "type": "library",
            "bom-ref": core,
            "name": "core",
            "version": release,
            "description": "Rust's core library and compiler built-ins, as the compiler ships them",
            "licenses": _LICENCE,
        },
    ]
    components += [
        {
            "type": "library",
            "bom-ref": f"{name}@{__version__}",
            "name": name,
            "version": __version__,
            "description": "portable helpers of alloy-edge, compiled with the file",
            "licenses": _LICENCE,
        }
        for name in _helpers(program)
    ]
    parts = [c["bom-ref"] for c in components]
    out = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "tools": {
                "components": [
                    {"type": "application", "name": "alloy-edge", "version": __version__},
                    {"type": "application", "name": "maturin", "version": toolchain["maturin"].split()[-1]},
                ]
            },
            "component": {
                "type": "library",
                "bom-ref": module,
                "name": module,
                "version": program.version,
                "properties": [
                    {"name": f"alloy:{key}", "value": str(facts[key])}
                    for key in ("abi", "digest", "emitter", "ir", "kind")
                ],
            },
        },
        "components": components,
        "dependencies": [{"ref": module, "dependsOn": parts}, *({"ref": part} for part in parts)],
    }
    return json.dumps(out, indent=2, sort_keys=True) + "\n"


def _helpers(program: Program) -> list[str]:
    """`fmath`, `kit`: those of which a function is in the module."""
    called = {f["name"].partition(".")[0] for f in program.document["functions"] if "." in f["name"]}
    return sorted(called & {"fmath", "kit"})
