"""The poison search without processes: exactly once, bounded, whoever dies when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alloy_agent.workers.offers import MAX_KILLS, Offers


def play(
    n: int, poison: set[int], code: str = "script.wall", kills: int = MAX_KILLS
) -> tuple[list[int], list[int], Offers]:
    """(answered, given up) for a worker that dies over each input in `poison`."""
    offers = Offers(n, kills)
    answered: list[int] = []
    while (asked := offers.next()) is not None:
        start, stop = asked
        if poison & set(range(start, stop)):
            offers.died(code, "killed")
        else:
            answered += range(start, stop)
            offers.answered(stop - start)
    return answered, [i for g in offers.given_up for i in range(g.start, g.stop)], offers


@given(st.integers(1, 300), st.sets(st.integers(0, 299), max_size=2))
def test_only_the_poison_is_given_up_when_few_inputs_kill(n: int, poison: set[int]) -> None:
    poison = {p for p in poison if p < n}

    answered, given_up, _ = play(n, poison, kills=100)

    assert set(given_up) == poison
    assert answered == [i for i in range(n) if i not in poison]


@given(st.integers(1, 5000), st.sets(st.integers(0, 4999), max_size=40))
def test_every_input_ends_once_and_kills_are_bounded_when_many_inputs_kill(n: int, poison: set[int]) -> None:
    answered, given_up, offers = play(n, {p for p in poison if p < n})

    assert sorted(answered + given_up) == list(range(n))
    assert answered == sorted(answered)
    assert offers.kills <= MAX_KILLS


def test_nothing_is_asked_again_when_a_worker_violates() -> None:
    answered, given_up, offers = play(64, {13}, "violation.syscall")

    assert (answered, given_up, offers.kills) == ([], list(range(64)), 1)


def test_range_is_asked_again_whole_when_a_worker_dies_once() -> None:
    offers = Offers(8)
    offers.died("script.crash", "")

    assert offers.next() == (0, 8)
    offers.answered(3)
    assert offers.next() == (3, 8)


def test_input_is_given_up_when_it_is_larger_than_a_request() -> None:
    offers = Offers(2)
    offers.too_large("big")
    offers.answered(1)
    offers.too_large("big")

    assert offers.next() is None
    assert [(g.start, g.stop, g.code) for g in offers.given_up] == [(1, 2, "data.length")]
