"""The gate itself; how each kind of window counts is `windows`' affair."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import ceil, inf
from typing import NamedTuple

from sbsim.components.rate_limiter.windows import Bucket, FixedWindow, PolledCalls, SlidingCalls, SlidingUnits, Window
from sbsim.records import Demand

_SIZES = ("items", "tokens", "content_seconds")
"""Units that grow with what a call carries, in the order of `Demand`'s fields."""
_AT_A_TIME = ("concurrency", "outstanding")
"""Units of what is under way, which have no period."""
MEMORY = 100_000
"""Sendings (and, apart, polls) that are remembered for limits that come later: 20 MB at most, a day of one call a second."""


class Limit(NamedTuple):
    """One declared limit: at most `n` of `unit` per `per_s` seconds, or `n` at a time.

    `unit`: calls, items, tokens, content_seconds, concurrency or outstanding; `kind`: sliding, fixed or bucket; `burst` of a bucket, in units;
    `resets_s`: seconds past midnight UTC at which a fixed window begins (None: windows begin at multiples of `per_s`).
    """

    unit: str
    n: float
    per_s: float | None = None
    kind: str = "sliding"
    burst: float | None = None
    resets_s: float | None = None


class RateLimiter:
    """All limits of one lane, all or nothing.

    Parameters
    ----------
    limits : the provider's known ones and our own, which apply together.
    pacing_s : seconds between two sendings at least.
    guard_s : seconds that one sending may travel longer than another.
    poll_s : seconds between the polls of a job at least; 0 where the lane does not poll.
    epoch_at : the wall-clock instant of time 0, seconds since 1970 (UTC), for the boundaries of fixed windows.

    Attributes
    ----------
    concurrency : calls in flight at most. n_in_flight : calls in flight.
    n_learnt : how often an answer told of a limit that was not known to be so tight.
    most_items, most_tokens, most_content_s : the largest call that all limits can grant. has_size_limits : whether it matters what a call carries.
    """

    __slots__ = (
        "_calls", "_epoch_at", "_guard_s", "_is_plain", "_jobs", "_leave_at", "_limits", "_n", "_opens_at", "_poll_s", "_polled",
        "_polls", "_sent", "_sent_at", "_sized", "_told", "_told_at", "_width_s", "concurrency", "has_size_limits", "most_content_s", "most_items",
        "most_tokens", "n_in_flight", "n_learnt", "pacing_s",
    )  # fmt: skip

    def __init__(self, limits: Sequence[Limit], *, pacing_s: float = 0.0, guard_s: float = 0.0, poll_s: float = 0.0, epoch_at: float = 0.0) -> None:
        self.pacing_s = pacing_s
        self.n_in_flight = self.n_learnt = 0
        self._limits = tuple(limits)
        self._told: Sequence[tuple[str, float, float | None]] = ()  # what was told last, and to a call sent when
        self._told_at = -inf
        self._poll_s = poll_s
        self._epoch_at = epoch_at
        self._opens_at = self._sent_at = -inf  # not before: pacing, Retry-After; when the last call left
        self._jobs: dict[int, float] = {}  # when each outstanding job was sent, by the serial of its call
        self._sent: deque[tuple[float, Demand]] = deque(maxlen=MEMORY)  # what left lately: other limits will want to know
        self._polls: deque[float] = deque(maxlen=MEMORY)  # likewise, of jobs that are over, when they were created and polled
        self._keep(guard_s)

    def configure(self, limits: Sequence[Limit], *, pacing_s: float, guard_s: float, now: float) -> None:
        """Other limits from now on; they count what was sent before as if they had always held, as far as it is remembered (`MEMORY`)."""
        if self._opens_at == self._sent_at + self.pacing_s:  # else a Retry-After holds for longer
            self._opens_at = self._sent_at + pacing_s
        else:
            self._opens_at = max(self._opens_at, self._sent_at + pacing_s)
        self.pacing_s = pacing_s
        self._limits = tuple(limits)
        self._keep(guard_s)
        for sent_at, demand in self._sent:
            self._count(demand, sent_at)
        polls = sorted(self._polls)
        for polled, most in self._polled:
            polled.hold(most * len(self._jobs))
            polled.replace(0, polls, now)

    def can_ever(self, demand: Demand) -> bool:
        """Whether an idle lane could let this call pass (and, of a job, its polls), by the declared limits."""
        return self._polls_fit() and all(demand[field] <= most for _, field, most in self._sized)

    def ready_at(self, demand: Demand, now: float) -> float:
        """`now` if the call may go, else the earliest instant at which it may; inf where only a release can help, or nothing."""
        return inf if self.n_in_flight >= self.concurrency else self.opens_at(demand, now)

    def opens_at(self, demand: Demand, now: float) -> float:
        """`now` or when pacing, Retry-After and windows would let the call pass, slots left aside."""
        at = self._opens_at
        if at < now:
            at = now
        leave_at = self._leave_at
        if len(leave_at) >= self._n and leave_at[0] > at:
            at = leave_at[0]
        return at if self._is_plain else self._ready_everywhere_at(demand, now, at)

    def take(self, serial: int, demand: Demand, now: float) -> None:
        """The call with this serial leaves now."""
        self.n_in_flight += 1
        self._sent_at = now
        self._opens_at = now + self.pacing_s
        self._sent.append((now, demand))
        if self._poll_s:
            self._jobs[serial] = now
            for polled, most in self._polled:
                polled.hold(most)
        self._count(demand, now)

    def release(self, serial: int, now: float, polls: Sequence[float] = ()) -> None:
        """The call was answered (a job: its result was seen, or nobody asks any more); `polls` are the instants at which it was polled."""
        self.n_in_flight -= 1
        if self._poll_s:
            instants = (self._jobs.pop(serial), *polls)
            self._polls.extend(instants)
            for window, most in self._polled:
                window.replace(most, instants, now)

    def hold(self, until: float) -> None:
        """Nothing leaves before `until`: the provider asked us to wait (Retry-After). It tightens, never loosens."""
        if until > self._opens_at:
            self._opens_at = until

    def learn(self, seen: Sequence[tuple[str, float, float | None]], sent_at: float, now: float) -> None:
        """The limits that the answer to a call sent at `sent_at` tells of, as (unit, n, seconds), hold from now on beside the declared ones.

        They tighten what is declared, never loosen it. What an answer tells of is all that it has to tell: it takes the place of what was learnt
        before, unless that was told to a call sent later.

        They bar nothing for good: a call that is larger than one of them, taken on before it was known, waits until its window is empty, and the
        provider decides. Windows that could not carry the polls of one job are left to Retry-After. Of tokens and seconds that were sent before any
        limit on them was known nothing is remembered.
        """
        if sent_at < self._told_at:
            return
        self._told_at = sent_at
        if seen == self._told:
            return
        known = {(limit.unit, limit.per_s): limit.n for limit in self._learnt()}
        self._told = seen
        self.configure(self._limits, pacing_s=self.pacing_s, guard_s=self._guard_s, now=now)
        self.n_learnt += sum(limit.n < known.get((limit.unit, limit.per_s), inf) for limit in self._learnt())

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _learnt(self) -> list[Limit]:
        """What was told last, as far as it means something, is not declared already and leaves room for polls."""
        told = [Limit(*each) for each in self._told]
        means = [limit for limit in told if limit.n >= 1 and (limit.per_s is not None or limit.unit in _AT_A_TIME)]
        return [limit for limit in means if self._bears_polls(limit) and not any(_implies(declared, limit) for declared in self._limits)]

    def _bears_polls(self, limit: Limit) -> bool:
        """Whether a sliding limit leaves room for the polls of one job in its window."""
        return limit.unit != "calls" or not self._poll_s or self._most_polls(_period_s(limit)) <= limit.n

    def _most_polls(self, per_s: float) -> int:
        """The most instants `poll_s` apart that a window can hold."""
        return ceil((per_s + self._guard_s) / self._poll_s)

    def _keep(self, guard_s: float) -> None:
        """The limits of today, declared and learnt, with empty windows."""
        self._guard_s = guard_s
        limits = (*self._limits, *self._learnt())
        self.concurrency = min((limit.n for limit in limits if limit.unit in _AT_A_TIME), default=inf)
        self._polled: list[tuple[PolledCalls | FixedWindow, int]] = []  # with the most that one job can send within it
        self._calls: list[Window] = []
        self._n, self._width_s = inf, 0.0  # one sliding window on calls, the common limit, is kept right here
        self._leave_at: deque[float] = deque()  # when each of the last n sendings leaves it
        calls = [limit for limit in limits if limit.unit == "calls"]
        if self._poll_s:
            self._polled = [self._polled_window(limit, self._epoch_at) for limit in _binding(calls)]
        else:
            self._keep_calls(_binding(calls), self._epoch_at)
        self._sized: list[tuple[Window, int, float]] = []  # with the field of a demand that counts, and what a call may ask for at most
        for k, limit in enumerate(limits):
            if limit.unit in _SIZES:
                window = self._window(limit, self._epoch_at)
                self._sized.append((window, _SIZES.index(limit.unit), window.most if k < len(self._limits) else inf))
        self._is_plain = not (self._polled or self._calls or self._sized)
        self.most_items, self.most_tokens, self.most_content_s = (
            min((window.most for window, field, _ in self._sized if field == each), default=inf) for each in range(3)
        )
        self.has_size_limits = bool(self._sized) or not self._polls_fit()

    def _count(self, demand: Demand, at: float) -> None:
        """A call left at `at`; the polls of a job are counted when it is over."""
        if self._width_s:
            leave_at = self._leave_at
            while leave_at and (leave_at[0] <= at or len(leave_at) >= self._n):  # a lower limit looks back on more than it would have let through
                leave_at.popleft()
            leave_at.append(at + self._width_s)
        if self._is_plain:
            return
        for window in self._calls:
            window.take(1, at)
        for sized, field, _ in self._sized:
            sized.take(min(demand[field], sized.most), at)

    def _ready_everywhere_at(self, demand: Demand, now: float, at: float) -> float:
        """The latest of what the windows say; each stays ready once it is, so they all are then."""
        for polled, most in self._polled:
            ready_at = polled.ready_at(most, now)
            if ready_at > at:
                at = ready_at
        for window in self._calls:
            ready_at = window.ready_at(1, now)
            if ready_at > at:
                at = ready_at
        for sized, field, largest in self._sized:
            asked: float = demand[field]
            if sized.most < asked <= largest:  # learnt, and larger than what was learnt: it needs the whole of an empty window
                asked = sized.most
            ready_at = sized.ready_at(asked, now)
            if ready_at > at:
                at = ready_at
        return at

    def _polls_fit(self) -> bool:
        return all(most <= window.most for window, most in self._polled)

    def _keep_calls(self, limits: Sequence[Limit], epoch_at: float) -> None:
        for limit in limits:
            if limit.kind == "sliding" and not self._width_s:
                self._n, self._width_s = limit.n, _period_s(limit) + self._guard_s
            else:
                self._calls.append(self._window(limit, epoch_at))

    def _window(self, limit: Limit, epoch_at: float) -> SlidingCalls | SlidingUnits | FixedWindow | Bucket:
        per_s = _period_s(limit)
        if limit.kind == "fixed":
            return FixedWindow(limit.n, per_s, self._guard_s, ((limit.resets_s or 0.0) - epoch_at) % per_s)
        if limit.kind == "bucket":
            return Bucket(limit.n, per_s, _burst(limit), self._guard_s)
        return (SlidingCalls if limit.unit == "calls" else SlidingUnits)(limit.n, per_s + self._guard_s)

    def _polled_window(self, limit: Limit, epoch_at: float) -> tuple[PolledCalls | FixedWindow, int]:
        """A limit on calls where jobs are polled, and the most that one job can send within it."""
        per_s = _period_s(limit)
        if limit.kind == "bucket":
            per_s *= _burst(limit) / limit.n
        most = self._most_polls(per_s)
        if limit.kind == "fixed":
            window = self._window(limit, epoch_at)
            assert isinstance(window, FixedWindow)
            return window, most
        return PolledCalls(_burst(limit) if limit.kind == "bucket" else limit.n, per_s + self._guard_s), most


def _implies(declared: Limit, limit: Limit) -> bool:
    """Whether a declared limit already says so much."""
    return declared.unit == limit.unit and declared.kind == "sliding" and declared.n <= limit.n and (declared.per_s or 0.0) >= (limit.per_s or 0.0)


def _period_s(limit: Limit) -> float:
    if limit.per_s is None:
        raise ValueError(f"a limit on {limit.unit} needs a period; given: {limit}; try per_s=60")
    return limit.per_s


def _burst(limit: Limit) -> float:
    return limit.n if limit.burst is None else limit.burst


def _binding(limits: Sequence[Limit]) -> list[Limit]:
    """Without the sliding windows that another implies: no more of it in no less time."""
    kept: list[Limit] = []
    for limit in sorted(limits, key=lambda limit: (limit.kind != "sliding", limit.n, -_period_s(limit))):
        implied = limit.kind == "sliding" and any(k.kind == "sliding" and k.n <= limit.n and _period_s(k) >= _period_s(limit) for k in kept)
        if not implied:
            kept.append(limit)
    return kept
