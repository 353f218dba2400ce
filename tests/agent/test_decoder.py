"""The decoder pool: what a hostile or broken worker, a slow file and an idle pool do to the core: nothing."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
import trio
from tests.devices.formats.decoding import decode_one, input_of

from alloy_agent.workers.decoder import DecoderLimits, DecoderPool
from alloy_devices.errors import FormatError
from alloy_transforms.record import Chunk, Descriptor

pytestmark = pytest.mark.slow


def netcdf(path: Path, values: int) -> Path:
    """A classic file with one int variable, written by hand."""
    name = lambda text: struct.pack(">I", len(text)) + text + b"\0" * (-len(text) % 4)  # noqa: E731
    head = (
        b"CDF\x01" + struct.pack(">I", 0) + struct.pack(">II", 10, 1) + name(b"x") + struct.pack(">I", values)
    )
    head += struct.pack(">II", 0, 0) + struct.pack(">II", 11, 1) + name(b"v") + struct.pack(">II", 1, 0)
    head += struct.pack(">II", 0, 0) + struct.pack(">III", 4, 4 * values, len(head) + 20)
    path.write_bytes(head + struct.pack(f">{values}i", *range(values)))
    return path


def test_next_file_is_decoded_when_one_killed_its_worker(shared_data: Path, tmp_path: Path) -> None:
    crash = shared_data / "science" / "hdf5" / "cve-2024-32609.h5"
    good = netcdf(tmp_path / "good.nc", 100)

    async def main() -> tuple[str, int]:
        async with trio.open_nursery() as nursery:
            pool = DecoderPool(nursery)
            first = await decode_one(pool, crash)
            second = await decode_one(pool, good)
            await pool.aclose()
            nursery.cancel_scope.cancel()
        assert first.error is not None
        assert second.manifest is not None
        return first.error.code, second.manifest.variables[0].counts[1]

    assert trio.run(main) == ("format.crash", 100)


def test_worker_is_killed_when_its_time_is_over(tmp_path: Path) -> None:
    path = netcdf(tmp_path / "a.nc", 100)

    async def main() -> FormatError:
        async with trio.open_nursery() as nursery:
            pool = DecoderPool(nursery, DecoderLimits(wall_s=0.0))
            done = await decode_one(pool, path)
            await pool.aclose()
            nursery.cancel_scope.cancel()
        assert isinstance(done.error, FormatError)
        return done.error

    assert trio.run(main).code == "format.time"


def test_zygote_ends_when_no_file_comes(tmp_path: Path) -> None:
    path = netcdf(tmp_path / "a.nc", 100)

    async def main() -> tuple[int | None, int | None]:
        async with trio.open_nursery() as nursery:
            pool = DecoderPool(nursery, DecoderLimits(idle_s=0.05))
            await decode_one(pool, path)
            before = pool.zygote_pid
            with trio.fail_after(60):
                while pool.zygote_pid is not None:  # noqa: ASYNC110 - the pool has no event for its end
                    await trio.sleep(0.01)
            done = await decode_one(pool, path)
            assert done.manifest is not None
            await pool.aclose()
            after = pool.zygote_pid
            nursery.cancel_scope.cancel()
        return before, after

    before, after = trio.run(main)
    assert before is not None
    assert after is None


def test_nothing_is_decoded_ahead_when_the_reader_stops(tmp_path: Path) -> None:
    path = netcdf(tmp_path / "a.nc", 2_000_000)
    given = input_of(path)

    async def main() -> int:
        chunks = 0
        async with trio.open_nursery() as nursery:
            pool = DecoderPool(nursery)
            async with pool.decode(given) as items:
                async for item in items:
                    chunks += isinstance(item, Chunk)
                    if chunks == 2:
                        assert pool.process_names()
                        break
            assert set(pool.process_names().values()) == {"decoder zygote"}
            await pool.aclose()
            nursery.cancel_scope.cancel()
        return chunks

    try:
        assert trio.run(main) == 2
    finally:
        os.close(given.fd)


def test_file_is_refused_when_it_shrinks_under_the_decoder(tmp_path: Path) -> None:
    path = netcdf(tmp_path / "a.nc", 2_000_000)
    given = input_of(path)

    async def main() -> tuple[bool, list[str]]:
        described, codes = False, []
        async with trio.open_nursery() as nursery:
            pool = DecoderPool(nursery)
            async with pool.decode(given) as items:
                async for item in items:
                    if isinstance(item, Descriptor):
                        described = True
                        os.truncate(path, 1_000_000)
                    elif not isinstance(item, Chunk):
                        codes = [summary.error for summary in item.variables]
            await pool.aclose()
            nursery.cancel_scope.cancel()
        return described, codes

    try:
        assert trio.run(main) == (True, ["format.truncated"])
    finally:
        os.close(given.fd)
