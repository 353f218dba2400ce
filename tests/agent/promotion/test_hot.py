"""Which transforms are hot: told totals and times only."""

from __future__ import annotations

import pytest

from alloy_agent.promotion.hot import HotTracker, Totals

S = 1_000_000_000


def busy(seconds: float, **more: int) -> Totals:
    return Totals(calls=int(seconds * 10), records=int(seconds * 100), busy_ns=int(seconds * S), **more)


def test_a_transform_is_hot_when_it_takes_its_share_of_the_window() -> None:
    tracker = HotTracker(0.05, 600, 0)

    assert not tracker.look(busy(29.9), 100).hot  # 5 % of ten minutes are 30 s, whenever they come
    heat = tracker.look(busy(30), 101)

    assert heat.hot
    assert heat.share == pytest.approx(0.05)
    assert heat.facts() == {
        "hot": True, "share": 0.05, "over_s": 600, "calls": 300, "records": 3000, "busy_ms": 30_000,
        "record_us": 10_000.0, "declined": 0, "decline_rate": 0.0, "errors": 0, "deaths": 0, "stable": True,
    }  # fmt: skip


def test_a_transform_is_hot_no_more_when_its_work_lies_before_the_window() -> None:
    tracker = HotTracker(0.05, 600, 0)
    done = busy(60)
    for second in range(0, 590, 5):
        assert tracker.look(done, second).hot == (second >= 0)

    for second in range(590, 1300, 5):
        heat = tracker.look(done, second)

    assert heat.share == 0.0
    assert not heat.hot


def test_a_steady_load_keeps_its_share_when_looked_at_at_any_pace() -> None:
    for pace in (1, 7, 29, 250, 900):
        tracker = HotTracker(0.05, 600, 0)
        for second in range(0, 6001, pace):
            heat = tracker.look(busy(second * 0.2), second)
        assert heat.share == pytest.approx(0.2, rel=0.06), pace
        assert heat.hot


@pytest.mark.parametrize("trouble", [{"errors": 1}, {"deaths": 1}])
def test_a_transform_is_not_hot_when_something_went_wrong_in_the_window(trouble: dict[str, int]) -> None:
    tracker = HotTracker(0.05, 600, 0)
    tracker.look(busy(1), 10)

    heat = tracker.look(busy(100, **trouble), 300)
    assert (heat.hot, heat.stable) == (False, False)

    for second in range(330, 1500, 30):
        heat = tracker.look(busy(100 + (second - 300) * 0.5, **trouble), second)
    assert (heat.hot, heat.stable) == (True, True)  # it lies behind


def test_what_was_counted_before_does_not_make_it_hot() -> None:
    tracker = HotTracker(0.05, 10, 0, busy(1000))

    assert tracker.look(busy(1000), 1).share == 0.0
    assert tracker.look(busy(1001), 2).hot


def test_nothing_is_hot_when_no_record_came() -> None:
    assert not HotTracker(0.001, 1, 0).look(Totals(busy_ns=S), 1).hot


def test_marks_stay_bounded_when_it_is_looked_at_often() -> None:
    tracker = HotTracker(0.05, 10, 0)
    for step in range(10_000):
        tracker.look(busy(step * 0.01), step * 0.01)

    assert len(tracker._marks) <= 22
