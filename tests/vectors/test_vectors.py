"""Every vector file is listed with its origin, and is the file that was listed."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

HERE = Path(__file__).parent
LISTED = re.compile(r"^\| `([^`]+)` \| .* \| `([0-9a-f]{64})` \|$", re.MULTILINE)


def test_listed_files_are_unchanged_when_their_checksums_are_compared() -> None:
    listed = dict(LISTED.findall((HERE / "README.md").read_text("utf-8")))

    assert listed
    for name, digest in listed.items():
        assert hashlib.sha256((HERE / name).read_bytes()).hexdigest() == digest, name


def test_every_file_is_listed_when_the_folder_is_read() -> None:
    own = {"README.md", "test_vectors.py", "__pycache__", "licenses"}
    readme = (HERE / "README.md").read_text("utf-8")

    for path in HERE.iterdir():
        if path.name not in own:
            assert f"`{path.name}/" in readme or (path / "README.md").is_file(), path.name
