"""Where content may lie already: memory, then the lower tiers, asked one after another and each given `fetch_timeout_s` to answer.

It owns the memory tier, the index of near-duplicates and the questions that are under way; what becomes of an item that nobody has is the pipeline's.
A tier that is slow is a miss: its late answer may still fill the memory, and answers nobody.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator, Sequence
from math import inf
from typing import NamedTuple

from sbsim.components.cache import Cache
from sbsim.components.near_duplicates import Neighbours
from sbsim.pipeline.actions import Fetch, Store
from sbsim.records import Content, Entry, Item

MOST_REFUSED = 10_000
"""Refusals that are remembered at most, the oldest forgotten first."""


class TierPlace(NamedTuple):
    """A lower tier as the pipeline knows it: `how` is REDIS or CDN."""

    how: int
    name: str


class Lookup:
    """Memory and lower tiers.

    Parameters
    ----------
    cache : the memory tier. tiers : the lower ones, in the order in which they are asked. fetch_timeout_s : seconds that each may take.
    negative_ttl_s : seconds that a provider's refusal of a content is remembered; 0: not at all.
    near : the memory of prompts that says which of the contents may be given for another in other words; None: none.

    Attributes
    ----------
    due_at : when the oldest question times out; inf: none is under way. refused : until when each refused content need not be asked for again.
    n_hits : by place of `tiers`, how often a tier had what it was asked for, in time.
    """

    def __init__(
        self,
        cache: Cache,
        tiers: Sequence[TierPlace] = (),
        fetch_timeout_s: float = 0.05,
        near: Neighbours | None = None,
        negative_ttl_s: float = 0.0,
    ) -> None:
        self.cache = cache
        self.near = near
        self.tiers = tuple(tiers)
        self.fetch_timeout_s = fetch_timeout_s
        self.negative_ttl_s = negative_ttl_s
        self.refused: OrderedDict[Hashable, float] = OrderedDict()
        self.due_at = inf
        self.n_fetched = self.n_slow_tiers = self.n_stored = 0
        self.n_hits = [0] * len(self.tiers)
        self._asked: deque[Fetch] = deque()  # in the order in which they time out

    def nearest(self, content: Content, now: float) -> Entry | None:
        """What memory holds of the likest content that may be given in place of this one."""
        near = self.near
        if near is None or not content.reusable:
            return None
        for key in near.neighbours(content):
            entry = self.cache.get(key, now)
            if entry is not None:
                return entry
            near.forget(key)
        return None

    def put(self, entry: Entry, content: Content, now: float) -> None:
        """Keep in memory what was made of a content, findable by its likes."""
        gone = self.cache.put(entry, now)
        near = self.near
        if near is not None:
            for key in gone:
                near.forget(key)
            if entry.key in self.cache:
                near.put(content)
            else:
                near.forget(entry.key)

    def refuse(self, content: Content, now: float) -> None:
        """A provider will not make this content."""
        if self.negative_ttl_s > 0 and content.reusable:
            self.refused[content.key] = now + self.negative_ttl_s
            self.refused.move_to_end(content.key)
            if len(self.refused) > MOST_REFUSED:
                self.refused.popitem(last=False)

    def is_refused(self, key: Hashable, now: float) -> bool:
        """Whether a provider's refusal of this content is remembered."""
        until = self.refused.get(key)
        if until is None or now < until:
            return until is not None
        del self.refused[key]
        return False

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
        self.n_hits[fetch.tier] += 1
        self.remember(entry, fetch.item.content, now)
        stores = [Store(tier, [entry], [fetch.item]) for tier in range(fetch.tier)]
        self.n_stored += len(stores)
        return stores

    def remember(self, entry: Entry, content: Content, now: float) -> None:
        """Keep what a tier gave in memory, for as long as memory keeps and the result lives."""
        expires_at = min(now + self.cache.ttl_s, entry.dies_at)
        if expires_at > now:
            self.put(entry.until(expires_at), content, now)

    def wait_for(self, fetch_timeout_s: float, now: float) -> None:
        """Another time-out; a question that is under way gets no more than that from now on."""
        self.fetch_timeout_s = fetch_timeout_s
        for fetch in self._asked:
            fetch.due_at = min(fetch.due_at, now + fetch_timeout_s)
        self.due_at = self._asked[0].due_at if self._asked else inf

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
