"""What a module has to stand while it serves: comparison, declines, deaths."""

from __future__ import annotations

import random

import pytest

from alloy_agent.promotion.canary import MAX_STRIKES, Canary, Declines, Strikes


def test_one_batch_of_so_many_is_compared_until_the_window_ends() -> None:
    canary = Canary(100, 60.0, 10.0)

    taken = [canary.take(10.0 + i * 0.1) for i in range(1000)]

    assert [i for i, yes in enumerate(taken) if yes] == [0, 100, 200, 300, 400, 500]
    assert canary.left_s(40.0) == 30.0
    assert canary.left_s(1000.0) == 0.0
    assert not canary.take(70.0)


def test_every_batch_is_compared_when_every_is_one_and_none_without_a_window() -> None:
    assert all(Canary(1, 5.0, 0.0).take(t / 10) for t in range(50))
    assert not Canary(1, 0.0, 0.0).take(0.0)


def test_declines_are_too_many_when_a_whole_window_shows_it() -> None:
    declines = Declines(0.05, 1000)

    assert not declines.add(999, 999)  # not a whole window yet
    assert declines.add(1, 0)
    assert declines.rate == pytest.approx(0.999)


def test_declines_are_within_the_limit_when_the_rate_is_exactly_that() -> None:
    declines = Declines(0.05, 1000)

    assert not any(declines.add(20, 1) for _ in range(500))
    assert any(declines.add(20, 2) for _ in range(60))


def test_a_storm_is_seen_after_at_most_its_share_of_a_window_when_a_quiet_time_was_before() -> None:
    declines = Declines(0.05, 1000)
    for _ in range(10_000):
        assert not declines.add(8, 0)

    needed = next(i for i in range(1000) if declines.add(8, 8))

    assert needed * 8 <= 120
    assert declines.records <= 1100


@pytest.mark.parametrize("size", [1, 3, 64, 999, 5000])
def test_slots_stay_few_when_batches_have_any_size(size: int) -> None:
    declines = Declines(0.5, 1000)
    dice = random.Random(size)
    recent: list[tuple[int, int]] = []
    for _ in range(3000):
        declined = dice.randrange(size + 1)
        declines.add(size, declined)
        recent.append((size, declined))
        assert len(declines._slots) <= 21
    assert 1000 <= declines.records < 1000 + max(size, 50) + size
    whole = declines.records // size
    assert declines.declined == sum(d for _, d in recent[-whole:])


@pytest.mark.parametrize("code", ["script.crash", "violation.syscall", "violation.protocol"])
def test_a_module_goes_at_once_when_no_honest_one_dies_so(code: str) -> None:
    assert Strikes().add(code, 0.0)


def test_a_module_goes_when_it_cost_three_workers_within_ten_minutes() -> None:
    strikes = Strikes()
    assert not strikes.add("script.wall", 0.0)
    assert not strikes.add("script.memory", 300.0)
    assert not strikes.add("script.wall", 601.0)  # the first lies behind
    assert strikes.add("script.wall", 700.0)
    assert MAX_STRIKES == 3
