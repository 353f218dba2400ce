"""Value by value against netCDF4, h5py and astropy, on files made here."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits

from .decoding import Decoded, decode_files

pytestmark = pytest.mark.slow


def whole(done: Decoded, path: str, shape: tuple[int, ...]) -> np.ndarray:  # type: ignore[type-arg]
    """The array as a receiver puts it together from origins and shapes."""
    variable = done.variable(path)
    assert variable is not None
    out = np.zeros(shape, "<" + variable.dtype)
    seen = np.zeros(shape, bool)
    for chunk in done.of(path):
        place = tuple(slice(o, o + n) for o, n in zip(chunk.origin, chunk.shape, strict=True))
        assert not seen[place].any()
        seen[place] = True
        out[place] = np.frombuffer(chunk.payload, out.dtype).reshape(chunk.shape)
    assert seen.all()
    return out


@pytest.mark.parametrize("chunks", [None, (7, 11, 13), (1, 50, 60), (40, 3, 2), (2, 2, 2)])
@pytest.mark.parametrize("filters", [{}, {"compression": "gzip", "shuffle": True, "fletcher32": True}])
def test_arrays_are_equal_when_hdf5_is_stored_in_any_layout(
    tmp_path: Path, chunks: tuple[int, ...] | None, filters: dict[str, object]
) -> None:
    values = np.random.default_rng(3).integers(-30000, 30000, (40, 50, 60)).astype(">i2")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("v", data=values, chunks=chunks, **(filters if chunks else {}))

    done = decode_files([path])["a.h5"]

    assert np.array_equal(whole(done, "/v", values.shape), values)


def test_unwritten_chunks_are_missing_when_others_are_stored(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("v", (100,), "i4", chunks=(10,))[30:50] = 7

    done = decode_files([path])["a.h5"]

    assert done.manifest is not None
    assert dict(done.manifest.variables[0].counts) == {1: 20, 9: 80}


def test_columns_are_equal_when_a_fits_table_is_scaled_and_has_nulls(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    image = rng.integers(0, 60000, (300, 400)).astype("u2")
    column = rng.normal(size=(1000, 3)).astype("f4")
    path = tmp_path / "a.fits"
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("F", "3E", array=column),
            fits.Column("U", "I", bzero=32768, array=np.arange(1000, dtype="u2")),
        ]
    )
    fits.HDUList([fits.PrimaryHDU(image), table]).writeto(path, checksum=True)

    done = decode_files([path])["a.fits"]

    assert done.codes == set()
    assert np.array_equal(whole(done, "/0", image.shape), image)
    assert np.array_equal(whole(done, "/1/F", column.shape), column)
    assert np.array_equal(whole(done, "/1/U", (1000,)), np.arange(1000))


def test_every_cut_ends_in_a_coded_answer_when_a_file_is_shortened(science: Path, tmp_path: Path) -> None:
    paths = []
    for name in ("netcdf/contiguous.nc", "netcdf/ubyte.nc", "fits/gbm.fits", "hdf5/vlen_string_s390x.h5"):
        data = (science / name).read_bytes()
        for tenth in range(10):
            paths.append(tmp_path / f"{tenth}-{Path(name).name}")
            paths[-1].write_bytes(data[: len(data) * tenth // 10])

    for name, done in decode_files(paths).items():
        assert done.error is not None, name
        assert done.error.code.startswith("format."), name
        assert done.chunks == [], name
