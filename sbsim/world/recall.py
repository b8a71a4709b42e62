"""What a provider remembers of calls that it took on: to cancel them while they run, or to answer a known key again. It forgets in time."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from sbsim.records import Outcome
from sbsim.world.job import Job


class Work:
    """One call that was taken on: from when until when it runs, what comes of it, what it is charged, and its job, if it is one."""

    __slots__ = ("bill_nano", "done_at", "job", "outcome", "starts_at")

    def __init__(self, starts_at: float, done_at: float, outcome: Outcome, bill_nano: int, job: Job | None) -> None:
        self.starts_at = starts_at
        self.done_at = done_at
        self.outcome = outcome
        self.bill_nano = bill_nano
        self.job = job


class Recall:
    """Work by some name, kept until `kept_s` seconds after it is done.

    Parameters
    ----------
    kept_s : seconds.
    """

    __slots__ = ("_forget", "_kept_s", "_works")

    def __init__(self, kept_s: float) -> None:
        self._kept_s = kept_s
        self._works: dict[Hashable, Work] = {}
        self._forget: deque[tuple[float, Hashable]] = deque()  # in order of sending: a long one in front keeps the few behind it

    def get(self, name: Hashable) -> Work | None:
        return self._works.get(name)

    def put(self, name: Hashable, work: Work, now: float) -> None:
        forget = self._forget
        while forget and forget[0][0] <= now:
            self._works.pop(forget.popleft()[1], None)
        self._works[name] = work
        forget.append((work.done_at + self._kept_s, name))

    def drop(self, name: Hashable) -> None:
        self._works.pop(name, None)
