"""Both drivers on the same scenario, with everything that their pipelines decided.

The asyncio driver runs on a loop whose time jumps to the next timer and hands out ONE timer at a time in the order (at, rank, serial): asyncio's own
loop pops all that are due together, so that what the first one schedules for the same instant would come too late.
"""

from __future__ import annotations

import asyncio
from heapq import heappop, heappush

from sbsim.live.driver import Driver
from sbsim.pipeline.actions import Abort, Deliver, Fail, Fetch, Hit, Refuse, Send, Store
from sbsim.pipeline.build import build
from sbsim.records import Outcome
from sbsim.runlog import RunLog
from sbsim.seeds import Draws
from sbsim.simulation.engine import ANSWER, ARRIVAL, WAKE, Engine
from sbsim.simulation.replicate import known_neighbours, modelled_tiers
from sbsim.workload import prepare
from sbsim.world import ModelledProvider


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time jumps to the next timer."""

    def __init__(self):
        super().__init__()
        self._instant = 0.0
        self._serial = 0
        self._agenda = []
        self.idle = self.create_future()
        select = self._selector.select

        def jump(timeout):
            events = select(0)
            while not self._ready and not events and self._agenda:
                at, _, _, handle = heappop(self._agenda)
                if not handle.cancelled():
                    self._instant = max(self._instant, at)
                    self._ready.append(handle)
            if not self._ready and not events and not self.idle.done():
                self.idle.set_result(None)
            return events

        self._selector.select = jump

    def time(self):
        return self._instant

    def schedule(self, at, rank, serial, callback, *args):
        handle = asyncio.TimerHandle(at, callback, args, self)
        self._serial += 1
        heappush(self._agenda, (at, rank, (serial, self._serial), handle))
        return handle

    def call_at(self, when, callback, *args, context=None):
        self._serial += 1
        return self.schedule(when, WAKE, self._serial, callback, *args)

    def _timer_handle_cancelled(self, handle):
        pass

    async def until(self, at, serial):
        reached = self.create_future()
        handle = self.schedule(at, ANSWER, serial, lambda: reached.done() or reached.set_result(None))
        try:
            await reached
        finally:
            handle.cancel()


class ModelConnection:
    """A modelled provider behind the interface of a real one."""

    def __init__(self, model, spec, loop, driver_now):
        self.model, self.spec, self.loop, self.now = model, spec, loop, driver_now

    async def send(self, call, wishes, accepted):
        at, what = self.model.answer(call, self.now())
        job = None if isinstance(what, Outcome) else what
        has_polled = False
        while True:
            try:
                await self.loop.until(at, call.serial)
            except asyncio.CancelledError:
                reply = self.model.abort(call, self.now())
                if reply is None:
                    continue  # it cannot be stopped: its answer comes when it comes
                at, outcome = reply
                await self.loop.until(at, call.serial)
                return outcome
            if isinstance(what, Outcome):
                return what
            if not has_polled:
                accepted(job)
                has_polled = True
            else:
                call.polled_at = [*(call.polled_at or ()), self.now()]
                at, outcome = self.model.poll(job, self.now())
                if outcome is not None:
                    what = outcome
                    continue
            at = self.now() + self.model.poll_s


class ModelTierConnection:
    """A modelled tier behind the interface of a real one."""

    def __init__(self, model, loop, driver_now):
        self.model, self.loop, self.now = model, loop, driver_now

    async def fetch(self, fetch):
        at, entry = self.model.fetch(fetch.key, self.now(), fetch.item.payer)
        await self.loop.until(at, fetch.serial)
        return entry

    async def store(self, store):
        self.model.store(store.entries, store.items, self.now())


def described(action):
    """An action as a plain value that two runs can be compared by."""
    if isinstance(action, Hit):
        return ("hit", action.request.serial, action.how)
    if isinstance(action, Deliver):
        return ("deliver", action.how, action.call and action.call.serial, [(item.payer, [r.serial for r in item.requests]) for item in action.items])
    if isinstance(action, Send):
        call = action.call
        return ("send", call.serial, call.lane, call.m, call.path, call.attempt, call.key, call.due_at, [item.payer for item in call.items])
    if isinstance(action, Fail):
        return ("fail", action.error, [[r.serial for r in item.requests] for item in action.items])
    if isinstance(action, Refuse):
        return ("refuse", action.reason, [r.serial for r in action.requests])
    if isinstance(action, Fetch):
        return ("fetch", action.tier, action.item.payer, action.serial, action.due_at)
    if isinstance(action, Store):
        return ("store", action.tier, [item.payer for item in action.items], [entry.dies_at for entry in action.entries])
    assert isinstance(action, Abort)
    return ("abort", action.call.serial)


def traced(pipeline, check=None):
    """Record every input that led to actions, with its instant and its actions; `check` is called after every input."""
    trace = []

    def watch(name):
        original = getattr(pipeline, name)

        def observed(*args, now):
            actions = original(*args, now=now)
            if actions:
                trace.append((name, now, [described(action) for action in actions]))
            if check is not None:
                check(pipeline, now)
            return actions

        setattr(pipeline, name, observed)

    for name in ("submit", "fetched", "accepted", "completed", "wake"):
        watch(name)
    return trace


def parts(scenario, seed, replication):
    prepared = prepare(scenario, seed, replication)
    draws = Draws(seed, replication)
    models = [ModelledProvider(spec, draws) for spec in scenario.providers]
    near = known_neighbours(scenario, prepared)
    return prepared, models, build(scenario.config, scenario.providers, prepared.books, prepared.shapes, near=near), RunLog(prepared.n)


def simulated(scenario, seed=0, replication=0, check=None):
    """(trace, log, pipeline) of the SimPy engine."""
    prepared, models, pipeline, log = parts(scenario, seed, replication)
    trace = traced(pipeline, check)
    engine = Engine(pipeline, models, log, modelled_tiers(scenario, Draws(seed, replication)))
    engine.drive(prepared.requests())
    engine.drain(float("inf"))
    return trace, log.freeze(prepared.arrived_at, engine.n_submitted, engine.last_at), pipeline


def lived(scenario, seed=0, replication=0, check=None):
    """(trace, log, pipeline) of the asyncio driver on a virtual-time loop."""
    prepared, models, pipeline, log = parts(scenario, seed, replication)
    trace = traced(pipeline, check)
    pipeline.remember_held()
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    driver = Driver(pipeline, [], log)
    driver._connections = [ModelConnection(model, spec, loop, driver.now) for model, spec in zip(models, scenario.providers, strict=True)]
    driver._tiers = [ModelTierConnection(model, loop, driver.now) for model in modelled_tiers(scenario, Draws(seed, replication))]
    requests = list(prepared.requests())

    def arrive(k):
        driver.submit(requests[k])
        if k + 1 < len(requests):
            loop.schedule(requests[k + 1].arrived_at, ARRIVAL, k + 1, arrive, k + 1)

    async def main():
        driver.bind()
        loop.schedule(requests[0].arrived_at, ARRIVAL, 0, arrive, 0)
        await loop.idle

    try:
        loop.run_until_complete(main())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    log.unanswered(pipeline.dispatcher.in_flight.values())
    log.backlogged(pipeline.backlogged or ())
    return trace, log.freeze(prepared.arrived_at, len(requests), 0.0), pipeline
