"""Delivered content kept for the next who asks: a memory. One class per policy, one contract for all.

Contract. `get(key, now)` gives the live entry or None; an entry is dead from its `expires_at` on (half-open) and is dropped when met. `put(entry, now)` keeps
it, as the policy ranks it, within `max_entries` and `max_bytes`, and says which keys it evicted for it. An entry that alone is too large is not kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from sbsim.records import Entry


class LruCache:
    """Least recently used goes first (Mattson et al., "Evaluation techniques for storage hierarchies", IBM Systems Journal 1970).

    Parameters
    ----------
    max_entries : 0 keeps nothing. max_bytes : inline bytes, references count nothing. ttl_s : seconds that an entry lives at most.
    """

    __slots__ = ("_entries", "max_bytes", "max_entries", "n_bytes", "ttl_s")

    def __init__(self, max_entries: int, max_bytes: float, ttl_s: float) -> None:
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.ttl_s = ttl_s
        self.n_bytes = 0.0
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable, now: float) -> Entry | None:
        """The entry of `key`, now the most recently used; None when there is none alive."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry.expires_at:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry

    def put(self, entry: Entry, now: float) -> list[Hashable]:
        """Keep `entry`, in place of an older one of its key; the keys evicted for it."""
        entries = self._entries
        if entry.key in entries:
            self._drop(entry.key)
        if self.max_entries <= 0 or entry.n_bytes > self.max_bytes or now >= entry.expires_at:
            return []
        entries[entry.key] = entry
        self.n_bytes += entry.n_bytes
        evicted: list[Hashable] = []
        while len(entries) > self.max_entries or self.n_bytes > self.max_bytes:
            key, oldest = entries.popitem(last=False)
            self.n_bytes -= oldest.n_bytes
            evicted.append(key)
        return evicted

    def _drop(self, key: Hashable) -> None:
        self.n_bytes -= self._entries.pop(key).n_bytes


POLICIES: dict[str, type[LruCache]] = {"lru": LruCache}
"""Policy by the name of `cache.policy`."""
