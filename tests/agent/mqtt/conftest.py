"""Every implementation of the link, on every broker that can serve it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes.brokers import MOSQUITTO
from tests.fakes.links import Case

CASES = [
    pytest.param(("session", "mini"), id="session-mini"),
    pytest.param(("session", "mosquitto"), id="session-mosquitto", marks=pytest.mark.interop),
    pytest.param(("aiomqtt", "mosquitto"), id="aiomqtt-mosquitto", marks=pytest.mark.interop),
]
"""aiomqtt is not run on the mini-broker: that one speaks MQTT 5 only and refuses MQTT 3.1.1 (tested there)."""


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    implementation, kind = request.param
    if kind == "mosquitto" and MOSQUITTO is None:
        pytest.skip("no mosquitto binary on this machine (apt install mosquitto)")
    if implementation == "aiomqtt":
        pytest.importorskip("aiomqtt", reason="the extra mqtt311 is not installed")
        pytest.importorskip("trio_asyncio", reason="the extra mqtt311 is not installed")
    return Case(implementation, kind, tmp_path)
