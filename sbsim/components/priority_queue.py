"""Ready batches in the order in which they may go: a queue whose ranks never change by themselves.

Contract. The smallest (rank, serial) goes first. A rank is fixed when a batch enters, and again when it became more urgent:

- fifo: first arrival.
- strict: urgency, then first arrival. Lower classes may starve: that is what strict means.
- score: first arrival + ageing x (urgency + price / 8) + min(time from arrival to deadline, ageing) / 2, in seconds, where price is p / (p + 1) of an
  item's p dollars by the list: what is dear holds budget and slots for more, and lets the cheap go first.

Why the order stays right: a score that grows with age would have every rank change at every instant, but all by the same amount; what differs between
two batches is fixed when they enter.

Nothing starves under `score`. With urgencies 1 to 3 the last two terms lie between 1 and 3.625 times `ageing`; so a batch is overtaken by none that
arrived more than 2.625 x `ageing` after it, and once every earlier batch and those have gone it is the head. A level of urgency weighs `ageing`,
slack and price at most 5/8 of that: of two batches of the same age the more urgent always goes first, and of two of the same urgency no slack is
worth more than `ageing` / 2 of waiting, and no price more than `ageing` / 8.

An entry is dropped lazily: it counts only while its rank is the very one (`is`) that its batch carries.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from math import inf

from sbsim.errors import ScenarioError
from sbsim.records import URGENT, Batch

POLICIES = ("score", "fifo", "strict")
PRICE_WEIGHT = 0.125
"""Levels of urgency that a price is worth at most: enough to order what is equally pressing, little against a deadline."""
_GONE = (-1.0, -1.0)
"""Rank of a batch that waits no more: no other is more urgent."""


class PriorityQueue:
    """A heap of batches.

    Parameters
    ----------
    policy : "score", "fifo" or "strict". ageing_s : seconds of waiting that are worth one level of urgency.

    Raises
    ------
    ScenarioError
        When there is no such policy.
    """

    __slots__ = ("_heap", "_n", "_waiting", "ageing_s", "policy")

    def __init__(self, policy: str = "score", ageing_s: float = 1800.0) -> None:
        if policy not in POLICIES:
            raise ScenarioError(f"queue.policy: {policy!r} is not one of {', '.join(POLICIES)}")
        self.policy = policy
        self.ageing_s = ageing_s
        self._heap: list[tuple[float, float, int, Batch, tuple[float, float]]] = []  # flat: nested tuples compare in twice the time
        self._n = 0
        self._waiting = [0, 0, 0, 0]  # batches by urgency, 1 to 3

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[Batch]:
        """The batches that wait, in their order."""
        return (batch for _, _, _, batch, rank in sorted(self._heap, key=lambda entry: entry[:3]) if batch.rank is rank)

    def rank(self, batch: Batch) -> tuple[float, float]:
        """What the batch is sorted by as it is now."""
        opened_at = batch.opened_at
        if self.policy == "score":
            ageing_s = self.ageing_s
            slack_s = batch.deadline_at - opened_at
            usd = batch.list_usd / (len(batch.items) or 1)
            weight = batch.urgency + PRICE_WEIGHT * usd / (usd + 1.0)
            return (0.0, opened_at + ageing_s * weight + 0.5 * (slack_s if slack_s < ageing_s else ageing_s))
        return (batch.urgency if self.policy == "strict" else 0.0, opened_at)

    def push(self, batch: Batch) -> None:
        """`batch` is ready."""
        batch.rank = rank = self.rank(batch)
        heappush(self._heap, (rank[0], rank[1], batch.serial, batch, rank))
        self._n += 1
        batch.queued_as = batch.urgency
        self._waiting[batch.urgency] += 1

    def update(self, batch: Batch) -> bool:
        """A waiting batch may have become more urgent, which is returned; one that became less so, or waits no more, stays where it is."""
        rank, is_more_urgent = self.rank(batch), False
        if batch.urgency != batch.queued_as and self.holds(batch):
            is_more_urgent = batch.urgency < batch.queued_as
            self._waiting[batch.queued_as] -= 1
            self._waiting[batch.urgency] += 1
            batch.queued_as = batch.urgency
        if rank < batch.rank:
            batch.rank = rank
            heappush(self._heap, (rank[0], rank[1], batch.serial, batch, rank))
            return True
        return is_more_urgent

    def peek(self) -> Batch | None:
        """The batch that goes next; None when nothing waits."""
        heap = self._heap
        while heap:
            batch = heap[0][3]
            if batch.rank is heap[0][4]:
                return batch
            heappop(heap)
        return None

    def pop(self) -> Batch:
        """Take the batch that goes next. Raises IndexError when nothing waits."""
        batch = self.peek()
        if batch is None:
            raise IndexError("the queue is empty")
        heappop(self._heap)
        self._leave(batch)
        return batch

    def configure(self, policy: str, ageing_s: float) -> None:
        """Another order, of those that wait too."""
        waiting = list(self)
        for batch in waiting:
            self.discard(batch)
        self.policy, self.ageing_s = policy, ageing_s
        for batch in waiting:
            self.push(batch)

    @staticmethod
    def holds(batch: Batch) -> bool:
        """Whether `batch` waits in a queue."""
        return 0.0 <= batch.rank[0] < inf

    def discard(self, batch: Batch) -> None:
        """A waiting batch waits no more."""
        self._leave(batch)

    def first_urgent(self) -> Batch | None:
        """The first of the urgent batches, wherever it stands; None when none waits."""
        if not self._waiting[URGENT]:
            return None
        waiting = (entry for entry in self._heap if entry[3].rank is entry[4] and entry[3].queued_as == URGENT)
        return min(waiting, key=lambda entry: entry[:3])[3]

    def passes_over(self, batch: Batch) -> bool:
        """Whether anything more urgent than `batch` waits here: who sends it now inverts priorities, as age and slack may have it."""
        waiting = self._waiting
        return batch.urgency > 1 and (waiting[1] > 0 or (batch.urgency > 2 and waiting[2] > 0))

    def _leave(self, batch: Batch) -> None:
        batch.rank = _GONE
        self._n -= 1
        self._waiting[batch.queued_as] -= 1
