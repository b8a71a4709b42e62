"""A lower cache tier as a model: a store with a latency and a capacity that several batchers may share. It knows no prices: it says what it was asked
and how many bytes it held, and for how long.

It holds what it was given until its time to live is over or the least recently used must go. An answer says what the tier held when it was asked.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from math import inf

from sbsim.records import Content, Entry, Item
from sbsim.scenario import CacheTier

REFERENCE_BYTES = 512.0
"""What an entry takes beside its content: key, reference, bookkeeping (an assumption)."""


class ModelledTier:
    """One tier.

    Parameters
    ----------
    spec : the scenario's entry: latency (seconds), capacity (bytes). ttl_s : seconds that an entry may be served.
    bytes_of : bytes of a whole content, where the tier keeps a copy of its own (cdn), which outlives the provider's; None: it keeps references and
        inline bytes (redis), which die with what they refer to.

    Attributes
    ----------
    held_since, held_bytes : how many bytes were held from which instant on; seconds, bytes.
    """

    def __init__(self, spec: CacheTier, ttl_s: float, bytes_of: Callable[[Content], float] | None = None) -> None:
        self._latency_s = spec.latency
        self._capacity = spec.capacity
        self._ttl_s = ttl_s
        self._bytes_of = bytes_of
        self._entries: OrderedDict[Hashable, tuple[Entry, float]] = OrderedDict()  # with the bytes that it takes
        self._n_bytes = 0.0
        self.held_since, self.held_bytes = array("d", [0.0]), array("d", [0.0])
        self.n_fetched = self.n_hits = self.n_stored = self.n_evicted = 0

    def fetch(self, key: Hashable, now: float) -> tuple[float, Entry | None]:
        """The instant of the answer, and what is held of `key`."""
        self.n_fetched += 1
        at = now + self._latency_s
        held = self._entries.get(key)
        if held is None:
            return at, None
        entry = held[0]
        if now >= entry.expires_at:
            self._drop(key)
            self._note(now)
            return at, None
        self._entries.move_to_end(key)
        self.n_hits += 1
        return at, entry

    def store(self, entries: Sequence[Entry], items: Sequence[Item], now: float) -> None:
        """Keep these; `items` are what they were made for."""
        for entry, item in zip(entries, items, strict=True):
            self._store(entry, item.content, now)
        self._note(now)

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
