"""The processes of the demo: one that does not come up is named, with the place of its log."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from alloy_agent.demo.scene import child
from alloy_agent.errors import AgentError


@pytest.mark.slow
def test_error_names_the_log_when_a_process_of_the_demo_does_not_come_up(tmp_path: Path) -> None:
    log = tmp_path / "broker.log"

    async def main() -> None:
        async with child("broker", "--no-such-option", log=log, announce=True):
            raise AssertionError

    with pytest.raises(BaseExceptionGroup) as caught:
        trio.run(main)

    (error,) = caught.value.exceptions
    assert isinstance(error, AgentError)
    assert (error.code, error.where) == ("demo.child", str(log))
    assert b"--no-such-option" in log.read_bytes()
