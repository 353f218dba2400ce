"""Structure of FITS files against astropy, on real, generated and damaged files."""

from __future__ import annotations

import gzip
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from alloy_native.errors import FormatError
from alloy_native.formats import fits_checksum, fits_describe, fits_descriptors, read_span, read_strided

REAL = (
    "B1509_RXTE_short.fits",
    "a8280271.fits",
    "aia_171_level1.fits",
    "bt12.fits.fz",
    "cfitsio_testprog.fits",
    "comp.fits",
    "gbm.fits",
    "go1520120601.fits.gz",
    "o4sp040b0_raw.fits",
    "random_groups.fits",
)


def describe(path: Path) -> Any:
    with path.open("rb") as file:
        return fits_describe(file.fileno())


def flat(path: Path, folder: Path) -> Path:
    """The file, or what is in it where it is gzipped."""
    if path.suffix != ".gz":
        return path
    plain = folder / path.stem
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    return plain


def text(value: Any) -> Any:
    if isinstance(value, fits.card.Undefined):
        return None
    return value.rstrip() if isinstance(value, str) else value


def compare(path: Path) -> None:
    found = describe(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        with fits.open(path, disable_image_compression=True, memmap=False) as reference:
            assert len(found) == len(reference)
            for hdu, other in zip(found, reference, strict=True):
                info = other.fileinfo()
                assert hdu["error"] is None
                assert (hdu["header_offset"], hdu["data_offset"]) == (info["hdrLoc"], info["datLoc"])
                assert -(-hdu["data_size"] // 2880) * 2880 == info["datSpan"]
                assert hdu["bitpix"] == other.header["BITPIX"]
                axes = [other.header[f"NAXIS{n}"] for n in range(other.header["NAXIS"], 0, -1)]
                assert list(hdu["shape"]) == axes
                compare_cards(hdu, other.header)
                if hdu["columns"]:
                    compare_columns(path, hdu, other)


def compare_cards(hdu: Any, header: Any) -> None:
    ours = [(k.upper(), v, c) for k, v, c in hdu["cards"] if k not in ("", "COMMENT", "HISTORY", "CONTINUE")]
    theirs = []
    for card in header.cards:
        if card.keyword in ("", "COMMENT", "HISTORY", "CONTINUE"):
            continue
        try:
            theirs.append((card.keyword, text(card.value), card.comment.strip()))
        except fits.VerifyError:
            theirs.append((card.keyword, ..., ""))
    assert [card[0] for card in ours] == [card[0] for card in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        if other[1] is not ...:
            assert mine[1] == other[1], mine
            assert type(mine[1]) is type(other[1]), mine
            assert mine[2] == other[2], mine


def compare_columns(path: Path, hdu: Any, other: Any) -> None:
    try:
        raw = np.asarray(other.data).view(other.data.dtype, np.ndarray)
    except (TypeError, ValueError):  # astropy cannot read every table (no TTYPE, 16X): names and forms only
        return
    assert [column["name"] for column in hdu["columns"]] == list(other.columns.names)
    assert (hdu["rows"], hdu["row_size"]) == (other.header["NAXIS2"], other.header["NAXIS1"])
    assert [column["unit"] for column in hdu["columns"]] == [u or None for u in other.columns.units]
    if raw.dtype.names is None or hdu["kind"] == "table":
        return
    for column, name in zip(hdu["columns"], raw.dtype.names, strict=True):
        kind, place = raw.dtype.fields[name][:2]
        if raw.dtype.itemsize == hdu["row_size"] and column["code"] != "X":  # 16X: astropy takes 16 bytes
            assert (column["offset"], column["width"]) == (place, kind.itemsize)


@pytest.mark.parametrize("name", REAL)
def test_structure_equals_astropy_on_real_files(shared_data: Path, tmp_path: Path, name: str) -> None:
    compare(flat(shared_data / "science/fits" / name, tmp_path))


def table(path: Path) -> np.ndarray:
    rows = np.zeros(50, [("a", "i2"), ("b", "f8", 3), ("c", "S5"), ("d", "?")])
    rows["a"] = np.arange(50)
    rows["b"] = np.arange(150).reshape(50, 3)
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU(rows, name="T"), fits.ImageHDU(np.arange(6, dtype="f4"))]
    hdus[0].header["LONG"] = "a text that goes on and on, isn't it, " * 5
    hdus[0].header["HIERARCH ESO DET NAME"] = 4.5
    hdus[0].header["COMPLEX"] = 1.5 - 2j
    hdus[0].header["NOTHING"] = None
    hdus[0].header["BIG"] = 2**63
    hdus[0].header["SMALL"] = (1.25e-30, "with a comment / and a slash")
    fits.HDUList(hdus).writeto(path)
    return rows


def test_values_of_every_kind_equal_astropy(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    table(path)

    compare(path)


def test_a_column_is_gathered_from_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    rows = table(path)
    hdu = describe(path)[1]
    column = hdu["columns"][1]

    with path.open("rb") as file:
        raw = read_strided(
            file.fileno(),
            hdu["data_offset"] + column["offset"],
            hdu["rows"],
            hdu["row_size"],
            column["width"],
        )

    assert (column["name"], column["repeat"], column["code"]) == ("b", 3, "D")
    assert np.array_equal(np.frombuffer(raw, ">f8").reshape(50, 3), rows["b"])


def test_numbers_with_a_d_exponent_are_floats(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    cards = [
        "SIMPLE  =                    T",
        "BITPIX  =                    8",
        "NAXIS   =                    0",
    ]
    cards += ["X       =              1.5D+03", "Y       = 'it''s   '   / note", "END"]
    path.write_bytes("".join(card.ljust(80) for card in cards).ljust(2880).encode())

    found = {keyword: (value, comment) for keyword, value, comment in describe(path)[0]["cards"]}

    assert found["X"] == (1500.0, "")
    assert found["Y"] == ("it's", "note")


@pytest.mark.parametrize(
    ("name", "code"),
    [("truncated.fits", "format.truncated"), ("naxis_lies.fits", "format.header_lie")],
)
def test_data_that_are_not_there_are_an_error_of_the_hdu(shared_data: Path, name: str, code: str) -> None:
    (hdu,) = describe(shared_data / "science/bad" / name)

    assert hdu["error"][0] == code
    assert hdu["available"] < hdu["data_size"] or hdu["data_size"] == 0


def test_descriptors_outside_the_heap_are_errors_in_their_place(shared_data: Path) -> None:
    path = shared_data / "science/bad/heap_lies.fits"
    hdu = describe(path)[1]
    (column,) = [c for c in hdu["columns"] if c["name"] == "SPECTRUM"]

    with path.open("rb") as file:
        first, *others = fits_descriptors(
            file.fileno(), hdu["data_offset"], (0, 3), hdu["row_size"], column["offset"], column["code"],
            32, hdu["heap_offset"], hdu["heap_size"],
        )  # fmt: skip
        assert isinstance(first, tuple)
        assert len(read_span(file.fileno(), first[1], 4 * first[0])) == 4 * first[0]

    assert [error.code for error in others] == ["format.header_lie"] * 2


def test_checksums_agree_with_astropy(shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    fits.ImageHDU(np.random.default_rng(1).normal(size=(30, 70))).writeto(path, checksum=True)
    wrong = shared_data / "science/bad/checksum_wrong.fits"
    for sound, file_path in ((True, path), (False, wrong)):
        hdu = describe(file_path)[-1]
        cards = {card[0]: card[1] for card in hdu["cards"]}
        padded = -(-hdu["data_size"] // 2880) * 2880
        with file_path.open("rb") as file:
            data = fits_checksum(file.fileno(), hdu["data_offset"], padded)
            everything = fits_checksum(file.fileno(), hdu["header_offset"], hdu["header_size"] + padded)
        assert (data == int(cards["DATASUM"])) is sound
        assert (everything in (0, 0xFFFFFFFF)) is sound


@pytest.mark.parametrize("name", ["not_actually_fits.fits", "go1520120601.fits.gz"])
def test_what_is_no_fits_file_is_not_recognised(shared_data: Path, name: str) -> None:
    with pytest.raises(FormatError) as caught:
        describe(shared_data / "science/fits" / name)

    assert caught.value.code == "format.not_recognised"


def primary(*cards: str) -> bytes:
    lines = ["SIMPLE  =                    T", *cards, "END"]
    return "".join(line.ljust(80) for line in lines).ljust(2880).encode()


@pytest.mark.parametrize(
    "cards",
    [
        ("BITPIX  =                   17", "NAXIS   =                    0"),
        ("BITPIX  =                    8", "NAXIS   =                 1000"),
        (
            "BITPIX  =                    8",
            "NAXIS   =                    1",
            "NAXIS1  =                   -5",
        ),
        ("BITPIX  =                    8", "NAXIS   =                    1"),
        ("BITPIX  =                    8",),
        ("NAXIS   =                    0",),
    ],
)
def test_a_first_header_without_its_mandatory_numbers_is_refused(
    tmp_path: Path, cards: tuple[str, ...]
) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(primary(*cards))

    with pytest.raises(FormatError) as caught:
        describe(path)

    assert caught.value.code == "format.header_lie"


def test_axes_that_overflow_are_a_lie(tmp_path: Path) -> None:
    axes = [f"NAXIS{n}  =  9223372036854775807" for n in (1, 2, 3)]
    path = tmp_path / "a.fits"
    path.write_bytes(primary("BITPIX  =                  -64", "NAXIS   =                    3", *axes))

    (hdu,) = describe(path)

    assert hdu["error"][0] == "format.header_lie"


def test_a_header_without_end_is_refused_at_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(primary("BITPIX  =                    8")[:160])
    with path.open("r+b") as file:
        os.ftruncate(file.fileno(), 2880 * 5000)  # a hole: costs no disk

    with pytest.raises(FormatError) as caught:
        describe(path)

    assert caught.value.code == "format.too_large"


@pytest.mark.slow
def test_a_file_cut_at_any_byte_never_does_more_than_say_so(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    table(path)
    whole = describe(path)
    end = whole[-1]["data_offset"] + whole[-1]["data_size"]
    with path.open("r+b") as file:
        for cut in range(path.stat().st_size - 1, -1, -1):
            os.ftruncate(file.fileno(), cut)
            found, code = outcome(file.fileno())
            if code:
                assert code in {"format.truncated", "format.not_recognised"}
                assert cut < whole[0]["header_size"]
                continue
            assert len(found) == 3 or cut < whole[2]["header_offset"] + 9
            assert cut >= end or len(found) < 3 or found[-1]["error"][0] == "format.truncated"
            assert all(h["data_offset"] + h["available"] <= cut or h["available"] == 0 for h in found)


def outcome(fd: int) -> tuple[Any, str]:
    """The description or a code."""
    try:
        return fits_describe(fd), ""
    except FormatError as error:
        return [], error.code


@pytest.mark.slow
def test_no_flip_in_a_header_does_more_than_raise_or_describe(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    table(path)
    hdu = describe(path)[1]
    whole = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for at in range(hdu["header_offset"], hdu["header_offset"] + 80 * 20):
            for byte in (0x00, 0x20, 0x39, 0xFF):
                os.pwrite(file.fileno(), bytes([byte]), at)
                for found in fits_describe(file.fileno()):
                    assert found["error"] is None or found["error"][0].startswith("format.")
            os.pwrite(file.fileno(), whole[at : at + 1], at)
