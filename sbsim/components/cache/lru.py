"""Least recently used goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from math import inf

from sbsim.components.cache.cache import Cache
from sbsim.records import Entry


class LruCache(Cache):
    """Least recently used goes first (Mattson et al., "Evaluation techniques for storage hierarchies", IBM Systems Journal 9(2), 1970)."""

    __slots__ = ()

    _entries: OrderedDict[Hashable, Entry]  # least recently used first

    def __init__(self, max_entries: int, max_bytes: float = inf, ttl_s: float = inf) -> None:
        super().__init__(max_entries, max_bytes, ttl_s)
        self._entries = OrderedDict()

    def get(self, key: Hashable, now: float) -> Entry | None:
        """The entry of `key`, now the most recently used; None when there is none alive."""
        entry = self._entries.get(key)  # as `Cache.get`, without a call for the use: every request of a run comes by
        if entry is None:
            return None
        if now >= entry.expires_at:
            self._drop(entry)
            return None
        self._entries.move_to_end(key)
        return entry

    def _used(self, entry: Entry) -> None:
        self._entries.move_to_end(entry.key)

    def _added(self, entry: Entry) -> None:
        pass  # it stands at the end already

    def _removed(self, entry: Entry) -> None:
        pass

    def _victim(self, newcomer: Entry | None) -> Entry:
        return next(iter(self._entries.values()))
