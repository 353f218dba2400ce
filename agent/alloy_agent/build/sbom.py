"""The list of components of a module: CycloneDX 1.5, of facts only. No serial number, time or path: the same module
has the same list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alloy_agent import __version__

if TYPE_CHECKING:
    from alloy_agent.build.program import Program


def document(program: Program, toolchain: Mapping[str, str]) -> str:
    """JSON with sorted keys.

    Args:
        program: what is compiled.
        toolchain: `rustc`: version and commit of the compiler, whose `core` is linked.
    """
    facts = program.facts
    module = f"alloy_module_{program.name}"
    core = f"core@{toolchain['rustc']}"
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
            "version": toolchain["rustc"],
            "description": "Rust's core library and compiler built-ins, as the compiler ships them",
            "licenses": [{"expression": "MIT OR Apache-2.0"}],
        },
    ]
    out = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "tools": {
                "components": [
                    {"type": "application", "name": "alloy-edge", "version": __version__},
                    {"type": "application", "name": "maturin", "version": toolchain["maturin"]},
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
        "dependencies": [{"ref": module, "dependsOn": [core, source]}, {"ref": core}, {"ref": source}],
    }
    return json.dumps(out, indent=2, sort_keys=True) + "\n"
