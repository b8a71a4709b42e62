"""Limits on how much may pass a door in a stretch of time: sliding, fixed, bucket. A weight is 1 for a call, or its items, tokens, seconds.

Each is asked with instants that never go back: `ready_at(weight, at)` is the first instant from `at` on at which the weight fits if nothing else
comes (inf: never, when it is more than `most`), `take(weight, at)` lets it pass. A limit holds over half-open windows (t - per, t], so an instant
leaves exactly `per` later.
"""

from __future__ import annotations

from collections import deque
from math import floor, inf, nextafter
from typing import Protocol

_SLACK = 1e-9
"""Relative slack for sums of fractional weights and for the bucket's level, whose rounding depends on the order of additions."""


class Window(Protocol):
    """What the kinds have in common; `most` is the largest weight that it can ever grant. `note` counts what another door has let pass."""

    most: float

    def ready_at(self, weight: float, at: float) -> float: ...

    def take(self, weight: float, at: float) -> None: ...

    def note(self, weight: float, at: float) -> None: ...


class SlidingCalls:
    """At most n passages in any window of `per_s` seconds: the usual limit on calls, exact, 0.2 us."""

    __slots__ = ("_leaves", "_n", "_per_s", "most")

    def __init__(self, n: int, per_s: float) -> None:
        self._n = n
        self.most: float = n
        self._per_s = per_s
        self._leaves: deque[float] = deque()

    def ready_at(self, weight: float, at: float) -> float:
        leaves = self._leaves
        while leaves and leaves[0] <= at:
            leaves.popleft()
        if len(leaves) < self._n:
            return at
        return leaves[-self._n]  # the first of them, unless another door let in more than this one would have

    def take(self, weight: float, at: float) -> None:
        self._leaves.append(at + self._per_s)

    def note(self, weight: float, at: float) -> None:
        while self._leaves and self._leaves[0] <= at:
            self._leaves.popleft()
        self.take(weight, at)


class SlidingWindow:
    """At most `n` of weight in any window of `per_s` seconds."""

    __slots__ = ("_leaves", "_per_s", "_used", "most")

    def __init__(self, n: float, per_s: float) -> None:
        self.most = n * (1 + _SLACK)
        self._per_s = per_s
        self._leaves: deque[tuple[float, float]] = deque()
        self._used = 0.0

    def ready_at(self, weight: float, at: float) -> float:
        if weight > self.most:
            return inf
        leaves = self._leaves
        while leaves and leaves[0][0] <= at:
            self._used -= leaves.popleft()[1]
        if not leaves:
            self._used = 0.0
        if self._used + weight <= self.most:
            return at
        used = self._used
        for leaves_at, gone in leaves:
            used -= gone
            if used + weight <= self.most:
                return leaves_at
        return leaves[-1][0]

    def take(self, weight: float, at: float) -> None:
        self._leaves.append((at + self._per_s, weight))
        self._used += weight

    def note(self, weight: float, at: float) -> None:
        self.ready_at(0.0, at)  # lets go of what has left
        self.take(weight, at)


class FixedWindow:
    """At most `n` of weight in each window [origin + k per, origin + (k + 1) per)."""

    __slots__ = ("_index", "_origin_at", "_per_s", "_used", "most")

    def __init__(self, n: float, per_s: float, origin_at: float = 0.0) -> None:
        self.most = n * (1 + _SLACK)
        self._per_s = per_s
        self._origin_at = origin_at
        self._index = -inf
        self._used = 0.0

    def _index_of(self, at: float) -> int:
        return floor((at - self._origin_at) / self._per_s)

    def ready_at(self, weight: float, at: float) -> float:
        if weight > self.most:
            return inf
        index = self._index_of(at)
        if index > self._index or self._used + weight <= self.most:
            return at
        opens_at = self._origin_at + (index + 1) * self._per_s
        while self._index_of(opens_at) <= index:  # the product may round to just below the boundary
            opens_at = nextafter(opens_at, inf)
        return opens_at

    def take(self, weight: float, at: float) -> None:
        index = self._index_of(at)
        if index > self._index:
            self._index, self._used = index, 0.0
        self._used += weight

    note = take


class Bucket:
    """A bucket of `burst` that refills at n / per_s: the generic cell rate algorithm (ITU-T I.371) with a stated burst.

    `_full_at` is when the bucket will be full again; a weight fits while that stays within burst x per_s / n of the present.
    """

    __slots__ = ("_depth_s", "_full_at", "_unit_s", "most")

    def __init__(self, n: float, per_s: float, burst: float) -> None:
        self._unit_s = per_s / n
        self._depth_s = burst * self._unit_s
        self.most = burst * (1 + _SLACK)
        self._full_at = -inf

    def ready_at(self, weight: float, at: float) -> float:
        need_s = weight * self._unit_s
        if weight > self.most:
            return inf
        fits_at = self._full_at + need_s - self._depth_s
        return fits_at if fits_at > at + _SLACK * self._unit_s else at

    def take(self, weight: float, at: float) -> None:
        self._full_at = max(self._full_at, at) + weight * self._unit_s

    def note(self, weight: float, at: float) -> None:
        """A bucket is never more than empty, whatever another door let pass."""
        self.take(weight, at)
        self._full_at = min(self._full_at, at + self._depth_s)
