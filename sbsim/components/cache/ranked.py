"""Policies that rank entries by what they were worth so far: least frequently used, and greedy dual with size and frequency.

Both keep a heap of (worth, serial of the last use). A use raises these and never lowers them, so the heap is left alone at a use: what it says of an
entry is a lower bound, put right when the entry comes up to be evicted. So a hit costs O(1), an eviction O(log n) for each entry put right.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from heapq import heapify, heappop, heappush, heapreplace
from math import inf

from sbsim.components.cache.cache import Cache
from sbsim.records import Entry


class _Standing:
    """How an entry stands: what it is worth, how often and when (by serial) it was last used, counting the put."""

    __slots__ = ("entry", "n_uses", "used", "worth")

    def __init__(self, entry: Entry, worth: float, used: int) -> None:
        self.entry = entry
        self.worth = worth
        self.used = used
        self.n_uses = 1


class _RankedCache(Cache):
    """Lowest worth goes first, of equals the least recently used. A policy adds what an entry is worth."""

    __slots__ = ("_n_uses", "_ranks", "_standing")

    def __init__(self, max_entries: int, max_bytes: float = inf, ttl_s: float = inf) -> None:
        super().__init__(max_entries, max_bytes, ttl_s)
        self._standing: dict[Hashable, _Standing] = {}
        self._ranks: list[tuple[float, int, _Standing]] = []  # lower bounds, those of entries that have left among them
        self._n_uses = 0  # serial of the latest use; no two are equal, so the heap never compares standings

    @abstractmethod
    def _worth(self, entry: Entry, n_uses: int) -> float:
        """What an entry used so often is worth now: more with every use, and no less as time goes on."""

    def _used(self, entry: Entry) -> None:
        standing = self._standing[entry.key]
        self._n_uses = standing.used = self._n_uses + 1
        standing.n_uses += 1
        standing.worth = max(standing.worth, self._worth(entry, standing.n_uses))  # narrower bounds may have made it worth less

    def _added(self, entry: Entry) -> None:
        self._n_uses += 1
        standing = self._standing[entry.key] = _Standing(entry, self._worth(entry, 1), self._n_uses)
        heappush(self._ranks, (standing.worth, standing.used, standing))
        if len(self._ranks) > 2 * len(self._entries) + 64:
            self._ranks = [(each.worth, each.used, each) for each in self._standing.values()]
            heapify(self._ranks)

    def _removed(self, entry: Entry) -> None:
        del self._standing[entry.key]

    def _victim(self, newcomer: Entry | None) -> Entry:
        ranks = self._ranks
        while True:
            _, used, standing = ranks[0]
            if self._standing.get(standing.entry.key) is not standing:
                heappop(ranks)
            elif used != standing.used:
                heapreplace(ranks, (standing.worth, standing.used, standing))
            else:
                return standing.entry


class LfuCache(_RankedCache):
    """Least frequently used goes first, of equals the least recently used. An entry's count begins when it is put and ends when it leaves."""

    __slots__ = ()

    def _worth(self, entry: Entry, n_uses: int) -> float:
        return n_uses


class GdsfCache(_RankedCache):
    """Greedy dual with size and frequency: what is cheap to make again, large or seldom asked for goes first.

    Worth = clock + uses x cost / size (Cherkasova, "Improving WWW proxies performance with Greedy-Dual-Size-Frequency caching policy", HP Labs
    HPL-98-69R1, 1998, after Cao and Irani, 1997). The clock is the worth of the entry that was evicted last: so what is used no more ages. Cost is
    what the entry costs to make, in nano-dollars (1 where nobody knows). Size is the share of the tighter bound that it takes: its bytes of
    `max_bytes` or one of `max_entries`.
    """

    __slots__ = ("_clock",)

    def __init__(self, max_entries: int, max_bytes: float = inf, ttl_s: float = inf) -> None:
        super().__init__(max_entries, max_bytes, ttl_s)
        self._clock = 0.0

    def _worth(self, entry: Entry, n_uses: int) -> float:
        size = max(1.0 / self.max_entries, entry.n_bytes / self.max_bytes if entry.n_bytes else 0.0)
        return self._clock + n_uses * (entry.cost_nano or 1) / size

    def _victim(self, newcomer: Entry | None) -> Entry:
        entry = super()._victim(newcomer)
        self._clock = self._standing[entry.key].worth
        return entry
