"""The classic names: components with a clock, for use without a batcher. They decide exactly as they do inside one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Self

from sbsim.components import priority_queue, rate_limiter
from sbsim.config import Config, find_setting
from sbsim.errors import ScenarioError, StateError
from sbsim.live.batcher import SmartBatcher
from sbsim.live.connect.unconnected import Connections
from sbsim.live.doors import count, listed, misplaced
from sbsim.live.held import Batch
from sbsim.pipeline.prepare import deadline_at
from sbsim.records import Batch as Queued
from sbsim.records import Content, ContentRequest, Demand, Facts, Item, Request

_ONE = Demand(1, 0.0, 0.0)


class PriorityQueue:
    """Requests in the order in which they should be served: by urgency, age, slack and (where it is stated) estimated cost, so that nothing starves;
    see `components.priority_queue`.

    Parameters
    ----------
    policy : "score", "fifo" or "strict". ageing : seconds of waiting that weigh as much as one level of urgency.
    max_size : requests at most; None: no limit.

    Raises
    ------
    ScenarioError
        When a parameter means nothing.
    """

    def __init__(self, policy: str = "score", ageing: float | str = 1800.0, max_size: int | None = None) -> None:
        self._queue = priority_queue.PriorityQueue(policy, _read("queue.ageing", ageing))
        self._requests: dict[int, ContentRequest] = {}
        self._max_size = None if max_size is None else count("PriorityQueue: max_size", max_size, 100)
        self._n = 0

    def __len__(self) -> int:
        return len(self._queue)

    def enqueue(self, request: ContentRequest) -> bool:
        """Put `request` in its place; False when the queue is full. Raises ScenarioError when it is no ContentRequest."""
        if not isinstance(request, ContentRequest):
            raise misplaced("PriorityQueue.enqueue: request", request, "ContentRequest")
        if self._max_size is not None and len(self) >= self._max_size:
            return False
        self._n += 1
        now = time.monotonic()
        content = Content(self._n, self._n, self._n, Facts(request.content_type, request.engine or ""), 0, 0, (), 0)
        item = Item(Request(self._n, now, deadline_at(now, request.deadline_s), int(request.priority), content))
        place = Queued(self._n, 0, 0, now)
        place.items.append(item)
        place.list_usd = request.estimated_cost or 0.0
        place.urgency, place.deadline_at = item.urgency, item.deadline_at
        self._queue.push(place)
        self._requests[self._n] = request
        return True

    def dequeue(self) -> ContentRequest | None:
        """Take the request that should be served next; None when nothing waits."""
        return self._requests.pop(self._queue.pop().serial) if len(self) else None

    def peek(self) -> ContentRequest | None:
        """The request that should be served next; it stays."""
        place = self._queue.peek()
        return None if place is None else self._requests[place.serial]


class RateLimiter:
    """At most so many calls in any window of so many seconds, and so many at a time; exact (see `components.rate_limiter`).

        async with limiter:
            await call()

    Parameters
    ----------
    max_requests : calls in a window at most; None: no limit. time_window : seconds. concurrency : calls at a time at most; None: no limit.
    pacing : seconds between two calls at least. guard : seconds that windows are kept longer than said, where the provider counts arrivals.

    Raises
    ------
    ScenarioError
        When a parameter means nothing.
    """

    def __init__(
        self,
        max_requests: int | None = 10,
        time_window: float | str = 60.0,
        concurrency: int | None = None,
        *,
        pacing: float | str = 0.0,
        guard: float | str = 0.0,
    ) -> None:
        most, at_once = _read("rate_limit.max_requests", max_requests), _read("rate_limit.concurrency", concurrency)
        per_s = _read("rate_limit.time_window", time_window)
        if most is not None and per_s is None:
            raise ScenarioError(f"RateLimiter: time_window: none, and {most} calls need one; try 60.0")
        limits = [] if most is None else [rate_limiter.Limit("calls", most, per_s)]
        if at_once is not None:
            limits.append(rate_limiter.Limit("concurrency", at_once))
        self._gate = rate_limiter.RateLimiter(
            limits, pacing_s=_read("rate_limit.batch_pacing_interval", pacing), guard_s=_read("rate_limit.guard", guard)
        )
        self._n = 0
        self._freed = asyncio.Event()

    def try_acquire(self) -> bool:
        """Count a call that starts now, if it may; `release` says when it has ended."""
        now = time.monotonic()
        if self._gate.ready_at(_ONE, now) > now:
            return False
        self._n += 1
        self._gate.take(self._n, _ONE, now)
        return True

    def wait_time(self) -> float:
        """Seconds until a call may start; 0: now; inf: only the end of another can help."""
        now = time.monotonic()
        return self._gate.ready_at(_ONE, now) - now

    async def acquire(self) -> None:
        """Wait until a call may start, and count it."""
        while not self.try_acquire():
            wait_s = self.wait_time()
            if wait_s < float("inf"):
                await asyncio.sleep(wait_s)
            else:
                self._freed.clear()
                await self._freed.wait()

    def release(self) -> None:
        """A call has ended. Raises StateError when none is running."""
        if not self._gate.n_in_flight:
            raise StateError("RateLimiter.release: no call is running; each acquire is released once")
        self._gate.release(self._n, time.monotonic())
        self._freed.set()

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(self, *error: object) -> None:
        self.release()


class CostAnalyzer:
    """What requests cost alone and in batches, by a provider's price list; nothing is sent.

    Parameters
    ----------
    provider : as for `SmartBatcher`; None: a request's `estimated_cost` is its price. config : settings that form the batches.
    """

    def __init__(self, provider: Connections = None, config: Config | None = None) -> None:
        self._batcher = SmartBatcher(provider=provider, config=config, record=False)

    def individual_cost(self, request: ContentRequest) -> float:
        """Dollars of `request` in a call of its own."""
        return float(self.analyze([request])["individual_cost"])

    def batch_cost(self, requests: Batch | Sequence[ContentRequest]) -> float:
        """Dollars of these requests in the calls that their batches make."""
        return float(self.analyze(requests)["batch_cost"])

    def analyze(self, requests: Batch | Sequence[ContentRequest]) -> dict[str, Any]:
        """Costs and benefits; see `SmartBatcher.get_cost_benefit_analysis`."""
        chosen = requests if isinstance(requests, Batch) else listed("CostAnalyzer: requests", requests, "ContentRequest")
        return self._batcher.get_cost_benefit_analysis(chosen)


def _read(path: str, given: Any) -> Any:
    """A value of the setting that the parameter is. Raises ScenarioError."""
    try:
        return find_setting(path).read(given)
    except ValueError as error:
        raise ScenarioError(f"{path.partition('.')[2]}: {error}") from None
