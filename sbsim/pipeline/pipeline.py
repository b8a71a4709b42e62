"""The batching layer itself, as a state machine without time, I/O or chance: inputs in, actions out.

Rules
-----
1. No input is called from inside another; the driver carries out all actions of one input, in order, before the next input.
2. At one instant the driver brings answers first, then arrivals, then `wake`, then marks; within a kind by serial. Nothing depends on chance, `id()`
   or `hash()`.
3. A due instant is stored once and compared as `now >= due_at`; an age is never recomputed by subtraction. A driver passes the instant it armed.
4. Every submitted request is named in exactly one Hit, Deliver, Refuse or Fail, unless it is cancelled.
5. Every input uses max(now, last now). A due instant that has passed is due now; `wake_at` is never before the last `now`.
6. A group that is due when it opens (`max_wait: 0s`, no slack left) closes inside `submit`.
7. Every action that awaits an answer has a due instant in here, so a timeout is the same decision under every driver. A late answer settles money,
   may fill the cache, and never delivers twice.
8. Refusals, misses and "not yet" are values; an exception means a broken contract or a bad setting.

Conservation (INV-1): submitted = delivered + failed + refused + cancelled + pending, after every input; `snapshot()` says each.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from math import inf
from typing import Any

from sbsim.components.controller import Controller
from sbsim.components.retry import Retry
from sbsim.config import Config
from sbsim.errors import StateError
from sbsim.pipeline.actions import NOTHING, Abort, Action, Actions, Deliver, Fetch, Hit, Refuse
from sbsim.pipeline.admission import Admission
from sbsim.pipeline.answers import Answers
from sbsim.pipeline.configure import controller_by, reconfigure
from sbsim.pipeline.dispatch import Dispatcher
from sbsim.pipeline.lane import Lane
from sbsim.pipeline.lookup import Lookup
from sbsim.pipeline.routing import SLOW
from sbsim.pipeline.snapshot import snapshot
from sbsim.pipeline.terms import Terms
from sbsim.records import MEMORY, NEAR, OPEN, READY, Batch, Call, Entry, Item, Outcome, Request

MOST_LOOKED_AT = 32
"""Open groups that a free slot is offered to, of those that wait the most pressing: each may ask every lane for its price."""


class Pipeline:
    """Components, wired. Built by `pipeline.build`.

    Parameters
    ----------
    terms : its settings, and the lanes that they are read for.

    Attributes
    ----------
    wake_at : when `wake` is wanted; inf: never. Read it after every input.
    """

    def __init__(
        self,
        *,
        lookup: Lookup,
        dispatcher: Dispatcher,
        retry: Retry,
        terms: Terms,
    ) -> None:
        self.wake_at = inf
        self.lanes = dispatcher.lanes
        self.lookup = lookup
        self.coalescer = dispatcher.coalescer
        self.builder = dispatcher.builder
        self.dispatcher = dispatcher
        self._routing = dispatcher.routing
        self.retry = retry
        self.admission = Admission(dispatcher, terms.config)
        self.answers = Answers(lookup, dispatcher, retry)
        self.n_submitted = self.n_delivered = self.n_failed = self.n_refused = self.n_cancelled = 0
        self.n_hits = self.n_near_hits = self.n_refused_before = self.n_joined = self.n_retries = self.n_backlogged = self.n_slow = 0
        self._backlog: deque[Request] = deque()
        self.backlogged: array[int] | None = None  # where somebody reads it: serials of all that ever waited there
        self._n_active = 0  # pending requests beyond the backlog
        self._now = 0.0
        self.controller: Controller | None = None
        self._follow(terms)

    # -- inputs ------------------------------------------------------------------------------------------------------------
    def submit(self, request: Request, *, now: float) -> Actions:
        """A request arrives."""
        if now > self._now:
            self._now = now
        else:
            now = self._now
        self.n_submitted += 1
        if self._n_active >= self._max_pending:
            return self._when_full(request)
        entry = self._remembered(request.content.key, now)
        if entry is not None:
            self.n_hits += 1
            return (Hit(request, entry, MEMORY),)
        actions = self._take_on(request, now)
        return NOTHING if actions is NOTHING else self._settle(now, actions)

    def cancel(self, request: Request, *, now: float) -> Actions:
        """Its user wants it no more. Work for it that nobody else waits for is not sent; what is in flight may still fill the cache."""
        now = self._advance(now)
        if request in self._backlog:
            self._backlog.remove(request)
            self.n_cancelled += 1
            return NOTHING
        item = self._work_for(request)
        if item is None:
            return NOTHING  # it has been answered already
        self.n_cancelled += 1
        self._n_active -= 1
        out: list[Action] = []
        if self.coalescer.cancel(request, item):
            self._abandon(item, out)
        return self._settle(now, out)

    def fetched(self, fetch: Fetch, entry: Entry | None, *, now: float) -> Actions:
        """A lower tier's answer."""
        now = self._advance(now)
        if not fetch.is_open:
            if entry is not None:
                self.lookup.remember(entry, fetch.item.content, now)
            return NOTHING
        fetch.is_open = False
        out: list[Action] = []
        if entry is None:
            self._ask_on(fetch, now, out)
            return self._settle(now, out)
        out.extend(self.lookup.found(fetch, entry, now))
        item = fetch.item
        if not item.done:
            item.entry = entry
            item.ends_at = now
            together = self.dispatcher.close(item)
            out.append(Deliver(together, self.lookup.tiers[fetch.tier].how, None))
            self._count_off(together)
        return self._settle(now, out)

    def accepted(self, call: Call, job: Any, *, now: float) -> Actions:
        """The provider took a job on: from here money may be owed, and the job's own timeout runs."""
        now = self._advance(now)
        call.job = job
        if not call.is_late:
            lane = self.lanes[call.lane]
            call.due_at = now + min(call.job_timeout_s, lane.job_timeout_s)
            lane.watch(call)
            self._rearm(now)
        return NOTHING

    def completed(self, call: Call, outcome: Outcome, *, now: float) -> Actions:
        """The end of an attempt. `call.bill_nano` is known from here on."""
        now = self._advance(now)
        if call.is_answered:
            raise StateError(f"call {call.serial} was answered twice; a driver brings each answer once")
        call.is_answered = True
        lane = self.lanes[call.lane]
        del self.dispatcher.in_flight[call.serial]
        lane.limiter.release(call.serial, now, call.polled_at or ())
        error = outcome.error
        if error != "not_sent":
            call.bill_nano, call.fixed_nano, call.part_nano = lane.book.at(call.sent_at).bill(call.items, outcome)
        if self.budget is not None:
            if error == "not_sent":
                self.budget.release(call.reservation, now)
            else:
                self.budget.settle(call.reservation, call.bill_nano, now)
        if self._learn is not None:
            self._learn(call, outcome, now)
        if self.controller is not None:
            self.controller.answered(call, outcome, now)
        out: list[Action] = []
        if outcome.limits_seen is not None:
            lane.limiter.learn(outcome.limits_seen, call.sent_at, now)
        call.is_turned_away = error == "rate_limited"
        if call.is_late:
            call.is_in_doubt = error == "timed_out" and lane.cancel != "running"  # what was stopped has ended for certain
        self.answers.judge(call, error, lane, now, out)
        if error is None:
            lane.service.add(now - call.sent_at)
            self._count_off(self.answers.succeed(call, outcome, now, out))
            if self.dispatcher.formation is not None:
                self.dispatcher.formation.billed(call)
                lane.running.add(len(call.items), outcome.usage.gpu_s)
        else:
            self.answers.fail(call, outcome, lane, now, out)
        if self.budget is not None:
            self.dispatcher.dispatch_all(now, out)
        elif len(lane.queue):
            self.dispatcher.dispatch(lane, now, out)
        return self._settle(now, out)

    def wake(self, *, now: float) -> Actions:
        """An instant that `wake_at` named has come; harmless when early."""
        now = self._advance(now)
        out: list[Action] = []
        dispatcher = self.dispatcher
        for lane in self.lanes:
            if now >= lane.timeout_at:
                for call in lane.overdue(now):
                    self.answers.time_out(call, lane, now, out)
                    self.answers.judge(call, "timed_out", lane, now, out)
        if now >= self.lookup.due_at:
            for fetch in self.lookup.overdue(now):
                self._ask_on(fetch, now, out)
        if now >= self.builder.due_at:
            for batch in self.builder.wake(now):
                dispatcher.enqueue(batch, now, out)
        if now >= self.retry.due_at:
            for batch in self.retry.wake(now):
                self.n_retries += 1
                dispatcher.enqueue(batch, now, out)
        if now >= dispatcher.routing.due_at:
            dispatcher.reroute(now, out)
        if self.controller is not None and now >= self.controller.due_at:
            self._control(self.controller, now, out)
        for lane in self.lanes:
            if now >= lane.blocked_until or (lane.is_shared and len(lane.queue)):
                lane.blocked_until = inf
                dispatcher.dispatch(lane, now, out)
        return self._settle(now, out)

    def flush(self, *, now: float) -> Actions:
        """Every open group goes as it is."""
        now = self._advance(now)
        out: list[Action] = []
        for batch in self.builder.flush(now):
            self.dispatcher.enqueue(batch, now, out)
        return self._settle(now, out)

    def release(self, requests: Sequence[Request], *, now: float) -> Actions:
        """Requests that were planned together come in together: what of them is new work goes as batches of its own, at once, and nobody else joins.

        Memory, work under way, gates and the bounds of a batch count as for anybody. What a lower tier is asked for first is batched like the rest.
        """
        now = self._advance(now)
        out: list[Action] = []
        together: list[Item] = []
        for request in requests:
            self.n_submitted += 1
            if self._n_active >= self._max_pending:
                out.extend(self._when_full(request))
                continue
            entry = self._remembered(request.content.key, now)
            if entry is None:
                out.extend(self._take_on(request, now, together))
            else:
                self.n_hits += 1
                out.append(Hit(request, entry, MEMORY))
        for batch in self.builder.gather(together, now):
            self.dispatcher.enqueue(batch, now, out)
        return self._settle(now, out)

    def configure(self, config: Config, *, now: float) -> Actions:
        """New resolved settings, all at once; see `pipeline.configure`. Raises StateError where one cannot change while it runs."""
        now = self._advance(now)
        out: list[Action] = []
        terms = replace(self.terms, config=config)
        reconfigure(self, terms, now, out)
        self._follow(terms)
        return self._settle(now, out)

    def remember_held(self) -> None:
        """From now on it is kept which requests waited in the backlog or for the budget: for whoever reads it after a run. It grows without end."""
        self.backlogged, self.dispatcher.held = array("q"), set()

    # -- views -------------------------------------------------------------------------------------------------------------
    @property
    def n_pending(self) -> int:
        """Requests that have been submitted and not answered, the backlog included."""
        return self._n_active + len(self._backlog)

    def snapshot(self) -> dict[str, int]:
        """Where the submitted requests are, and how often each mechanism fired."""
        return snapshot(self)

    def ready_batches(self) -> Iterator[Batch]:
        """Batches that wait for a gate."""
        for lane in self.lanes:
            yield from lane.queue

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _follow(self, terms: Terms) -> None:
        """What the pipeline itself reads of its settings and its parts."""
        self.terms = terms
        queue, sizing = terms.config.queue, self.builder.sizing
        self.cache = self.lookup.cache
        self.budget = self.dispatcher.budget
        self._remembered = self.cache.get
        self._has_near = self.lookup.near is not None and terms.config.cache.near_duplicates
        self._learn = sizing.answered if sizing.learns else None
        self._fills_slots = sizing.fills_slots
        self._max_pending = queue.max_pending
        self._refuses_when_full = queue.on_full == "refuse"
        self._refuses_when_spent = terms.config.budget.on_spent == "refuse"
        self.answers.in_doubt = terms.config.retry.in_doubt
        self.controller = controller_by(terms, self.controller)
        self.admission.follow(terms.config)
        self._has_door, self._first_lane = self.admission.has_door, self.admission.first_lane

    def _advance(self, now: float) -> float:
        if now > self._now:
            self._now = now
        return self._now

    def _when_full(self, request: Request) -> Actions:
        if self._refuses_when_full:
            return self._refused(request, "queue_full")
        self._backlog.append(request)
        self.n_backlogged += 1
        if self.backlogged is not None:
            self.backlogged.append(request.serial)
        return NOTHING

    def _refused(self, request: Request, reason: str) -> Actions:
        self.n_refused += 1
        return (Refuse((request,), reason),)

    def _take_on(self, request: Request, now: float, together: list[Item] | None = None) -> Actions:
        """A request that memory could not answer joins work under way or becomes an item of its own, which waits in `together` where one is given."""
        content, lookup = request.content, self.lookup
        if lookup.refused and lookup.is_refused(content.key, now):
            self.n_refused_before += 1
            return self._refused(request, "moderated")
        group = content.group
        if content.only_lane >= 0 and not self._has_door:
            lane = self.lanes[content.only_lane]
        else:
            first = self._first_lane.get(content.kind)
            if first is not None and first.breaker.is_closed:
                lane = first
            else:
                place = self.admission.place(request, now)
                if isinstance(place, str):
                    return self._refused(request, place)
                lane, group = place
        if content.key in self.coalescer.items and self._joins(request, lane, group, now):
            return NOTHING
        if self._has_near:
            entry = lookup.nearest(content, now)
            if entry is not None:
                self.n_near_hits += 1
                return (Hit(request, entry, NEAR),)
        item = Item(request)
        if self._refuses_when_spent and self.admission.is_spent(item, lane, now):
            return self._refused(request, "over_budget")
        self._n_active += 1
        item.lane = lane.index
        if group != content.group:
            item.group = group
            self.n_slow += bool(group & SLOW)
        self.coalescer.open(item)
        if lookup.tiers and content.reusable:
            return [lookup.ask(item, 0, self.dispatcher.next_serial(), now)]
        if together is not None:
            together.append(item)
            return NOTHING
        return self._start(item, lane, now)

    def _joins(self, request: Request, lane: Lane, group: int, now: float) -> bool:
        """Work for this content is under way: the request joins it, if that may be in time. What waits for a batch API is joined by what can wait."""
        under_way = self.coalescer.find(request, now, lane.service.expected_s)
        if under_way is None or (under_way.group & SLOW and not group & SLOW and not -inf < under_way.ends_at <= request.deadline_at):
            return False
        self.n_joined += 1
        self._n_active += 1
        if self.coalescer.join(request, under_way):
            self._hurry(under_way, now)  # what is in flight cannot be hurried, but what waits to be sent again can
        return True

    def _start(self, item: Item, lane: Lane, now: float) -> Actions:
        """Nobody has it: the item looks for company."""
        builder = self.builder
        out: list[Action] = []
        if self._fills_slots and builder.n_open and now >= self.wake_at:
            self._fill(now, out)  # a window that has just opened is for those who wait already
        ready = builder.add(item, now, lane.service.expected_s)
        if ready is None and self._fills_slots and item.batch is not None:
            if self._finds_slot(item.batch, now):
                ready = [builder.make_due(item.batch, now, "slot")]
            else:
                self._rearm(now)  # another gate than slots may say when
        if ready is None:
            if builder.due_at < self.wake_at:
                self.wake_at = builder.due_at if builder.due_at > now else now
            batch = item.batch
            if batch is not None and batch.state == READY:
                self.dispatcher.promote(batch)
                if item.content.only_lane < 0:
                    self.dispatcher.routing.watch(batch, now)
                self._rearm(now)
            return out or NOTHING
        for batch in ready:
            self.dispatcher.enqueue(batch, now, out)
        return out

    def _fill(self, now: float, out: list[Action]) -> None:
        """Open groups go while the lane that should make them has a slot, the most pressing first."""
        rank = self.lanes[0].queue.rank  # one policy for all
        while self.builder.n_open and self._has_free_slot():
            batch = next((each for each in self.builder.most_pressing(MOST_LOOKED_AT, rank) if self._finds_slot(each, now)), None)
            if batch is None:
                return
            self.dispatcher.enqueue(self.builder.make_due(batch, now, "slot"), now, out)

    def _has_free_slot(self) -> bool:
        return any(lane.has_free_slot for lane in self.lanes)

    def _finds_slot(self, batch: Batch, now: float) -> bool:
        """Whether an open group could leave at once, on the lane that should make it."""
        if batch.state != OPEN or not self._has_free_slot():
            return False
        lane = self.lanes[batch.lane]
        return (self._routing.choice(batch, lane, now) if self._routing.chooses else lane).has_slot_for(batch, now)

    def _ask_on(self, fetch: Fetch, now: float, out: list[Action]) -> None:
        """This tier does not have it, or is slow: on to the next, or to work."""
        item = fetch.item
        if item.done:
            return
        if fetch.tier + 1 < len(self.lookup.tiers):
            out.append(self.lookup.ask(item, fetch.tier + 1, self.dispatcher.next_serial(), now))
        else:
            out.extend(self._start(item, self.lanes[item.lane], now))

    def _control(self, controller: Controller, now: float, out: list[Action]) -> None:
        """The controller looks; where it moves something, that is a change of settings like any other."""
        knobs = controller.wake(self.terms.knobs(), self.n_submitted, self.n_hits + self.n_near_hits, now)
        if knobs is not None:
            terms = self.terms.turned_to(knobs)
            reconfigure(self, terms, now, out)
            self._follow(terms)

    def _hurry(self, item: Item, now: float) -> None:
        """A more pressing request joined work that has not left: the work inherits its urgency and deadline."""
        self.dispatcher.hurry(item)
        self._rearm(now)

    def _count_off(self, items: list[Item]) -> None:
        """These were delivered."""
        n = 0
        for item in items:
            n += len(item.requests)
        self.n_delivered += n
        self._n_active -= n
        if self.controller is not None:
            self.controller.delivered(items, self._now)

    def _abandon(self, item: Item, out: list[Action]) -> None:
        """Nobody waits for it: it leaves its group or queue; a call that carries nothing else is aborted where the provider allows it."""
        self.dispatcher.has_orphans = True
        if item.ends_at == -inf:
            self.builder.leave(item)
            return
        for call in self.dispatcher.in_flight.values():
            if item in call.items and self.lanes[call.lane].cancel != "never" and all(i.done for i in call.items):
                out.append(Abort(call))

    def _work_for(self, request: Request) -> Item | None:
        """The item that `request` waits for: what is found for its content, as a rule, else somewhere among all that is under way."""
        found = self.coalescer.items.get(request.content.key)
        likely = () if found is None else (found, *(found.rivals or ()))
        return next((item for item in chain(likely, self._items_under_way()) if not item.done and any(r is request for r in item.requests)), None)

    def _items_under_way(self) -> Iterator[Item]:
        for batch in chain(self.builder.open_batches(), self.ready_batches(), self.retry):
            yield from batch.items
        yield from self.lookup.items()
        for call in self.dispatcher.in_flight.values():
            yield from call.items

    def _settle(self, now: float, actions: Actions) -> Actions:
        """The end of an input: slots are filled where a size is set by them, given-up requests are counted off, the backlog comes in while there is
        room, the next wake is named."""
        out = actions
        if self._fills_slots and self.builder.n_open:
            out = list(actions)
            self._fill(now, out)
        if self._backlog or self.dispatcher.n_gone:
            out = list(out)
            self._let_in(now, out)
        self._rearm(now)
        return out

    def _let_in(self, now: float, out: list[Action]) -> None:
        """Given-up requests are counted off; the backlog comes in while there is room."""
        while True:
            gone = self.dispatcher.n_gone
            if gone:
                self.dispatcher.n_gone = 0
                self.n_failed += gone
                self._n_active -= gone
            if not self._backlog or self._n_active >= self._max_pending:
                return
            request = self._backlog.popleft()
            entry = self.cache.get(request.content.key, now)
            if entry is None:
                out.extend(self._take_on(request, now))
            else:
                self.n_hits += 1
                out.append(Hit(request, entry, MEMORY))

    def _rearm(self, now: float) -> None:
        at = self.builder.due_at
        if self.retry.due_at < at:
            at = self.retry.due_at
        if self._routing.due_at < at:
            at = self._routing.due_at
        if self.lookup.due_at < at:
            at = self.lookup.due_at
        if self.controller is not None and self.controller.due_at < at:
            at = self.controller.due_at
        for lane in self.lanes:
            if lane.blocked_until < at:
                at = lane.blocked_until
            if lane.timeout_at < at:
                at = lane.timeout_at
        self.wake_at = at if at > now else now
