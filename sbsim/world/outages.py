"""When a provider is out: at stated times, or at random ones that belong to (provider, number of the outage)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from sbsim.scenario import Outage, RandomOutages
from sbsim.seeds import Draws


class Outages:
    """Stated outages [at, at + for), which may overlap.

    Parameters
    ----------
    outages : seconds from the start.
    """

    def __init__(self, outages: Sequence[Outage]) -> None:
        spans = sorted((float(outage.at), float(outage.at + outage.for_)) for outage in outages)
        self._starts = [start for start, _ in spans]
        self._ends: list[float] = []  # the latest end so far: an outage inside another hides nothing
        for _, end in spans:
            self._ends.append(max(end, self._ends[-1]) if self._ends else end)

    def is_out(self, now: float) -> bool:
        """Whether an outage covers this instant."""
        k = bisect_right(self._starts, now)
        return k > 0 and now < self._ends[k - 1]


class DrawnOutages:
    """Outages by chance: number i begins its gap after the end of number i - 1 (the first: after the start) and lasts as long as its law says.

    Parameters
    ----------
    outages : laws of the gap and of the length, seconds. name : the provider's. draws : all draws of the replication.
    """

    def __init__(self, outages: RandomOutages, name: str, draws: Draws) -> None:
        self._gap = draws.stream(f"outage_gap:{name}", outages.every.quantile)
        self._length = draws.stream(f"outage_length:{name}", outages.for_.quantile)
        self._n = 0
        self._starts_at = self._ends_at = 0.0

    def is_out(self, now: float) -> bool:
        """Whether an outage covers this instant; asked with instants that never go back."""
        while self._ends_at <= now:
            self._starts_at = self._ends_at + self._gap(self._n)
            self._ends_at = self._starts_at + self._length(self._n)
            self._n += 1
        return self._starts_at <= now
