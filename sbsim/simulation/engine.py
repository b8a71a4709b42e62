"""The only door to SimPy: drives a pipeline in virtual time.

SimPy's agenda holds answers, polls and the pipeline's one timer; arrivals never enter it. An entry is (at, rank, serial, event), a total order with
nothing left to chance: at one instant answers come first (rank 0, in order of sending), then arrivals (1), then the pipeline's wake (2).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heapify, heappush
from math import inf
from typing import Any, Protocol

import simpy
from simpy.events import Event

from sbsim.pipeline.actions import Abort, Actions, Deliver, Fail, Fetch, Hit, Send, Store
from sbsim.pipeline.pipeline import Pipeline
from sbsim.records import Call, Entry, Item, Outcome, Request
from sbsim.runlog import RunLog

ANSWER, ARRIVAL, WAKE = 0, 1, 2
_BEFORE_TIMERS = 1 << 62
"""Less than this from 0 on: serials of wakes that instances bring each other, apart from those of their timers."""


class Provider(Protocol):
    """What production supplies, as a model: `answer` says at the sending when the answer comes and what it says; see `world.provider`."""

    @property
    def poll_s(self) -> float: ...

    def answer(self, call: Call, now: float) -> tuple[float, Any]: ...

    def poll(self, job: Any, now: float) -> tuple[float, Outcome | None]: ...

    def abort(self, call: Call, now: float) -> tuple[float, Outcome] | None: ...


class Tier(Protocol):
    """A lower cache tier, as a model; see `world.tier`."""

    def fetch(self, key: Any, now: float, serial: int) -> tuple[float, Entry | None]: ...

    def store(self, entries: Sequence[Entry], items: Sequence[Item], now: float) -> None: ...


class At(Event):
    """An event at an absolute instant: SimPy's own `timeout(at - now)` would miss it by an ulp now and then."""

    def __init__(self, env: simpy.Environment, at: float, rank: int, serial: int, callback: Callable[[Any], None], value: Any) -> None:
        self.env = env
        self.callbacks = [callback]
        self._ok = True
        self._value = value
        self._defused = False
        heappush(env._queue, (at, rank, serial, self))  # type: ignore[misc]  # SimPy types its ranks as an enum


class _OnAnAgenda(ABC):
    """What one engine and several have in common: arrivals between the events of SimPy's agenda."""

    log: RunLog
    _env: simpy.Environment

    @abstractmethod
    def drive(self, requests: Iterable[Request]) -> None:
        """Submit requests in order of arrival, everything that comes before each of them first."""

    def drive_until_settled(self, requests: Iterator[Request], n_study: int, stop_at: float) -> None:
        """Further, uncounted arrivals of a steady study: until each of the first `n_study` requests is sent or answered, or `stop_at`."""
        unsettled = 0
        for request in requests:
            if request.arrived_at > stop_at:
                return
            self._advance(request.arrived_at)
            unsettled = self.log.first_unsettled(unsettled, n_study)
            if unsettled == n_study:
                return
            self.log.reserve(request.serial)
            self.drive((request,))

    def _advance(self, until: float) -> None:
        queue, step = self._env._queue, self._env.step
        while queue and (queue[0][0], queue[0][1]) < (until, ARRIVAL):
            step()


class Engine(_OnAnAgenda):
    """One run. `drive` brings the requests, `drain` what is left; both leave the log with everything that happened."""

    def __init__(
        self, pipeline: Pipeline, providers: Sequence[Provider], log: RunLog, tiers: Sequence[Tier] = (), fleet: Fleet | None = None
    ) -> None:
        self.pipeline = pipeline
        pipeline.remember_held()
        self.log = log
        self.n_submitted = 0
        self.last_at = 0.0  # the last instant at which anything happened to a request or a call
        self._providers = tuple(providers)
        self._tiers = tuple(tiers)
        self._fleet = fleet
        self._env = simpy.Environment() if fleet is None else fleet.env
        self._armed_at = inf
        self._looks_at = -1.0  # when it last looked, or will, because of another instance
        self._n_armed, self._step = (0, 1) if fleet is None else (len(fleet.engines), fleet.n)
        self._answers: dict[int, At] = {}  # of calls whose lane lets them be aborted

    def drive(self, requests: Iterable[Request]) -> None:
        """Submit requests in order of arrival, everything that comes before each of them first."""
        env, pipeline = self._env, self.pipeline
        queue, step, submit, carry_out, hit = env._queue, env.step, pipeline.submit, self._carry_out, self.log.hit
        next_at = queue[0][0] if queue else inf
        n = 0
        for request in requests:
            now = request.arrived_at
            while next_at < now or (next_at == now and queue[0][1] < ARRIVAL):
                step()
                next_at = queue[0][0] if queue else inf
            actions = submit(request, now=now)
            n += 1
            if actions:
                first = actions[0]
                if first.__class__ is Hit and len(actions) == 1:  # the commonest answer, without a call and a loop
                    hit(first.request, first.entry, first.how, now)
                    continue
                carry_out(actions, now)
                next_at = queue[0][0] if queue else inf
            if pipeline.wake_at < self._armed_at:
                self._arm(now)
                next_at = queue[0][0]
        if n:
            self.last_at = max(self.last_at, now)
        self.n_submitted += n

    def drain(self, stop_at: float) -> None:
        """No more arrivals: carry on until nothing is pending or in flight, `stop_at` at the latest."""
        queue, pipeline, step = self._env._queue, self.pipeline, self._env.step
        in_flight = pipeline.dispatcher.in_flight
        while queue and queue[0][0] <= stop_at and (pipeline.n_pending or in_flight):
            step()
        close_log(self.log, (pipeline,), stop_at)
        queue.clear()  # the timers that are left would hold the whole run in a cycle

    def submit(self, request: Request, now: float) -> None:
        """One request, after everything that comes before it."""
        self._settle(self.pipeline.submit(request, now=now), now)

    def look_again(self, now: float, serial: int) -> None:
        """Another instance has freed something that both may use: look when this instant's answers and arrivals are through."""
        if self._looks_at != now:
            self._looks_at = now
            At(self._env, now, WAKE, serial, self._looked, now)

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _carry_out(self, actions: Actions, now: float) -> None:
        log = self.log
        self.last_at = now
        for action in actions:
            kind = action.__class__
            if kind is Hit:
                log.hit(action.request, action.entry, action.how, now)  # type: ignore[union-attr]  # `kind` is looked up once; isinstance costs 3 x as much
            elif kind is Send:
                self._send(action.call, now)  # type: ignore[union-attr,arg-type]
            elif isinstance(action, Deliver):
                log.delivered(action.items, action.how, action.call, now)
            elif isinstance(action, Fail):
                log.failed(action.items, action.error, now)
            elif isinstance(action, Fetch):
                self._fetch(action, now)
            elif isinstance(action, Store):
                log.asked(action.tier, action.items)
                self._tiers[action.tier].store(action.entries, action.items, now)
            elif isinstance(action, Abort):
                self._abort(action.call, now)
            else:
                log.refused(action.requests, action.reason, now)  # type: ignore[union-attr]

    def _fetch(self, fetch: Fetch, now: float) -> None:
        self.log.asked(fetch.tier, (fetch.item,))
        at, entry = self._tiers[fetch.tier].fetch(fetch.key, now, fetch.item.payer)
        At(self._env, at, ANSWER, fetch.serial, self._fetched, (at, fetch, entry))

    def _fetched(self, event: Event) -> None:
        now, fetch, entry = event._value
        self._settle(self.pipeline.fetched(fetch, entry, now=now), now)

    def _send(self, call: Call, now: float) -> None:
        self.log.sent(call, now)
        at, what = self._providers[call.lane].answer(call, now)
        callback = self._completed if what.__class__ is Outcome else self._accepted
        event = At(self._env, at, ANSWER, call.serial, callback, (at, call, what))
        if self.pipeline.lanes[call.lane].cancel != "never":
            self._answers[call.serial] = event

    def _completed(self, event: Event) -> None:
        now, call, outcome = event._value
        self._answers.pop(call.serial, None)
        actions = self.pipeline.completed(call, outcome, now=now)
        self.log.answered(call, outcome, now)
        self._settle(actions, now)
        if self._fleet is not None and self._fleet.is_shared:
            self._fleet.tell(self, now)

    def _accepted(self, event: Event) -> None:
        now, call, job = event._value
        self._settle(self.pipeline.accepted(call, job, now=now), now)
        self._schedule_poll(call, job, now)

    def _schedule_poll(self, call: Call, job: Any, now: float) -> None:
        at = now + self._providers[call.lane].poll_s
        event = At(self._env, at, ANSWER, call.serial, self._polled, (at, call, job))
        if call.serial in self._answers:
            self._answers[call.serial] = event

    def _polled(self, event: Event) -> None:
        now, call, job = event._value
        if call.polled_at is None:
            call.polled_at = []
        call.polled_at.append(now)
        at, outcome = self._providers[call.lane].poll(job, now)
        if outcome is None:
            self._schedule_poll(call, job, now)
        else:
            At(self._env, at, ANSWER, call.serial, self._completed, (at, call, outcome))

    def _abort(self, call: Call, now: float) -> None:
        """Where the provider can stop it, its answer comes now, in place of the one that was under way."""
        reply = self._providers[call.lane].abort(call, now)
        event = self._answers.pop(call.serial, None)
        if reply is None or event is None:
            return
        queue = self._env._queue
        queue[:] = [entry for entry in queue if entry[3] is not event]
        heapify(queue)
        at, outcome = reply
        At(self._env, at, ANSWER, call.serial, self._completed, (at, call, outcome))

    def _woken(self, event: Event) -> None:
        armed_at, number = event._value
        if number != self._n_armed:
            return  # an earlier timer took its place
        self._armed_at = inf
        pipeline = self.pipeline
        if pipeline.wake_at > armed_at:
            self._arm(armed_at)  # the wake has been put off since
            return
        self._settle(pipeline.wake(now=armed_at), armed_at)

    def _looked(self, event: Event) -> None:
        now = event._value
        self._looks_at = -1.0
        self._settle(self.pipeline.wake(now=now), now)

    def _settle(self, actions: Actions, now: float) -> None:
        if actions:
            self._carry_out(actions, now)
        if self.pipeline.wake_at < self._armed_at:
            self._arm(now)

    def _arm(self, now: float) -> None:
        at = self.pipeline.wake_at
        if at == inf:
            return
        self._armed_at = at = at if at > now else now
        self._n_armed += self._step
        At(self._env, at, WAKE, self._n_armed, self._woken, (at, self._n_armed))


class Fleet(_OnAnAgenda):
    """Several instances of the batcher, each an engine, on one agenda and one log; providers and lower tiers are theirs in common.

    Parameters
    ----------
    pipelines : one per instance, numbered apart (`pipeline.build`). route : request -> number of the instance that it goes to.
    is_shared : whether the instances share limits and budget: then each looks again after every answer to another.
    """

    def __init__(
        self,
        pipelines: Sequence[Pipeline],
        providers: Sequence[Provider],
        log: RunLog,
        tiers: Sequence[Tier],
        route: Callable[[Request], int],
        *,
        is_shared: bool,
    ) -> None:
        self._env = self.env = simpy.Environment()
        self.log = log
        self.n = len(pipelines)
        self.is_shared = is_shared
        self.n_submitted = 0
        self._n_told = 0
        self.engines: list[Engine] = []
        self._route = route
        for pipeline in pipelines:
            self.engines.append(Engine(pipeline, providers, log, tiers, self))

    @property
    def last_at(self) -> float:
        """The last instant at which anything happened to a request or a call."""
        return max(engine.last_at for engine in self.engines)

    def tell(self, teller: Engine, now: float) -> None:
        """An answer to one instance may have freed what the others wait for."""
        for engine in self.engines:
            if engine is not teller:
                self._n_told += 1
                engine.look_again(now, self._n_told - _BEFORE_TIMERS)

    def drive(self, requests: Iterable[Request]) -> None:
        """As `Engine.drive`."""
        for request in requests:
            now = request.arrived_at
            self._advance(now)
            engine = self.engines[self._route(request)]
            engine.submit(request, now)
            engine.last_at = max(engine.last_at, now)
            self.n_submitted += 1

    def drain(self, stop_at: float) -> None:
        """As `Engine.drain`."""
        queue, step = self.env._queue, self.env.step
        pipelines = [engine.pipeline for engine in self.engines]
        while queue and queue[0][0] <= stop_at and any(each.n_pending or each.dispatcher.in_flight for each in pipelines):
            step()
        close_log(self.log, pipelines, stop_at)
        queue.clear()
        for engine in self.engines:
            engine._fleet = None  # no cycle is left for the garbage collector


def close_log(log: RunLog, pipelines: Sequence[Pipeline], stop_at: float) -> None:
    """The run is over, at `stop_at` for what has not come to its end: what is still under way or waiting is written down, and how often each
    mechanism fired."""
    for pipeline in pipelines:
        log.unanswered(pipeline.dispatcher.in_flight.values())
        log.waiting(pipeline.ready_batches())
        for name, value in pipeline.snapshot().items():
            log.counters[name] = log.counters.get(name, 0) + value
        log.counters["n_starved"] += pipeline.dispatcher.n_starving(stop_at)
    log.counters["n_turned_away_by_budget"] = log.n_unaffordable
    log.backlogged(sorted(serial for pipeline in pipelines for serial in pipeline.backlogged or ()))
    log.is_incomplete = any(pipeline.n_pending > 0 for pipeline in pipelines)
    budgets = [pipeline.budget for pipeline in pipelines if pipeline.budget is not None]
    if budgets:
        held = sorted(serial for pipeline in pipelines for serial in pipeline.dispatcher.held_by_budget(stop_at))
        firsts = zip(*([account.exhausted_at for account in budget.accounts] for budget in budgets), strict=True)
        log.budgeted(held, (min(instants) for instants in firsts))
