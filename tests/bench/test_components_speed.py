"""What the components on every request's path cost, in bare method calls of the same process: microseconds differ by machine, ratios do not."""

from __future__ import annotations

import time
from math import inf

import pytest

from sbsim.components.cache import LruCache
from sbsim.components.coalescer import Coalescer
from sbsim.components.priority_queue import PriorityQueue
from sbsim.components.rate_limiter import Limit, RateLimiter
from sbsim.records import Batch, Content, Demand, Entry, Facts, Request

N = 100_000


class Nothing:
    __slots__ = ()

    def call(self, one: object, other: object) -> object:
        return one


def bare() -> float:
    call = Nothing().call
    began = time.process_time()
    for k in range(N):
        call(k, k)
    return time.process_time() - began


def cache_hits() -> float:
    cache = LruCache(1000)
    for k in range(1000):
        cache.put(Entry(k, inf), 0.0)
    get, n = cache.get, 0
    began = time.process_time()
    for k in range(N):
        n += get(k % 1000, 1.0) is not None
    took = time.process_time() - began
    assert n == N
    return took


def coalescer_looks() -> float:
    coalescer = Coalescer()
    request = Request(0, 0.0, inf, 2, Content(0, "key", "key", Facts("image", "engine"), 0, 0, (), 0))
    find, n = coalescer.find, 0
    began = time.process_time()
    for _ in range(N):
        n += find(request, 1.0, 1.0) is None
    took = time.process_time() - began
    assert n == N
    return took


def queue_turns() -> float:
    """One batch enters and one leaves a queue in which a hundred wait."""
    queue = PriorityQueue()
    for k in range(100):
        queue.push(Batch(k, 0, 0, float(k * 7919 % 100)))
    push, pop, batch = queue.push, queue.pop, Batch(100, 0, 0, 50.0)
    began = time.process_time()
    for _ in range(N):
        push(batch)
        batch = pop()
    took = time.process_time() - began
    assert len(queue) == 100
    return took


def calls_through_limits() -> float:
    """A question, a sending and an answer, under a sliding window that is full half of the time, a limit on concurrency, and pacing."""
    limiter = RateLimiter([Limit("calls", 100, 60.0), Limit("concurrency", 8)], pacing_s=0.5, guard_s=0.25)
    ready_at, take, release, demand, now = limiter.ready_at, limiter.take, limiter.release, Demand(5, 100.0, 0.0), 0.0
    began = time.process_time()
    for serial in range(N):
        now = ready_at(demand, now + 0.5)
        take(serial, demand, now)
        release(serial, now)
    took = time.process_time() - began
    assert now >= (N - 100) / 100 * 60.25
    return took


@pytest.mark.bench
@pytest.mark.parametrize(
    ("work", "most"),
    [(cache_hits, 10), (coalescer_looks, 5), (queue_turns, 45), (calls_through_limits, 76)],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_cost_in_bare_calls(work, most):
    """A cache hit costs about 5 bare calls, a look for work under way 2, a turn of the queue 23, a call through the limits 38; at most twice that."""
    ratios = sorted(work() / bare() for _ in range(7))
    print(f"{work.__name__}: {ratios[3]:.1f} bare calls (best {ratios[0]:.1f}), {ratios[3] * min(bare() for _ in range(3)) / N * 1e6:.2f} us")
    assert ratios[0] <= most
