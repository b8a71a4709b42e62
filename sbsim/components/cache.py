"""Delivered content kept for the next who asks: a memory. One class per policy, one contract for all (`tests/contract/test_cache_policies.py`).

Contract. `get(key, now)` gives the live entry that was put last, or None; an entry is dead from its `expires_at` on (half-open), or `ttl_s` after it
was put if that is earlier. `put(entry, now)` keeps it, as the policy ranks it, within `max_entries` and `max_bytes`, the tighter counting, and says
which other keys left for it: the dead go before any that lives. An entry that alone is too large is not kept, and neither is what it replaces.

It holds references and inline values and knows nothing of either. Keys carry the tenant, so tenants are apart.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from math import inf

from sbsim.records import Entry


class LruCache:
    """Least recently used goes first (Mattson et al., "Evaluation techniques for storage hierarchies", IBM Systems Journal 9(2), 1970).

    Parameters
    ----------
    max_entries : entries at most; 0 keeps nothing. max_bytes : inline bytes at most, references count nothing.
    ttl_s : seconds that an entry lives at most.

    Attributes
    ----------
    n_bytes : inline bytes held now.
    """

    __slots__ = ("_agenda", "_entries", "_serial", "max_bytes", "max_entries", "n_bytes", "ttl_s")

    def __init__(self, max_entries: int, max_bytes: float = inf, ttl_s: float = inf) -> None:
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.ttl_s = ttl_s
        self.n_bytes = 0.0
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()  # least recently used first
        self._agenda: list[tuple[float, int, Entry]] = []  # when entries die, those that have left already among them
        self._serial = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable, now: float) -> Entry | None:
        """The entry of `key`, now the most recently used; None when there is none alive."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry.expires_at:
            self._drop(entry)
            return None
        self._entries.move_to_end(key)
        return entry

    def put(self, entry: Entry, now: float) -> list[Hashable]:
        """Keep `entry`, in place of an older one of its key; the other keys that left for it."""
        older = self._entries.get(entry.key)
        if older is not None:
            self._drop(older)
        if entry.expires_at > now + self.ttl_s:
            entry = Entry(entry.key, now + self.ttl_s, entry.content, entry.n_bytes)
        if self.max_entries <= 0 or entry.n_bytes > self.max_bytes or now >= entry.expires_at:
            return []
        self._entries[entry.key] = entry
        self.n_bytes += entry.n_bytes
        if entry.expires_at < inf:
            self._serial += 1
            heappush(self._agenda, (entry.expires_at, self._serial, entry))
            if len(self._agenda) > 2 * len(self._entries) + 64:
                self._tidy()
        if len(self._entries) <= self.max_entries and self.n_bytes <= self.max_bytes:
            return []
        return self._make_room(now)

    def configure(self, max_entries: int, max_bytes: float, ttl_s: float, now: float) -> list[Hashable]:
        """New bounds, at once; the keys that left for them. A new `ttl_s` holds for what is put from now on."""
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.ttl_s = ttl_s
        return self._make_room(now)

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _make_room(self, now: float) -> list[Hashable]:
        """Drop entries until the bounds hold again: what is dead, then by the policy."""
        entries, agenda = self._entries, self._agenda
        left: list[Hashable] = []
        while agenda and agenda[0][0] <= now:
            entry = heappop(agenda)[2]
            if entries.get(entry.key) is entry:
                self._drop(entry)
                left.append(entry.key)
        while entries and (len(entries) > self.max_entries or self.n_bytes > self.max_bytes):
            entry = next(iter(entries.values()))
            self._drop(entry)
            left.append(entry.key)
        return left

    def _tidy(self) -> None:
        """The agenda is mostly of entries that have left: without them, at a cost of O(1) a put."""
        self._agenda = [planned for planned in self._agenda if self._entries.get(planned[2].key) is planned[2]]
        heapify(self._agenda)

    def _drop(self, entry: Entry) -> None:
        del self._entries[entry.key]
        self.n_bytes = self.n_bytes - entry.n_bytes if self._entries else 0.0  # rounding of past sums ends with an empty cache


POLICIES: dict[str, type[LruCache]] = {"lru": LruCache}
"""Policy by the name of `cache.policy`."""
