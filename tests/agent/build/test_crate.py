"""The crate of a module: the same bytes for the same program, and nothing in it that tells where or when."""

from __future__ import annotations

import ast
import json
import tomllib
from typing import Any

import pytest

from alloy_agent.build import crate
from alloy_agent.build.program import Program, program
from alloy_agent.config.model import TransformRef
from alloy_agent.errors import BuildError
from alloy_transforms.errors import ScriptError, ViolationError
from alloy_transforms.lang.check import check

SOURCE = (
    b'PARAMS = {"k": 2}\nOUTPUT = {"v": {"type": "u8"}}\n'
    b'def transform(payload: bytes) -> dict:\n    return {"v": payload[0]}\n'
)
TOOLS = {"rustc": "rustc 1.99.0 (0123)", "maturin": "maturin 9.9"}


def ref(name: str = "probe", source: bytes = SOURCE) -> TransformRef:
    return TransformRef(name=name, origin=f"./{name}.py", source=source, params={})


def document(source: bytes = SOURCE) -> dict[str, Any]:
    doc = check(ast.parse(source), source).document
    assert doc is not None
    return doc


def made(name: str = "probe") -> Program:
    return program(ref(name), document())


def test_files_are_the_same_when_a_program_is_put_together_twice() -> None:
    assert crate.files(made(), TOOLS) == crate.files(made(), TOOLS)


def test_digest_changes_when_any_part_does() -> None:
    files = crate.files(made(), TOOLS)
    digests = {crate.digest(files, "a")} | {crate.digest({**files, name: b""}, "a") for name in files}

    assert len(digests) == len(files) + 1
    assert crate.digest(files, "b") not in digests


def test_manifest_names_one_package_for_maturin_alone_when_it_is_read() -> None:
    files = crate.files(made(), TOOLS)

    manifest = tomllib.loads(files["Cargo.toml"].decode())
    project = tomllib.loads(files["pyproject.toml"].decode())
    assert "dependencies" not in manifest
    assert list(manifest["dev-dependencies"]) == ["pyo3-ffi"]
    profile = manifest["profile"]["release"]
    assert (profile["panic"], profile["overflow-checks"], profile["opt-level"]) == ("abort", False, 3)
    assert project["tool"]["maturin"]["module-name"] == "alloy_module_probe.probe"
    assert project["tool"]["maturin"]["sbom"]["rust"] is False
    assert manifest["package"]["version"] == project["project"]["version"] == made().version
    assert made().version.endswith(f"+c{made().digest[:12]}")


def test_components_are_facts_only_when_they_are_listed() -> None:
    sbom = json.loads(crate.files(made(), TOOLS)["alloy_module_probe.cdx.json"])

    assert "serialNumber" not in sbom
    assert "timestamp" not in sbom["metadata"]
    assert [c["version"] for c in sbom["components"]] == [made().facts["source"][:12], "1.99.0 (0123)"]
    values = {p["name"]: p["value"] for p in sbom["metadata"]["component"]["properties"]}
    assert values["alloy:digest"] == made().digest


def test_helpers_are_components_when_they_are_compiled_in() -> None:
    source = b"import kit\n" + SOURCE.replace(b"payload[0]", b"kit.u16be(payload, 0) % 7")
    sbom = json.loads(
        crate.files(program(ref(source=source), document(source)), TOOLS)["alloy_module_probe.cdx.json"]
    )

    refs = [c["bom-ref"] for c in sbom["components"]]
    assert [r.partition("@")[0] for r in refs] == ["probe.py", "core", "kit"]
    assert [d["ref"] for d in sbom["dependencies"]] == ["alloy_module_probe", *refs]


@pytest.mark.parametrize("name", ["my-probe", "2nd", "", "class", "é", "a b"])
def test_name_is_refused_when_no_module_can_have_it(name: str) -> None:
    with pytest.raises(BuildError) as caught:
        program(ref(name), document())

    assert caught.value.code == "build.name"
    assert "rename the file" in caught.value.hint


def test_document_is_refused_when_it_is_malformed() -> None:
    with pytest.raises(ScriptError) as caught:
        program(ref(), {**document(), "outputs": [{"name": "v", "type": "u8", "optional": 1}]})

    assert caught.value.code == "build.ir"


@pytest.mark.parametrize("name", ["a b", 'v"', "x;y", "é", "__init__"])
def test_document_is_a_violation_when_a_name_is_none(name: str) -> None:
    text = json.dumps(document(SOURCE.replace(b'"v"', b'"level"')), ensure_ascii=False)
    text = text.replace('"level"', json.dumps(name, ensure_ascii=False))

    with pytest.raises(ViolationError) as caught:
        program(ref(), json.loads(text))

    assert caught.value.code == "violation.protocol"
