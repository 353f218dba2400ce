"""Dimensions of HDF5 datasets: dimension scales as NetCDF-4 and netCDF-like writers leave them.

A dataset without scales gets dimensions of its own, named after its path.
Source: HDF5 Dimension Scale Specification; NetCDF-4 Format Specification (Unidata).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from h5py import h5a, h5d, h5f, h5o, h5r, h5s

from alloy_transforms.record import Dimension

_PURE = b"This is a netCDF dimension but not a netCDF variable"


@dataclass(slots=True)
class Dims:
    """Dimensions of a file by name, and the name of each scale's own address."""

    by_address: dict[int, str] = field(default_factory=dict)
    sizes: dict[str, int | None] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)

    def declare(self, name: str, size: int, *, unlimited: bool = False) -> str:
        """Remember a dimension; a second one of another length gets a name of its own."""
        chosen, again = name, 1
        while chosen in self.lengths and self.lengths[chosen] != size:
            again += 1
            chosen = f"{name}_{again}"
        self.lengths[chosen] = size
        if unlimited or chosen not in self.sizes:
            self.sizes[chosen] = None if unlimited else size
        return chosen

    def all(self) -> tuple[Dimension, ...]:
        """In the order of their declaration."""
        return tuple(Dimension(name, size) for name, size in self.sizes.items())


def is_scale(dataset: h5d.DatasetID) -> bool:
    """True for a dimension scale."""
    return _fixed(dataset, b"CLASS") == b"DIMENSION_SCALE"


def is_pure_dimension(dataset: h5d.DatasetID) -> bool:
    """True for a NetCDF-4 dimension that is no variable: it holds nothing."""
    return is_scale(dataset) and _fixed(dataset, b"NAME").startswith(_PURE)


def declare_scales(dims: Dims, scales: list[tuple[str, int, h5d.DatasetID]]) -> None:
    """Give every dimension scale its dimension; (path, address, dataset)."""
    for path, address, dataset in scales:
        shape, most = dataset.shape, dataset.get_space().get_simple_extent_dims(True)
        if len(shape) != 1 and not is_pure_dimension(dataset):
            continue
        if shape:
            unlimited = most[0] == h5s.UNLIMITED or most[0] is None
            dims.by_address[address] = dims.declare(path.lstrip("/"), int(shape[0]), unlimited=unlimited)


def dims_of(
    dims: Dims, file: h5f.FileID, path: str, address: int, dataset: h5d.DatasetID, shape: tuple[int, ...]
) -> tuple[str, ...]:
    """Names of a dataset's dimensions, declared where they were not."""
    own = dims.by_address.get(address)
    if own is not None and len(shape) == 1:
        return (own,)
    listed = _listed(file, dataset, len(shape))
    names: list[str] = []
    for axis, size in enumerate(shape):
        name = dims.by_address.get(listed[axis]) if axis < len(listed) else None
        if name is None or dims.lengths.get(name, -1) < size or dims.lengths[name] != size:
            name = dims.declare(f"{path.lstrip('/')}:{axis}", size)
        names.append(name)
    return tuple(names)


def _fixed(dataset: h5d.DatasetID, name: bytes) -> bytes:
    try:
        if not h5a.exists(dataset, name):
            return b""
        attribute = h5a.open(dataset, name)
        if attribute.get_storage_size() > 1024 or attribute.dtype.kind != "S":
            return b""
        holder = np.empty(attribute.shape, dtype=attribute.dtype)
        attribute.read(holder)
        return bytes(holder.ravel()[0]) if holder.size else b""
    except (OSError, RuntimeError, TypeError, ValueError, KeyError):
        return b""


def _listed(file: h5f.FileID, dataset: h5d.DatasetID, rank: int) -> list[int]:
    """Address of the first scale of each axis, -1 where there is none."""
    try:
        if rank == 0 or not h5a.exists(dataset, b"DIMENSION_LIST"):
            return []
        attribute = h5a.open(dataset, b"DIMENSION_LIST")
        if attribute.shape != (rank,) or attribute.get_storage_size() > 64 * 1024:
            return []
        holder = np.empty(attribute.shape, dtype=attribute.dtype)
        attribute.read(holder)
        out: list[int] = []
        for references in holder:
            first = next(iter(references), None)
            if not isinstance(first, h5r.Reference) or not first:
                out.append(-1)
                continue
            out.append(int(h5o.get_info(h5r.dereference(first, file)).addr))
        return out
    except (OSError, RuntimeError, TypeError, ValueError, KeyError):
        return []
