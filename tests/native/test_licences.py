"""Every crate that is linked into `alloy-native` has a licence we may ship under MIT OR Apache-2.0."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
from tests.conftest import REPOSITORY

ALLOWED = {
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-3-Clause",
    "Zlib",
    "Unlicense",
    "Unicode-3.0",
}


@pytest.mark.slow
def test_every_crate_has_an_allowed_licence() -> None:
    cargo = shutil.which("cargo")
    assert cargo is not None, "cargo is a stated prerequisite"
    done = subprocess.run(
        [cargo, "metadata", "--format-version", "1", "--locked"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=400,
    )

    refused = {
        package["name"]: package["license"]
        for package in json.loads(done.stdout)["packages"]
        if not any(
            all(part.strip(" ()") in ALLOWED for part in choice.split(" AND "))
            for choice in re.split(r" OR |/", package["license"] or "none")
        )
    }

    assert refused == {}
