"""How long a provider works on a call.

    (set-up + max(longest item, sum of items / parallel_items)) x one noise draw of mean 1
    item = per_item + per_second x duration + per_unit x units out

or one draw of the law `total`. The draw belongs to the call (lane, m, path of retries), never to what is in it: two settings that pack differently
meet the same luck. Seconds throughout. What it may not know: limits, failures, money.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sbsim.laws import Law
from sbsim.records import Call, Facts
from sbsim.scenario import Latency
from sbsim.seeds import Draws


class CallDraws:
    """One draw per sending of a call: for first tries from blocks computed in bulk (0.1 us), for retries one by one (5 us)."""

    __slots__ = ("_draws", "_first", "_law", "_purpose")

    def __init__(self, draws: Draws, purpose: str, law: Law | None = None) -> None:
        self._draws = draws
        self._purpose = purpose
        self._law = law
        self._first: Callable[[int], float] = draws.stream(purpose, None if law is None else law.quantile)

    def __call__(self, call: Call) -> float:
        if not call.path:
            return self._first(call.m)
        u = self._draws.one(self._purpose, call.m, call.path)
        return u if self._law is None else float(self._law.quantile(np.array([u]))[0])


class ServiceTime:
    """Running time of calls at one provider.

    Parameters
    ----------
    latency : the provider entry's section.
    name : the provider's name, which its draws belong to.
    draws : all draws of the replication.
    """

    def __init__(self, latency: Latency, name: str, draws: Draws) -> None:
        self._setup_s = float(latency.setup)
        self._per_item = float(latency.per_item)
        self._per_second = float(latency.per_second)
        self._per_unit = float(latency.per_unit)
        self._parallel = float(latency.parallel_items)
        self._is_total = latency.total is not None
        law = latency.noise if latency.total is None else latency.total  # the noise has mean 1 since it was read
        self._draw = None if law is None else CallDraws(draws, f"latency:{name}", law)

    def item_s(self, facts: Facts) -> float:
        """What a content adds to the time of a call that has it alone, before the noise."""
        units = facts.units_out if facts.max_units_out is None else min(facts.units_out, facts.max_units_out)
        return self._per_item + self._per_second * facts.duration_s + self._per_unit * units

    def running_s(self, call: Call, item_s: Sequence[float]) -> float:
        """Seconds from the start of the work to its end; `item_s` holds the time of each item."""
        draw = self._draw
        if self._is_total:
            assert draw is not None
            return draw(call)
        mean_s = self._setup_s
        if len(item_s) == 1:
            mean_s += item_s[0]
        else:
            longest, spread = max(item_s), sum(item_s) / self._parallel
            mean_s += longest if longest > spread else spread
        return mean_s if draw is None else mean_s * draw(call)
