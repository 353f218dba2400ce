"""A file of 1 GB goes through the decoder in bounded memory, the whole process tree counted."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest
import trio
from tests.devices.formats.decoding import input_of

from alloy_agent.workers.decoder import DecoderPool
from alloy_agent.workers.process import pss_bytes
from alloy_transforms.record import Chunk, Manifest

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(600)]

MIB = 1024 * 1024
LIMIT_BYTES = 128 * MIB
ROWS, SIDE = 512, 1024  # 512 images of 1024 x 1024 int16: 1 GiB


def pss_of(pid: int) -> int:
    """PSS of a process; 0 once it has ended, between two samples."""
    try:
        return pss_bytes(pid)
    except ProcessLookupError:
        return 0


def big_netcdf(path: Path) -> None:
    """CDF-2, sparse: header and a hole."""
    name = lambda text: struct.pack(">I", len(text)) + text + b"\0" * (-len(text) % 4)  # noqa: E731
    head = b"CDF\x02" + struct.pack(">I", 0) + struct.pack(">II", 10, 3)
    for text, size in ((b"t", ROWS), (b"y", SIDE), (b"x", SIDE)):
        head += name(text) + struct.pack(">I", size)
    head += (
        struct.pack(">II", 0, 0) + struct.pack(">II", 11, 1) + name(b"v") + struct.pack(">IIII", 3, 0, 1, 2)
    )
    head += struct.pack(">II", 0, 0)
    head += struct.pack(">IIQ", 3, 2 * ROWS * SIDE * SIDE, len(head) + 16)
    path.write_bytes(head)
    os.truncate(path, len(head) + 2 * ROWS * SIDE * SIDE)


def big_fits(path: Path) -> None:
    """One image with BSCALE, sparse."""
    cards = [
        "SIMPLE  =                    T",
        "BITPIX  =                   16",
        "NAXIS   =                    3",
    ]
    cards += [f"NAXIS{i}  = {size:20d}" for i, size in enumerate((SIDE, SIDE, ROWS), start=1)]
    cards += ["BSCALE  =                  0.5", "BZERO   =                 10.0", "END"]
    head = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    path.write_bytes(head)
    os.truncate(path, 2880 + -(-2 * ROWS * SIDE * SIDE // 2880) * 2880)


def big_hdf5(path: Path) -> None:
    """gzip and shuffle, chunks of 512 KiB; a handful of different chunks written again and again."""
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "v",
            (ROWS, SIDE, SIDE),
            "<i2",
            chunks=(1, 512, 512),
            compression="gzip",
            compression_opts=1,
            shuffle=True,
        )
        block = rng.normal(0, 300, (1, SIDE, SIDE)).astype("<i2")
        data[0:1] = block
        stored = [data.id.read_direct_chunk((0, y, x)) for y in (0, 512) for x in (0, 512)]
        for row in range(1, ROWS):
            for (mask, raw), (y, x) in zip(stored, ((0, 0), (0, 512), (512, 0), (512, 512)), strict=True):
                data.id.write_direct_chunk((row, y, x), raw, mask)


@pytest.mark.parametrize("make", [big_netcdf, big_fits, big_hdf5])
def test_memory_stays_bounded_when_a_file_of_1_gb_is_decoded(tmp_path: Path, make: object) -> None:
    path = tmp_path / "big"
    make(path)  # type: ignore[operator]
    given = input_of(path)
    peak = values = 0

    async def main() -> None:
        nonlocal peak, values
        async with trio.open_nursery() as nursery:
            pool = DecoderPool(nursery)
            own = pss_bytes(os.getpid())

            async def sample() -> None:
                nonlocal peak
                while True:
                    tree = sum(pss_of(pid) for pid in pool.process_names())
                    peak = max(peak, tree + max(0, pss_bytes(os.getpid()) - own))
                    await trio.sleep(0.1)

            nursery.start_soon(sample)
            async with pool.decode(given) as items:
                async for item in items:
                    if isinstance(item, Chunk):
                        assert item.stats is not None
                        values += item.stats.n_valid
                    elif isinstance(item, Manifest):
                        assert item.status == "complete"
            nursery.cancel_scope.cancel()

    try:
        trio.run(main)
    finally:
        os.close(given.fd)

    assert values == ROWS * SIDE * SIDE
    assert 0 < peak <= LIMIT_BYTES, f"{peak / MIB:.1f} MiB"
    print(f"{make.__name__}: peak {peak / MIB:.1f} MiB")  # type: ignore[attr-defined]
