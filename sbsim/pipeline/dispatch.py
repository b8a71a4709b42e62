"""Ready batches to calls: the head of a lane's queue is bound when the gates let its next call pass, and cut as the provider takes it.

A batch's calls pass the gates one by one; the rest of it keeps its place at the head. A new batch that is not the head of a blocked queue changes
nothing. It owns the lanes, the budget and the numbering of calls; it knows neither caches nor retries.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from sbsim.components.batch_builder import BatchBuilder
from sbsim.components.budget import Budget, Cost, Ticket
from sbsim.components.coalescer import Coalescer
from sbsim.components.formation import Formation
from sbsim.pipeline.actions import Action, Fail, Send
from sbsim.pipeline.forming import form
from sbsim.pipeline.lane import Lane
from sbsim.pipeline.routing import Routing, repeats_key
from sbsim.records import OPEN, URGENT, Batch, Call, Demand, Item

OF_CONTENT = frozenset({"permanent", "moderated"})
"""Failures that every piece of work for the same content would meet."""


class Dispatcher:
    """Gates and sending.

    Parameters
    ----------
    budget : None where no budget is set. drops_late : items that all their waiters have given up by their deadlines are failed, not sent.
    formation : packs anew what is pending when a lane can take a call; None: groups go as they are.
    routing : policy of `components.router`. ordinal, step : of several batchers this one numbers its calls, and those of each lane, from `ordinal` in
        steps of `step`.

    Attributes
    ----------
    routing : which lane should make a batch.
    """

    def __init__(
        self,
        *,
        lanes: Sequence[Lane],
        budget: Budget | None,
        builder: BatchBuilder,
        coalescer: Coalescer,
        drops_late: bool,
        formation: Formation | None = None,
        routing: str = "single",
        ordinal: int = 0,
        step: int = 1,
    ) -> None:
        self.lanes = tuple(lanes)
        self.budget = budget
        self.builder = builder
        self.coalescer = coalescer
        self.drops_late = drops_late
        self.formation = formation
        self.has_orphans = False  # some queued item may have been answered by another call, or abandoned
        self.in_flight: dict[int, Call] = {}
        self.n_gone = 0  # requests whose items were given up here, for the pipeline's count
        self.n_held_by_limit = 0
        self.n_held_by_budget = 0
        self.held: set[int] | None = None  # where somebody reads it: serials of the requests whose calls waited for the budget
        self.n_rerouted = self.n_failed_over = 0  # batches that left a lane in time, and one whose breaker opened
        self.n_diverted = self.n_dropped = 0  # batches that went to another lane than first reckoned with; items that nobody waits for in time
        self.n_inversions = self.n_starved = 0  # calls that left before more urgent work, and after having been ready for longer than `queue.ageing`
        self.routing = Routing(lanes, routing)
        self._serial, self._step = ordinal, step
        for lane in self.lanes:
            lane.m = ordinal

    def enqueue(self, batch: Batch, now: float, out: list[Action]) -> None:
        """A batch is ready: it goes at once when nothing stands before it and the gates are open, else it takes its place."""
        if not batch.items:
            return  # it was formed anew with one that became ready in the same input
        lane = self.lanes[batch.lane]
        if self.routing.chooses:
            lane = self._routed(batch, lane, now)
        queue = lane.queue
        if not len(queue) and self._go(lane, batch, now, out):
            if len(queue):  # it was formed anew, and the others follow
                self.dispatch(lane, now, out)
            return
        self.wait(batch, now)
        if len(queue) > 1 and self._is_next(lane, batch):  # else the head before it is still held
            self.dispatch(lane, now, out)

    def wait(self, batch: Batch, now: float) -> None:
        """The batch takes its place in its lane's queue."""
        batch.queued_at = now
        self.lanes[batch.lane].queue.push(batch)
        if self.routing.chooses:
            self.routing.watch(batch, now)

    def dispatch(self, lane: Lane, now: float, out: list[Action]) -> None:
        """Send from the head of the lane's queue until a gate says later; `lane.blocked_until` says when."""
        queue = lane.queue
        while (batch := queue.peek()) is not None:
            if self._go(lane, batch, now, out):
                queue.discard(batch)  # forming may have put another one before it
            elif queue.peek() is batch:  # else another one has become more pressing meanwhile
                if lane.is_held and batch.urgency > URGENT:
                    self._spend_reserve(lane, now, out)
                return

    def _go(self, lane: Lane, batch: Batch, now: float, out: list[Action]) -> bool:
        """Send the calls of `batch`, the next on its lane, one by one; False when a gate holds the next one, with `lane.blocked_until` set."""
        limiter, breaker, budget = lane.limiter, lane.breaker, self.budget
        lane.is_held = False
        if lane.short_since < inf:
            lane.close_short(now)
        if batch.queued_at < lane.short_until:
            self._note_held(batch)
        while True:
            if limiter.n_in_flight >= limiter.concurrency:
                lane.blocked_until = inf  # only an answer can help
                return False
            if not breaker.is_closed and breaker.ready_at(now) > now:
                lane.blocked_until = breaker.ready_at(now)
                return False
            if (self.has_orphans or self.drops_late) and not self._prune(batch, now, out):
                return True
            if self.formation is not None and not form(self.formation, self.builder, lane, batch, now):
                return True
            part = lane.next_part(batch)
            demand = lane.demand(part)
            ready_at = limiter.ready_at(demand, now)
            if ready_at > now:
                self.n_held_by_limit += 1
                lane.blocked_until = ready_at
                return False
            ticket = None
            if budget is not None:
                cost, is_urgent = self.cost(lane, part, now), batch.urgency == URGENT
                ready_at = budget.ready_at(cost, is_urgent, now)
                if ready_at > now and budget.can_ever(cost, is_urgent):
                    self.n_held_by_budget += 1
                    lane.is_held = True
                    if budget.hold(cost, is_urgent, now):  # else it is only paced
                        lane.short_since = now
                    lane.blocked_until = ready_at
                    return False
                if ready_at > now:
                    if len(part) == 1:  # given up: the windows that could never pay for it are exhausted
                        budget.hold(cost, is_urgent, now)
                    if self._shrink(lane, batch, part, out):
                        continue
                    return True
                ticket = budget.take(cost, now)
            if not self._send(lane, batch, part, demand, ticket, now, out):
                lane.blocked_until = inf
                return True

    def _send(
        self, lane: Lane, batch: Batch, part: list[Item], demand: Demand, ticket: Ticket | None, now: float, out: list[Action]
    ) -> list[list[Item]]:
        """The next call of `batch` passes the gates and leaves; what is left of the batch."""
        if batch.call is None:
            self.n_inversions += lane.queue.passes_over(batch)
            self.n_starved += now > batch.ready_at + lane.queue.ageing_s
        rest = self._bind(lane, batch)
        call = self._call(lane, batch, part, now)
        call.reservation = ticket
        if lane.is_job:
            call.job_timeout_s = lane.job_timeout_s
        lane.limiter.take(call.serial, demand, now)
        lane.breaker.take(call.serial)
        if self.formation is not None:
            self.formation.sent(len(part), batch.group)
        self.in_flight[call.serial] = call
        lane.watch(call)
        ends_at = now + lane.service.expected_s
        for item in part:
            item.ends_at = ends_at
        out.append(Send(call))
        return rest

    def _spend_reserve(self, lane: Lane, now: float, out: list[Action]) -> None:
        """The budget holds the head of the queue, which is not urgent: urgent work behind it goes, as far as what is kept for it reaches."""
        while (batch := lane.queue.first_urgent()) is not None:
            until, since = lane.blocked_until, lane.short_since
            has_gone = self._go(lane, batch, now, out)
            lane.blocked_until, lane.short_since, lane.is_held = min(until, lane.blocked_until), since, True  # the head is still held
            if not has_gone:
                return
            lane.queue.discard(batch)

    def n_starving(self, now: float) -> int:
        """Calls that have been ready for longer than `queue.ageing` and never left."""
        waiting = ((lane, batch) for lane in self.lanes for batch in lane.queue if batch.call is None and now > batch.ready_at + lane.queue.ageing_s)
        return sum(any(not item.done for item in part) for lane, batch in waiting for part in batch.parts or lane.cut(batch.items))

    def held_by_budget(self, now: float) -> set[int]:
        """Serials of the requests whose calls waited because the budget had no room: for their own call, or for one before it in the queue."""
        waiting = (batch for lane in self.lanes for batch in lane.queue if lane.was_short_since(batch.queued_at, now))
        return {*(self.held or ()), *(serial for batch in waiting for serial in _waiters(batch))}

    def _note_held(self, batch: Batch) -> None:
        if self.held is not None:
            self.held.update(_waiters(batch))

    def _is_next(self, lane: Lane, batch: Batch) -> bool:
        """Whether a batch that waits could be what the lane sends next: the head, or urgent work that a budget may keep something for."""
        return lane.queue.peek() is batch or (self.budget is not None and batch.urgency == URGENT)

    def cost(self, lane: Lane, part: Sequence[Item], now: float) -> Cost:
        """What a call of these items may cost if it is sent now."""
        most = lane.book.at(now).most(part, lane.longest_s)
        return Cost(most, 0 if most is not None else sum(item.content.individual_nano for item in part), lane.index)

    def dispatch_all(self, now: float, out: list[Action]) -> None:
        """Every lane that has something waiting: what one of them settled may help another."""
        for lane in self.lanes:
            if len(lane.queue):
                self.dispatch(lane, now, out)

    def reroute(self, now: float, out: list[Action]) -> None:
        """Batches that still wait though their time is up look for a faster lane."""
        while (batch := self.routing.overdue(now)) is not None:
            lane = self.lanes[batch.lane]
            if self.routing.choice(batch, lane, now) is lane:
                self.routing.watch(batch, now)
            else:
                self.n_rerouted += 1
                self._move([batch], lane, now, out)

    def reroute_by(self, policy: str, now: float, out: list[Action]) -> None:
        """Another policy: what waits is routed anew by it."""
        self.routing.follow(policy)
        for lane in self.lanes:
            self._move([batch for batch in lane.queue if self.routing.choice(batch, lane, now) is not lane], lane, now, out)

    def fail_over(self, lane: Lane, now: float, out: list[Action]) -> None:
        """The lane's breaker has opened: what waits there goes where it is welcome."""
        if self.routing.chooses and len(lane.queue):
            leaving = [batch for batch in lane.queue if self.routing.choice(batch, lane, now) is not lane]
            self.n_failed_over += len(leaving)
            self._move(leaving, lane, now, out)
        if len(lane.queue):
            self.dispatch(lane, now, out)  # names the instant of the first probe

    def give_up(self, items: Sequence[Item], error: str, out: list[Action]) -> None:
        """Fail these items for everybody who waits for them.

        What is wrong with the content is shared by its rivals. Anything else is this piece of work's own bad luck: while a rival is still under way,
        its waiters wait for that one.
        """
        gone: list[Item] = []
        for item in items:
            if item.done:
                continue
            heir = None if error in OF_CONTENT else self.coalescer.hand_over(item)
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
        self.builder.tighten(item, self.lanes[batch.lane].service.expected_s)
        if batch.state != OPEN and batch.rank[1] < inf:  # it stands in the queue, or stood there; a retry takes its place by what it is then
            self.promote(batch)

    def promote(self, batch: Batch) -> None:
        """A batch that waits may have become more pressing: it moves forward. If it could be next it is looked at anew, in a wake due at once: what
        held it, or who stood before it, may not hold it now."""
        lane = self.lanes[batch.lane]
        if lane.queue.update(batch) and self._is_next(lane, batch):
            lane.blocked_until = -inf

    def close(self, item: Item) -> list[Item]:
        """`item` has come to its end, and so have its rivals: all of them, each with the requests that waited for it."""
        together = self.coalescer.close(item)
        if len(together) > 1:
            self.has_orphans = True
            for rival in together:
                rival.entry = item.entry
        return together

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _routed(self, batch: Batch, lane: Lane, now: float) -> Lane:
        """The same, and the batch is told: what was cut into calls already is cut anew, as that lane takes it."""
        chosen = self.routing.choice(batch, lane, now)
        if chosen is not lane:
            self.n_diverted += 1
            batch.lane = chosen.index
            if batch.parts is not None:
                batch.parts = chosen.cut(batch.unsent)
        return chosen

    def _move(self, batches: Sequence[Batch], lane: Lane, now: float, out: list[Action]) -> None:
        """These leave the lane's queue and are routed anew."""
        for batch in batches:
            lane.queue.discard(batch)
            if lane.was_short_since(batch.queued_at, now):
                self._note_held(batch)
            batch.queued_at = now
        for batch in batches:
            self.enqueue(batch, now, out)
        if len(lane.queue):
            self.dispatch(lane, now, out)

    def _bind(self, lane: Lane, batch: Batch) -> list[list[Item]]:
        """Take the next call off the batch; what is left of it."""
        parts = batch.parts
        if parts is None:
            self.builder.bind(batch)
            parts = batch.parts = lane.cut(batch.items)
        parts.pop(0)
        return parts

    def next_serial(self) -> int:
        """The place of a sending, or of a question to a tier, among those of one instant."""
        self._serial += self._step
        return self._serial

    def _call(self, lane: Lane, batch: Batch, part: list[Item], now: float) -> Call:
        """The attempt that carries `part`. While the outcome is unknown the key stays, so that a provider that knows it answers for the first."""
        serial = self.next_serial()
        before = batch.call
        due_at = now + lane.call_timeout_s
        if before is None or before.lane != lane.index or not batch.path:  # the first on this lane, or a new call made of an old one
            m = lane.m
            lane.m = m + self._step
            call = Call(serial, lane.index, batch, part, m, "", 1, now, due_at)
            if before is None:
                return call
            call.attempt = before.attempt + 1
        else:
            call = Call(serial, lane.index, batch, part, before.m, batch.path, before.attempt + 1, now, due_at)
            if repeats_key(batch, lane):
                call.same_key_as = before
        if batch.path.endswith("r"):  # and not the half of a bisected call, which is a new call
            call.n_tries = before.n_tries + 1
        return call

    def _prune(self, batch: Batch, now: float, out: list[Action]) -> bool:
        """Drop from an unsent batch what need not be sent; False when nothing is left. What is sent again under its key stays whole."""
        if self.drops_late:
            late = [item for item in batch.items if item.ends_at == -inf and not item.done and all(r.deadline_at <= now for r in item.requests)]
            if late:
                self.n_dropped += len(late)
                self.give_up(late, "deadline", out)
        if repeats_key(batch, self.lanes[batch.lane]):
            return not all(item.done for item in batch.items)
        if batch.parts is not None:
            batch.parts = [kept for part in batch.parts if (kept := [item for item in part if not item.done])]
            return bool(batch.parts)
        if any(item.done for item in batch.items):
            self.builder.bind(batch)  # a batch that lost members takes no new ones: its sums are no longer theirs
            batch.items = [item for item in batch.items if not item.done]
            batch.list_usd = sum(item.content.individual_usd for item in batch.items)
        return bool(batch.items)

    def _shrink(self, lane: Lane, batch: Batch, part: list[Item], out: list[Action]) -> bool:
        """A call that no budget window could ever pay is halved into new calls; one item alone is given up. Whether anything is left to send."""
        parts = batch.parts
        if parts is None:
            self.builder.bind(batch)
            parts = batch.parts = lane.cut(batch.items)
        parts.pop(0)
        if len(part) > 1:
            half = (len(part) + 1) // 2
            parts[:0] = [part[:half], part[half:]]
            batch.path = ""
        else:
            self.give_up(part, "never_affordable", out)
        return bool(parts)


def _waiters(batch: Batch) -> list[int]:
    """Serials of the requests that wait for what the batch has yet to send."""
    return [request.serial for item in batch.unsent for request in item.requests]
