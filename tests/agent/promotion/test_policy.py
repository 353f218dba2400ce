"""What follows from a transform being hot."""

from __future__ import annotations

import pytest

from alloy_agent.promotion.policy import Act, Proposals


def test_nothing_is_due_when_the_policy_is_manual() -> None:
    assert not Proposals("manual", build=True, over_s=600).due(hot=True, native=False, now_s=0)


@pytest.mark.parametrize(("hot", "native"), [(False, False), (True, True)])
def test_nothing_is_due_when_it_is_not_hot_or_native_already(hot: bool, native: bool) -> None:
    assert not Proposals("auto", build=False, over_s=600).due(hot=hot, native=native, now_s=0)


@pytest.mark.parametrize(
    ("policy", "candidate", "act"),
    [
        ("propose", False, Act.PROPOSE),
        ("propose", True, Act.PROPOSE),
        ("auto", False, Act.PROPOSE),
        ("auto", True, Act.PROMOTE),
    ],
)
def test_it_acts_once_a_window(policy: str, candidate: bool, act: Act) -> None:
    proposals = Proposals(policy, build=False, over_s=600)

    for now in (0.0, 600.0):
        assert proposals.due(hot=True, native=False, now_s=now)
        assert proposals.decide(candidate=candidate, buildable=not candidate, now_s=now) is act
        assert not proposals.due(hot=True, native=False, now_s=now + 599)


@pytest.mark.parametrize("policy", ["propose", "auto"])
def test_a_module_is_built_once_when_this_host_may(policy: str) -> None:
    proposals = Proposals(policy, build=True, over_s=600)

    assert proposals.decide(candidate=False, buildable=True, now_s=0) is Act.BUILD
    assert proposals.due(hot=True, native=False, now_s=5)
    assert proposals.decide(candidate=False, buildable=True, now_s=5) is Act.PROPOSE
    assert proposals.decide(candidate=False, buildable=True, now_s=605) is Act.PROPOSE


def test_nothing_is_built_when_the_place_went_back_from_its_module() -> None:
    proposals = Proposals("auto", build=True, over_s=600)

    assert proposals.decide(candidate=False, buildable=False, now_s=0) is Act.PROPOSE
