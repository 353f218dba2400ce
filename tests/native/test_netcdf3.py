"""Structure of NetCDF classic files against netCDF4, on real, generated and damaged files."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from alloy_native.errors import FormatError
from alloy_native.formats import nc3_describe, read_strided

REAL = (
    "D2900313_001.nc",
    "contiguous.nc",
    "ref_nctest_64bit_offset.nc",
    "ref_test_360_day_1900.nc",
    "sgpmetE13.b1.20190101.000000.cdf",
    "sgpswatsE8.b1.20071229.000700.cdf",
    "twpsondewnpnC3.b1.20060119.163300.custom.cdf",
    "ubyte.nc",
)


def describe(path: Path, **options: Any) -> Any:
    with path.open("rb") as file:
        return nc3_describe(file.fileno(), **options)


def values(path: Path, variable: Any) -> np.ndarray:
    dtype = "S1" if variable["dtype"] == "char" else ">" + variable["dtype"]
    count = variable["shape"][0] if variable["is_record"] else 1
    with path.open("rb") as file:
        raw = read_strided(file.fileno(), variable["begin"], count, variable["stride"], variable["size"])
    return np.frombuffer(raw, dtype).reshape(variable["shape"])


def same(found: Any, attribute: Any) -> bool:
    if isinstance(found, bytes):
        return isinstance(attribute, str)
    if isinstance(attribute, bytes | np.bytes_):  # _FillValue of a char variable
        return bool(found.encode() == bytes(attribute))
    if isinstance(attribute, str):
        return bool(found.replace("\0", "") == attribute.replace("\0", ""))  # the library drops them
    return bool(np.array_equal(np.atleast_1d(found), np.atleast_1d(attribute), equal_nan=True))


def compare(path: Path) -> None:
    """Everything netCDF4 says of the file, and every value, raw."""
    found = describe(path)
    with netCDF4.Dataset(path) as reference:
        reference.set_auto_maskandscale(False)
        reference.set_auto_chartostring(False)
        assert [name for name, _ in found["dims"]] == list(reference.dimensions)
        for name, size in found["dims"]:
            dimension = reference.dimensions[name]
            assert (size is None) == dimension.isunlimited()
            assert (found["rows"] if size is None else size) == len(dimension)
        assert [a[0] for a in found["attrs"]] == reference.ncattrs()
        assert all(same(value, reference.getncattr(name)) for name, _, value in found["attrs"])
        assert [v["name"] for v in found["variables"]] == list(reference.variables)
        for variable in found["variables"]:
            other = reference.variables[variable["name"]]
            assert tuple(found["dims"][i][0] for i in variable["dims"]) == other.dimensions
            assert variable["shape"] == other.shape
            assert [a[0] for a in variable["attrs"]] == other.ncattrs()
            assert all(same(value, other.getncattr(name)) for name, _, value in variable["attrs"])
            if other.size:
                assert np.array_equal(values(path, variable), other[...], equal_nan=other.dtype.kind == "f")


@pytest.mark.parametrize("name", REAL)
def test_structure_and_values_equal_netcdf4_on_real_files(shared_data: Path, name: str) -> None:
    compare(shared_data / "science/netcdf" / name)


@pytest.mark.parametrize("name", ["zero_unlimited.nc", "bad_text.nc", "bad_scaling.nc", "bad_units.nc"])
def test_structure_is_read_when_only_the_contents_are_odd(shared_data: Path, name: str) -> None:
    compare(shared_data / "science/bad" / name)


def test_text_that_is_not_utf8_stays_bytes_and_is_named(shared_data: Path) -> None:
    found = describe(shared_data / "science/bad/bad_text.nc")

    (units,) = [a[2] for a in found["variables"][0]["attrs"] if a[0] == "units"]
    assert isinstance(units, bytes)
    assert ("format.bad_text", "temperature@units") in found["warnings"]


@pytest.mark.parametrize("kind", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"])
@pytest.mark.parametrize("records", [("i1",), ("i2",), ("f8",), ("i1", "i2", "f4"), ("i2", "S1", "f8"), ()])
def test_records_are_found_when_they_are_padded_or_alone(
    tmp_path: Path, kind: str, records: tuple[str, ...]
) -> None:
    path = make(tmp_path / "a.nc", kind, records)

    compare(path)


def make(path: Path, kind: str, records: tuple[str, ...], rows: int = 7) -> Path:
    with netCDF4.Dataset(path, "w", format=kind) as file:
        file.createDimension("t", None)
        file.createDimension("x", 3)
        file.title = "température"
        file.numbers = np.array([1.5, 2.5])
        file.createVariable("fixed", "i2", ("x",))[:] = [1, 2, 3]
        if kind == "NETCDF3_64BIT_DATA":
            wide = file.createVariable("wide", "u8", ("x",))
            wide.valid_max = np.uint64(2**64 - 1)
            wide[:] = np.array([0, 1, 2**64 - 1], "u8")
        for i, dtype in enumerate(records):
            variable = file.createVariable(f"r{i}", dtype, ("t", "x"))
            variable.units = "K"
            fill = np.arange(rows * 3).reshape(rows, 3)
            variable[:] = fill.astype("S1") if dtype == "S1" else fill.astype(dtype)
    return path


def test_a_cut_file_names_both_sizes_and_partial_gives_the_whole_records(shared_data: Path) -> None:
    path = shared_data / "science/bad/truncated_classic.nc"

    with pytest.raises(FormatError) as caught:
        describe(path)
    found = describe(path, partial=True)

    assert caught.value.code == "format.truncated"
    assert caught.value.context["actual"] == path.stat().st_size == 754
    assert caught.value.context["expected"] == 1468
    assert (found["rows"], found["numrecs"], found["truncated"]) == (40, 100, True)
    assert all(variable["shape"] == (40,) for variable in found["variables"])


def test_overlapping_variables_are_a_lie(shared_data: Path) -> None:
    with pytest.raises(FormatError) as caught:
        describe(shared_data / "science/netcdf/bad_cdf5_begin.nc")

    assert caught.value.code == "format.header_lie"


@pytest.mark.parametrize("kind", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_DATA"])
def test_a_file_cut_at_any_byte_is_an_error_or_has_fewer_rows(tmp_path: Path, kind: str) -> None:
    whole = make(tmp_path / "a.nc", kind, ("i2", "f4")).read_bytes()
    path = tmp_path / "cut.nc"
    rows = describe(tmp_path / "a.nc")
    needed = rows["expected_size"]
    path.write_bytes(whole)
    with path.open("r+b") as file:
        for cut in range(len(whole) - 1, -1, -1):
            os.ftruncate(file.fileno(), cut)
            if cut >= needed:
                assert nc3_describe(file.fileno())["rows"] == 7
                continue
            with pytest.raises(FormatError) as caught:
                nc3_describe(file.fileno())
            assert caught.value.code == ("format.truncated" if cut >= 4 else "format.not_recognised")


def outcome(fd: int) -> tuple[Any, str]:
    """The description or a code."""
    try:
        return nc3_describe(fd, partial=True), ""
    except FormatError as error:
        return {"rows": 0, "record_size": 0}, error.code


def test_no_byte_flip_does_more_than_raise_or_describe(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.nc", "NETCDF3_64BIT_DATA", ("i2", "f4")).read_bytes()
    header = describe(tmp_path / "a.nc")["header_size"]
    path = tmp_path / "flip.nc"
    path.write_bytes(whole)
    allowed = {"", "format.not_recognised", "format.truncated", "format.header_lie", "format.too_large"}
    with path.open("r+b", buffering=0) as file:
        for at in range(header):
            for byte in (0x00, 0x7F, 0xFF, whole[at] ^ 1):
                os.pwrite(file.fileno(), bytes([byte]), at)
                found, code = outcome(file.fileno())
                assert code in allowed
                assert found["rows"] * found["record_size"] <= len(whole) + found["record_size"]
            os.pwrite(file.fileno(), whole[at : at + 1], at)


def header(version: int = 1, numrecs: int = 0, dims: bytes = bytes(8), rest: bytes = bytes(16)) -> bytes:
    return b"CDF" + bytes([version]) + struct.pack(">I", numrecs) + dims + rest


def one_variable(numrecs: int, size: int, begin: int = 200, name: bytes = b"\0\0\0\1v\0\0\0") -> bytes:
    dims = struct.pack(">III", 10, 1, 1) + b"t\0\0\0" + struct.pack(">I", size)
    variable = name + struct.pack(">II", 1, 0) + bytes(8) + struct.pack(">III", 6, 8, begin)
    return header(1, numrecs, dims, bytes(8) + struct.pack(">II", 11, 1) + variable) + bytes(100)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "format.not_recognised"),
        (b"CDF\x03" + bytes(100), "format.not_recognised"),
        (header(dims=struct.pack(">II", 10, 0xFFFFFFFF)), "format.too_large"),
        (header(dims=struct.pack(">II", 10, 10_000)), "format.header_lie"),
        (header(dims=struct.pack(">II", 7, 1)), "format.header_lie"),
        (header(dims=struct.pack(">III", 10, 1, 0xFFFFFFFF)), "format.too_large"),
        (header(dims=struct.pack(">III", 10, 1, 0) + bytes(20)), "format.header_lie"),
        (one_variable(2_000_000_000, 0), "format.truncated"),
        (one_variable(0, 0xFFFFFFF0), "format.truncated"),
        (one_variable(0, 3, begin=10), "format.header_lie"),
        (one_variable(0, 3, begin=0xFFFFFFF0), "format.truncated"),
    ],
)
def test_a_header_that_lies_is_refused_with_a_code(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "a.nc"
    path.write_bytes(content)

    with pytest.raises(FormatError) as caught:
        describe(path)

    assert caught.value.code == code


def test_a_streaming_record_count_is_taken_from_the_size(tmp_path: Path) -> None:
    whole = bytearray(make(tmp_path / "a.nc", "NETCDF3_CLASSIC", ("i2", "f4")).read_bytes())
    whole[4:8] = b"\xff" * 4
    path = tmp_path / "b.nc"
    path.write_bytes(whole)

    found = describe(path)

    assert (found["numrecs"], found["rows"]) == (None, 7)
