"""The demo as a person runs it: one transform goes from the sandbox to native code while records flow."""

from __future__ import annotations

import json

import pytest
from tests.system.running import alloy_edge

pytestmark = pytest.mark.slow


def test_transform_becomes_native_when_the_demo_runs_on_a_build_host() -> None:
    done = alloy_edge("demo", "--seconds", "1", "--json")

    assert done.returncode == 0, done.stderr.decode()[-3000:]
    seen = json.loads(done.stdout)
    promotion = seen["promotion"]
    assert promotion["left_out"] == ""
    assert (promotion["before"]["tier"], promotion["after"]["tier"]) == ("sandbox", "native")
    assert min(promotion[k][rate] for k in ("before", "after") for rate in ("records_s", "cpu_records_s")) > 0
    assert promotion["answer"]["gate"]["generated"] > 0
    assert seen["missing"] == []
    tiers = {t["transform"]: t["tier"] for p in seen["status"]["pipelines"] for t in p["transforms"]}
    assert tiers["survey/nmea"] == "native"
    assert tiers["position/nmea"] == "sandbox"
    assert seen["status"]["modules"]["trust"] == "local"
