"""A job as its provider knows it. Instants are seconds from the start of the run."""

from __future__ import annotations

from math import ceil

from sbsim.records import Outcome


class Job:
    """Work that a job API took on: done at `done_at`, seen at the first poll from then on."""

    __slots__ = ("accepted_at", "done_at", "outcome", "poll_s")

    def __init__(self, accepted_at: float, done_at: float, outcome: Outcome, poll_s: float) -> None:
        self.accepted_at = accepted_at
        self.done_at = done_at
        self.outcome = outcome
        self.poll_s = poll_s

    def expected_at(self, now: float) -> float:
        """The first poll from `now` on that can see the result, if polls come every `poll_s` seconds from the acceptance on."""
        seen_at = max(self.done_at, now)
        if self.poll_s <= 0:
            return seen_at
        n = max(1, ceil((seen_at - self.accepted_at) / self.poll_s))
        at = self.accepted_at + n * self.poll_s
        return at if at >= seen_at else at + self.poll_s
