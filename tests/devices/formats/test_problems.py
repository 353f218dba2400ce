"""What is said about files that a program wrote wrongly or that lead elsewhere, code by code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from .decoding import Decoded, decode_files

pytestmark = pytest.mark.slow


def dangling(file: h5py.File) -> None:
    file["link"] = h5py.SoftLink("/nowhere")


def circle(file: h5py.File) -> None:
    file.create_group("a")["back"] = file["/"]


def outside(file: h5py.File) -> None:
    file["link"] = h5py.ExternalLink("other.h5", "/data")


def deep(file: h5py.File) -> None:
    file.create_group("/".join("g" * 200))


def large_chunks(file: h5py.File) -> None:
    file.create_dataset("v", (1 << 30,), "i1", chunks=(1 << 29,), compression="gzip")


def many_fields(file: h5py.File) -> None:
    file.create_dataset("v", (1,), [(f"f{i}", "i1") for i in range(600)])


def limits_upside_down(file: h5py.File) -> None:
    file.attrs["Conventions"] = "CF-1.8"
    data = file.create_dataset("v", data=np.arange(4, dtype="i2"))
    data.attrs["valid_range"] = np.array([5, 1], "i2")


def text_as_fill(file: h5py.File) -> None:
    file.attrs["Conventions"] = "CF-1.8"
    data = file.create_dataset("v", data=np.arange(4, dtype="i2"))
    data.attrs["_FillValue"] = "none"


def strange_unit(file: h5py.File) -> None:
    data = file.create_dataset("v", data=np.arange(4, dtype="i2"))
    data.attrs["units"] = "furlongs per fortnight"


PROBLEMS: dict[str, Callable[[h5py.File], None]] = {
    "format.dangling_link": dangling,
    "format.link_cycle": circle,
    "format.outside_reference": outside,
    "format.too_deep": deep,
    "format.chunk_too_large": large_chunks,
    "format.too_many": many_fields,
    "format.attribute": limits_upside_down,
    "format.bad_fill": text_as_fill,
    "format.unknown_unit": strange_unit,
}


@pytest.fixture(scope="module")
def decoded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Decoded]:
    """One file for each problem, with a good variable beside it."""
    folder = tmp_path_factory.mktemp("problems")
    for code, spoil in PROBLEMS.items():
        with h5py.File(folder / f"{code}.h5", "w") as file:
            file.create_dataset("good", data=np.arange(3, dtype="f4"))
            spoil(file)
    return decode_files([folder / f"{code}.h5" for code in PROBLEMS])


@pytest.mark.parametrize("code", PROBLEMS)
def test_problem_is_named_and_the_rest_arrives_when_a_file_has(
    code: str, decoded: dict[str, Decoded]
) -> None:
    done = decoded[f"{code}.h5"]

    assert code in done.codes
    assert len(done.of("/good")) == 1


def test_variable_is_said_to_be_empty_when_it_holds_no_element(tmp_path: Path) -> None:
    path = tmp_path / "empty.nc"
    dimension = b"\0\0\0\x01" + b"x\0\0\0" + b"\0\0\0\0"  # x = 0: the record dimension, of no records
    variable = (
        b"\0\0\0\x01v\0\0\0" + b"\0\0\0\x01" + b"\0\0\0\0" + b"\0" * 8 + b"\0\0\0\x03\0\0\0\x04\0\0\0\x50"
    )
    path.write_bytes(
        b"CDF\x01" + b"\0\0\0\0"
        + b"\0\0\0\x0a\0\0\0\x01" + dimension
        + b"\0" * 8
        + b"\0\0\0\x0b\0\0\0\x01" + variable
    )  # fmt: skip

    done = decode_files([path])["empty.nc"]

    assert "format.empty" in done.codes
    assert done.of("/v") == []
