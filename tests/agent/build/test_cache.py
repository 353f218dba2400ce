"""Wheels that are kept: found again by what they were made of, never used when they are not whole."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from alloy_agent.build import cache
from alloy_agent.build.wheel import Wheel


def wheel(content: bytes = b"module", modules: int = 1) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for i in range(modules):
            archive.writestr(f"p/m{i}.abi3.so", content)
    return out.getvalue()


def made(content: bytes = b"module") -> Wheel:
    return Wheel.of("p-1.1.0+cabc-cp311-abi3-any.whl", wheel(content))


def test_wheel_is_found_again_when_it_was_put(tmp_path: Path) -> None:
    cache.put("k1", made(), tmp_path / "c")

    assert cache.get("k1", tmp_path / "c") == made()
    assert cache.get("k2", tmp_path / "c") is None


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b"", lambda b: b[:40] + b"\xff" + b[41:]])
def test_wheel_is_built_again_when_its_file_was_changed(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    cache.put("k1", made(), tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(change(path.read_bytes()))

    assert cache.get("k1", tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_kept_when_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("a file")

    cache.put("k1", made(), tmp_path / "c")

    assert cache.get("k1", tmp_path / "c") is None


def test_oldest_go_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_WHEELS", 2)
    for i in range(4):
        cache.put(f"k{i}", made(b"%d" % i), tmp_path)

    assert [cache.get(f"k{i}", tmp_path) is not None for i in range(4)] == [False, False, True, True]


@pytest.mark.parametrize("body", [wheel(modules=0), wheel(modules=2), wheel(bytes((1 << 20) + 1)), b"no zip"])
def test_wheel_is_none_when_it_has_not_exactly_one_module(body: bytes) -> None:
    with pytest.raises((ValueError, zipfile.BadZipFile)):
        Wheel.of("p.whl", body)


def test_folder_follows_the_users_when_it_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "alloy-edge" / "build"

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.folder() == tmp_path / "home" / ".cache" / "alloy-edge" / "build"
