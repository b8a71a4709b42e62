"""Several limits at once, all or nothing: a gate.

Contract. A call that left at or after `ready_at` never makes any declared window hold more than its limit at the provider's door, even when the network
delays some calls by up to `guard_s` more than others. Every limit is kept by its own kind:

- sliding: a ring of what was sent in the last `per + guard` seconds; exact, half-open (t - per, t].
- fixed: windows aligned to multiples of `per` (or to `resets_s` past them, by the wall clock). A call counts in the window of its sending and, where that is
  another, in the window `guard` later.
- bucket: GCRA with a stated burst (ATM Forum TM 4.0, 1996, virtual scheduling); a burst of b at rate r lets at most b + r w through in any w seconds. The
  delayed call may meet a bucket that earlier ones emptied, so the burst is kept smaller by what the rate brings in `guard`.
- concurrency, outstanding: leases, from sending to `release`.

A polling lane's creation and polls lie at least `poll_s` apart, so no window of `per` holds more than ceil(per / poll_s) of one job: that many units are
held from the sending to the release, then replaced by what was really sent. Its buckets on calls are kept as sliding windows of `burst` in burst / rate
seconds, which imply them: any w seconds then hold at most burst x (w x rate / burst + 1).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import ceil, floor, inf
from typing import NamedTuple, Protocol

from sbsim.records import Demand

_SLACK = 1e-9
"""Units of rounding that sums of tokens or seconds may collect."""


class Limit(NamedTuple):
    """One declared limit: at most `n` of `unit` per `per_s` seconds, or `n` at a time.

    `unit`: calls, items, tokens, content_seconds, concurrency or outstanding; `kind`: sliding, fixed or bucket; `burst` of a bucket; `resets_s`: seconds past
    midnight UTC at which a fixed window begins (None: windows start at time 0).
    """

    unit: str
    n: float
    per_s: float | None = None
    kind: str = "sliding"
    burst: float | None = None
    resets_s: float | None = None


class Window(Protocol):
    """What each kind of limit can say about `units` more."""

    limit: float

    def ready_at(self, units: float, now: float) -> float: ...
    def take(self, units: float, now: float) -> None: ...


class SlidingWindow:
    """At most `limit` units in any half-open window of `per_s` seconds, by remembering what was sent; `held` units have no instant yet."""

    __slots__ = ("_sent", "_used", "held", "limit", "per_s")

    def __init__(self, limit: float, per_s: float) -> None:
        self.limit = limit
        self.per_s = per_s
        self.held = 0.0
        self._sent: deque[tuple[float, float]] = deque()  # (when it leaves the window, units)
        self._used = 0.0

    def ready_at(self, units: float, now: float) -> float:
        sent = self._sent
        while sent and sent[0][0] <= now:
            self._used -= sent.popleft()[1]
        over = self._used + self.held + units - self.limit
        if over <= _SLACK:
            return now
        for leaves_at, left in sent:
            over -= left
            if over <= _SLACK:
                return leaves_at
        return inf

    def take(self, units: float, now: float) -> None:
        self._sent.append((now + self.per_s, units))
        self._used += units

    def book(self, instants: Sequence[float], now: float) -> None:
        """One unit at each of these past instants."""
        fresh = [(at + self.per_s, 1.0) for at in instants if at + self.per_s > now]
        if fresh:
            self._used += len(fresh)
            self._sent = deque(sorted([*self._sent, *fresh]))


class FixedWindow:
    """At most `limit` units in each aligned window; a sending counts in every window that it may reach within `guard_s`."""

    __slots__ = ("_offset_s", "_used", "guard_s", "held", "limit", "per_s")

    def __init__(self, limit: float, per_s: float, guard_s: float, offset_s: float) -> None:
        self.limit = limit
        self.per_s = per_s
        self.guard_s = guard_s
        self.held = 0.0
        self._offset_s = offset_s
        self._used: dict[int, float] = {}

    def _index(self, at: float) -> int:
        return floor((at - self._offset_s) / self.per_s)

    def _start(self, index: int) -> float:
        """The first instant that belongs to window `index`, whatever the rounding of the division."""
        at = index * self.per_s + self._offset_s
        while self._index(at) < index:
            at += max(abs(at), 1.0) * 2.0**-52
        return at

    def ready_at(self, units: float, now: float) -> float:
        if units + self.held > self.limit + _SLACK:
            return inf
        at = now
        while True:
            first, last = self._index(at), self._index(at + self.guard_s)
            full = [k for k in range(first, last + 1) if self._used.get(k, 0.0) + self.held + units > self.limit + _SLACK]
            if not full:
                return at
            at = self._start(full[-1] + 1)

    def take(self, units: float, now: float) -> None:
        first = self._index(now)
        for k in range(first, self._index(now + self.guard_s) + 1):
            self._used[k] = self._used.get(k, 0.0) + units
        for k in [k for k in self._used if k < first]:
            del self._used[k]

    def book(self, instants: Sequence[float], now: float) -> None:
        """One unit at each of these past instants, where their windows still count."""
        first = self._index(now)
        for at in instants:
            for k in range(max(first, self._index(at)), self._index(at + self.guard_s) + 1):
                self._used[k] = self._used.get(k, 0.0) + 1.0


class Bucket:
    """GCRA: one theoretical arrival time; a unit costs `per / limit` seconds, and the debt may be `burst` units."""

    __slots__ = ("_burst_s", "_full_at", "_unit_s", "limit")

    def __init__(self, limit: float, per_s: float, burst: float, guard_s: float) -> None:
        self.limit = burst
        self._unit_s = per_s / limit
        self._burst_s = max(self._unit_s, burst * self._unit_s - guard_s)
        self._full_at = 0.0

    def ready_at(self, units: float, now: float) -> float:
        if units > self.limit:
            return inf
        cost_s = units * self._unit_s
        allowed_s = self._burst_s if self._burst_s > cost_s else cost_s  # a full bucket always pays for what it can hold
        at = self._full_at + cost_s - allowed_s
        return at if at > now else now

    def take(self, units: float, now: float) -> None:
        self._full_at = (self._full_at if self._full_at > now else now) + units * self._unit_s


class RateLimiter:
    """All limits of one lane.

    Parameters
    ----------
    limits : declared by the provider and our own. pacing_s : seconds between two sendings at least. guard_s : how much longer windows are kept than declared.
    poll_s : seconds between the polls of a job; 0 where the lane does not poll. epoch_at : wall-clock instant of time 0, for windows with `resets_s`.
    """

    __slots__ = (
        "_calls", "_guard_s", "_held_until", "_items", "_jobs", "_next_at", "_poll_s", "_polled", "_seconds", "_tokens", "concurrency",
        "has_size_limits", "most_content_s", "most_items", "most_tokens", "n_in_flight", "pacing_s",
    )  # fmt: skip

    def __init__(self, limits: Sequence[Limit], *, pacing_s: float = 0.0, guard_s: float = 0.0, poll_s: float = 0.0, epoch_at: float = 0.0) -> None:
        self.pacing_s = pacing_s
        self.n_in_flight = 0
        self.concurrency = min((limit.n for limit in limits if limit.unit in ("concurrency", "outstanding")), default=inf)
        self._guard_s = guard_s
        self._poll_s = poll_s
        self._next_at = 0.0
        self._held_until = 0.0
        windows = {unit: [self._window(limit, epoch_at) for limit in limits if limit.unit == unit] for unit in ("calls", "items", "tokens", "content_seconds")}
        self._calls, self._items, self._tokens, self._seconds = windows.values()
        self._polled = [(window, self._most_polls(window)) for window in self._calls if isinstance(window, (SlidingWindow, FixedWindow))] if poll_s else []
        self._jobs: dict[int, float] = {}  # sending instants of outstanding jobs by call
        self.most_items = min((window.limit for window in self._items), default=inf)
        self.most_tokens = min((window.limit for window in self._tokens), default=inf)
        self.most_content_s = min((window.limit for window in self._seconds), default=inf)
        self.has_size_limits = min(self.most_items, self.most_tokens, self.most_content_s) < inf

    def can_ever(self, demand: Demand) -> bool:
        """Whether an idle lane could let this call pass."""
        return demand.n_items <= self.most_items and demand.tokens <= self.most_tokens and demand.content_s <= self.most_content_s

    def ready_at(self, demand: Demand, now: float) -> float:
        """`now` if the call may go, else the earliest instant at which it may; inf where only a release can help, or nothing."""
        if self.n_in_flight >= self.concurrency:
            return inf
        at = now
        if self._next_at > at:
            at = self._next_at
        if self._held_until > at:
            at = self._held_until
        if self._poll_s:
            for window, most in self._polled:
                ready_at = window.ready_at(most, now)
                if ready_at > at:
                    at = ready_at
        else:
            for calls in self._calls:
                ready_at = calls.ready_at(1, now)
                if ready_at > at:
                    at = ready_at
        if self.has_size_limits:
            for windows, units in ((self._items, demand.n_items), (self._tokens, demand.tokens), (self._seconds, demand.content_s)):
                for sized in windows:
                    ready_at = sized.ready_at(units, now)
                    if ready_at > at:
                        at = ready_at
        return at

    def take(self, serial: int, demand: Demand, now: float) -> None:
        """The call with this serial leaves now."""
        self.n_in_flight += 1
        self._next_at = now + self.pacing_s
        if self._poll_s:
            self._jobs[serial] = now
            for window, most in self._polled:
                window.held += most
        else:
            for calls in self._calls:
                calls.take(1, now)
        if self.has_size_limits:
            for windows, units in ((self._items, demand.n_items), (self._tokens, demand.tokens), (self._seconds, demand.content_s)):
                for sized in windows:
                    sized.take(units, now)

    def release(self, serial: int, now: float, polls: Sequence[float] = ()) -> None:
        """The call was answered (a job: its result was seen); `polls` are the instants at which it was polled."""
        self.n_in_flight -= 1
        if self._poll_s:
            sent_at = self._jobs.pop(serial)
            for window, most in self._polled:
                window.held -= most
                window.book((sent_at, *polls), now)

    def hold(self, until: float) -> None:
        """The provider asked us to wait (Retry-After)."""
        if until > self._held_until:
            self._held_until = until

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _window(self, limit: Limit, epoch_at: float) -> SlidingWindow | FixedWindow | Bucket:
        per_s = limit.per_s
        assert per_s is not None, "a limit on calls, items, tokens or seconds has a period"
        if limit.kind == "fixed":
            offset_s = 0.0 if limit.resets_s is None else (limit.resets_s - epoch_at) % per_s
            return FixedWindow(limit.n, per_s, self._guard_s, offset_s)
        if limit.kind == "bucket":
            burst = limit.n if limit.burst is None else limit.burst
            if not (self._poll_s and limit.unit == "calls"):
                return Bucket(limit.n, per_s, burst, self._guard_s)
            return SlidingWindow(burst, burst * per_s / limit.n + self._guard_s)
        return SlidingWindow(limit.n, per_s + self._guard_s)

    def _most_polls(self, window: SlidingWindow | FixedWindow) -> int:
        """Sendings of one job (its creation and its polls) that one window can hold at most."""
        if isinstance(window, FixedWindow):
            return floor((window.per_s + self._guard_s) / self._poll_s) + 1
        return ceil(window.per_s / self._poll_s)
