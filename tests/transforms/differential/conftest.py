"""The tiers, each made once: a jail, one shared object of all programs for this machine and one for aarch64."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.transforms.differential.jailed import Jail
from tests.transforms.differential.modules import Native, build
from tests.transforms.differential.subjects import NAMES, subject


@pytest.fixture(scope="session")
def jail() -> Iterator[Jail]:
    with Jail() as made:
        yield made


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Native:
    """Native code of this machine."""
    return build(tmp_path_factory.mktemp("native"), [subject(name) for name in NAMES])


@pytest.fixture(scope="session")
def aarch64(tmp_path_factory: pytest.TempPathFactory) -> Native:
    """Native code of aarch64 under qemu-user; without a toolchain or qemu the tests skip, on CI they fail."""
    root = Path("/usr/aarch64-linux-gnu")
    missing = [name for name in ("qemu-aarch64", "aarch64-linux-gnu-gcc") if shutil.which(name) is None]
    if missing or not root.is_dir():
        reason = f"not installed: {', '.join(missing) or root} (Debian: qemu-user, libc6-dev-arm64-cross)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return build(
        tmp_path_factory.mktemp("aarch64"),
        [subject(name) for name in NAMES],
        "aarch64",
        ("qemu-aarch64", "-L", str(root)),
    )
