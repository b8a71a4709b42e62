"""Which lane a policy takes."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from sbsim.components.router import POLICIES, choose
from sbsim.errors import ScenarioError


class Option(NamedTuple):
    """What a lane offers, all of it reckoned."""

    lane: int
    nano: int
    ends_at: float
    load: float


CHEAP_SLOW = Option(lane=0, nano=10, ends_at=100.0, load=0.5)
DEAR_FAST = Option(lane=1, nano=90, ends_at=20.0, load=0.9)
IDLE = Option(lane=2, nano=50, ends_at=40.0, load=0.0)
ALL = (CHEAP_SLOW, DEAR_FAST, IDLE)


@pytest.mark.parametrize(
    ("policy", "deadline_at", "lane"),
    [
        ("cheapest", 100.0, 0),  # in time at the very deadline
        ("cheapest", 99.0, 2),  # of those in time the cheapest
        ("cheapest", 10.0, 1),  # nobody is: the fastest
        ("fastest", 1000.0, 1),
        ("balanced", 100.0, 2),
        ("balanced", 25.0, 1),
        ("single", 5.0, 0),
    ],
)
def test_each_policy_takes_what_it_says(policy: str, deadline_at: float, lane: int) -> None:
    """By price, completion, load or place, among those that meet the deadline."""
    assert choose(policy, ALL, deadline_at) == lane
    assert choose(policy, ALL[::-1], deadline_at) == lane


@pytest.mark.parametrize("policy", POLICIES)
def test_equal_lanes_are_told_apart_by_their_place(policy: str) -> None:
    """Nothing is left to chance."""
    twins = [Option(lane, 5, 5.0, 0.0) for lane in (3, 1, 2)]
    assert choose(policy, twins, 10.0) == 1


def test_an_unknown_policy_is_refused() -> None:
    """The message names what there is."""
    with pytest.raises(ScenarioError, match="cheapest, fastest, balanced, single"):
        choose("dearest", ALL, 0.0)
