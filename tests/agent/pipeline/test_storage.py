"""What goes to disk: dead letters and the file sink, with full disks, torn tails and rotation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cbor2
import pytest
import trio

from alloy_agent.errors import AgentError
from alloy_agent.pipeline.cborseq import sound_end
from alloy_agent.pipeline.deadletter import MAX_SAMPLE_BYTES, DeadLetters, Letter
from alloy_agent.pipeline.filesink import FileSink


def letter(number: int, size: int = 10) -> Letter:
    return Letter("data.value", "no number", "nmea", 7, number, b"x" * size)


def items(path: Path) -> list[object]:
    data = path.read_bytes()
    assert sound_end(data) == len(data)
    out = []
    with path.open("rb") as file:
        while file.tell() < len(data):
            out.append(cbor2.CBORDecoder(file, read_size=1).decode())
    return out


def add(letters: DeadLetters, *which: Letter) -> None:
    trio.run(letters.add, which)


def test_letters_are_a_cbor_sequence_when_read_back(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "dlq", "p", 1 << 20)

    add(letters, letter(1), letter(2, MAX_SAMPLE_BYTES + 1))

    first, second = items(letters.path)
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert (first["code"], first["line"], first["raw"], first["cut"]) == ("data.value", 7, b"x" * 10, False)
    assert (len(second["raw"]), second["size"], second["cut"]) == (65_536, 65_537, True)
    assert letters.path.stat().st_mode & 0o777 == 0o600


def test_the_newest_letters_stay_when_the_bound_is_reached(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, "p", 40_000)

    for number in range(100):
        add(letters, letter(number, 1000))

    kept = [*items(letters.older), *items(letters.path)]
    assert [item["t"] for item in kept] == list(range(100 - len(kept), 100))  # type: ignore[index]
    assert letters.path.stat().st_size + letters.older.stat().st_size <= 40_000
    assert len(kept) >= 15


def test_many_letters_at_once_keep_to_the_bound(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, "p", 40_000)

    add(letters, *[letter(number, 1000) for number in range(100)])

    assert letters.path.stat().st_size + letters.older.stat().st_size <= 40_000
    assert letters.count == 100


@pytest.mark.parametrize("cut", [1, 5, 50])
def test_half_a_letter_of_an_earlier_run_is_cut_off(tmp_path: Path, cut: int) -> None:
    add(DeadLetters(tmp_path, "p", 1 << 20), letter(1), letter(2))
    path = tmp_path / "p.cborseq"
    path.write_bytes(path.read_bytes()[:-cut])

    add(DeadLetters(tmp_path, "p", 1 << 20), letter(3))

    assert [item["t"] for item in items(path)] == [1, 3]  # type: ignore[index]


LIMITED = """
import resource, sys, trio
from pathlib import Path
from alloy_agent.errors import AgentError
from alloy_agent.pipeline.deadletter import DeadLetters, Letter
letters = DeadLetters(Path(sys.argv[1]), "p", 1 << 20)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, -1))
async def main():
    for number in range(9):
        try:
            await letters.add([Letter("data.value", "m", "s", 0, number, b"x" * 1000)])
        except AgentError as error:
            print(number, error.code, error.retryable, letters.count)
            resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
trio.run(main)
"""


def test_no_half_letter_is_left_when_the_disk_is_full(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert done.stdout == "2 store.write True 2\n"
    assert [item["t"] for item in items(tmp_path / "p.cborseq")] == [0, 1, 3, 4, 5, 6, 7, 8]  # type: ignore[index]


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"", 0),
        (b"\x00\x01", 2),
        (b"\x43ab", 0),
        (b"\x01\x82\x01", 1),
        (b"\xa1\x61k\x01\xa1\x61k", 4),
        (b"\xd8\x4f\x41x\xd8", 4),
        (b"\x01\x5f", 1),
        (b"\x01\x5b\xff\xff\xff\xff\xff\xff\xff\xff", 1),
        (b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00", 0),
    ],
)
def test_a_sequence_is_sound_up_to_its_last_whole_item(data: bytes, end: int) -> None:
    assert sound_end(data) == end


def sink(path: Path, **options: object) -> FileSink:
    return FileSink(path, **{"max_bytes": 1000, "keep": 2, "framed_lines": True, **options})  # type: ignore[arg-type]


def test_older_files_are_kept_in_order_when_the_file_is_full(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.jsonl"

    async def main() -> None:
        out = sink(path, max_bytes=30)
        for number in range(12):
            await out.send([b'{"n": %02d}\n' % number])
        await out.aclose()

    trio.run(main)

    numbers = [
        [int(line[6:8]) for line in p.read_bytes().splitlines()] for p in sorted(path.parent.iterdir())
    ]
    assert sorted(p.name for p in path.parent.iterdir()) == ["out.jsonl", "out.jsonl.1", "out.jsonl.2"]
    assert numbers == [[9, 10, 11], [6, 7, 8], [3, 4, 5]]


def test_each_file_holds_its_descriptors_when_it_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "out.cborseq"

    async def main() -> None:
        out = sink(path, max_bytes=40, framed_lines=False)
        await out.announce("s", cbor2.dumps("descriptor"))
        for number in range(20):
            await out.send([cbor2.dumps([number] * 8)])
        await out.aclose()

    trio.run(main)

    for file in tmp_path.iterdir():
        assert items(file)[0] == "descriptor"


@pytest.mark.parametrize(
    ("lines", "before", "after"),
    [(True, b"whole\nha", b"whole\nnew\n"), (False, b"\x01\x43ab", b"\x01new\n"), (True, b"ha", b"new\n")],
)
def test_half_a_message_of_an_earlier_run_is_cut_off(
    tmp_path: Path, lines: bool, before: bytes, after: bytes
) -> None:
    path = tmp_path / "out"
    path.write_bytes(before)

    async def main() -> None:
        out = sink(path, framed_lines=lines)
        await out.send([b"new\n"])
        await out.aclose()
        assert out.cut_bytes == len(before) + 4 - len(after)

    trio.run(main)
    assert path.read_bytes() == after


def test_the_sink_recovers_when_its_folder_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "mount"
    folder.write_bytes(b"")

    async def main() -> None:
        out = sink(folder / "out")
        with pytest.raises(AgentError) as caught:
            await out.send([b"a\n"])
        assert (caught.value.code, caught.value.retryable) == ("sink.write", True)
        folder.unlink()
        await out.send([b"b\n"])
        await out.aclose()

    trio.run(main)
    assert (folder / "out").read_bytes() == b"b\n"
