"""What may pass in a stretch of time, kept from the sender's side: sliding, fixed, bucket.

The provider counts what *arrives*; we know when it *left*. A sending of instant t arrives somewhere in [t, t + guard]. Each window here lets
through the most that keeps the provider's own count within its limit wherever in that span every sending lands:

- sliding, n per D: arrivals within D left within D + guard, so at most n leave in any half-open (t - D - guard, t].
- fixed, n per aligned D: a sending counts in every window that it may arrive in: that of t, that of t + guard, and those between.
- bucket, burst b refilled at rate r (GCRA, ITU-T I.371, virtual scheduling): sendings i..j of v units in all conform when they cannot arrive
  closer than (v - b) / r. So t_j >= t_i + guard + (v - b) / r for every i before j with v > b; with guard 0 that is the plain GCRA.

Each is asked with instants that never go back. `ready_at(units, now)` is the first instant from `now` on at which `units` fit if nothing else is
sent (inf: only a release can help, or nothing); at an instant that it promised it says "now". `take(units, now)` counts them. A window that is ready
stays ready until something is sent, so several are all ready at the latest of their instants.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Sequence
from math import floor, inf, nextafter, ulp
from typing import Protocol

_ROUNDING = 1e-10
"""Share of a limit by which a sum of tokens or seconds may miss it: too little for one whole unit."""
_ULPS = 8
"""Two sums of one bucket that are equal in theory differ by less than this many units in the last place of an instant."""


class Window(Protocol):
    """What the kinds have in common; `most` is the largest call that it can ever grant, in its unit."""

    most: float

    def ready_at(self, units: float, now: float) -> float: ...

    def take(self, units: float, now: float) -> None: ...


class SlidingCalls:
    """At most n sendings in any half-open window of `width_s` seconds: a ring of the last n instants, 0.1 us a question."""

    __slots__ = ("_leave_at", "_n", "_width_s", "most")

    def __init__(self, n: float, width_s: float) -> None:
        self._n = n
        self._width_s = width_s
        self._leave_at: deque[float] = deque()  # when each of the last n leaves the window
        self.most = inf

    def ready_at(self, units: float, now: float) -> float:
        leave_at = self._leave_at
        return now if len(leave_at) < self._n or leave_at[0] <= now else leave_at[0]

    def take(self, units: float, now: float) -> None:
        leave_at = self._leave_at
        while leave_at and (leave_at[0] <= now or len(leave_at) >= self._n):
            leave_at.popleft()
        leave_at.append(now + self._width_s)


class SlidingUnits:
    """At most `limit` items, tokens or seconds in any half-open window of `width_s` seconds."""

    __slots__ = ("_full", "_sent", "_used", "_width_s", "most")

    def __init__(self, limit: float, width_s: float) -> None:
        self.most = limit
        self._full = limit * (1.0 + _ROUNDING)
        self._width_s = width_s
        self._sent: deque[tuple[float, float]] = deque()  # (when it leaves the window, units)
        self._used = 0.0

    def ready_at(self, units: float, now: float) -> float:
        sent = self._sent
        while sent and sent[0][0] <= now:
            self._used -= sent.popleft()[1]
        if not sent:
            self._used = 0.0  # rounding of past sums ends here
        used = self._used + units
        if used <= self._full:
            return now
        if units > self._full:
            return inf
        for leaves_at, gone in sent:
            used -= gone
            if used <= self._full:
                return leaves_at
        return sent[-1][0]

    def take(self, units: float, now: float) -> None:
        self._sent.append((now + self._width_s, units))
        self._used += units


class FixedWindow:
    """At most `limit` units in each window [offset + k width, offset + (k + 1) width) that they may arrive in. `held` units count in every window.

    What counts in a later window already counts in that of `now` too, so a sending has room wherever it may arrive if it has room in this one.
    """

    __slots__ = ("_first", "_full", "_guard_s", "_offset_s", "_used", "_width_s", "held", "most")

    def __init__(self, limit: float, width_s: float, guard_s: float, offset_s: float) -> None:
        self.most = limit
        self.held = 0
        self._full = limit * (1.0 + _ROUNDING)
        self._width_s = width_s
        self._guard_s = guard_s
        self._offset_s = offset_s
        self._first: float = -inf  # earlier windows have been forgotten
        self._used: dict[int, float] = {}

    def ready_at(self, units: float, now: float) -> float:
        room = self._full - self.held - units
        if room < 0.0:
            return inf
        index, at = self._index(now), now
        while self._used.get(index, 0.0) > room:
            index += 1
            at = self._start(index)
        return at

    def take(self, units: float, now: float) -> None:
        self._count(units, now, self._index(now))

    def hold(self, n: int) -> None:
        self.held += n

    def replace(self, n: int, instants: Sequence[float], now: float) -> None:
        """`n` held units turn out to have been sent at these past instants."""
        self.held -= n
        first = self._index(now)
        for at in instants:
            self._count(1.0, at, first)

    def _count(self, units: float, at: float, first: int) -> None:
        """Count what was sent at `at` in the windows from `first` on; earlier ones are over."""
        used = self._used
        if first > self._first:
            self._first = first
            for index in [index for index in used if index < first]:
                del used[index]
        for index in range(max(first, self._index(at)), self._index(at + self._guard_s) + 1):
            used[index] = used.get(index, 0.0) + units

    def _index(self, at: float) -> int:
        return floor((at - self._offset_s) / self._width_s)

    def _start(self, index: int) -> float:
        """The first instant that the division assigns to window `index`: the product may round to just before it."""
        at = index * self._width_s + self._offset_s
        while self._index(at) < index:
            at = nextafter(at, inf)
        return at


class Bucket:
    """A bucket of `burst` units that refills at limit / per_s.

    `_full_at` is when the provider's bucket would be full again after all sendings that are `guard_s` old, had each come when it left. Of the younger
    ones any may still arrive together, which costs them nothing up to `burst`.
    """

    __slots__ = ("_burst_s", "_full_at", "_guard_s", "_sum_s", "_unit_s", "_young", "most")

    def __init__(self, limit: float, per_s: float, burst: float, guard_s: float) -> None:
        self.most = burst
        self._unit_s = per_s / limit  # seconds that refill one unit
        self._burst_s = burst * self._unit_s
        self._guard_s = guard_s
        self._full_at = -inf
        self._young: deque[tuple[float, float]] = deque()  # (sent at, seconds of refill that were sent before it)
        self._sum_s = 0.0

    def ready_at(self, units: float, now: float) -> float:
        if units > self.most * (1.0 + _ROUNDING):
            return inf
        cost_s = units * self._unit_s
        if not self._guard_s:
            at = self._full_at + cost_s - self._burst_s
            return at if at > now else now
        self._forget_young(now)
        at = self._full_at + cost_s - self._burst_s + self._guard_s
        rounding_s = _ROUNDING * self._burst_s
        for sent_at, before_s in self._young:
            over_s = self._sum_s - before_s + cost_s - self._burst_s
            if over_s <= rounding_s:
                break
            if sent_at + self._guard_s + over_s > at:
                at = sent_at + self._guard_s + over_s
        # who is young when the promise is made may be old when it is kept, and the two sums round apart
        return at if at - now > _ULPS * ulp(now) else now

    def take(self, units: float, now: float) -> None:
        cost_s = units * self._unit_s
        if not self._guard_s:
            self._full_at = (self._full_at if self._full_at > now else now) + cost_s
            return
        self._forget_young(now)
        self._full_at += cost_s
        self._young.append((now, self._sum_s))
        self._sum_s += cost_s

    def _forget_young(self, now: float) -> None:
        """Who has arrived by now counts in `_full_at`."""
        young = self._young
        while young and young[0][0] + self._guard_s <= now:
            sent_at, before_s = young.popleft()
            full_at = sent_at + (self._sum_s - before_s)
            if full_at > self._full_at:
                self._full_at = full_at
        if not young:
            self._sum_s = 0.0


class PolledCalls:
    """At most n creations and polls of jobs in any half-open window of `width_s` seconds; `held` ones have no instant yet."""

    __slots__ = ("_leave_at", "_n", "_width_s", "held", "most")

    def __init__(self, n: float, width_s: float) -> None:
        self.most = n
        self.held = 0
        self._n = n
        self._width_s = width_s
        self._leave_at: list[float] = []  # sorted

    def ready_at(self, units: float, now: float) -> float:
        leave_at = self._leave_at
        if leave_at and leave_at[0] <= now:
            del leave_at[: bisect_right(leave_at, now)]
        over = len(leave_at) + self.held + units - self._n
        if over <= 0:
            return now
        return leave_at[int(over) - 1] if over <= len(leave_at) else inf

    def hold(self, n: int) -> None:
        self.held += n

    def replace(self, n: int, instants: Sequence[float], now: float) -> None:
        """`n` held units turn out to have been sent at these past instants."""
        self.held -= n
        for at in instants:
            insort(self._leave_at, at + self._width_s)
