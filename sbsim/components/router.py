"""Which lane makes a batch: a policy, a pure function of what the lanes ask and when they would be done.

- single: the lane that stands first among the providers.
- cheapest: of the lanes that would meet the earliest deadline the one that asks least; when none would, the fastest.
- fastest: the lane that would be done first.
- balanced: of the lanes that would meet the deadline the least loaded; when none would, the fastest.

What is equal is decided by price, then by completion, then by the lane's place. The options are lanes in health that could ever take the batch: who
that is, and what `ends_at` and `load` are worth, is the pipeline's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sbsim.errors import ScenarioError


class Option(Protocol):
    """One lane's offer for a batch: its expected bill in nano-dollars, when the result is expected, and its load (calls under way and batches waiting
    per slot; what has no limit is never loaded)."""

    @property
    def lane(self) -> int: ...

    @property
    def nano(self) -> int: ...

    @property
    def ends_at(self) -> float: ...

    @property
    def load(self) -> float: ...


def choose(policy: str, options: Sequence[Option], deadline_at: float) -> int:
    """The lane for a batch whose earliest deadline is `deadline_at`.

    Raises
    ------
    ScenarioError
        When there is no such policy.
    """
    if policy == "cheapest":  # who asks more need not say when it would be done
        least = min([option.nano for option in options])
        cheapest = [option for option in options if option.nano == least]
        if len(cheapest) == 1 and cheapest[0].ends_at <= deadline_at:
            return cheapest[0].lane
    elif policy not in POLICIES:
        raise ScenarioError(f"routing.policy: {policy!r} is not one of {', '.join(POLICIES)}")
    if policy == "single":
        return min(option.lane for option in options)
    in_time = [option for option in options if option.ends_at <= deadline_at]
    if policy == "fastest" or not in_time:
        return min(options, key=_by_completion).lane
    return min(in_time, key=_ORDERS[policy]).lane


def _by_completion(option: Option) -> tuple[float, int, int]:
    return option.ends_at, option.nano, option.lane


def _by_price(option: Option) -> tuple[float, float, int]:
    return option.nano, option.ends_at, option.lane


def _by_load(option: Option) -> tuple[float, int, float, int]:
    return option.load, option.nano, option.ends_at, option.lane


_ORDERS: dict[str, Callable[[Option], tuple[float, ...]]] = {"cheapest": _by_price, "balanced": _by_load}
POLICIES = ("cheapest", "fastest", "balanced", "single")
