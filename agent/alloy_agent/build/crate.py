"""The crate of one module: every file of it as bytes, the same for the same program. Pure.

`lib.rs` is the emitter's, with the Python face appended; the rest says how it is compiled and packed. pyo3-ffi is
listed among the tests' dependencies: that is where maturin looks for the kind of extension, and nothing of it is
compiled or linked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import resources

from alloy_agent.build import face, sbom
from alloy_agent.build.program import Program

RUST_VERSION = "1.89"  # oldest compiler that the sources are written for
PYO3_FFI = "0.30"  # any of these: it has no influence on the module
LIBRARY = (
    "module"  # of the crate; the same for all, so that it is no part of the difference between two modules
)
COMPATIBILITY = "manylinux_2_17"  # maturin's audit holds the module to it; it uses no C library at all

Files = Mapping[str, bytes]
"""Path below the crate's folder -> content."""


def files(program: Program, toolchain: Mapping[str, str]) -> Files:
    """The crate.

    Args:
        program: what is compiled.
        toolchain: facts of the compiler, for the list of components.
    """
    kind = "record" if program.document["kind"] == "record" else "map"
    package = package_name(program.name)
    texts = {
        "lib.rs": program.crate(face.glue(program.name, kind)),
        "tables.rs": face.tables(program.name, program.document),
        "python.rs": _source("python"),
        f"{kind}.rs": _source(kind),
        "Cargo.toml": _cargo(program.version),
        "pyproject.toml": _pyproject(program.name, program.version),
        f"python/{package}/__init__.py": _init(program),
        f"{package}.cdx.json": sbom.document(program, toolchain),
    }
    return {name: text.encode() for name, text in sorted(texts.items())}


def digest(crate: Files, *more: str) -> str:
    """SHA-256 over the files and whatever else decides about the bytes that come out."""
    state = hashlib.sha256()
    for part in (
        *(x for name, body in sorted(crate.items()) for x in (name.encode(), body)),
        *map(str.encode, more),
    ):
        state.update(len(part).to_bytes(8, "little") + part)
    return state.hexdigest()


def package_name(name: str) -> str:
    """Of the wheel and of the package that Python imports."""
    return f"alloy_module_{name}"


def _source(name: str) -> str:
    return resources.files("alloy_agent.build").joinpath("rust", f"{name}.rs").read_text(encoding="utf-8")


def _cargo(version: str) -> str:
    return f"""[package]
name = "alloy-module"
version = "{version}"
edition = "2021"
rust-version = "{RUST_VERSION}"
publish = false

[lib]
name = "{LIBRARY}"
path = "lib.rs"
crate-type = ["cdylib"]

[dev-dependencies]
pyo3-ffi = {{ version = "{PYO3_FFI}", features = ["abi3-py311", "extension-module"] }}

[profile.release]
opt-level = 3
panic = "abort"
overflow-checks = false
debug = false
codegen-units = 1
strip = "symbols"

[workspace]
"""


def _pyproject(name: str, version: str) -> str:
    package = package_name(name)
    return f"""[build-system]
requires = ["maturin>=1.16,<2"]
build-backend = "maturin"

[project]
name = "{package}"
version = "{version}"
description = "Transform `{name}` as a native module"
requires-python = ">=3.11"

[tool.maturin]
module-name = "{package}.{name}"
python-source = "python"

[tool.maturin.sbom]
rust = false
auditwheel = false
include = ["{package}.cdx.json"]
"""


def _init(program: Program) -> str:
    function = "transform" if program.document["kind"] == "record" else "f"
    return f'''"""Transform `{program.name}` as a native module, made by `alloy-edge build`; SCHEMA says of what."""

from .{program.name} import ABI, SCHEMA, {function}

__all__ = ["ABI", "SCHEMA", "{function}"]
'''
