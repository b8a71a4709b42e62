"""Where content may lie already: memory, then the lower tiers, asked one after another and each given `fetch_timeout_s` to answer.

It owns the memory tier, the index of near-duplicates and the questions that are under way; what becomes of an item that nobody has is the pipeline's.
A tier that is slow is a miss: its late answer may still fill the memory, and answers nobody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from math import inf
from typing import NamedTuple

from sbsim.components.cache import Cache
from sbsim.pipeline.actions import Fetch, Store
from sbsim.records import Entry, Item


class TierPlace(NamedTuple):
    """A lower tier as the pipeline knows it: `how` is REDIS or CDN."""

    how: int
    name: str


class Lookup:
    """Memory and lower tiers.

    Parameters
    ----------
    cache : the memory tier. tiers : the lower ones, in the order in which they are asked. fetch_timeout_s : seconds that each may take.

    Attributes
    ----------
    due_at : when the oldest question times out; inf: none is under way.
    """

    def __init__(self, cache: Cache, tiers: Sequence[TierPlace] = (), fetch_timeout_s: float = 0.05) -> None:
        self.cache = cache
        self.tiers = tuple(tiers)
        self.fetch_timeout_s = fetch_timeout_s
        self.due_at = inf
        self.n_fetched = self.n_slow_tiers = self.n_stored = 0
        self._asked: deque[Fetch] = deque()  # in the order in which they time out

    def ask(self, item: Item, tier: int, serial: int, now: float) -> Fetch:
        """The question whether tier number `tier` has the item's content."""
        fetch = Fetch(tier, item, item.content.key, serial, now + self.fetch_timeout_s)
        self._asked.append(fetch)
        self.n_fetched += 1
        if fetch.due_at < self.due_at:
            self.due_at = fetch.due_at
        return fetch

    def found(self, fetch: Fetch, entry: Entry, now: float) -> list[Store]:
        """A tier had it: it comes up into memory, and into the tiers that were asked before."""
        self.remember(entry, now)
        stores = [Store(tier, [entry], [fetch.item]) for tier in range(fetch.tier)]
        self.n_stored += len(stores)
        return stores

    def remember(self, entry: Entry, now: float) -> None:
        """Keep what a tier gave in memory, for as long as memory keeps and the result lives."""
        expires_at = min(now + self.cache.ttl_s, entry.dies_at)
        if expires_at > now:
            self.cache.put(Entry(entry.key, expires_at, entry.content, entry.n_bytes, entry.cost_nano, entry.dies_at), now)

    def overdue(self, now: float) -> list[Fetch]:
        """The questions that nobody has answered in time, in their order; from now on they are misses."""
        late = []
        while self._asked and (not self._asked[0].is_open or now >= self._asked[0].due_at):
            fetch = self._asked.popleft()
            if fetch.is_open:
                fetch.is_open = False
                self.n_slow_tiers += 1
                late.append(fetch)
        self.due_at = self._asked[0].due_at if self._asked else inf
        return late

    def store(self, entries: Sequence[Entry], items: Sequence[Item]) -> list[Store]:
        """What a call has made goes to every tier."""
        self.n_stored += len(self.tiers)
        return [Store(tier, entries, items) for tier in range(len(self.tiers))]

    def items(self) -> Iterator[Item]:
        """The items that a question is under way for."""
        return (fetch.item for fetch in self._asked if fetch.is_open)
