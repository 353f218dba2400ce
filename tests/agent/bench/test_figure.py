"""A budget is read as it is written, and the verdict says on which side of it a figure lies."""

from __future__ import annotations

import pytest

from alloy_agent.bench.figure import Budget, Figure


@pytest.mark.parametrize(
    ("text", "value", "verdict"),
    [
        ("<= 36 MB", 36.0, "within"),
        ("<= 36 MB", 36.1, "over"),
        ("< 300 ms", 300.0, "over"),
        (">= 500 k records/s", 500_000.0, "within"),
        (">= 500 k records/s", 499_999.0, "short"),
        ("> 1.5 M records/s", 1_500_000.0, "short"),
        ("", 1.0, ""),
    ],
)
def test_verdict_says_within_over_or_short_when_a_budget_is_given(
    text: str, value: float, verdict: str
) -> None:
    assert Figure.of("x", [value], "MB", budget=text).verdict == verdict


@pytest.mark.parametrize("text", ["36 MB", "<= MB", "<= 36", "<= 36 G MB", "about 3 MB"])
def test_budget_is_refused_when_it_has_another_form(text: str) -> None:
    with pytest.raises(ValueError, match="is no budget"):
        Budget.parse(text)


def test_figure_has_median_and_spread_when_made_of_runs() -> None:
    figure = Figure.of("x", [3.0, 1.0, 2.0], "ms")

    assert (figure.value, figure.minimum, figure.maximum) == (2.0, 1.0, 3.0)
