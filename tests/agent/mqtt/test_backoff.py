"""Pauses between connections."""

from __future__ import annotations

from alloy_agent.mqtt.backoff import FLOOR_S, Backoff


def test_pause_doubles_up_to_the_maximum_when_attempts_fail() -> None:
    backoff = Backoff(1.0, 5.0, lambda: 1.0)

    assert [backoff.next_s() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_pause_never_reaches_zero_when_the_dice_say_so() -> None:
    assert Backoff(1.0, 5.0, lambda: 0.0).next_s() == FLOOR_S


def test_pause_starts_anew_when_a_connection_lived() -> None:
    backoff = Backoff(1.0, 8.0, lambda: 1.0)
    for _ in range(3):
        backoff.next_s()

    backoff.lived(0.5)
    assert backoff.next_s() == 8.0
    backoff.lived(60.0)

    assert backoff.next_s() == 1.0


def test_pause_is_long_when_the_refusal_will_last() -> None:
    assert Backoff(0.1, 30.0, lambda: 0.0).next_s(slow=True) == 15.0
