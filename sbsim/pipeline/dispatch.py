"""Ready batches to calls: the head of a lane's queue is bound when the gates let its next call pass, and cut as the provider takes it.

A batch's calls pass the gates one by one; the rest of it keeps its place at the head. A new batch that is not the head of a blocked queue changes
nothing. It owns the lanes, the budget and the numbering of calls; it knows neither caches nor retries.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from sbsim.components.batch_builder import BatchBuilder
from sbsim.components.budget import Budget
from sbsim.components.coalescer import Coalescer
from sbsim.pipeline.actions import Action, Fail, Send
from sbsim.pipeline.lane import Lane
from sbsim.records import OPEN, URGENT, Batch, Call, Item

_OF_CONTENT = frozenset({"permanent", "moderated"})
"""Failures that every piece of work for the same content would meet."""


class Dispatcher:
    """Gates and sending.

    Parameters
    ----------
    budget : None where no budget is set. drops_late : items that all their waiters have given up by their deadlines are failed, not sent.
    """

    def __init__(self, *, lanes: Sequence[Lane], budget: Budget | None, builder: BatchBuilder, coalescer: Coalescer, drops_late: bool) -> None:
        self.lanes = tuple(lanes)
        self.budget = budget
        self.builder = builder
        self.coalescer = coalescer
        self.drops_late = drops_late
        self.has_orphans = False  # some queued item may have been answered by another call, or abandoned
        self.in_flight: dict[int, Call] = {}
        self.n_gone = 0  # requests whose items were given up here, for the pipeline's count
        self.n_held_by_limit = 0
        self.n_held_by_budget = 0
        self._serial = 0

    def enqueue(self, batch: Batch, now: float, out: list[Action]) -> None:
        """A batch is ready: it goes at once when nothing stands before it and the gates are open, else it takes its place."""
        lane = self.lanes[batch.lane]
        queue = lane.queue
        if not len(queue) and self._go(lane, batch, now, out):
            return
        queue.push(batch)
        if len(queue) > 1 and queue.peek() is batch:  # else the head before it is still held
            self.dispatch(lane, now, out)

    def dispatch(self, lane: Lane, now: float, out: list[Action]) -> None:
        """Send from the head of the lane's queue until a gate says later; `lane.blocked_until` says when."""
        queue = lane.queue
        while (batch := queue.peek()) is not None and self._go(lane, batch, now, out):
            queue.pop()

    def _go(self, lane: Lane, batch: Batch, now: float, out: list[Action]) -> bool:
        """Send the calls of `batch`, the next on its lane, one by one; False when a gate holds the next one, with `lane.blocked_until` set."""
        limiter, budget = lane.limiter, self.budget
        while True:
            if limiter.n_in_flight >= limiter.concurrency:
                lane.blocked_until = inf  # only an answer can help
                return False
            if (self.has_orphans or self.drops_late) and not self._prune(batch, now, out):
                return True
            part = lane.next_part(batch)
            demand = lane.demand(part)
            ready_at = limiter.ready_at(demand, now)
            if ready_at > now:
                self.n_held_by_limit += 1
                lane.blocked_until = ready_at
                return False
            reservation = None
            if budget is not None:
                most = lane.book.most(part, lane.longest_s)
                is_urgent = batch.urgency == URGENT
                if most is None or not budget.can_ever(most, is_urgent):
                    if self._shrink(lane, batch, part, out):
                        continue
                    return True
                ready_at = budget.ready_at(most, is_urgent, now)
                if ready_at > now:
                    self.n_held_by_budget += 1
                    lane.blocked_until = ready_at
                    return False
                reservation = budget.take(most, now)
            rest = self._bind(lane, batch)
            call = self._call(lane, batch, part, now)
            call.reservation = reservation
            limiter.take(call.serial, demand, now)
            self.in_flight[call.serial] = call
            lane.watch(call)
            ends_at = now + lane.service.expected_s
            for item in part:
                item.ends_at = ends_at
            out.append(Send(call))
            if not rest:
                lane.blocked_until = inf
                return True

    def dispatch_all(self, now: float, out: list[Action]) -> None:
        """Every lane that has something waiting: what one of them settled may help another."""
        for lane in self.lanes:
            if len(lane.queue):
                self.dispatch(lane, now, out)

    def give_up(self, items: Sequence[Item], error: str, out: list[Action]) -> None:
        """Fail these items for everybody who waits for them.

        What is wrong with the content is shared by its rivals. Anything else is this piece of work's own bad luck: while a rival is still under way,
        its waiters wait for that one.
        """
        gone: list[Item] = []
        for item in items:
            if item.done:
                continue
            heir = None if error in _OF_CONTENT else self.coalescer.hand_over(item)
            if heir is None:
                gone.extend(self.close(item))
                continue
            self.has_orphans = True
            if heir.ends_at == -inf:
                self.hurry(heir)
        if gone:
            self.n_gone += sum(len(item.requests) for item in gone)
            out.append(Fail(gone, error))

    def hurry(self, item: Item) -> None:
        """Work that has not left became more pressing: its group or its place in the queue moves forward."""
        batch = item.batch
        if batch is None:
            return
        lane = self.lanes[batch.lane]
        self.builder.tighten(item, lane.service.expected_s)
        if batch.state != OPEN and batch.rank[1] < inf:  # it stands in the queue, or stood there; a retry takes its place by what it is then
            lane.queue.update(batch)

    def close(self, item: Item) -> list[Item]:
        """`item` has come to its end, and so have its rivals: all of them, each with the requests that waited for it."""
        together = self.coalescer.close(item)
        if len(together) > 1:
            self.has_orphans = True
            for rival in together:
                rival.entry = item.entry
        return together

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _bind(self, lane: Lane, batch: Batch) -> list[list[Item]]:
        """Take the next call off the batch; what is left of it."""
        parts = batch.parts
        if parts is None:
            self.builder.bind(batch)
            parts = batch.parts = lane.cut(batch.items)
        parts.pop(0)
        return parts

    def _call(self, lane: Lane, batch: Batch, part: list[Item], now: float) -> Call:
        """The attempt that carries `part`. After an unknown outcome the key stays, so that a provider that knows it answers for the first sending."""
        self._serial += 1
        before = batch.call
        due_at = now + lane.call_timeout_s
        if before is None:
            m = lane.m
            lane.m = m + 1
            return Call(self._serial, lane.index, batch, part, m, "", 1, now, due_at)
        call = Call(self._serial, lane.index, batch, part, before.m, batch.path, before.attempt + 1, now, due_at)
        if before.is_late:
            call.same_key_as = before
        return call

    def _prune(self, batch: Batch, now: float, out: list[Action]) -> bool:
        """Drop from an unsent batch what need not be sent; False when nothing is left."""
        if self.drops_late:
            late = [item for item in batch.items if item.ends_at == -inf and not item.done and all(r.deadline_at <= now for r in item.requests)]
            if late:
                self.give_up(late, "deadline", out)
        if any(item.done for item in batch.items):
            self.builder.bind(batch)  # a batch that lost members takes no new ones: its sums are no longer theirs
            batch.items = [item for item in batch.items if not item.done]
            if batch.parts is not None:
                batch.parts = [kept for part in batch.parts if (kept := [item for item in part if not item.done])]
        return bool(batch.items if batch.parts is None else batch.parts)

    def _shrink(self, lane: Lane, batch: Batch, part: list[Item], out: list[Action]) -> bool:
        """A call that no budget window could ever pay is halved; one item alone is given up. Whether anything is left to send."""
        parts = batch.parts
        if parts is None:
            self.builder.bind(batch)
            parts = batch.parts = lane.cut(batch.items)
        parts.pop(0)
        if len(part) > 1:
            half = (len(part) + 1) // 2
            parts[:0] = [part[:half], part[half:]]
        else:
            self.give_up(part, "never_affordable", out)
        return bool(parts)
