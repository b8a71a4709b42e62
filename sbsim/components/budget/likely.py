"""What a soft limit reserves for a call: a quantile of what such calls turned out to cost.

Contract. Of each settled call the ratio of its bill to a yardstick is remembered, the last `MEMORY` of its kind (its lane, and whether anything
bounds its cost). The yardstick is the most that the call can cost; where nothing bounds that, its price by the list. The reservation for a new call
is its yardstick times the k-th smallest of the n ratios, k = ceil(q (n + 1)): whatever law the ratios follow, as long as their order says nothing,
the next one does not exceed it with probability k / (n + 1) >= q (Wilks, "Determination of sample sizes for setting tolerance limits", Annals of
Mathematical Statistics 12, 1941). While k > n no ratio seen so far is large enough to promise that, and the most is reserved; where there is no most,
the largest ratio seen, 1 at least. So q = 1 reserves the most of every call that has one, and 0 reserves nothing.

Nothing is drawn, and equal histories reserve equally.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from fractions import Fraction
from math import ceil
from typing import NamedTuple

MEMORY = 512
"""Settled calls of one kind that are remembered: enough to tell a 99 % quantile, few enough to follow a change of prices within a day."""


class Cost(NamedTuple):
    """What a call may cost, in nano-dollars: at most (None: nothing bounds it), and by the price list, asked for only without a bound.

    `lane` is whose calls it is like.
    """

    most_nano: int | None
    list_nano: int = 0
    lane: int = 0


class LikelyCost:
    """Reservations at one quantile.

    Parameters
    ----------
    quantile : share of calls, 0 to 1, whose bills should not exceed what was reserved for them.
    learnt : another quantile's, whose memory this one goes on with.
    """

    __slots__ = ("_kinds", "_quantile")

    def __init__(self, quantile: float, learnt: LikelyCost | None = None) -> None:
        self._quantile = Fraction(repr(float(quantile)))
        self._kinds: dict[tuple[int, bool], _Ratios] = {} if learnt is None else learnt._kinds

    def nano(self, cost: Cost) -> int:
        """What to reserve for a call."""
        most = cost.most_nano
        if not self._quantile:
            return 0
        ratios = self._kinds.get((cost.lane, most is None))
        n = 0 if ratios is None else len(ratios.ordered)
        k = ceil(self._quantile * (n + 1))
        if most is None:
            yardstick = max(cost.list_nano, 1)
            if ratios is None:
                return yardstick
            return ceil(yardstick * (ratios.ordered[k - 1] if k <= n else max(1.0, ratios.ordered[-1])))
        return most if ratios is None or k > n else min(most, ceil(most * ratios.ordered[k - 1]))

    def add(self, cost: Cost, bill_nano: int) -> None:
        """A call of this `cost` was billed."""
        yardstick = max(cost.list_nano if cost.most_nano is None else cost.most_nano, 1)
        kind = (cost.lane, cost.most_nano is None)
        ratios = self._kinds.get(kind)
        if ratios is None:
            ratios = self._kinds[kind] = _Ratios()
        ratios.add(bill_nano / yardstick)


class _Ratios:
    """The last ratios of one kind of call: in order of size and of time."""

    __slots__ = ("_recent", "ordered")

    def __init__(self) -> None:
        self.ordered: list[float] = []
        self._recent: deque[float] = deque()

    def add(self, ratio: float) -> None:
        insort(self.ordered, ratio)
        self._recent.append(ratio)
        if len(self._recent) > MEMORY:
            del self.ordered[bisect_left(self.ordered, self._recent.popleft())]
