"""HDF5 datatypes as leaves: where in one element each number or text lies.

A compound becomes one leaf per field, an array type adds dimensions, an enumeration becomes flags. What the
record model cannot hold is a refused leaf with its reason: the other fields are still read.

Source: HDF5 File Format Specification 3.0, section IV.A.2.d (datatype message).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from h5py import h5t

from alloy_transforms.record import Flags

from .model import Element, Problem

MAX_NESTING = 8
MAX_LEAVES = 512
_FLOAT_FIELDS = {  # size -> (sign, exponent at, exponent bits, mantissa at, mantissa bits): IEEE 754
    2: (15, 10, 5, 0, 10),
    4: (31, 23, 8, 0, 23),
    8: (63, 52, 11, 0, 52),
}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One column of a dataset.

    Attributes:
        name: field name, dotted for nested compounds; "" for a dataset that is no compound.
        offset: bytes from the start of the element.
        extra: dimensions an array type adds.
        element: the number stored; None for texts.
        text_bytes: size of a fixed text; 0 for none.
        by_library: a text of variable length: only the library knows where it lies.
        problem: why it is not read.
    """

    name: str
    offset: int
    extra: tuple[int, ...] = ()
    element: Element | None = None
    text_bytes: int = 0
    by_library: bool = False
    flags: Flags | None = None
    problem: Problem | None = None


def leaves(kind: h5t.TypeID) -> tuple[Leaf, ...]:
    """Every column that one element of this type holds.

    Args:
        kind: file datatype, untrusted.
    """
    out = _leaves(kind, 0)
    if len(out) > MAX_LEAVES:
        return (Leaf("", 0, problem=Problem("format.too_many", f"compound of {len(out)} fields")),)
    return out


def _refused(code: str, message: str) -> tuple[Leaf, ...]:
    return (Leaf("", 0, problem=Problem(code, message)),)


def _leaves(kind: h5t.TypeID, nesting: int) -> tuple[Leaf, ...]:
    if nesting > MAX_NESTING:
        return _refused("format.too_deep", f"datatype nested deeper than {MAX_NESTING}")
    cls = kind.get_class()
    if cls in (h5t.INTEGER, h5t.BITFIELD):
        return _integer(kind, signed=cls == h5t.INTEGER and kind.get_sign() == h5t.SGN_2)
    if cls == h5t.FLOAT:
        return _floating(kind)
    if cls == h5t.STRING:
        if kind.is_variable_str():
            return (Leaf("", 0, by_library=True),)
        return (Leaf("", 0, text_bytes=int(kind.get_size())),)
    if cls == h5t.ENUM:
        return _enumeration(kind)
    if cls == h5t.COMPOUND:
        return _compound(kind, nesting)
    if cls == h5t.ARRAY:
        dims = tuple(int(d) for d in kind.get_array_dims())
        if len(dims) > MAX_NESTING:
            return _refused("format.too_many", f"array type of {len(dims)} dimensions")
        inner = _leaves(kind.get_super(), nesting + 1)
        if len(inner) != 1 or inner[0].name:
            return _refused("format.not_yet", "array of compounds")
        return (replace(inner[0], extra=dims + inner[0].extra),)
    names = {
        h5t.REFERENCE: "references",
        h5t.VLEN: "sequences of variable length",
        h5t.OPAQUE: "opaque bytes",
        h5t.TIME: "HDF5 time types",
    }
    return _refused("format.not_yet", f"{names.get(cls, f'datatype class {cls}')} are not read")


def _big(kind: h5t.TypeID) -> bool:
    return bool(kind.get_order() == h5t.ORDER_BE)


def _integer(kind: h5t.TypeID, *, signed: bool) -> tuple[Leaf, ...]:
    size = int(kind.get_size())
    if size not in (1, 2, 4, 8) or kind.get_precision() != 8 * size or kind.get_offset() != 0:
        return _refused("format.not_yet", f"integer of {kind.get_precision()} bits in {size} bytes")
    if kind.get_order() not in (h5t.ORDER_LE, h5t.ORDER_BE):
        return _refused("format.not_yet", "integer of a mixed byte order")
    return (Leaf("", 0, element=Element("i" if signed else "u", size, _big(kind))),)


def _floating(kind: h5t.TypeID) -> tuple[Leaf, ...]:
    size = int(kind.get_size())
    layout = tuple(int(v) for v in kind.get_fields())
    if _FLOAT_FIELDS.get(size) != layout or kind.get_order() not in (h5t.ORDER_LE, h5t.ORDER_BE):
        return _refused("format.not_yet", f"floating point of {size} bytes that is not IEEE 754")
    return (Leaf("", 0, element=Element("f", size, _big(kind))),)


def _enumeration(kind: h5t.TypeID) -> tuple[Leaf, ...]:
    (base,) = _leaves(kind.get_super(), MAX_NESTING)
    if base.element is None:
        return (base,)
    count = int(kind.get_nmembers())
    if count > MAX_LEAVES:
        return _refused("format.too_many", f"enumeration of {count} names")
    names = tuple(kind.get_member_name(i).decode("utf-8", "backslashreplace") for i in range(count))
    values = tuple(int(kind.get_member_value(i)) for i in range(count))
    if base.element.size == 1 and dict(zip(names, values, strict=True)) == {"FALSE": 0, "TRUE": 1}:
        return (replace(base, element=Element("b", 1)),)
    return (replace(base, flags=Flags(values=values, meanings=names)),)


def _compound(kind: h5t.TypeID, nesting: int) -> tuple[Leaf, ...]:
    count = int(kind.get_nmembers())
    if count > MAX_LEAVES:
        return _refused("format.too_many", f"compound of {count} fields")
    out: list[Leaf] = []
    grown = _growth(kind)
    for i in range(count):
        name = kind.get_member_name(i).decode("utf-8", "backslashreplace")
        at = int(kind.get_member_offset(i)) + grown[i]
        for leaf in _leaves(kind.get_member_type(i), nesting + 1):
            whole = f"{name}.{leaf.name}" if leaf.name else name
            out += (replace(leaf, name=whole, offset=at + leaf.offset),)
        if len(out) > MAX_LEAVES:
            return _refused("format.too_many", f"compound of more than {MAX_LEAVES} fields")
    return _complex(tuple(out)) or tuple(out)


def file_bytes(kind: h5t.TypeID, nesting: int = 0) -> int:
    """Bytes of one element in the file.

    The library tells sizes in memory, where a text of variable length is a pointer of 8 bytes; in the file it is
    a length, an address and an index: 16 bytes.
    Source: HDF5 File Format Specification 3.0, section IV.A.2.d, class 9 (addresses of 8 bytes).
    """
    size = int(kind.get_size())
    cls = kind.get_class()
    if nesting > MAX_NESTING:
        return size
    if cls == h5t.STRING:
        return 16 if kind.is_variable_str() else size
    if cls == h5t.ARRAY:
        return math.prod(int(d) for d in kind.get_array_dims()) * file_bytes(kind.get_super(), nesting + 1)
    if cls == h5t.COMPOUND:
        return size + sum(
            file_bytes(member, nesting + 1) - int(member.get_size())
            for member in (kind.get_member_type(i) for i in range(int(kind.get_nmembers())))
        )
    return size


def _growth(kind: h5t.TypeID) -> list[int]:
    """For each member, how much further on it lies in the file than in memory."""
    members = range(int(kind.get_nmembers()))
    out = [0] * len(members)
    total = 0
    for i in sorted(members, key=lambda i: int(kind.get_member_offset(i))):
        out[i] = total
        member = kind.get_member_type(i)
        total += file_bytes(member, 1) - int(member.get_size())
    return out


def _complex(fields: tuple[Leaf, ...]) -> tuple[Leaf, ...] | None:
    """A compound {r, i} of two equal floats is one complex number, as h5py writes it."""
    if len(fields) != 2 or [f.name for f in fields] != ["r", "i"] or any(f.extra for f in fields):
        return None
    real, imaginary = fields[0].element, fields[1].element
    if real is None or real != imaginary or real.kind != "f" or real.size not in (4, 8):
        return None
    if fields[0].offset != 0 or fields[1].offset != real.size:
        return None
    return (Leaf("", 0, element=Element("c", 2 * real.size, real.big)),)
