"""The tiers, each made once: a jail, one shared object of all transforms for this machine and one for the other."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.transforms.differential.builds import Native, Other, build
from tests.transforms.differential.jailed import Jail
from tests.transforms.differential.subjects import NAMES, subject

from alloy_agent.build.toolchain import machine
from alloy_agent.errors import ToolchainError


@pytest.fixture(scope="session")
def jail() -> Iterator[Jail]:
    with Jail() as made:
        yield made


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Native:
    """Native code of this machine."""
    return build(tmp_path_factory.mktemp("native"), [subject(name) for name in NAMES], machine())


@pytest.fixture(scope="session")
def other() -> Other:
    """How programs of the other machine run here; without qemu or its C library tests skip, on CI they fail."""
    name = "aarch64" if machine() == "x86_64" else "x86_64"
    qemu, root = shutil.which(f"qemu-{name}"), Path(f"/usr/{name}-linux-gnu")
    if qemu is None or not (root / "include").is_dir():
        _without(f"programs of {name} do not run here; on Debian install qemu-user and its libc6-dev-…-cross")
    return Other(name, (str(qemu), "-L", str(root)))


@pytest.fixture(scope="session")
def foreign(other: Other, tmp_path_factory: pytest.TempPathFactory) -> Native:
    """Native code of the other machine."""
    try:
        return build(
            tmp_path_factory.mktemp(other.name), [subject(name) for name in NAMES], other.name, other.runner
        )
    except ToolchainError as error:
        _without(str(error))


def _without(reason: str) -> None:
    pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
