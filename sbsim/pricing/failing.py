"""What a batch is expected to cost when calls fail, items fail, and some items spoil every call that they are in.

The model, in nano-dollars. A batch of n like items is sent in one call. Independently, an attempt fails as a whole with probability p (by an error
that another attempt may mend), each item of an attempt that does not comes back without content with probability r, and each item is poisoned with
probability q: whoever is poisoned is so for good, and makes every call that it is in fail for good.

A failed attempt is made again with the same items, items without content again together, `m` attempts in a row at most. With ok(n), lost(n),
failed(n) the bills of a call of n that comes through, less per item that lacks content, and of one that fails, clean items cost

    V_j(n) = p (failed(n) + V_{j-1}(n)) + (1 - p) sum_k C(n, k) r^k (1 - r)^{n-k} (ok(n) - k lost(n) + V_{j-1}(k)),    V_0 = V(0) = 0,

and V = V_m. A call that holds poison ends, whatever came before, with the bill refused(n) at its first attempt that does not fail otherwise:

    D_j(n) = p (failed(n) + D_{j-1}(n)) + (1 - p) refused(n),    D = D_m,

which happens with probability s = 1 - p^m; then it is bisected: its halves, a = ceil(n / 2) and b = n - a, are new calls. With c = (1 - q) the batch
costs

    T(n) = c^n V(n) + (1 - c^n) D(n) + s (T(a) + T(b) - c^n (V(a) + V(b))),    T(1) = c V(1) + q D(1):

a half is sent if and only if the whole holds poison (probability 1 - c^n) and was found out, and T(a), its cost were it sent always, exceeds what it
costs then by its cost V(a) in the case that all are clean. With every bill 1, p = r = 0, this is the number of calls,
E = 1 + 2 sum over internal nodes v of the split tree of (1 - c^|v|) (by induction: T(n) = T(a) + T(b) + 1 - 2 c^n), and as a poisoned item among n
has at most ceil(log2 n) ancestors with two children each, it costs at most 2 ceil(log2 n) calls more.

`tests/unit/test_pricing_failing.py` holds it against an enumeration of everything that can happen, and against the whole pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb, exp, log, log1p
from typing import NamedTuple

from sbsim.pricing.book import PriceBook
from sbsim.records import Item, Outcome, Usage

MOST_ATTEMPTS = 16
"""Attempts of a call that are reckoned with; later ones are as good as never made."""
_TAIL = 1e-12
"""Probability of more failed items than are summed over."""


class CallCosts(NamedTuple):
    """Bills of a call of n like items, nano-dollars: it comes through; what an item without content takes off; it fails for now, and for good."""

    ok: float
    lost: float
    failed: float
    refused: float


def call_costs(book: PriceBook, item: Item, n: int) -> CallCosts:
    """What a call of `n` contents like this item's costs by a price book, its GPU seconds as the stated latency lets expect."""
    items, usage = [item] * n, Usage(gpu_s=book.expected_s(item.content.facts, n))

    def bill(error: str | None = None, failures: Sequence[tuple[int, str]] = ()) -> int:
        return book.bill(items, Outcome(error, failures, usage))[0]

    ok = bill()
    return CallCosts(ok, ok - bill(failures=[(0, "item_error")]), bill("transient"), bill("permanent"))


class Rates(NamedTuple):
    """Probabilities: an attempt fails as a whole, an item of one that does not comes back without content, an item is poisoned."""

    call: float
    item: float
    poison: float


class ExpectedCost:
    """Expected costs of batches of like items, each reckoned once.

    Parameters
    ----------
    costs : bills of a call of n. rates : all below 1. max_attempts : m.
    """

    def __init__(self, costs: Callable[[int], CallCosts], rates: Rates, max_attempts: int) -> None:
        self._costs = costs
        self._rates = rates
        self._max_attempts = min(max_attempts, MOST_ATTEMPTS)
        self._clean: dict[tuple[int, int], float] = {}
        self._batch: dict[int, float] = {}

    def batch(self, n: int) -> float:
        """T(n): nano-dollars of a batch of `n`, bisecting included."""
        known = self._batch.get(n)
        if known is None:
            known = self._batch[n] = self._split(n)
        return known

    def clean(self, n: int, attempts: int) -> float:
        """V_j(n): nano-dollars of `n` items without poison, `attempts` left."""
        if not n or not attempts:
            return 0.0
        known = self._clean.get((n, attempts))
        if known is None:
            known = self._clean[n, attempts] = self._attempt(n, attempts)
        return known

    def refused(self, n: int) -> float:
        """D(n): nano-dollars of a call of `n` that holds poison, its halves left aside."""
        p, costs, total = self._rates.call, self._costs(n), 0.0
        for _ in range(self._max_attempts):
            total = p * (costs.failed + total) + (1.0 - p) * costs.refused
        return total

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _split(self, n: int) -> float:
        m, clean = self._max_attempts, (1.0 - self._rates.poison) ** n
        total = clean * self.clean(n, m) + (1.0 - clean) * self.refused(n)
        if n > 1:
            a = (n + 1) // 2
            b = n - a
            is_found = 1.0 - self._rates.call**m
            total += is_found * (self.batch(a) + self.batch(b) - clean * (self.clean(a, m) + self.clean(b, m)))
        return total

    def _attempt(self, n: int, attempts: int) -> float:
        p, r, costs = self._rates.call, self._rates.item, self._costs(n)
        answered = costs.ok - n * r * costs.lost
        left, k = 1.0, 0
        while left > _TAIL and k <= n:
            share = exp(log(comb(n, k)) + k * log(r) + (n - k) * log1p(-r)) if r else 1.0  # powers alone would underflow
            answered += share * self.clean(k, attempts - 1)
            left -= share
            k += 1
        return p * (costs.failed + self.clean(n, attempts - 1)) + (1.0 - p) * answered
