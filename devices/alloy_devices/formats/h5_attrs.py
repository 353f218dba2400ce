"""Read the attributes of one HDF5 object within limits, keeping the type each was stored in."""

from __future__ import annotations

import numpy as np
from h5py import h5a, h5d, h5g, h5s, h5t

from .model import Limits, Problem, TypedAttr
from .texts import text_attr

HIDDEN = frozenset(
    {
        "DIMENSION_LIST",
        "REFERENCE_LIST",
        "CLASS",
        "NAME",
        "_Netcdf4Dimid",
        "_Netcdf4Coordinates",
        "_nc3_strict",
        "_NCProperties",
    }
)
"""Bookkeeping of dimension scales and NetCDF-4; not shown."""


class Budget:
    """Bytes of attributes one file may still show."""

    def __init__(self, total_bytes: int) -> None:
        self.left = total_bytes

    def take(self, size: int) -> bool:
        """Take `size` bytes; false when they are not there."""
        if size > self.left:
            return False
        self.left -= size
        return True


def read_attributes(
    owner: h5g.GroupID | h5d.DatasetID, path: str, limits: Limits, budget: Budget
) -> tuple[dict[str, TypedAttr], list[Problem]]:
    """All attributes that are small enough and of a type the record model holds.

    Returns:
        Attributes by name, and a note for each that was left out.
    """
    out: dict[str, TypedAttr] = {}
    problems: list[Problem] = []
    for at in range(min(int(h5a.get_num_attrs(owner)), limits.objects)):
        name = f"#{at}"
        try:
            attribute = h5a.open(owner, index=at)
            name = attribute.name.decode("utf-8", "backslashreplace")
            value = _value(attribute, limits, budget)
        except (KeyError, RuntimeError, OSError, ValueError, TypeError) as error:
            value = f"attribute: {str(error)[:120] or type(error).__name__}"
        if isinstance(value, TypedAttr):
            out[name] = value
            if value.dtype == "bytes":
                problems.append(Problem("format.bad_text", f"attribute `{name}` is not UTF-8", path))
        elif value and name not in HIDDEN:
            problems.append(Problem("format.attribute", f"`{name}`: {value}", path))
    return out, problems


def _value(attribute: h5a.AttrID, limits: Limits, budget: Budget) -> TypedAttr | str:
    """The value, or why it is left out."""
    kind = attribute.get_type()
    cls = kind.get_class()
    if cls in (h5t.REFERENCE, h5t.VLEN, h5t.COMPOUND, h5t.OPAQUE, h5t.TIME, h5t.ARRAY):
        return f"datatype class {cls} is not shown"
    if attribute.get_space().get_simple_extent_type() == h5s.NULL:
        return TypedAttr("text", "")
    size = int(attribute.get_storage_size())
    if size > limits.attribute_bytes:
        return f"{size} bytes, the limit is {limits.attribute_bytes}"
    if not budget.take(size):
        return f"attributes of the file exceed {limits.attributes_bytes} bytes"
    if cls == h5t.STRING:
        return _text(attribute, kind, limits, budget)
    values = np.empty(attribute.shape, dtype=attribute.dtype)
    attribute.read(values)
    if cls == h5t.ENUM and attribute.dtype.kind == "b":
        return TypedAttr("bool", tuple(int(v) for v in values.ravel().tolist()))
    if values.dtype.kind not in "iuf" or values.dtype.itemsize > 8:
        return f"type {values.dtype.str} is not shown"
    return TypedAttr(f"{values.dtype.kind}{values.dtype.itemsize}", tuple(values.ravel().tolist()))


def _text(attribute: h5a.AttrID, kind: h5t.TypeID, limits: Limits, budget: Budget) -> TypedAttr | str:
    shape = attribute.shape
    if kind.is_variable_str():
        holder = np.empty(shape, dtype=h5t.string_dtype())
        attribute.read(holder, mtype=h5t.py_create(h5t.string_dtype()))
        items = [
            v if isinstance(v, bytes) else str(v).encode("utf-8", "surrogateescape") for v in holder.ravel()
        ]
    else:
        fixed = np.empty(shape, dtype=f"S{int(kind.get_size())}")
        attribute.read(fixed)
        items = [bytes(v) for v in fixed.ravel()]
    if sum(len(v) for v in items) > limits.attribute_bytes or not budget.take(sum(len(v) for v in items)):
        return f"text longer than {limits.attribute_bytes} bytes"
    return text_attr(items)


def dataset_is_empty(dataset: h5d.DatasetID) -> bool:
    """True for a null dataspace: a dataset that declares a type and no element."""
    return bool(dataset.get_space().get_simple_extent_type() == h5s.NULL)
