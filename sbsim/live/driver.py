"""The asyncio driver: the pipeline that a simulation ran, with a real clock and real calls.

It owns the clock, the one timer and the futures of the callers; it decides nothing. Every input gets `now` = max(the last one, loop time - start), a
timer's no less than the instant it was armed for, and every path ends in `_settle`. A batcher belongs to the event loop that first used it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from math import inf
from typing import Any

from sbsim.config import Config
from sbsim.errors import StateError
from sbsim.live.connect.connection import Connection, Explained, TierConnection
from sbsim.live.delivery import Delivery, Waiter
from sbsim.live.metrics import Metrics
from sbsim.pipeline.actions import Abort, Actions, Deliver, Fail, Fetch, Hit, Send, Store
from sbsim.pipeline.pipeline import Pipeline
from sbsim.pricing import split
from sbsim.records import HOW, JOINED, Call, ContentRequest, Item, Outcome, Request
from sbsim.runlog import RunLog
from sbsim.units import NANO


class Driver:
    """Carries out a pipeline's actions on an event loop. `connections` stand in the order of the pipeline's lanes, `tiers` in that of its tiers."""

    def __init__(
        self, pipeline: Pipeline, connections: Sequence[Connection], log: Metrics | RunLog | None, tiers: Sequence[TierConnection] = ()
    ) -> None:
        self.pipeline = pipeline
        self.log = log
        self.wishes: dict[int, ContentRequest] = {}  # by serial, while the request is pending
        self._connections = tuple(connections)
        self._tiers = tuple(tiers)
        self._asking: set[asyncio.Task[None]] = set()
        self._waiting: dict[int, Waiter] = {}  # by serial, while the pipeline has not answered
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started_at = 0.0
        self._last = 0.0
        self._armed_at = inf
        self._timer: asyncio.TimerHandle | None = None
        self._broken: BaseException | None = None
        self._is_closed = False

    # -- time --------------------------------------------------------------------------------------------------------------
    def bind(self) -> asyncio.AbstractEventLoop:
        """The running loop; the first call makes it ours. Raises StateError on another one."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
            self._started_at = loop.time()
        elif self._loop is not loop:
            raise StateError("this batcher belongs to another event loop; make one per loop")
        return loop

    def now(self) -> float:
        """Seconds since the first use; it never goes back."""
        if self._loop is not None:
            self._last = max(self._last, self._loop.time() - self._started_at)
        return self._last

    # -- requests ----------------------------------------------------------------------------------------------------------
    def submit(self, request: Request) -> asyncio.Future[Delivery]:
        """Synchronous up to the pipeline's answer: a task of its own would let a timer of the same instant overtake it."""
        if self._broken is not None:
            raise StateError(f"the batcher stopped on a bug of ours: {self._broken!r}")
        loop = self.bind()
        future: asyncio.Future[Delivery] = loop.create_future()
        self._waiting[request.serial] = Waiter(request, future)
        now = self.now()
        if self.log is not None:
            self.log.reserve(request.serial)
        self._guarded(lambda: self._settle(self.pipeline.submit(request, now=now), now))
        return future

    def release(self, requests: Sequence[Request]) -> list[asyncio.Future[Delivery]]:
        """Submit requests that were planned together; see `Pipeline.release`."""
        if self._broken is not None:
            raise StateError(f"the batcher stopped on a bug of ours: {self._broken!r}")
        loop = self.bind()
        futures: list[asyncio.Future[Delivery]] = [loop.create_future() for _ in requests]
        now = self.now()
        for request, future in zip(requests, futures, strict=True):
            self._waiting[request.serial] = Waiter(request, future)
            if self.log is not None:
                self.log.reserve(request.serial)
        self._guarded(lambda: self._settle(self.pipeline.release(requests, now=now), now))
        return futures

    def configure(self, config: Config) -> None:
        """New resolved settings, at once. Raises StateError where one cannot change while it runs."""
        now = self.now()
        self._settle(self.pipeline.configure(config, now=now), now)

    def cancel(self, request: Request, reason: str | None = None) -> None:
        """Its caller wants it no more; no other waiter is harmed."""
        waiter = self._waiting.pop(request.serial, None)
        self.wishes.pop(request.serial, None)
        if waiter is None:
            return
        now = self.now()
        if self.log is not None:
            self.log.cancelled(request, now)
        self._guarded(lambda: self._settle(self.pipeline.cancel(request, now=now), now))
        waiter.answer(Delivery("cancelled", reason=reason))

    def turn_away(self, request: Request, status: str, reason: str) -> Delivery:
        """It was held back and never reaches the pipeline: only the record hears of it. `status` is "cancelled" or "refused"."""
        if self.log is not None:
            self.log.reserve(request.serial)
            if status == "cancelled":
                self.log.cancelled(request, self.now())
            else:
                self.log.refused((request,), reason, self.now())
        return Delivery(status, reason=reason)

    def flush(self) -> None:
        """Every open group goes as it is."""
        now = self.now()
        self._guarded(lambda: self._settle(self.pipeline.flush(now=now), now))

    async def drain(self, timeout_s: float) -> None:
        """Wait for everything pending, at most `timeout_s`; what is left then is cancelled, its tasks end, and nothing more is sent.

        What a call in flight may cost stays reserved: nobody will hear how it ended.
        """
        pending = [waiter.future for waiter in self._waiting.values() if not waiter.future.done()]
        if pending:
            self.flush()
            await asyncio.wait(pending, timeout=timeout_s)
        self._is_closed = True
        for task in (*self._sending.values(), *self._asking):
            task.cancel()
        if self._timer is not None:
            self._timer.cancel()
        for waiter in list(self._waiting.values()):
            self.cancel(waiter.request, "closed")

    # -- actions -----------------------------------------------------------------------------------------------------------
    def _settle(self, actions: Actions, now: float) -> None:
        for action in actions:
            if isinstance(action, Hit):
                if self.log is not None:
                    self.log.hit(action.request, action.entry, action.how, now)
                self._answer(action.request, Delivery("delivered", action.entry.content, HOW[action.how]))
            elif isinstance(action, Deliver):
                self._deliver(action, now)
            elif isinstance(action, Send):
                self._send(action.call, now)
            elif isinstance(action, Fail):
                if self.log is not None:
                    self.log.failed(action.items, action.error, now)
                for item in action.items:
                    for request in item.requests:
                        self._answer(request, Delivery("failed", reason=action.error))
            elif isinstance(action, Fetch):
                if self.log is not None:
                    self.log.asked(action.tier, (action.item,))
                self._ask(self._fetch(action))
            elif isinstance(action, Store):
                if self.log is not None:
                    self.log.asked(action.tier, action.items)
                self._ask(self._tiers[action.tier].store(action))
            elif isinstance(action, Abort):
                task = self._sending.get(action.call.serial)
                if task is not None:
                    task.cancel()
            else:
                if self.log is not None:
                    self.log.refused(action.requests, action.reason, now)
                for request in action.requests:
                    self._answer(request, Delivery("refused", reason=action.reason))
        self._rearm()

    def _deliver(self, action: Deliver, now: float) -> None:
        call = action.call
        if self.log is not None:
            self.log.delivered(action.items, action.how, call, now)
        shares: dict[int, int] = {}
        if call is not None:
            parts = split(call.bill_nano, call.fixed_nano, call.part_nano)
            shares = {id(item): part for item, part in zip(call.items, parts, strict=True)}
        for item in action.items:
            how, nano = action.how if item.ends_at != -inf else None, shares.get(id(item), 0)
            for request in item.requests:
                source = HOW[how] if how is not None else HOW[JOINED]
                content = None if item.entry is None else item.entry.content
                self._answer(request, Delivery("delivered", content, source, nano / NANO))
                how, nano = None, 0

    def _answer(self, request: Request, delivery: Delivery) -> None:
        self.wishes.pop(request.serial, None)
        waiter = self._waiting.pop(request.serial, None)
        if waiter is not None:
            waiter.answer(delivery)

    def _send(self, call: Call, now: float) -> None:
        if self._is_closed:  # whoever is cancelled makes room for others; the lane sends nothing more, so this is said once
            self._settle(self.pipeline.completed(call, Outcome("not_sent", retry_at=inf), now=now), now)
            return
        if self.log is not None:
            self.log.sent(call, now)
        task = self.bind().create_task(self._attempt(call))
        self._sending[call.serial] = task
        task.add_done_callback(lambda _: self._sending.pop(call.serial, None))

    def _ask(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.bind().create_task(work)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _fetch(self, fetch: Fetch) -> None:
        entry = await self._tiers[fetch.tier].fetch(fetch)
        now = self.now()
        self._guarded(lambda: self._settle(self.pipeline.fetched(fetch, entry, now=now), now))

    async def _attempt(self, call: Call) -> None:
        call.body = [self._wish(item) for item in call.items] if call.same_key_as is None else call.same_key_as.body
        try:
            outcome = await self._connections[call.lane].send(call, call.body, lambda job: self._accepted(call, job))
        except asyncio.CancelledError:
            if self._is_closed or not self.pipeline.dispatcher.in_flight.get(call.serial):
                raise
            outcome = Outcome("timed_out" if call.is_late else "cancelled")
        self._completed(call, outcome)

    def _wish(self, item: Item) -> ContentRequest:
        """The request that stands for an item: any waiter's will do, they want the same."""
        found = next((wish for request in item.requests if (wish := self.wishes.get(request.serial)) is not None), None)
        return found if found is not None else ContentRequest("?", item.content.facts.content_type or "text")

    def _accepted(self, call: Call, job: Any) -> None:
        now = self.now()
        self._guarded(lambda: self._settle(self.pipeline.accepted(call, job, now=now), now))

    def _completed(self, call: Call, outcome: Outcome) -> None:
        if isinstance(outcome, Explained):
            for index, words in outcome.words.items():
                for request in call.items[index].requests:
                    if (waiter := self._waiting.get(request.serial)) is not None:
                        waiter.said = words
        now = self.now()

        def complete() -> None:
            actions = self.pipeline.completed(call, outcome, now=now)
            if self.log is not None:
                self.log.answered(call, outcome, now)
            self._settle(actions, now)

        self._guarded(complete)

    # -- the timer ---------------------------------------------------------------------------------------------------------
    def _rearm(self) -> None:
        at = self.pipeline.wake_at
        if at == self._armed_at or self._loop is None or self._is_closed:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._armed_at = at
        self._timer = None if at == inf else self._loop.call_at(self._started_at + at, self._wake)

    def _wake(self) -> None:
        now = self._last = max(self.now(), self._armed_at)
        self._armed_at = inf
        self._timer = None
        self._guarded(lambda: self._settle(self.pipeline.wake(now=now), now))

    def _guarded(self, step: Any) -> None:
        """An exception inside the pipeline is a bug of ours: nobody waits for ever on it."""
        try:
            step()
        except Exception as error:
            self._broken = error
            for waiter in self._waiting.values():
                waiter.fail(StateError(f"the batcher stopped on a bug of ours: {error!r}"))
            self._waiting.clear()
            raise
