"""The size that costs least per item when calls and items fail: few calls share their fee among many, large ones fail at a greater loss."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import log2
from typing import Protocol

from sbsim.pricing import CallCosts, ExpectedCost, PriceBook, Rates, call_costs
from sbsim.records import Call, Item, Outcome

MOST_TRIED = 1024
"""Items up to which sizes are compared; what a fee adds to an item is below a thousandth of it from there on."""
_ALL = 32
"""Sizes up to this many are all tried, above it steps of an eighth."""
_SAME = 1e-9
"""Relative difference of cost below which two sizes cost the same."""
_DRIFT = 0.1
"""Relative change of a rate from which sizes are reckoned anew."""
_LOST = ("item_error", "missing")
_Kind = tuple[int, int, int]
"""Contents that share a size: lane, how often its prices have changed, step of the list price."""


class Priced(Protocol):
    """A lane: its prices, and the items that a call on it can carry, by the limits known today."""

    @property
    def book(self) -> PriceBook: ...

    @property
    def max_part(self) -> float: ...


class FailureSize:
    """argmin over n of expected cost per item (`pricing.ExpectedCost`), the largest of those that cost the same: it makes the fewest calls.

    A lane's rates are learnt from its outcomes, as posterior means of a Beta law each, from a prior that counts as

    - half a failed call in 50 (p: the call as a whole, by an error that another attempt may mend, or without an answer in time),
    - half an item in 100 that came back without content (r: of the items of calls that did not fail),
    - half a poisoned item in 500 (q: refused for good when it was alone, over those and all that came through: each item is judged once).

    Contents of like list price (within a fifth, by steps on a log scale) share what is reckoned for the first of them on their lane.

    Parameters
    ----------
    lanes : by number. max_attempts : sendings of a call at most.
    """

    learns = True
    fills_slots = False

    def __init__(self, lanes: Sequence[Priced], max_attempts: int) -> None:
        self._lanes = lanes
        self._max_attempts = max_attempts
        self._seen: dict[int, _Seen] = {}
        self._prices: dict[_Kind, dict[int, CallCosts]] = {}
        self._sizes: dict[tuple[_Kind, int], int] = {}

    def size(self, item: Item, most: int) -> int:
        lane = self._lanes[item.lane]
        changes_at, most = lane.book.changes_at, int(min(most, MOST_TRIED, max(lane.max_part, 1)))
        era = bisect_right(changes_at, item.opened_at) if changes_at else 0
        kind = (item.lane, era, int(4.0 * log2(1 + item.content.individual_nano)))
        size = self._sizes.get((kind, most))
        if size is None:
            size = self._sizes[kind, most] = self._best(kind, item, most)
        return size

    def answered(self, call: Call, outcome: Outcome, now: float) -> None:
        seen = self._seen.get(call.lane)
        if seen is None:
            seen = self._seen[call.lane] = _Seen()
        if seen.add(call, outcome):
            self._sizes = {key: size for key, size in self._sizes.items() if key[0][0] != call.lane}

    def rates(self, lane: int) -> Rates:
        """What is known of a lane's failures."""
        seen = self._seen.get(lane)
        return (_Seen() if seen is None else seen).rates()

    def _best(self, kind: _Kind, item: Item, most: int) -> int:
        lane = kind[0]
        book, prices = self._lanes[lane].book.at(item.opened_at), self._prices.setdefault(kind, {})

        def costs(n: int) -> CallCosts:
            known = prices.get(n)
            if known is None:
                known = prices[n] = call_costs(book, item, n)
            return known

        expected = ExpectedCost(costs, self.rates(lane), self._max_attempts)
        best, least = 1, expected.batch(1)
        for n in _tried(most):
            cost = expected.batch(n) / n
            if cost <= least * (1.0 + _SAME):
                best, least = n, min(cost, least)
        return best


def _tried(most: int) -> list[int]:
    """Sizes to compare, ascending, `most` among them."""
    sizes = list(range(1, min(most, _ALL) + 1))
    while sizes[-1] < most:
        sizes.append(min(most, sizes[-1] + sizes[-1] // 8))
    return sizes


class _Seen:
    """Outcomes of one lane, the prior among them."""

    __slots__ = ("_known", "n_calls", "n_failed", "n_items", "n_judged", "n_lost", "n_poisoned")

    def __init__(self) -> None:
        self.n_failed, self.n_calls = 0.5, 50
        self.n_lost, self.n_items = 0.5, 100
        self.n_poisoned, self.n_judged = 0.5, 500
        self._known = self.rates()

    def rates(self) -> Rates:
        return Rates(self.n_failed / self.n_calls, self.n_lost / self.n_items, self.n_poisoned / self.n_judged)

    def add(self, call: Call, outcome: Outcome) -> bool:
        """One attempt more; whether the rates have drifted since that was last said."""
        error, n = outcome.error, len(call.items)
        if error == "transient" or error == "timed_out" or call.is_late:
            self.n_failed += 1
            self.n_calls += 1
        elif error == "permanent" or error == "moderated":
            self.n_calls += 1
            if n == 1:
                self.n_poisoned += 1
                self.n_judged += 1
        elif error is None:
            self.n_calls += 1
            self.n_judged += n
            self.n_items += n
            if outcome.failures:
                self.n_lost += sum(kind in _LOST for _, kind in outcome.failures)
        else:
            return False
        rates = self.rates()
        if all(abs(new - old) <= _DRIFT * old for new, old in zip(rates, self._known, strict=True)):
            return False
        self._known = rates
        return True
