"""What several system tests look at is run once."""

from __future__ import annotations

import pytest
import trio
from tests.system.demo_taken import Taken, take


@pytest.fixture(scope="session")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """The messages of one demo."""
    return trio.run(take, tmp_path_factory.mktemp("demo"))
