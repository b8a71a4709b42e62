"""A provider's door: the limits it enforces, all of them or none.

A limit whose excess is *rejected* looks at the call as it arrives; a call that one of them has no room for is counted by none. A limit whose excess
is *queued* makes it wait, first come first served: windows (calls, items, tokens, content seconds) at the door, then slots (concurrency, outstanding)
for a worker. Slots of a rejecting limit are held from arrival to answer, for a job until its result has been seen; slots of a queueing limit are
workers, busy from the start of the work to its end, so that every start is known when a call arrives.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush, heappushpop, nsmallest
from math import inf

from sbsim.records import Item
from sbsim.scenario import Limit
from sbsim.world.job import Job
from sbsim.world.windows import Bucket, FixedWindow, SlidingCalls, SlidingWindow, Window

SLOTS = ("concurrency", "outstanding")


class Slots:
    """At most `n` calls under way. A holder leaves at an instant known when it comes (`hold`), or is told to (`enter`, `leave`)."""

    __slots__ = ("_inside", "_leaves", "_n")

    def __init__(self, n: int) -> None:
        self._n = n
        self._leaves: list[float] = []
        self._inside: dict[Job, None] = {}  # jobs whose results nobody has seen yet

    def ready_at(self, at: float) -> float:
        """The first instant from `at` on with a free slot, if nobody else comes and every job is seen at its next poll after its end."""
        leaves = self._leaves
        while leaves and leaves[0] <= at:
            heappop(leaves)
        n_too_many = len(leaves) + len(self._inside) - self._n + 1
        if n_too_many <= 0:
            return at
        seen_at = [job.expected_at(at) for job in self._inside]  # more than one must leave where another door let in more than `n`
        return nsmallest(n_too_many, [*leaves, *seen_at])[-1]

    def hold(self, until: float) -> None:
        heappush(self._leaves, until)

    def enter(self, job: Job) -> None:
        self._inside[job] = None

    def leave(self, job: Job, at: float) -> None:
        """The job holds its slot no longer than `at` from now on."""
        if job in self._inside:
            del self._inside[job]
            heappush(self._leaves, at)

    def free(self, until: float, at: float) -> None:
        """Who was to hold a slot `until` then, leaves `at` once."""
        _replace(self._leaves, until, at)


class Workers:
    """`n` servers with one queue in order of arrival: the instants at which they come free are known."""

    __slots__ = ("_free_at", "_n")

    def __init__(self, n: int) -> None:
        self._n = n
        self._free_at: list[float] = []

    def ready_at(self, at: float) -> float:
        free_at = self._free_at
        return at if len(free_at) < self._n or free_at[0] <= at else free_at[0]

    def hold(self, until: float) -> None:
        if len(self._free_at) < self._n:
            heappush(self._free_at, until)
        else:
            heappushpop(self._free_at, until)  # the n last to come free: as many as count, even if another door let in more

    def free(self, until: float, at: float) -> None:
        """Who was to work `until` then, stops `at` once; calls that queue behind it keep the starts they were given."""
        _replace(self._free_at, until, at)


class Door:
    """All limits of one provider.

    Parameters
    ----------
    limits : the provider entry's limits, whether known to its clients or not.
    """

    def __init__(self, limits: Sequence[Limit]) -> None:
        windows = {
            name: [(limit.unit, make_window(limit)) for limit in limits if limit.unit not in SLOTS and limit.on_excess == name]
            for name in ("reject", "queue")
        }
        self._strict = windows["reject"]
        self._patient = windows["queue"]
        self._slots = [Slots(int(limit.n)) for limit in limits if limit.unit in SLOTS and limit.on_excess == "reject"]
        self._workers = [Workers(int(limit.n)) for limit in limits if limit.unit in SLOTS and limit.on_excess == "queue"]
        self._is_open = not limits
        self._passed_at = 0.0
        self._started_at = 0.0
        self.n_waited = 0

    def ready_at(self, items: Sequence[Item], now: float) -> float:
        """`now` when the call may come in; else when it could, if nobody else came; inf when no limit could ever grant it."""
        if self._is_open:
            return now
        ready_at = now
        for unit, window in self._strict:
            at = window.ready_at(1.0 if unit == "calls" else weight(unit, items), now)
            if at > ready_at:
                ready_at = at
        for slots in self._slots:
            at = slots.ready_at(now)
            if at > ready_at:
                ready_at = at
        for unit, window in self._patient:
            if unit != "calls" and weight(unit, items) > window.most:
                return inf
        return ready_at

    def enter(self, items: Sequence[Item], now: float) -> tuple[float, float]:
        """Let a call in that `ready_at` has room for; the instants at which it passes the door and at which work on it starts."""
        for unit, window in self._strict:
            window.take(1.0 if unit == "calls" else weight(unit, items), now)
        if not self._patient and not self._workers:
            return now, now
        passes_at = self._pass(items, now)
        starts_at = max(passes_at, self._started_at)
        for workers in self._workers:
            starts_at = max(starts_at, workers.ready_at(starts_at))
        self._started_at = starts_at
        self.n_waited += starts_at > now
        return passes_at, starts_at

    def poll(self, now: float) -> float:
        """The instant at which a question about a job passes the limits on calls; inf when one of them turns it away."""
        calls = [window for unit, window in self._strict if unit == "calls"]
        if any(window.ready_at(1.0, now) > now for window in calls):
            return inf
        for window in calls:
            window.take(1.0, now)
        return self._pass(None, now) if self._patient else now

    def note(self, items: Sequence[Item] | None, now: float, passes_at: float, starts_at: float) -> None:
        """A call, or a poll (None), came at `now` through the door that is in force before this one."""
        for windows, at in ((self._strict, now), (self._patient, passes_at)):
            for unit, window in windows:
                if unit == "calls" or items is not None:
                    window.note(1.0 if unit == "calls" else weight(unit, items or ()), at)
        self._passed_at = max(self._passed_at, passes_at)
        self._started_at = max(self._started_at, starts_at)

    def hold(self, until: float) -> None:
        """The call that has just entered holds its slots and its worker until then."""
        for slots in self._slots:
            slots.hold(until)
        for workers in self._workers:
            workers.hold(until)

    def hold_job(self, job: Job, until: float) -> None:
        """The job that has just entered holds its slots until it `leave`s, and its worker `until` then."""
        for slots in self._slots:
            slots.enter(job)
        for workers in self._workers:
            workers.hold(until)

    def leave(self, job: Job, at: float) -> None:
        """The job's result was seen, or nobody will ask for it: its slots are free from `at` on."""
        for slots in self._slots:
            slots.leave(job, at)

    def stop(self, job: Job | None, until: float, at: float, starts_at: float) -> None:
        """Work that was to go on `until` then ends `at` once; a worker that has not begun it is busy with another until `starts_at`."""
        for slots in self._slots:
            if job is None:
                slots.free(until, at)
            else:
                slots.leave(job, at)
        for workers in self._workers:
            workers.free(until, max(at, starts_at))

    def _pass(self, items: Sequence[Item] | None, now: float) -> float:
        """First come, first served through the queueing windows: all of them at one instant. A poll (None) asks only the limits on calls."""
        asked = [
            (window, 1.0 if unit == "calls" else weight(unit, items or ())) for unit, window in self._patient if unit == "calls" or items is not None
        ]
        at, since = max(now, self._passed_at), -inf
        while at > since:
            since = at
            for window, amount in asked:
                at = window.ready_at(amount, at)
        for window, amount in asked:
            window.take(amount, at)
        self._passed_at = at
        return at


def weight(unit: str, items: Sequence[Item]) -> float:
    """What a call of these items counts against a limit on `unit`; tokens count as they are announced: in, and out at most."""
    if unit == "items":
        return len(items)
    if unit == "content_seconds":
        return sum(item.content.facts.duration_s for item in items)
    total = 0.0
    for item in items:
        facts = item.content.facts
        total += facts.units_in + (facts.units_out if facts.max_units_out is None else facts.max_units_out)
    return total


def make_window(limit: Limit) -> Window:
    """The window of a limit of calls, items, tokens or content seconds."""
    if limit.kind == "bucket":
        return Bucket(limit.n, limit.per, limit.n if limit.burst is None else limit.burst)
    if limit.kind == "fixed":
        return FixedWindow(limit.n, limit.per, limit.resets or 0.0)
    if limit.unit == "calls":
        return SlidingCalls(int(limit.n), limit.per)
    return SlidingWindow(limit.n, limit.per)


def _replace(instants: list[float], old: float, new: float) -> None:
    """Put `new` in place of `old` in a heap; nothing where it has gone already."""
    if old in instants:
        instants[instants.index(old)] = new
        heapify(instants)
