"""The shared object of one program: exactly its symbols, nothing needed, nothing that runs by itself, no panic."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
from tests.transforms.emit import elf
from tests.transforms.emit.compiled import build
from tests.transforms.lang.differential import report

from alloy_transforms import emit

pytestmark = pytest.mark.slow  # programs are compiled

LIBRARY = resources.files("alloy_transforms.library")
MAP = "import fmath\n\n\ndef f(x: float, y: float) -> float:\n    return fmath.pow(x, y) // 3.0\n"


def crate_of(name: str) -> tuple[str, bytes]:
    source = MAP if name == "map" else LIBRARY.joinpath(f"{name}.py").read_text("utf-8")
    doc = report(source).document
    assert doc is not None
    schema = emit.schema(doc, name=name, digest="ab" * 32)
    return emit.crate(doc, schema=schema), schema


@pytest.fixture(scope="module", params=["bme280", "nmea", "bthome_v2", "map"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes, Path]:
    text, schema = crate_of(request.param)
    return request.param, schema, build(text, tmp_path_factory.mktemp(request.param))


def test_only_the_interface_is_defined_when_a_program_is_built(made: tuple[str, bytes, Path]) -> None:
    name, schema, path = made

    file = elf.read(path)

    assert set(file.defined) == {"ALLOY_SCHEMA", "alloy_map_v1" if name == "map" else "alloy_run_v1"}
    assert file.undefined == []
    assert file.defined["ALLOY_SCHEMA"] == len(schema)
    assert schema in path.read_bytes()


def test_nothing_is_needed_and_nothing_runs_when_a_program_is_opened(made: tuple[str, bytes, Path]) -> None:
    file = elf.read(made[2])

    assert not {
        elf.DT_NEEDED,
        elf.DT_INIT,
        elf.DT_FINI,
        elf.DT_INIT_ARRAY,
        elf.DT_FINI_ARRAY,
        elf.DT_TEXTREL,
    } & set(file.dynamic)
    assert set(file.relocations) <= {elf.RELATIVE[file.machine], 6, 7, 1}
    flags = {kind: flag for kind, flag in file.segments if kind != elf.PT_LOAD}
    assert elf.PT_TLS not in flags
    assert elf.PT_GNU_RELRO in flags
    assert flags[elf.PT_GNU_STACK] & 1 == 0
    assert not any(kind == elf.PT_LOAD and flag & 3 == 3 for kind, flag in file.segments)


def test_no_panic_is_left_when_a_program_is_built(made: tuple[str, bytes, Path]) -> None:
    data = made[2].read_bytes()

    for text in (b"panic", b"attempt to", b"out of range", b"out of bounds", b".rs", b"overflow", b"Error"):
        assert text not in data.replace(made[1], b"")
    assert len(data) < 128 * 1024


def test_the_schema_says_what_the_document_declares_when_it_is_made() -> None:
    _, text = crate_of("elsys_ers")

    schema = json.loads(text)

    assert list(schema) == sorted(schema)
    assert schema["abi"] == 1
    assert schema["emitter"] == emit.VERSION
    assert schema["inputs"] == [["payload", "bytes"], ["port", "int"]]
    assert schema["outputs"][0] == ["temperature", "i16", True]
    assert (schema["kind"], schema["max_rows"], schema["state"]) == ("record", 1, [])
    assert "total" not in schema


def test_the_text_is_the_same_when_it_is_made_again() -> None:
    assert crate_of("bthome_v2") == crate_of("bthome_v2")


def test_a_program_is_one_module_without_unsafe_when_it_is_asked_for() -> None:
    doc = report(LIBRARY.joinpath("nmea.py").read_text("utf-8")).document
    assert doc is not None

    text = emit.module(doc, name="nmea")

    assert "mod nmea {" in text
    assert "unsafe" not in text.replace("#![forbid(unsafe_code)]", "")
    assert all(name not in text for name in ("payload", "latitude", "transform"))
