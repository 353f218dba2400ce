"""A daemon has a module built by another process, and hears why there is none."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import trio
from tests.fakes.builds import SMALL

from alloy_agent.build import onhost
from alloy_agent.config.model import TransformRef
from alloy_agent.errors import BuildError
from alloy_ota.modules import FOLDER, Modules


def ref(source: str = SMALL, **params: object) -> TransformRef:
    return TransformRef(name="small", origin="/nowhere/small.py", source=source.encode(), params=params)


def built(ref: TransformRef, state: Path) -> None:
    async def main() -> None:
        with trio.fail_after(400):
            await onhost.build_on_host(ref, state)

    trio.run(main)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.slow
def test_module_is_in_the_store_when_the_daemon_asked_for_it(tmp_path: Path) -> None:
    source = SMALL.replace("OUTPUT", 'PARAMS = {"k": 1.0, "on": False}\nOUTPUT').replace(
        "payload[0]}", 'payload[0] if PARAMS["on"] and PARAMS["k"] > 2.0 else 7}'
    )

    built(ref(source, k=2.5, on=True), tmp_path)

    modules = Modules(tmp_path / FOLDER)
    (record,) = modules.built.all()
    assert record.source == hashlib.sha256(source.encode()).hexdigest()
    assert record.name == "small"
    assert len(modules.objects.get(record.module)) == record.size


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "params", "code"),
    [
        (SMALL.replace("payload[0]", "len([1])"), {}, "build.lang"),
        (SMALL, {"k": 1}, "build.type"),
    ],
)
def test_reason_is_heard_when_the_file_is_refused(
    tmp_path: Path, source: str, params: dict[str, object], code: str
) -> None:
    with pytest.raises(BuildError) as caught:
        built(ref(source, **params), tmp_path)

    assert (caught.value.code, caught.value.where) == (code, "small")


@pytest.mark.slow
def test_reason_is_heard_when_the_host_lacks_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BuildError) as caught:
        built(ref(), tmp_path)

    assert caught.value.code == "toolchain.cargo"
    assert caught.value.hint


def test_build_is_ended_when_the_daemon_stops(tmp_path: Path) -> None:
    async def main() -> None:
        with trio.move_on_after(0.05) as scope:
            await onhost.build_on_host(ref(), tmp_path)
        assert scope.cancelled_caught

    trio.run(main)
    assert not (tmp_path / FOLDER).exists()


@pytest.mark.slow
def test_compiler_is_ended_when_the_daemon_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cargo, said = tmp_path / "cargo", tmp_path / "pid"
    cargo.write_text(f"#!/bin/sh\necho $$ > {said}.part && mv {said}.part {said}\nexec sleep 100\n")
    cargo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(onhost.build_on_host, ref(), tmp_path)
            with trio.fail_after(300):
                while not said.exists():  # noqa: ASYNC110 - another process writes it
                    await trio.sleep(0.02)
            nursery.cancel_scope.cancel()

    trio.run(main)
    with pytest.raises(ProcessLookupError):
        os.kill(int(said.read_text()), 0)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"ok": false, "modules": []}', b"[" * 100_000])
def test_answer_is_no_answer_when_it_is_not_the_document(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "d").write_bytes(text)

    with pytest.raises(BuildError, match="without an answer"):
        onhost._judge("small", 1, tmp_path / "d")


def test_nothing_builds_when_there_is_no_cargo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert onhost.local_build(tmp_path) is not None

    monkeypatch.setenv("PATH", str(tmp_path))
    assert onhost.local_build(tmp_path) is None
