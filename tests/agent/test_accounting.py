"""The accounts of a transform: bounded, and right to an eighth of an octave."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_agent.config.model import Capabilities, Sandbox, Workers
from alloy_agent.errors import ForbiddenError
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.capabilities import Limits, allow, effective
from alloy_agent.workers.histogram import Histogram


@given(st.lists(st.integers(1_000, 60_000_000_000), min_size=1, max_size=200), st.floats(0.01, 1.0))
def test_percentile_is_at_most_an_eighth_too_high(times: list[int], share: float) -> None:
    histogram = Histogram()
    for ns in times:
        histogram.add(ns)
    ordered = sorted(times)
    wanted = next(t for i, t in enumerate(ordered) if i + 1 >= share * len(ordered))

    found = histogram.percentile(share)

    assert wanted <= found <= wanted * 1.13
    assert (histogram.maximum, histogram.total, histogram.count) == (ordered[-1], sum(times), len(times))


@pytest.mark.parametrize("ns", [0, 1, 999, 10**12, 10**30])
def test_histogram_holds_when_a_time_is_out_of_its_range(ns: int) -> None:
    histogram = Histogram()
    histogram.add(ns)

    assert histogram.percentile(0.5) <= ns
    assert Histogram().percentile(0.99) == 0


def test_facts_are_plain_values_when_they_are_made() -> None:
    account = Accounting()
    account.answered(3, 2, 40_000, 90_000, 512)
    account.memory(1 << 20, 2 << 20)
    account.memory(0, 1 << 20)
    account.errors["data.value"] += 1

    facts = json.loads(json.dumps(account.facts()))

    assert facts["calls"] == 1
    assert (facts["inputs"], facts["rows"], facts["output_bytes"]) == (3, 2, 512)
    assert facts["cpu_us"] == 40
    assert facts["wall_p50_us"] == facts["wall_p99_us"] == facts["wall_max_us"] == 90.0
    assert (facts["memory_bytes"], facts["memory_high_bytes"]) == (0, 2 << 20)
    assert facts["errors"] == {"data.value": 1}


@pytest.mark.parametrize(
    ("need", "policy"),
    [
        ("memory_mb:65", Capabilities(memory_mb=64)),
        ("wall_ms:1001", Capabilities(wall_ms=1000)),
        ("rows:5", Capabilities(rows=4)),
        ("log", Capabilities(log=False)),
        ("state", Capabilities(state=False)),
        ("array", Capabilities(array=False)),
        ("modules:wave", Capabilities()),
    ],
)
def test_need_is_forbidden_when_the_device_does_not_allow_it(need: str, policy: Capabilities) -> None:
    sandbox = Sandbox(capabilities=policy)
    limits = Limits.of(Workers(), sandbox)

    with pytest.raises(ForbiddenError) as caught:
        allow("p/t", ("modules:json", need), limits, sandbox)

    assert caught.value.code == "transform.forbidden"
    assert caught.value.got == need
    assert caught.value.hint


def test_limits_are_those_of_the_file_when_the_device_allows_them() -> None:
    sandbox = Sandbox(modules=("wave",), capabilities=Capabilities(memory_mb=64, wall_ms=1000, rows=4))
    needs = ("log", "memory_mb:64", "modules:json", "modules:wave", "rows:4", "state", "wall_ms:1000")

    limits = allow("p/t", needs, Limits.of(Workers(), sandbox), sandbox)

    assert (limits.memory_bytes, limits.wall_s, limits.first_wall_s) == (64 << 20, 1.0, 1.0)
    assert effective(needs, limits) == {
        "memory_mb": 64, "wall_ms": 1000, "rows": 4, "log": True, "state": True, "array": False,
        "modules": ["json", "wave"],
    }  # fmt: skip
