"""One daemon for one state folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloy_agent.core.instance import only_one
from alloy_agent.errors import AgentError


def test_a_second_daemon_is_refused_when_one_holds_the_state_folder(tmp_path: Path) -> None:
    with only_one(tmp_path / "state", tmp_path / "run"):
        with (
            pytest.raises(AgentError, match="another daemon") as caught,
            only_one(tmp_path / "state", tmp_path / "other"),
        ):
            raise AssertionError("two at once")
        assert caught.value.code == "daemon.running"

    with only_one(tmp_path / "state", tmp_path / "run"):
        assert (tmp_path / "run").is_dir()


def test_the_folder_is_named_when_it_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(AgentError) as caught, only_one(tmp_path / "file" / "state", tmp_path / "run"):
        raise AssertionError("made below a file")

    assert caught.value.code == "daemon.folder"
    assert "file" in caught.value.where
