"""A lower cache tier as a model: a store with a latency and a capacity that several batchers may share. It knows no prices: it says what it was asked
and how many bytes it held, and for how long.

It holds what it was given until its time to live is over or the least recently used must go; what is dead goes before anything alive. An answer says
what the tier held when it was asked.

An entry goes at the very instant at which it expires, asked for or not, and neither rent nor room is taken from then on. Redis deletes an expired key
when it is asked for, and samples the others ten times a second, again at once while more than a quarter of a sample is dead
(redis.io/commands/expire, "How Redis expires keys", as quoted on 2026-11-28): dead keys that linger are few and are left out here. Of a cdn the same
is assumed.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from heapq import heapify, heappop, heappush
from math import inf

from sbsim.records import Content, Entry, Item
from sbsim.scenario import CacheTier
from sbsim.seeds import Draws

REFERENCE_BYTES = 512.0
"""What an entry takes beside its content: key, reference, bookkeeping (an assumption)."""
_LEAST_ENDS = 64
"""Ends of entries that are gone already are swept out when they are most of the agenda, and not before there are so many."""


class ModelledTier:
    """One tier.

    Parameters
    ----------
    name : "redis" or "cdn", which its draws belong to. spec : the scenario's entry: latency (a law, seconds), capacity (bytes).
    ttl_s : seconds that an entry may be served. draws : all draws of the replication.
    bytes_of : bytes of a whole content, where the tier keeps a copy of its own (cdn), which outlives the provider's; None: it keeps references and
        inline bytes (redis), which die with what they refer to.

    Attributes
    ----------
    held_since, held_bytes : how many bytes were held from which instant on, as far as `expire` has been told; seconds, bytes.
    """

    def __init__(self, name: str, spec: CacheTier, ttl_s: float, draws: Draws, bytes_of: Callable[[Content], float] | None = None) -> None:
        self._latency_s = draws.stream(f"tier:{name}", spec.latency.quantile)
        self._capacity = spec.capacity
        self._ttl_s = ttl_s
        self._bytes_of = bytes_of
        self._entries: OrderedDict[Hashable, tuple[Entry, float]] = OrderedDict()  # with the bytes that it takes
        self._ends: list[tuple[float, int, Hashable]] = []  # a heap: when (an entry of) which key expires; a serial settles ties
        self._n_bytes = 0.0
        self.held_since, self.held_bytes = array("d", [0.0]), array("d", [0.0])
        self.n_fetched = self.n_hits = self.n_stored = self.n_evicted = self.n_expired = 0

    def fetch(self, key: Hashable, now: float, serial: int) -> tuple[float, Entry | None]:
        """The instant of the answer, and what is held of `key`; `serial` is that of the request that wants it, which the latency belongs to."""
        self.n_fetched += 1
        self.expire(now)
        at = now + self._latency_s(serial)
        held = self._entries.get(key)
        if held is None:
            return at, None
        self._entries.move_to_end(key)
        self.n_hits += 1
        return at, held[0]

    def store(self, entries: Sequence[Entry], items: Sequence[Item], now: float) -> None:
        """Keep these; `items` are what they were made for."""
        self.expire(now)
        for entry, item in zip(entries, items, strict=True):
            self._store(entry, item.content, now)
        self._note(now)

    def expire(self, now: float) -> None:
        """Let go what is dead by `now`, each entry at its own instant. Nothing is asked or stored before `now` any more."""
        ends = self._ends
        while ends and ends[0][0] <= now:
            expires_at, _, key = heappop(ends)
            held = self._entries.get(key)
            if held is not None and held[0].expires_at == expires_at:  # else it was evicted or replaced
                self._drop(key)
                self.n_expired += 1
                self._note(expires_at)

    def _store(self, entry: Entry, content: Content, now: float) -> None:
        self.n_stored += 1
        if entry.key in self._entries:
            self._drop(entry.key)
        dies_at = entry.dies_at if self._bytes_of is None else inf
        expires_at = min(now + self._ttl_s, dies_at)
        n_bytes = REFERENCE_BYTES + (entry.n_bytes if self._bytes_of is None else self._bytes_of(content))
        if n_bytes > self._capacity or expires_at <= now:
            return
        held = entry.until(expires_at)
        if self._bytes_of is not None:
            held.dies_at = expires_at
        while self._n_bytes + n_bytes > self._capacity:
            self._drop(next(iter(self._entries)))
            self.n_evicted += 1
        self._entries[entry.key] = held, n_bytes
        self._n_bytes += n_bytes
        if expires_at < inf:
            self._will_end(expires_at, entry.key)

    def _will_end(self, expires_at: float, key: Hashable) -> None:
        ends = self._ends
        if len(ends) > max(_LEAST_ENDS, 2 * len(self._entries)):
            ends[:] = [(held.expires_at, k, key) for k, (key, (held, _)) in enumerate(self._entries.items()) if held.expires_at < inf]
            heapify(ends)
            return
        heappush(ends, (expires_at, self.n_stored, key))

    def _drop(self, key: Hashable) -> None:
        self._n_bytes -= self._entries.pop(key)[1]

    def _note(self, now: float) -> None:
        if self._n_bytes == self.held_bytes[-1]:
            return
        if now == self.held_since[-1]:
            self.held_bytes[-1] = self._n_bytes
        else:
            self.held_since.append(now)
            self.held_bytes.append(self._n_bytes)
