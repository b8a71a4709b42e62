"""A lower tier against one that is as plain as can be: every entry on a list, looked through at every step."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbsim.records import Content, Entry, Facts, Item, Request
from sbsim.scenario import CacheTier
from sbsim.seeds import Draws
from sbsim.world import ModelledTier
from sbsim.world.tier import REFERENCE_BYTES

KEYS = st.integers(0, 5)
BYTES = st.sampled_from([0, 100, 700])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 30)),
        st.tuples(st.just("fetch"), KEYS),
        st.tuples(st.just("store"), st.lists(st.tuples(KEYS, BYTES, st.sampled_from([3, 17, inf])), min_size=1, max_size=3)),
    ),
    max_size=60,
)


class PlainTier:
    """Entries [key, stored at, dead from, bytes, gone at]; those that live are in order of use, the least recent first."""

    def __init__(self, capacity, ttl_s):
        self.capacity, self.ttl_s, self.living, self.gone = capacity, ttl_s, [], []

    def end(self, entry, at):
        self.living.remove(entry)
        self.gone.append([*entry, at])

    def bury(self, now):
        for entry in [entry for entry in self.living if entry[2] <= now]:
            self.end(entry, entry[2])

    def fetch(self, key, now):
        self.bury(now)
        for entry in self.living:
            if entry[0] == key:
                self.living.append(self.living.pop(self.living.index(entry)))
                return entry[2]
        return None

    def store(self, key, n_bytes, life_s, now):
        self.bury(now)
        for entry in [entry for entry in self.living if entry[0] == key]:
            self.end(entry, now)
        if n_bytes > self.capacity:
            return
        while sum(entry[3] for entry in self.living) + n_bytes > self.capacity:
            self.end(self.living[0], now)
        self.living.append([key, now, now + min(self.ttl_s, life_s), n_bytes])

    def byte_seconds(self, until):
        self.bury(until)
        past = sum(n_bytes * (min(gone_at, until) - min(stored_at, until)) for _, stored_at, _, n_bytes, gone_at in self.gone)
        return past + sum(n_bytes * (until - min(stored_at, until)) for _, stored_at, _, n_bytes in self.living)


@given(STEPS, st.sampled_from([600.0, 1024.0, 3000.0, 1e9]), st.sampled_from([5.0, 20.0, inf]))
def test_a_tier_holds_what_a_plain_list_would(steps, capacity, ttl_s):
    """The same answers with the same lives, never more than the capacity, and the same bytes for the same time, to the end and up to any instant."""
    model = ModelledTier("redis", CacheTier(latency=0, capacity=capacity), ttl_s, Draws(0, 0))
    plain, now = PlainTier(capacity, ttl_s), 0.0
    for what, value in steps:
        if what == "wait":
            now += value
        elif what == "fetch":
            _, entry = model.fetch(value, now, 0)
            assert (None if entry is None else entry.expires_at) == plain.fetch(value, now)
        else:
            items = [Item(Request(0, now, inf, 2, Content(0, key, key, Facts("image", "e"), 0, 0, (), 0))) for key, _, _ in value]
            model.store([Entry(key, inf, n_bytes=size, dies_at=now + life_s) for key, size, life_s in value], items, now)
            for key, size, life_s in value:
                plain.store(key, REFERENCE_BYTES + size, life_s, now)
        assert max(model.held_bytes) <= capacity
    for until in (now / 2, now, now + 8, now + 100):
        model.expire(until)
        edges = [*(min(at, until) for at in model.held_since), until]
        held = sum(n_bytes * (b - a) for n_bytes, a, b in zip(model.held_bytes, edges, edges[1:], strict=False))
        assert held == pytest.approx(plain.byte_seconds(until))
