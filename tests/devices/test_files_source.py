"""The watched folder, on a real folder with a clock that jumps."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio.testing

from alloy_devices.errors import DeviceError
from alloy_devices.files import FolderOptions, FolderSource
from alloy_devices.files_done import DoneTable, FileKey
from alloy_devices.source import FileInput

Answer = Callable[[FileInput], str | None]


def watch(
    options: FolderOptions, seconds: float, answer: Answer, during: Callable[[float], None] | None = None
) -> list[str]:
    """Run a source for virtual `seconds`; returns the names that were offered."""
    offered: list[str] = []

    async def emit(file: FileInput) -> None:
        offered.append(file.name)
        outcome = answer(file)
        os.close(file.fd)
        if outcome is not None:
            file.settle(outcome)

    async def main() -> None:
        source = FolderSource("files:/inbox", options)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source.run, emit)
            for second in range(int(seconds)):
                if during is not None:
                    during(second)
                await trio.sleep(1)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return offered


def options_of(folder: Path, **more: object) -> FolderOptions:
    return FolderOptions(path=str(folder), settle_s=3.0, poll_s=1.0, retry_s=5.0, **more)  # type: ignore[arg-type]


def test_file_is_offered_once_when_it_is_finished(tmp_path: Path) -> None:
    (tmp_path / "a.nc").write_bytes(b"data")

    offered = watch(options_of(tmp_path), 20, lambda _: "done")

    assert offered == ["a.nc"]


def trouble(options: FolderOptions) -> str:
    """`last_error` of a source after ten virtual seconds."""
    source = FolderSource("files:/inbox", options)

    async def emit(file: FileInput) -> None:
        os.close(file.fd)

    async def main() -> None:
        with trio.move_on_after(10):
            await source.run(emit)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return source.stats.last_error


def test_trouble_is_said_when_the_folder_is_not_there(tmp_path: Path) -> None:
    assert trouble(options_of(tmp_path / "unmounted")).endswith("[files.gone]")


def test_trouble_is_said_when_the_folder_holds_too_many_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alloy_devices.files.MAX_ENTRIES", 3)  # ten thousand files take a second to make
    for name in "abcd":
        (tmp_path / name).touch()

    assert trouble(options_of(tmp_path)) == "only the first 3 names are looked at [files.full]"


def test_error_names_the_table_when_it_cannot_be_written(tmp_path: Path) -> None:
    table = DoneTable(str(tmp_path / "gone" / "done.jsonl"))
    key = FileKey("a.nc", 4, 1, 1)

    with pytest.raises(DeviceError) as caught:
        table.add(key, "done")

    assert (caught.value.code, caught.value.where) == ("files.state", "done.jsonl")
    assert key in table  # remembered all the same


def test_file_waits_when_it_still_grows(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    path.write_bytes(b"")
    sizes: list[int] = []

    def grow(second: float) -> None:
        if second < 10:
            path.write_bytes(b"x" * (int(second) + 1))

    def answer(file: FileInput) -> str:
        sizes.append(file.size)
        return "done"

    watch(options_of(tmp_path), 20, answer, grow)

    assert sizes == [10]


def test_links_folders_hidden_and_other_names_are_left_alone_when_scanned(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "link.nc").symlink_to(tmp_path / "secret")
    (inbox / "folder.nc").mkdir()
    os.mkfifo(inbox / "pipe.nc")
    (inbox / ".hidden.nc").write_bytes(b"h")
    (inbox / "other.txt").write_bytes(b"o")
    (inbox / "good.nc").write_bytes(b"g")

    offered = watch(options_of(inbox, pattern="*.nc"), 10, lambda _: "done")

    assert offered == ["good.nc"]


def test_bad_file_is_remembered_and_others_follow_when_it_fails(tmp_path: Path) -> None:
    (tmp_path / "bad.nc").write_bytes(b"bad")
    (tmp_path / "good.nc").write_bytes(b"good")

    offered = watch(options_of(tmp_path), 20, lambda file: "failed" if file.name == "bad.nc" else "done")

    assert sorted(offered) == ["bad.nc", "good.nc"]


def test_file_is_offered_again_when_it_ends_with_retry(tmp_path: Path) -> None:
    (tmp_path / "a.nc").write_bytes(b"data")
    answers = ["retry", "done"]

    offered = watch(options_of(tmp_path), 30, lambda _: answers.pop(0))

    assert offered == ["a.nc", "a.nc"]


def test_done_files_stay_done_when_the_agent_restarts(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.nc").write_bytes(b"data")
    options = options_of(inbox, state=str(tmp_path / "done.jsonl"))
    watch(options, 10, lambda _: "done")
    (inbox / "b.nc").write_bytes(b"new")

    offered = watch(options, 10, lambda _: "done")

    assert offered == ["b.nc"]


def test_source_starts_when_its_table_is_damaged(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.nc").write_bytes(b"data")
    state = tmp_path / "done.jsonl"
    state.write_bytes(b"\x00\xff not json")

    offered = watch(options_of(inbox, state=str(state)), 10, lambda _: "done")

    assert offered == ["a.nc"]
    assert (tmp_path / "done.jsonl.bad").exists()


def test_file_is_offered_again_when_its_content_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    path.write_bytes(b"one")

    def rewrite(second: float) -> None:
        if second == 10:
            path.write_bytes(b"two, longer")

    offered = watch(options_of(tmp_path), 25, lambda _: "done", rewrite)

    assert offered == ["a.nc", "a.nc"]


@pytest.mark.parametrize("after", ["delete", "move"])
def test_done_file_leaves_the_folder_when_told_so(tmp_path: Path, after: str) -> None:
    (tmp_path / "a.nc").write_bytes(b"data")

    watch(options_of(tmp_path, after=after), 10, lambda _: "done")

    assert not (tmp_path / "a.nc").exists()
    assert (tmp_path / "done" / "a.nc").exists() == (after == "move")


def test_source_keeps_running_when_the_folder_is_missing(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"

    def appear(second: float) -> None:
        if second == 5:
            inbox.mkdir()
            (inbox / "a.nc").write_bytes(b"data")

    offered = watch(options_of(inbox), 20, lambda _: "done", appear)

    assert offered == ["a.nc"]


def test_option_is_refused_when_it_leads_out_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(DeviceError) as caught:
        FolderSource("files:/inbox", options_of(tmp_path, move_to="../elsewhere"))

    assert caught.value.code == "files.option"
