"""Packings made quickly: a portfolio of constructions of which the cheapest counts. Every one keeps every limit exactly.

best fit decreasing : the largest item first, into the fullest batch that still takes it; where classes or discounts make batches differ, into the one
    to whose bill it adds least. Tried with several meanings of "largest", and class after class.
longest processing time : the largest item first, into the emptiest of m batches (Graham 1969), for m from a bound upwards. It suits a limit on the
    number of items: small items are kept for the batches that are heavy already.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappop, heapreplace
from math import inf
from operator import gt

from sbsim.packing.instances import Pattern, Types

MOST_TRIES = 4
"""Numbers of batches that longest processing time is tried with."""
LOOKS_FOR_TYPE = 10
"""Looks that sorting a type in and putting it somewhere count for."""


def portfolio(types: Types, least: int, most_looks: float = inf) -> Iterator[list[Pattern]]:
    """Packings, the most promising first.

    least : bounds the number of batches from below. most_looks : after so many looks (of one type at one batch, about a microsecond) nothing further
    is tried; the first packing is always made.
    """
    n_looks = 0.0
    if types.dimensions and types.n_sums <= 1 and types.is_plain and not types.has_setups and not types.conflicts:
        yield _best_fit_by_bisect(types)
        spread: Callable[[Types, int], list[Pattern] | None] = _spread_by_heap
    else:
        for order in _orders(types):
            yield (packed := _best_fit(types, order))
            n_looks += types.n * (LOOKS_FOR_TYPE + len(packed) / 2)  # half of the batches are full, and not looked at
            if n_looks > most_looks:
                return
        if n_looks + LOOKS_FOR_TYPE * types.n_items > most_looks:
            return
        spread = _spread
    for m in range(least, min(least + MOST_TRIES, types.n_items)):
        packed_evenly = spread(types, m)
        if packed_evenly is not None:
            yield packed_evenly
            break


class _Batch:
    """A batch that is being filled."""

    __slots__ = ("apart", "charges", "classes", "cost", "holds", "left", "n_items", "setups")

    def __init__(self, types: Types) -> None:
        self.left = [dimension.capacity for dimension in types.dimensions]
        self.holds: dict[int, int] = {}
        self.classes = 0  # a bit mask, as is `apart`: the types that may not come in
        self.apart = 0
        self.n_items = self.charges = self.setups = 0
        self.cost = 0

    @property
    def pattern(self) -> Pattern:
        """What it holds."""
        return tuple(sorted(self.holds.items()))


class _Filling:
    """Adds items to batches, exactly within the limits; those of one type by the number, since whatever suits the first suits the next."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self._conflicts = types.conflicts or (0,) * types.n
        self._needs = [tuple(dimension.weights[t] for dimension in types.dimensions) for t in range(types.n)]
        self._opening = [tuple(dimension.setup_weights[c] for dimension in types.dimensions) for c in range(types.n_classes)]
        self._least = [min(dimension.weights, default=0) for dimension in types.dimensions]
        self._is_costed = not types.is_plain

    def room(self, batch: _Batch, t: int, most: int) -> int:
        """How many more items of type `t` may come in, up to `most`."""
        if batch.apart >> t & 1:
            return 0
        c = self.types.classes[t]
        room = min(most, self.types.most_items - batch.n_items)
        for left, need, opening in zip(batch.left, self._needs[t], self._opening[c], strict=True):
            if not batch.classes >> c & 1:
                left -= opening
            if left < need * room:
                room = left // need if need else 0
        return max(room, 0)

    def is_full(self, batch: _Batch) -> bool:
        """Whether no item of any type could come in."""
        return batch.n_items >= self.types.most_items or any(map(gt, self._least, batch.left))

    def added_cost(self, batch: _Batch, t: int) -> int:
        """What one more item of type `t` adds to the bill."""
        if not self._is_costed:
            return 0 if batch.n_items else self.types.tariff.fee
        return self._cost_with(batch, t, 1) - batch.cost

    def _cost_with(self, batch: _Batch, t: int, n: int) -> int:
        tariff, c = self.types.tariff, self.types.classes[t]
        setups = batch.setups if batch.classes >> c & 1 else batch.setups + tariff.setups[c]
        return tariff.cost(batch.n_items + n, setups, batch.charges + n * self.types.charges[t])

    def add(self, batch: _Batch, t: int, most: int) -> int:
        """Put items of type `t` in, as many as there is room for up to `most`; how many."""
        n, c = self.room(batch, t, most), self.types.classes[t]
        if not n:
            return 0
        if self._is_costed:
            batch.cost = self._cost_with(batch, t, n)
        if not batch.classes >> c & 1:
            batch.classes |= 1 << c
            batch.setups += self.types.tariff.setups[c]
            batch.left = [left - opening for left, opening in zip(batch.left, self._opening[c], strict=True)]
        batch.left = [left - n * need for left, need in zip(batch.left, self._needs[t], strict=True)]
        batch.holds[t] = batch.holds.get(t, 0) + n
        batch.apart |= self._conflicts[t]
        batch.n_items += n
        batch.charges += n * self.types.charges[t]
        return n


def _orders(types: Types) -> list[list[int]]:
    """Types in several orders, the "largest" first: class by class, share of the tightest limit, sum of shares, most conflicts."""
    shares = _shares(types)
    load = [0.0] * types.n_classes
    for t, n in enumerate(types.counts):
        load[types.classes[t]] += n * max(shares[t])
    keys: list[list[tuple[float, ...]]] = []
    if types.has_setups:
        keys.append([(-load[types.classes[t]], types.classes[t], -max(shares[t]), t) for t in range(types.n)])
        keys.append([(load[types.classes[t]], types.classes[t], -max(shares[t]), t) for t in range(types.n)])
    keys.append([(-sum(shares[t]), -max(shares[t]), t) for t in range(types.n)])
    if types.conflicts:
        keys.append([(-types.conflicts[t].bit_count(), -max(shares[t]), t) for t in range(types.n)])
    orders = [sorted(range(types.n), key=key.__getitem__) for key in keys]
    orders.insert(2 if types.has_setups else 0, _by_size(types))
    return [order for k, order in enumerate(orders) if order not in orders[:k]]


def _by_size(types: Types) -> list[int]:
    """The types that take most of their tightest limit first."""
    shares = _shares(types)
    return sorted(range(types.n), key=lambda t: (-max(shares[t]), -sum(shares[t]), t))


def _shares(types: Types) -> list[list[float]]:
    """For each type the share that one item takes of each limit."""
    return [
        [dimension.weights[t] / dimension.capacity if dimension.capacity else 0.0 for dimension in types.dimensions] or [0.0] for t in range(types.n)
    ]


def _best_fit(types: Types, order: Sequence[int]) -> list[Pattern]:
    """The next item goes where it adds least to the bill, of those to the fullest."""
    filling, batches = _Filling(types), list[_Batch]()
    open_to, n_full = list[_Batch](), 0
    for t in order:
        n, anew = types.counts[t], filling.added_cost(_Batch(types), t)
        takers = [(filling.added_cost(batch, t), sum(batch.left), k) for k, batch in enumerate(open_to) if filling.room(batch, t, 1)]
        for added, _, k in sorted(takers):
            if not n or added > anew:
                break
            n -= filling.add(open_to[k], t, n)
            n_full += filling.is_full(open_to[k])
        while n:
            batches.append(_Batch(types))
            open_to.append(batches[-1])
            n -= filling.add(batches[-1], t, n)
            n_full += filling.is_full(batches[-1])
        if 2 * n_full > len(open_to):
            open_to, n_full = [batch for batch in open_to if not filling.is_full(batch)], 0
    return [batch.pattern for batch in batches]


def _spread(types: Types, m: int) -> list[Pattern] | None:
    """The next item goes to the emptiest of m batches that takes it; None when some item finds no room."""
    filling, batches = _Filling(types), [_Batch(types) for _ in range(m)]
    for t in _by_size(types):
        heap = [(-sum(batch.left), batch.n_items, k) for k, batch in enumerate(batches)]
        heapify(heap)
        for _ in range(types.counts[t]):
            while heap and not filling.add(batch := batches[heap[0][2]], t, 1):
                heappop(heap)
            if not heap:
                return None
            heapreplace(heap, (-sum(batch.left), batch.n_items, heap[0][2]))
    return [batch.pattern for batch in batches if batch.n_items]


def _line(types: Types) -> tuple[Sequence[int], int]:
    """Weights and capacity of the one limit that is a sum; all weights 0 where only the number of items is limited."""
    if types.is_count(0):
        return (0,) * types.n, 0
    return types.dimensions[0].weights, types.dimensions[0].capacity


def _best_fit_by_bisect(types: Types) -> list[Pattern]:
    """Best fit decreasing along one dimension: batches sorted by room left, those that are full in number taken out."""
    weights, capacity = _line(types)
    rooms: list[tuple[int, int]] = []  # (room left, batch)
    holds: list[dict[int, int]] = []
    sizes: list[int] = []
    for t in sorted(range(types.n), key=lambda t: -weights[t]):
        weight = weights[t]
        for _ in range(types.counts[t]):
            at = bisect_left(rooms, (weight, -1))
            if at < len(rooms):
                room, b = rooms.pop(at)
            else:
                room, b = capacity, len(holds)
                holds.append({})
                sizes.append(0)
            holds[b][t] = holds[b].get(t, 0) + 1
            sizes[b] += 1
            if sizes[b] < types.most_items:
                insort(rooms, (room - weight, b))
    return [tuple(sorted(held.items())) for held in holds]


def _spread_by_heap(types: Types, m: int) -> list[Pattern] | None:
    """Longest processing time along one dimension; None when some item finds no room."""
    weights, capacity = _line(types)
    holds: list[dict[int, int]] = [{} for _ in range(m)]
    heap = [(0, 0, b) for b in range(m)]  # (load, items, batch)
    heapify(heap)
    for t in sorted(range(types.n), key=lambda t: -weights[t]):
        for _ in range(types.counts[t]):
            while heap and heap[0][1] >= types.most_items:
                heappop(heap)
            if not heap or heap[0][0] + weights[t] > capacity:
                return None
            load, n, b = heap[0]
            holds[b][t] = holds[b].get(t, 0) + 1
            heapreplace(heap, (load + weights[t], n + 1, b))
    return [tuple(sorted(held.items())) for held in holds if held]
