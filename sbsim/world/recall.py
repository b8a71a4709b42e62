"""What a provider remembers of calls that it took on: to cancel them while they run, or to answer a known key again. It forgets in time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from sbsim.records import Call, Item, Outcome
from sbsim.world.job import Job
from sbsim.world.tariff import Tariff


class Work:
    """One call that was taken on: when, at which price, from when until when it runs, what comes of it, what it is charged, and its job, if it is
    one.

    `takes_s` is how long it takes when nothing ends it; of that the first `free_s` seconds are not metered, and `meter_us` microseconds in all are.
    """

    __slots__ = (
        "bill_nano", "call", "done_at", "free_s", "items", "job", "meter_us", "outcome", "sent_at", "serial", "starts_at", "takes_s", "tariff",
    )  # fmt: skip

    def __init__(
        self, call: Call, tariff: Tariff, sent_at: float, starts_at: float, done_at: float, takes_s: float, free_s: float, meter_us: int,
        outcome: Outcome, bill_nano: int, job: Job | None,
    ) -> None:  # fmt: skip
        self.call = call
        self.serial = call.serial
        self.items = call.items
        self.tariff = tariff
        self.sent_at = sent_at
        self.starts_at = starts_at
        self.done_at = done_at
        self.takes_s = takes_s
        self.free_s = free_s
        self.meter_us = meter_us
        self.outcome = outcome
        self.bill_nano = bill_nano
        self.job = job

    def us_until(self, now: float) -> int:
        """Microseconds that the meter shows of it at `now`, while it runs."""
        ran_s, metered_s = now - self.starts_at - self.free_s, self.takes_s - self.free_s
        return round(self.meter_us * min(1.0, ran_s / metered_s)) if ran_s > 0 and metered_s > 0 else 0

    def failures_of(self, items: Sequence[Item]) -> list[tuple[int, str]]:
        """How these items ended, by their positions in `items`; results belong to items, not to places in a call."""
        failed = [(self.items[k], kind) for k, kind in self.outcome.failures]
        return [(k, kind) for k, item in enumerate(items) for other, kind in failed if other is item]


class Recall:
    """Work by the serial of its call, kept until `kept_s` seconds after it is done.

    A call that was answered before anybody lost patience with it is never repeated: its work is let go at once, and with it its items. (Kept for a
    day, all that a run ever made stays in memory, and its inner loop takes twice as long: nothing new is made where something old was just freed.)

    Parameters
    ----------
    kept_s : seconds.
    """

    __slots__ = ("_doubtful", "_forget", "_kept_s", "_works")

    def __init__(self, kept_s: float) -> None:
        self._kept_s = kept_s
        self._works: dict[int, Work] = {}
        self._forget: deque[Work] = deque()  # in order of sending: a long one in front keeps the few behind it
        self._doubtful: deque[Work] = deque()  # done, and may be asked for again

    def get(self, serial: int) -> Work | None:
        return self._works.get(serial)

    def first_of(self, call: Call) -> Work | None:
        """The work that was sent before under the idempotency key of `call`."""
        if call.same_key_as is None:
            return None
        first = call.same_key_as
        while first.same_key_as is not None:
            first = first.same_key_as
        return self._works.get(first.serial)

    def put(self, work: Work, now: float) -> None:
        forget, doubtful, works = self._forget, self._doubtful, self._works
        while forget and forget[0].done_at <= now and forget[0].call.is_answered:
            done = forget.popleft()
            if done.call.is_late:
                doubtful.append(done)
            else:
                works.pop(done.serial, None)
        while doubtful and doubtful[0].done_at + self._kept_s <= now:
            works.pop(doubtful.popleft().serial, None)
        works[work.serial] = work
        forget.append(work)

    def drop(self, serial: int) -> None:
        self._works.pop(serial, None)
