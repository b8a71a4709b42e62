"""Whether a failed attempt is made again, and when: a policy and its waiting room.

Contract. `delay` is exponential backoff with full jitter (Brooker, "Exponential backoff and jitter", AWS Architecture Blog, 2015): u x min(cap, base
x 2^(attempt - 1)) seconds with u uniform in (0, 1), and never less than the provider's Retry-After, which the cap does not shorten. Refusals that
another attempt cannot mend (permanent, moderated) are final, and so is attempt number `max_attempts`. The uniform comes with the outcome: nothing
here draws.

`due_at` is when the first pause ends (inf: none waits); `wake(now)` gives the batches whose pause is over, in order of (instant, batch serial), and
is harmless when early.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from math import inf

from sbsim.records import Batch, Outcome

RETRYABLE = frozenset({"rate_limited", "transient", "item_error", "missing", "timed_out", "expired"})
"""Kinds of failure that another attempt may mend. Whether a call in doubt may be sent again is the pipeline's rule."""
_MOST_DOUBLINGS = 1000
"""Beyond that 2^n leaves the range of floats; any cap has been reached long before."""


class Retry:
    """Pauses between attempts.

    Parameters
    ----------
    max_attempts : sendings of a call at most, the first included. base_s, cap_s : seconds, of the first pause at most and of any.
    """

    __slots__ = ("_waiting", "base_s", "cap_s", "due_at", "max_attempts")

    def __init__(self, *, max_attempts: int, base_s: float, cap_s: float) -> None:
        self.max_attempts = max_attempts
        self.base_s = base_s
        self.cap_s = cap_s
        self.due_at = inf
        self._waiting: list[tuple[float, int, Batch]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Batch]:
        """The batches that pause, in the order in which they go."""
        return (batch for _, _, batch in sorted(self._waiting, key=lambda entry: entry[:2]))

    def configure(self, *, max_attempts: int, base_s: float, cap_s: float) -> None:
        """Other terms for what fails from now on; pauses that have begun end as they were meant to."""
        self.max_attempts, self.base_s, self.cap_s = max_attempts, base_s, cap_s

    def delay(self, error: str, attempt: int, outcome: Outcome) -> float | None:
        """Seconds to wait after failed attempt number `attempt` (from 1); None: give up."""
        if attempt >= self.max_attempts or error not in RETRYABLE:
            return None
        pause_s = outcome.jitter * min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS))
        return pause_s if pause_s > outcome.retry_after_s else outcome.retry_after_s

    def later(self, batch: Batch, at: float) -> None:
        """Give `batch` back at instant `at`."""
        heappush(self._waiting, (at, batch.serial, batch))
        self.due_at = self._waiting[0][0]

    def wake(self, now: float) -> list[Batch]:
        """The batches whose pause is over."""
        waiting = self._waiting
        over = []
        while waiting and now >= waiting[0][0]:
            over.append(heappop(waiting)[2])
        self.due_at = waiting[0][0] if waiting else inf
        return over
