"""When a transform is out of use, and what an operator is told: pure, the time is given."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_agent.errors import TransformDisabledError
from alloy_agent.workers.notices import CLEAR_S, DATA_WINDOW_S, Alerts, DataRate, Gate
from alloy_agent.workers.policy import DEATHS_S, DISABLED, IN_USE, QUARANTINED, Policy

GOOD: dict[str, int] = {}
ALL_SCRIPT = {"script.exception": 4}
SOME_SCRIPT = {"script.exception": 3}
ALL_DATA = {"data.value": 4}
MIXED = {"script.exception": 2, "data.value": 2}


def judged(*batches: dict[str, int], kills: int = 0, apart_s: float = 1.0) -> Policy:
    """A policy that saw these batches of four inputs."""
    policy = Policy()
    for turn, codes in enumerate(batches):
        policy.batch(4, Counter(codes), kills, turn * apart_s, turn)
    return policy


@pytest.mark.parametrize(
    ("batches", "state"),
    [
        ([ALL_SCRIPT] * 2, IN_USE),
        ([ALL_SCRIPT] * 3, DISABLED),
        ([ALL_SCRIPT, ALL_SCRIPT, GOOD, ALL_SCRIPT, ALL_SCRIPT], IN_USE),
        ([ALL_SCRIPT, ALL_SCRIPT, SOME_SCRIPT, ALL_SCRIPT], IN_USE),  # a good input came between
        (
            [ALL_SCRIPT, ALL_DATA, ALL_SCRIPT, MIXED, ALL_SCRIPT],
            DISABLED,
        ),  # neither is good, neither is an error
        ([SOME_SCRIPT] * 100, IN_USE),
        ([MIXED] * 100, IN_USE),
        ([ALL_DATA] * 100, IN_USE),
    ],
)
def test_transform_is_out_of_use_when_three_batches_in_a_row_fail(
    batches: list[dict[str, int]], state: str
) -> None:
    policy = judged(*batches)

    assert policy.state == state
    assert (policy.code, bool(policy.why)) == (
        ("script.exception", True) if state == DISABLED else ("", False)
    )


def test_poison_search_is_one_death_when_it_cost_many_workers() -> None:
    policy = judged({"script.wall": 1}, {"script.wall": 1}, kills=14)

    assert policy.state == IN_USE
    policy.batch(4, Counter({"script.wall": 1}), 14, 3.0, 9)
    assert (policy.state, policy.code, policy.since_ns) == (DISABLED, "script.wall", 9)
    assert "killed workers" in policy.why


def test_deaths_are_forgotten_when_ten_minutes_have_passed() -> None:
    assert judged(*[{"script.wall": 1}] * 20, kills=1, apart_s=DEATHS_S / 2).state == IN_USE


@pytest.mark.parametrize("codes", [{"violation.syscall": 4}, {"data.value": 3, "violation.protocol": 1}])
def test_quarantine_comes_at_once_and_stays_when_a_worker_violates(codes: dict[str, int]) -> None:
    policy = judged(codes)

    assert policy.state == QUARANTINED
    assert policy.code.startswith("violation.")
    policy.disable("spring cleaning", 5)
    assert policy.state == QUARANTINED
    with pytest.raises(TransformDisabledError) as caught:
        policy.enable("p/t", 6)
    assert (caught.value.code, caught.value.retryable) == ("transform.quarantined", False)


def test_record_is_clean_when_an_operator_enables_it_again() -> None:
    policy = judged(ALL_SCRIPT, ALL_SCRIPT, ALL_SCRIPT)

    with pytest.raises(TransformDisabledError) as caught:
        policy.refuse("p/t")
    assert caught.value.code == "transform.disabled"
    policy.enable("p/t", 7)
    policy.refuse("p/t")
    policy.batch(4, Counter(ALL_SCRIPT), 1, 10.0, 8)
    policy.batch(4, Counter(ALL_SCRIPT), 1, 11.0, 9)
    assert (policy.state, policy.since_ns) == (IN_USE, 7)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 3)), max_size=60))
def test_data_errors_alone_never_change_the_state(batches: list[tuple[int, int, int]]) -> None:
    """Whatever comes beside them: the same batches without their data errors end in the same state."""
    policy = Policy()
    for turn, (data, good, _) in enumerate(batches):
        codes = Counter({"data.value": data}) if data else Counter[str]()
        policy.batch(data + good, codes, 0, float(turn), turn)

    assert (policy.state, policy.script_batches) == (IN_USE, 0)


def test_alerts_are_bounded_in_rate_and_count_what_they_held_back() -> None:
    gate = Gate(10.0)

    assert [gate.take(2, now) for now in (0.0, 1.0, 9.9, 10.0, 11.0)] == [2, 0, 0, 6, 0]
    assert gate.take(0, 30.0) == 2
    assert gate.take(0, 50.0) == 0


def test_data_rate_is_told_once_a_window_when_it_is_high() -> None:
    rate = DataRate()

    assert rate.take(1000, 12, 0.0) is None  # 1.2 %
    assert rate.take(100, 60, 1.0) == (72, 1100)
    assert rate.take(100, 100, 2.0) is None
    assert rate.take(100, 9, DATA_WINDOW_S) is None  # a new window, too few
    assert rate.take(1, 1, DATA_WINDOW_S + 1) == (10, 101)


def test_an_alert_is_cleared_once_when_nothing_happened_for_a_while() -> None:
    alerts = Alerts(0.0)
    told = [
        [name for _, name, *_ in alerts.batch(100, Counter(codes), now)]
        for codes, now in (
            ({}, 1.0),
            ({}, CLEAR_S),  # one of an earlier run may stand
            ({}, 2 * CLEAR_S),
            ({"script.error": 3}, 200.0),
            ({"script.error": 3}, 201.0),  # held back
            ({}, 201.0 + CLEAR_S - 1),
            ({}, 201.0 + CLEAR_S),
        )
    ]

    assert told == [[], ["transform.clear"], [], ["transform.script_error"], [], [], ["transform.clear"]]


def test_an_alert_names_the_worst_code_when_data_errors_are_many() -> None:
    told = list(Alerts(0.0).batch(100, Counter({"data.range": 10, "data.value": 20}), 1.0))

    assert told == [("alert", "transform.data_errors", "data.value", "30 of 100 inputs", 30)]
