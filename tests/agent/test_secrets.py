"""Where secrets come from, and what is refused; real files with real modes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alloy_agent.config.model import Secret
from alloy_agent.core.secrets import MAX_SECRET_BYTES, resolve
from alloy_agent.errors import ConfigError


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A file with one line that only we may read."""
    path = tmp_path / "password"
    path.write_bytes(b"hunter2\n")
    path.chmod(0o600)
    return path


def failure(secret: Secret, environ: dict[str, str] | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        resolve(secret, environ or {})
    assert "hunter2" not in f"{caught.value!s}{caught.value!r}{caught.value.context}"
    return caught.value


def test_the_value_comes_without_its_line_end_when_it_is_in_a_file(private: Path) -> None:
    assert resolve(Secret(file=str(private)), {}) == b"hunter2"


def test_the_value_comes_when_systemd_handed_over_a_credential(private: Path) -> None:
    private.chmod(0o440)

    assert (
        resolve(Secret(credential="password"), {"CREDENTIALS_DIRECTORY": str(private.parent)}) == b"hunter2"
    )


def test_the_value_comes_when_it_is_in_the_environment() -> None:
    assert resolve(Secret(env="MQTT"), {"MQTT": "hunter2"}) == b"hunter2"


def test_it_is_missing_when_there_is_no_such_place(tmp_path: Path) -> None:
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}

    codes = [
        failure(Secret(file=str(tmp_path / "none"))).code,
        failure(Secret(env="NONE")).code,
        failure(Secret(credential="none")).code,
        failure(Secret(credential="none"), credentials).code,
        failure(Secret(credential="../password"), credentials).code,
    ]

    assert codes == ["secret.missing"] * 5


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_file_is_refused_when_others_may_touch_it(private: Path, mode: int) -> None:
    private.chmod(mode)

    error = failure(Secret(file=str(private)))

    assert (error.code, error.got) == ("secret.permissions", f"mode {mode:04o}")


def test_a_file_is_refused_when_it_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)

    assert failure(Secret(file=str(tmp_path / "pipe"))).code == "secret.permissions"
    assert failure(Secret(file=str(tmp_path))).code == "secret.permissions"


@pytest.mark.needs_root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_is_refused_when_it_belongs_to_another_user(private: Path) -> None:
    os.chown(private, 4242, -1)

    assert failure(Secret(file=str(private))).code == "secret.permissions"


@pytest.mark.parametrize(
    "value", [b"", b"\n", b"hunter2\nhunter2\n", b"hun\0ter2", b"x" * (MAX_SECRET_BYTES + 1)]
)
def test_a_value_is_refused_when_it_cannot_be_one(private: Path, value: bytes) -> None:
    private.write_bytes(value)

    assert failure(Secret(file=str(private))).code == "secret.value"
