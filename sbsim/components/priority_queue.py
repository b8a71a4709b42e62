"""Ready batches in the order in which they may go: a queue whose ranks never change by themselves.

Contract. The smallest (rank, serial) goes first. A rank is fixed when a batch enters or becomes more urgent:

- fifo: first arrival;
- strict: urgency, then first arrival (lower classes may starve: that is what strict means);
- score: first arrival + ageing x urgency + min(time from arrival to deadline, ageing) / 2, in seconds. Urgency and age are linear in time and move all
  ranks alike, so the order stays right while batches wait. One class outranks the next unless it arrived more than `ageing` later (half of that where
  slack is against it); so nothing starves: a batch is overtaken only by what arrived within 2.5 x `ageing` after it.

An entry is dropped lazily: it counts only while its batch has that very rank.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from sbsim.errors import ScenarioError
from sbsim.records import Batch

_GONE = (-1.0, -1.0)


class PriorityQueue:
    """A heap of batches.

    Parameters
    ----------
    policy : "score", "fifo" or "strict". ageing_s : seconds of waiting that are worth one class of urgency.
    """

    __slots__ = ("_heap", "_n", "ageing_s", "policy")

    def __init__(self, policy: str = "score", ageing_s: float = 1800.0) -> None:
        if policy not in ("score", "fifo", "strict"):
            raise ScenarioError(f"queue.policy: {policy!r} is not one of score, fifo, strict")
        self.policy = policy
        self.ageing_s = ageing_s
        self._heap: list[tuple[tuple[float, float], int, Batch]] = []
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[Batch]:
        """The batches that wait, in their order."""
        return (batch for rank, _, batch in sorted(self._heap, key=lambda entry: entry[:2]) if batch.rank == rank)

    def rank(self, batch: Batch) -> tuple[float, float]:
        """What the batch is sorted by now."""
        if self.policy == "fifo":
            return (0.0, batch.opened_at)
        if self.policy == "strict":
            return (batch.urgency, batch.opened_at)
        ageing_s = self.ageing_s
        slack_s = batch.deadline_at - batch.opened_at
        return (0.0, batch.opened_at + ageing_s * batch.urgency + 0.5 * (slack_s if slack_s < ageing_s else ageing_s))

    def push(self, batch: Batch) -> None:
        """`batch` is ready."""
        batch.rank = rank = self.rank(batch)
        heappush(self._heap, (rank, batch.serial, batch))
        self._n += 1

    def update(self, batch: Batch) -> None:
        """A waiting batch may have become more urgent."""
        rank = self.rank(batch)
        if rank < batch.rank:
            batch.rank = rank
            heappush(self._heap, (rank, batch.serial, batch))

    def peek(self) -> Batch | None:
        """The batch that goes next; None when nothing waits."""
        heap = self._heap
        while heap:
            rank, _, batch = heap[0]
            if batch.rank == rank:
                return batch
            heappop(heap)
        return None

    def pop(self) -> Batch:
        """Take the batch that goes next. Raises IndexError when nothing waits."""
        batch = self.peek()
        if batch is None:
            raise IndexError("the queue is empty")
        heappop(self._heap)
        batch.rank = _GONE
        self._n -= 1
        return batch

    def discard(self, batch: Batch) -> None:
        """`batch` waits no more."""
        batch.rank = _GONE
        self._n -= 1
