"""FITS: headers by the compiled reader; images, tables and heaps by plain offsets.

A header that promises more than the file holds refuses the file before anything is allocated. A wrong checksum
is common in sound files that were cut down later, so it marks values and refuses nothing.
Source: FITS Standard 4.0.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alloy_transforms.record import Attr, Dimension, Reason, Variable

from ..native import fits_checksum, fits_describe
from .fits_ascii import ascii_columns
from .fits_image import image
from .fits_table import binary_columns
from .fits_time import instants
from .model import FileFound, Found, Limits, Problem, refuse

if TYPE_CHECKING:
    from ..native import FitsHdu

READER = "fits/1"
BLOCK_BYTES = 2880
_STRUCTURE = frozenset(
    {"SIMPLE", "XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "TFIELDS", "EXTEND", "END"}
)
_PER_COLUMN = ("TTYPE", "TFORM", "TUNIT", "TSCAL", "TZERO", "TNULL", "TDIM", "TDISP", "TBCOL", "NAXIS")
_LONG = ("COMMENT", "HISTORY", "")


def can_open(magic: bytes) -> bool:
    """True for a primary header."""
    return magic[:6] == b"SIMPLE" or magic[:10] == b"XTENSION= "


def describe(fd: int, limits: Limits) -> FileFound:
    """Read all headers.

    Raises:
        FormatError: of the compiled reader, or `format.truncated`, `format.header_lie`: the file ends before
            the data that a header promises.
    """
    hdus = fits_describe(fd)
    if len(hdus) > limits.objects:
        raise refuse("too_many", f"{len(hdus)} HDUs", expected=f"at most {limits.objects}")
    for hdu in hdus:
        if hdu["error"] is not None:
            code, text = hdu["error"]
            raise refuse(code.removeprefix("format."), text, where=f"HDU {hdu['index']}")
    objects: list[Found] = []
    dims: dict[str, int] = {}
    attrs: dict[str, Attr] = {}
    notes: list[Problem] = []
    left = limits.attributes_bytes
    for hdu in hdus:
        path = f"/{hdu['index']}"
        suspect, wrong = _checksums(fd, hdu, path)
        notes.extend(wrong)
        objects.extend(_objects(fd, hdu, path, suspect, limits))
        shown, more = _attributes(hdu, path, left)
        left -= sum(len(str(value)) for value in shown.values())
        attrs |= shown
        notes.extend(more)
    unique = _unique(objects)
    for found in unique:
        for name, size in zip(found.variable.dims, found.shape, strict=True):
            dims.setdefault(name, size)
    declared = tuple(Dimension(name, size) for name, size in dims.items())
    return FileFound("fits", READER, declared, tuple(unique), attrs, tuple(notes))


def _objects(fd: int, hdu: FitsHdu, path: str, suspect: Reason, limits: Limits) -> list[Found]:
    kind = hdu["kind"]
    if kind in ("primary", "image"):
        found = image(fd, hdu, path, suspect, limits)
        return [found] if found is not None else []
    if kind == "table":
        return ascii_columns(fd, hdu, path, suspect, limits)
    if kind == "bintable":
        return binary_columns(fd, hdu, path, suspect, limits)
    what = {
        "compressed_image": "tile-compressed images are not read",
        "random_groups": "random groups are not read",
    }.get(kind, f"extensions of kind {kind} are not read")
    return [_not_read(path, what)]


def _not_read(path: str, what: str) -> Found:
    variable = Variable(name=f"HDU{path[1:]}", dims=(), dtype="bytes", path=path)
    return Found(variable, (), problem=Problem("format.not_yet", what, path))


def _checksums(fd: int, hdu: FitsHdu, path: str) -> tuple[Reason, list[Problem]]:
    """Verify DATASUM and CHECKSUM where they are present (FITS 4.0 section 4.4.2.7 and appendix J)."""
    cards = {name: value for name, value, _ in hdu["cards"] if name in ("DATASUM", "CHECKSUM")}
    padded = -(-hdu["data_size"] // BLOCK_BYTES) * BLOCK_BYTES
    wrong: list[Problem] = []
    said = str(cards.get("DATASUM", "")).strip()
    if said.isdigit() and fits_checksum(fd, hdu["data_offset"], padded) != int(said):
        wrong.append(Problem("format.checksum_mismatch", "DATASUM does not match the data", path))
    if str(cards.get("CHECKSUM", "")).strip():
        total = fits_checksum(fd, hdu["header_offset"], hdu["header_size"] + padded)
        if total not in (0, 0xFFFFFFFF):
            wrong.append(Problem("format.checksum_mismatch", "CHECKSUM does not match the HDU", path))
    return (Reason.CHECKSUM if wrong else Reason.NONE), wrong


def _attributes(hdu: FitsHdu, path: str, left: int) -> tuple[dict[str, Attr], list[Problem]]:
    """Keywords of one HDU: by name for the primary, as `/1@NAME` for others; with instants in UTC."""
    prefix = "" if hdu["index"] == 0 else f"{path}@"
    cards: dict[str, Attr] = {}
    long: dict[str, list[str]] = {}
    for name, value, _ in hdu["cards"]:
        if name in _LONG:
            long.setdefault(name or "BLANK", []).append(str(value))
        elif name not in _STRUCTURE and not _is_column_card(name) and value is not None:
            plain: Attr = str(value) if isinstance(value, complex) else value
            cards.setdefault(name, plain)
    cards |= {name: "\n".join(lines).strip() for name, lines in long.items() if any(map(str.strip, lines))}
    found, notes = instants(cards, path)
    cards |= found
    shown: dict[str, Attr] = {}
    for name, shown_value in cards.items():
        left -= len(str(shown_value))
        if left < 0:
            notes.append(Problem("format.attribute", "further keywords are left out", path))
            break
        shown[prefix + name] = shown_value
    return shown, notes


def _is_column_card(name: str) -> bool:
    return any(name.startswith(p) and name[len(p) :].isdigit() for p in _PER_COLUMN)


def _unique(objects: list[Found]) -> list[Found]:
    """Two columns of one name: the second is called NAME#2."""
    seen: dict[str, int] = {}
    out: list[Found] = []
    for found in objects:
        path = found.variable.path
        seen[path] = seen.get(path, 0) + 1
        if seen[path] > 1:
            again = f"#{seen[path]}"
            variable = replace(found.variable, path=path + again, name=found.variable.name + again)
            out.append(replace(found, variable=variable))
        else:
            out.append(found)
    return out
