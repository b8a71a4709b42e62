"""SIEVE: first in, first out, but what was asked for since the hand last passed is passed over once."""

from __future__ import annotations

from collections.abc import Hashable
from math import inf

from sbsim.components.cache.cache import Cache
from sbsim.records import Entry


class _Place:
    """A place in the queue; `older` and `newer` are its neighbours, the queue's own place at both ends."""

    __slots__ = ("entry", "is_visited", "newer", "older")

    entry: Entry
    older: _Place
    newer: _Place

    def __init__(self) -> None:
        self.is_visited = False


class SieveCache(Cache):
    """A queue in order of arrival, and a hand that moves from old to new.

    The hand clears the marks of entries that were used and takes the first that was not; it stays there until the next eviction, and begins anew at
    the oldest when it has passed the newest (Zhang et al., "SIEVE is simpler than LRU", NSDI 2024, algorithm 1). A hit only sets a mark.
    """

    __slots__ = ("_ends", "_hand", "_places")

    def __init__(self, max_entries: int, max_bytes: float = inf, ttl_s: float = inf) -> None:
        super().__init__(max_entries, max_bytes, ttl_s)
        self._places: dict[Hashable, _Place] = {}
        self._ends = _Place()  # before the oldest and after the newest
        self._ends.older = self._ends.newer = self._ends
        self._hand = self._ends  # the place looked at next; at the ends: the oldest

    def _used(self, entry: Entry) -> None:
        self._places[entry.key].is_visited = True

    def _added(self, entry: Entry) -> None:
        place, ends = _Place(), self._ends
        place.entry = entry
        place.older, place.newer = ends.older, ends
        place.older.newer = ends.older = place
        self._places[entry.key] = place

    def _removed(self, entry: Entry) -> None:
        place = self._places.pop(entry.key)
        if self._hand is place:
            self._hand = place.newer
        place.older.newer, place.newer.older = place.newer, place.older

    def _victim(self, newcomer: Entry | None) -> Entry:
        ends = self._ends
        while True:
            place = self._hand if self._hand is not ends else ends.newer
            self._hand = place
            if not place.is_visited:
                return place.entry
            place.is_visited = False
            self._hand = place.newer
