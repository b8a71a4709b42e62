"""The LRU cache against two independent ones: a plain list, and cachetools; and against published hit ratios of real traffic."""

from __future__ import annotations

import gzip
from math import inf
from pathlib import Path

import cachetools
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from sbsim.components.cache import LruCache
from sbsim.records import Entry

WEB12 = {250: 0.4672, 500: 0.5578, 1000: 0.6473, 2000: 0.7256}
"""LRU hit ratio by capacity on cache2k_web12, four digits (the data's own README)."""


class AgainstAList(RuleBasedStateMachine):
    """The victim is always the entry whose last get or put is longest ago."""

    @initialize(size=st.integers(1, 5))
    def open(self, size):
        self.cache, self.size, self.order, self.now = LruCache(size), size, [], 0.0

    @rule(dt=st.integers(0, 3).map(float))
    def advance(self, dt):
        self.now += dt

    @rule(key=st.integers(0, 8))
    def get(self, key):
        assert (self.cache.get(key, self.now) is not None) == (key in self.order)
        if key in self.order:
            self.order.remove(key)
            self.order.append(key)

    @rule(key=st.integers(0, 8))
    def put(self, key):
        if key in self.order:
            self.order.remove(key)
        self.order.append(key)
        expected = [self.order.pop(0)] if len(self.order) > self.size else []
        assert self.cache.put(Entry(key, inf), self.now) == expected


TestAgainstAList = AgainstAList.TestCase
TestAgainstAList.settings = settings(max_examples=4 * settings().max_examples)


@given(
    st.integers(1, 6),
    st.sampled_from([1.0, 5.0, 20.0]),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4).map(float), st.booleans()), max_size=80),
)
def test_hits_are_those_of_cachetools(size, ttl_s, accesses):
    """The same accesses at the same instants hit and miss as in cachetools' TTLCache, an LRU with expiry, at and past every boundary."""
    clock = 0.0
    theirs = cachetools.TTLCache(maxsize=size, ttl=ttl_s, timer=lambda: clock)
    ours = LruCache(size, inf, ttl_s)
    for key, dt, is_put in accesses:
        clock += dt
        assert (ours.get(key, clock) is not None) == (theirs.get(key) is not None)
        if is_put:
            theirs[key] = key
            ours.put(Entry(key, inf), clock)


def hits(cache: LruCache, accesses: list[int]) -> int:
    n = 0
    for at, key in enumerate(accesses):
        if cache.get(key, float(at)) is None:
            cache.put(Entry(key, inf), float(at))
        else:
            n += 1
    return n


@pytest.mark.parametrize("size", WEB12)
def test_hit_ratios_of_real_traffic(size, data: Path):
    """On 95,607 requests for product pages LRU hits as often as published, to four digits."""
    trace = data / "cache2k_web12" / "cache2k_web12.txt.gz"
    if not trace.is_file():
        pytest.skip(f"no trace at {trace}")
    accesses = [int(line) for line in gzip.decompress(trace.read_bytes()).split()]
    assert len(accesses) == 95_607
    assert round(hits(LruCache(size), accesses) / len(accesses), 4) == WEB12[size]


def test_a_fifo_is_found_out():
    """The list model tells LRU from first-in first-out: a get saves its entry."""
    cache = LruCache(2)
    cache.put(Entry("a", inf), 0.0)
    cache.put(Entry("b", inf), 0.0)
    cache.get("a", 1.0)
    assert cache.put(Entry("c", inf), 2.0) == ["b"]


def test_an_entry_is_dead_at_its_very_instant():
    """Half-open in floats: alive an ulp before `expires_at`, dead at it, whatever the instant rounds to."""
    for put_at in (0.1, 0.7, 1e6 + 0.3):
        cache = LruCache(4, inf, 0.6)
        cache.put(Entry("k", inf, "v"), put_at)
        assert cache.get("k", put_at + 0.5999) is not None
        assert cache.get("k", put_at + 0.6) is None
        assert len(cache) == 0
