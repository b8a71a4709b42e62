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
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from sbsim.components.controller import Controller
from sbsim.components.retry import RETRYABLE, Retry
from sbsim.config import Config
from sbsim.errors import StateError
from sbsim.pipeline.actions import NOTHING, Abort, Action, Actions, Deliver, Fetch, Hit, Refuse
from sbsim.pipeline.configure import controller_by, reconfigure
from sbsim.pipeline.dispatch import BARRED, SLOW, Dispatcher
from sbsim.pipeline.lane import Lane
from sbsim.pipeline.lookup import Lookup
from sbsim.pipeline.terms import Terms
from sbsim.records import MEMORY, NEAR, READY, SERVED, URGENT, Batch, Call, Content, Entry, Item, Outcome, Request

RESULT_MARGIN_S = 60.0
"""Seconds before its URL dies that a result counts as dead."""
_LANE_FAULTS = frozenset({"transient", "timed_out"})
"""Errors that speak against a lane; what is wrong with a content does not, and a 429 says itself until when to wait."""
_NO_VERDICT = frozenset({"rate_limited", "not_sent", "cancelled"})


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
        self.retry = retry
        self.n_submitted = self.n_delivered = self.n_failed = self.n_refused = self.n_cancelled = 0
        self.n_hits = self.n_near_hits = self.n_refused_before = self.n_joined = self.n_retries = self.n_timed_out = self.n_backlogged = (
            self.n_bisected
        ) = self.n_slow = 0
        self._backlog: deque[Request] = deque()
        self.backlogged = array("q")  # serials of all that ever waited there: from their arrival on the limits held them
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
        item = next((item for item in self._items_under_way() if any(r is request for r in item.requests)), None)
        if item is None or item.done:
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
            self._deliver(self.dispatcher.close(item), self.lookup.tiers[fetch.tier].how, None, out)
        return self._settle(now, out)

    def accepted(self, call: Call, job: Any, *, now: float) -> Actions:
        """The provider took a job on: from here money may be owed, and the job's own timeout runs."""
        now = self._advance(now)
        call.job = job
        if not call.is_late:
            lane = self.lanes[call.lane]
            call.due_at = now + lane.job_timeout_s
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
            lane.limiter.learn(outcome.limits_seen, now)
        if call.is_late:
            call.is_in_doubt = error == "timed_out" and lane.cancel != "running"  # what was stopped has ended for certain
        elif error == "rate_limited" and call.same_key_as is not None:
            call.is_in_doubt = call.same_key_as.is_in_doubt  # turned away: of the first sending it says nothing
        self._judge(call, error, lane, now, out)
        if error is None:
            lane.service.add(now - call.sent_at)
            self._succeed(call, outcome, now, out)
            if self.dispatcher.formation is not None:
                self.dispatcher.formation.billed(call)
                lane.running.add(len(call.items), outcome.usage.gpu_s)
        else:
            if error == "not_sent":
                self._put_back(call, outcome)
            elif error == "permanent" and len(call.items) > 1:
                self._bisect(call, now, out)
            else:
                if error == "rate_limited":
                    lane.limiter.hold(now + outcome.retry_after_s)
                self._again(call, call.items, error, outcome, now, out)
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
                    self._time_out(call, lane, now, out)
                    self._judge(call, "timed_out", lane, now, out)
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
        if now >= dispatcher.due_at:
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

    # -- views -------------------------------------------------------------------------------------------------------------
    @property
    def n_pending(self) -> int:
        """Requests that have been submitted and not answered, the backlog included."""
        return self._n_active + len(self._backlog)

    def snapshot(self) -> dict[str, int]:
        """Where the submitted requests are, and how often each mechanism fired."""
        fired = {f"n_closed_by_{reason}": n for reason, n in self.builder.closed_by.items()}
        return {
            "n_submitted": self.n_submitted,
            "n_delivered": self.n_delivered + self.n_hits + self.n_near_hits,
            "n_failed": self.n_failed + self.dispatcher.n_gone,
            "n_refused": self.n_refused,
            "n_cancelled": self.n_cancelled,
            "n_pending": self.n_pending,
            "n_in_flight": len(self.dispatcher.in_flight),
            "n_hits": self.n_hits,
            "n_refused_before": self.n_refused_before,
            "n_near_hits": self.n_near_hits,
            "n_joined": self.n_joined,
            "n_late_joins": self.builder.n_late_joins,
            "n_resized": self.builder.n_resized,
            "n_retries": self.n_retries,
            "n_timed_out": self.n_timed_out,
            "n_bisected": self.n_bisected,
            "n_moves": 0 if self.controller is None else self.controller.n_moves,
            "n_breaker_opened": sum(lane.breaker.n_opened for lane in self.lanes),
            "n_probes": sum(lane.breaker.n_probes for lane in self.lanes),
            "n_limits_learnt": sum(lane.limiter.n_learnt for lane in self.lanes),
            "n_rerouted": self.dispatcher.n_rerouted,
            "n_failed_over": self.dispatcher.n_failed_over,
            "n_slow": self.n_slow,
            "n_diverted": self.dispatcher.n_diverted,
            "n_dropped": self.dispatcher.n_dropped,
            "n_fetched": self.lookup.n_fetched,
            "n_redis_hits": 0,
            "n_cdn_hits": 0,
            **{f"n_{tier.name}_hits": n for tier, n in zip(self.lookup.tiers, self.lookup.n_hits, strict=True)},
            "n_slow_tiers": self.lookup.n_slow_tiers,
            "n_stored": self.lookup.n_stored,
            "n_backlogged": self.n_backlogged,
            "n_inversions": self.dispatcher.n_inversions,
            "n_starved": self.dispatcher.n_starved,
            **self.dispatcher.formed(),
            "n_held_by_limit": self.dispatcher.n_held_by_limit,
            "n_held_by_budget": self.dispatcher.n_held_by_budget,
            **fired,
        }

    def ready_batches(self) -> Iterator[Batch]:
        """Batches that wait for a gate."""
        for lane in self.lanes:
            yield from lane.queue

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _follow(self, terms: Terms) -> None:
        """What the pipeline itself reads of its settings and its parts."""
        self.terms = terms
        queue, routing, sizing = terms.config.queue, terms.config.routing, self.builder.sizing
        self.cache = self.lookup.cache
        self.budget = self.dispatcher.budget
        self._remembered = self.cache.get
        self._has_near = self.lookup.near is not None and terms.config.cache.near_duplicates
        self._learn = sizing.answered if sizing.learns else None
        self._max_pending = queue.max_pending
        self._refuses_when_full = queue.on_full == "refuse"
        self._refuses_when_spent = terms.config.budget.on_spent == "refuse"
        self._in_doubt = terms.config.retry.in_doubt
        self._routing = routing.policy
        self._may_wait = routing.batch_lane == "slack"
        self.controller = controller_by(terms, self.controller)
        self._barred_of: dict[Hashable, tuple[int, str]] = {}  # by kind of content
        self._has_door = self.budget is not None or any(lane.limiter.has_size_limits for lane in self.lanes)

    def _advance(self, now: float) -> float:
        if now > self._now:
            self._now = now
        return self._now

    def _when_full(self, request: Request) -> Actions:
        if self._refuses_when_full:
            self.n_refused += 1
            return (Refuse((request,), "queue_full"),)
        self._backlog.append(request)
        self.n_backlogged += 1
        self.backlogged.append(request.serial)
        return NOTHING

    def _take_on(self, request: Request, now: float, together: list[Item] | None = None) -> Actions:
        """A request that memory could not answer joins work under way or becomes an item of its own, which waits in `together` where one is given."""
        content = request.content
        lookup = self.lookup
        if lookup.refused and lookup.is_refused(content.key, now):
            self.n_refused += 1
            self.n_refused_before += 1
            return (Refuse((request,), "moderated"),)
        if len(content.offers) > 1 or content.slow_offers:
            chosen = self._lane_for(request, now)
            if isinstance(chosen, str):
                self.n_refused += 1
                return (Refuse((request,), chosen),)
            lane, group = chosen
        else:
            lane, group = self.lanes[content.offers[0].lane], content.group
            if self._has_door and (reason := self._refuses(content, lane, content.offers[0].most_nano)):
                self.n_refused += 1
                return (Refuse((request,), reason),)
        service_s = lane.service.expected_s
        coalescer = self.coalescer
        if content.key in coalescer.items:
            under_way = coalescer.find(request, now, service_s)
            if under_way is not None and (not under_way.group & SLOW or group & SLOW or -inf < under_way.ends_at <= request.deadline_at):
                self.n_joined += 1
                self._n_active += 1
                if coalescer.join(request, under_way):
                    self._hurry(under_way, now)  # what is in flight cannot be hurried, but what waits to be sent again can
                return NOTHING
        if self._has_near:
            entry = lookup.nearest(content, now)
            if entry is not None:
                self.n_near_hits += 1
                return (Hit(request, entry, NEAR),)
        item = Item(request)
        if self._refuses_when_spent and self._is_spent(item, lane, now):
            self.n_refused += 1
            return (Refuse((request,), "over_budget"),)
        self._n_active += 1
        item.lane = lane.index
        if group != content.group:
            item.group = group
            self.n_slow += bool(group & SLOW)
        coalescer.open(item)
        if lookup.tiers and content.reusable:
            return [lookup.ask(item, 0, self.dispatcher.next_serial(), now)]
        if together is not None:
            together.append(item)
            return NOTHING
        return self._start(item, lane, now)

    def _start(self, item: Item, lane: Lane, now: float) -> Actions:
        """Nobody has it: the item looks for company."""
        content = item.content
        builder = self.builder
        ready = builder.add(item, now, lane.service.expected_s)
        if ready is None:
            if builder.due_at < self.wake_at:
                self.wake_at = builder.due_at if builder.due_at > now else now
            batch = item.batch
            if batch is not None and batch.state == READY:
                self.dispatcher.promote(batch)
                if len(content.offers) > 1:
                    self.dispatcher.watch(batch, now)
                self._rearm(now)
            return NOTHING
        out: list[Action] = []
        for batch in ready:
            self.dispatcher.enqueue(batch, now, out)
        return out

    def _ask_on(self, fetch: Fetch, now: float, out: list[Action]) -> None:
        """This tier does not have it, or is slow: on to the next, or to work."""
        item = fetch.item
        if item.done:
            return
        if fetch.tier + 1 < len(self.lookup.tiers):
            out.append(self.lookup.ask(item, fetch.tier + 1, self.dispatcher.next_serial(), now))
        else:
            out.extend(self._start(item, self.lanes[item.lane], now))

    def _refuses(self, content: Content, lane: Lane, most_nano: int | None) -> str | None:
        """Why this content can never be sent on this lane, if so."""
        if lane.limiter.has_size_limits and not lane.can_ever(content):
            return "too_large"
        if self.budget is not None and self.budget.needs_bound and most_nano is None:
            return "no_bound"
        return None

    def _lane_for(self, request: Request, now: float) -> tuple[Lane, int] | str:
        """The lane that the request's waiting is reckoned with, and its group; or why no lane could ever make it.

        A batch API where the request can wait for it (its expected turnaround and the group's own waiting before the deadline), else the first lane
        in health that the policy would take, all queues aside: where the batch goes is decided when it is ready.
        """
        content = request.content
        barred, reason = 0, ""
        if self._has_door:
            known = self._barred_of.get(content.kind)
            if known is None:
                known = self._barred_of[content.kind] = self._barred(content)
            barred, reason = known
        group = content.group | barred << BARRED
        if self._may_wait:
            for offer in content.slow_offers:
                lane = self.lanes[offer.lane]
                done_at = now + self.builder.max_wait_s + lane.backlog_s() + lane.service.expected_s
                if done_at <= request.deadline_at and lane.breaker.ready_at(now) <= now and not barred >> offer.lane & 1:
                    return lane, group | SLOW
        lanes = [self.lanes[offer.lane] for offer in content.offers if not barred >> offer.lane & 1]
        if not lanes:
            return reason
        if self._routing == "single":
            return min(lanes, key=lambda lane: lane.index), group
        lanes = [lane for lane in lanes if lane.breaker.is_closed] or lanes
        return (min(lanes, key=lambda lane: lane.service.expected_s) if self._routing == "fastest" else lanes[0]), group

    def _barred(self, content: Content) -> tuple[int, str]:
        """The lanes that could never make this content, a bit for each, and why the last of them could not."""
        barred, reason = 0, ""
        for offer in (*content.offers, *content.slow_offers):
            why = self._refuses(content, self.lanes[offer.lane], offer.most_nano)
            if why is not None:
                barred |= 1 << offer.lane
                reason = why
        return barred, reason

    def _judge(self, call: Call, error: str | None, lane: Lane, now: float, out: list[Action]) -> None:
        """What an end says of its lane. A call that timed out was judged then, whatever its late answer is."""
        if call.is_late and call.is_answered:
            return
        breaker = lane.breaker
        if error in _NO_VERDICT:
            breaker.let_go(call.serial)
        elif error not in _LANE_FAULTS:
            breaker.succeed(call.serial)
        elif breaker.fail(call.serial, now):
            self.dispatcher.fail_over(lane, now, out)

    def _is_spent(self, item: Item, lane: Lane, now: float) -> bool:
        """Whether some window of the budget has no room for a call of this item alone."""
        budget = self.budget
        if budget is None:
            return False
        cost, is_urgent = self.dispatcher.cost(lane, (item,), now), item.urgency == URGENT
        if budget.ready_at(cost, is_urgent, now) <= now:
            return False
        budget.hold(cost, is_urgent, now)
        self.dispatcher.n_held_by_budget += 1
        return True

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

    def _succeed(self, call: Call, outcome: Outcome, now: float, out: list[Action]) -> None:
        """Deliver what has content, see to what has none."""
        items = call.items
        if call.is_late:
            self.dispatcher.has_orphans = True  # its items may wait to be sent again
        lacking = dict(outcome.failures) if outcome.failures else None
        served: list[Item] = []
        under_way = self.coalescer.items
        cache, put, contents, n_bytes = self.cache, self.lookup.put, outcome.contents, outcome.n_bytes
        dies_at = now + (outcome.life_s - RESULT_MARGIN_S)
        expires_at = min(now + cache.ttl_s, dies_at)
        stores = bool(self.lookup.tiers) and dies_at > now
        made: list[tuple[Entry, Item]] = []
        for index, item in enumerate(items):
            if lacking is not None and index in lacking:
                continue
            content = item.content
            value, size = None if contents is None else contents[index], 0.0 if n_bytes is None else n_bytes[index]
            entry = Entry(content.key, expires_at, value, size, content.individual_nano, dies_at, content.serial)
            if content.reusable:
                if expires_at > now:
                    put(entry, content, now)
                if stores:
                    made.append((entry, item))
            if not item.done:
                item.entry = entry
                if item.rivals is None:  # the usual case of `dispatcher.close`, without two calls an item
                    item.done = True
                    item.batch = None  # no cycle of item and batch is left for the garbage collector
                    if under_way.get(content.key) is item:
                        del under_way[content.key]
                    served.append(item)
                else:
                    served.extend(self.dispatcher.close(item))
        if made:
            out.extend(self.lookup.store([entry for entry, _ in made], [item for _, item in made]))
        if served:
            self._deliver(served, SERVED, call, out)
        if lacking is not None:
            final = {kind for kind in lacking.values() if kind not in RETRYABLE}
            for kind in sorted(final):
                self._again(call, [items[i] for i, k in lacking.items() if k == kind], kind, outcome, now, out)
            again = [i for i, kind in lacking.items() if kind not in final]
            if again:  # in one call: two would share their draws and their idempotency key
                self._again(call, [items[i] for i in again], lacking[again[0]], outcome, now, out)

    def _deliver(self, items: list[Item], how: int, call: Call | None, out: list[Action]) -> None:
        n = 0
        for item in items:
            n += len(item.requests)
        self.n_delivered += n
        self._n_active -= n
        if self.controller is not None:
            self.controller.delivered(items, self._now)
        out.append(Deliver(items, how, call))

    def _again(self, call: Call, items: list[Item], error: str, outcome: Outcome, now: float, out: list[Action]) -> None:
        """Items came back without content: once more after a pause, or given up. Of a late answer only what was held for it is concerned."""
        concerned = [item for item in items if not item.done and item.batch is call.batch]
        if not concerned:
            return
        if not call.is_in_doubt or self.lanes[call.lane].idempotency == "none":
            items = concerned  # else the body stays as it was, as its key does
        for item in items:
            item.n_sent += 1
        delay_s = self.retry.delay(error, call.n_tries, outcome)
        if delay_s is None:
            if error == "moderated" or (error == "permanent" and len(call.items) == 1):
                for item in items:
                    self.lookup.refuse(item.content, now)
            self.dispatcher.give_up(items, error, out)
            return
        at = now + delay_s
        batch = self.builder.remake(call.batch, items, call.lane)
        batch.parts = [items]
        batch.path = call.path + "r"
        batch.call = call
        ends_at = at + self.lanes[call.lane].service.expected_s
        for item in items:
            item.ends_at = ends_at
        self.retry.later(batch, at)

    def _bisect(self, call: Call, now: float, out: list[Action]) -> None:
        """The call as a whole was refused for good, and one of its items may be to blame: its halves are new calls, sent without a pause.

        A poisoned item among n costs at most 2 ceil(log2 n) calls more.
        """
        items = [item for item in call.items if not item.done and item.batch is call.batch]
        half = (len(items) + 1) // 2
        self.n_bisected += 1
        ends_at = now + self.lanes[call.lane].service.expected_s
        halves = []
        for digit, part in (("0", items[:half]), ("1", items[half:])):
            if not part:
                continue
            for item in part:
                item.n_sent += 1
                item.ends_at = ends_at
            batch = self.builder.remake(call.batch, part, call.lane)
            batch.parts = [part]
            batch.path = call.path + digit
            batch.call = call
            halves.append(batch)
        for batch in halves:
            self.dispatcher.enqueue(batch, now, out)

    def _time_out(self, call: Call, lane: Lane, now: float, out: list[Action]) -> None:
        """No answer in time: nobody knows whether the provider took it. Its slot and its reservation stay until the driver says how it ended."""
        call.is_late = call.is_in_doubt = True
        self.n_timed_out += 1
        if lane.cancel == "running":
            out.append(Abort(call))  # a definite end: its answer says what the work has cost, and decides whether it is tried again
        elif lane.idempotency != "none" or self._in_doubt == "resend":
            self._again(call, call.items, "timed_out", _UNKNOWN, now, out)
        elif self._in_doubt == "fail":
            self.dispatcher.give_up(call.items, "timed_out", out)
        else:
            for item in call.items:
                item.ends_at = inf  # nobody with a deadline joins it

    def _put_back(self, call: Call, outcome: Outcome) -> None:
        """A shared limit had no room: the call was never sent. Its batch goes back to its place and is not tried before `retry_at`."""
        lane = self.lanes[call.lane]
        lane.limiter.hold(outcome.retry_at)
        items = [item for item in call.items if not item.done and item.batch is call.batch]
        if not items:
            return  # nobody waits for it any more, or it is sent again already
        batch = self.builder.remake(call.batch, items, call.lane)
        for item in batch.items:
            item.ends_at = -inf if item.n_sent == 0 else item.ends_at
        batch.parts = [batch.items]
        batch.call, batch.path = call.batch.call, call.batch.path
        lane.queue.push(batch)

    def _abandon(self, item: Item, out: list[Action]) -> None:
        """Nobody waits for it: it leaves its group or queue; a call that carries nothing else is aborted where the provider allows it."""
        self.dispatcher.has_orphans = True
        if item.ends_at == -inf:
            self.builder.leave(item)
            return
        for call in self.dispatcher.in_flight.values():
            if item in call.items and self.lanes[call.lane].cancel != "never" and all(i.done for i in call.items):
                out.append(Abort(call))

    def _items_under_way(self) -> Iterator[Item]:
        for batch in [*self.builder.open_batches(), *self.ready_batches(), *self.retry]:
            yield from batch.items
        yield from self.lookup.items()
        for call in self.dispatcher.in_flight.values():
            yield from call.items

    def _settle(self, now: float, actions: Actions) -> Actions:
        """The end of an input: given-up requests are counted off, the backlog comes in while there is room, the next wake is named."""
        out = actions
        while True:
            gone = self.dispatcher.n_gone
            if gone:
                self.dispatcher.n_gone = 0
                self.n_failed += gone
                self._n_active -= gone
            if not self._backlog or self._n_active >= self._max_pending:
                break
            request = self._backlog.popleft()
            entry = self.cache.get(request.content.key, now)
            if entry is None:
                out = [*out, *self._take_on(request, now)]
            else:
                self.n_hits += 1
                out = [*out, Hit(request, entry, MEMORY)]
        self._rearm(now)
        return out

    def _rearm(self, now: float) -> None:
        at = self.builder.due_at
        if self.retry.due_at < at:
            at = self.retry.due_at
        if self.dispatcher.due_at < at:
            at = self.dispatcher.due_at
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


_UNKNOWN = Outcome("timed_out")
