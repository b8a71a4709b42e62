"""What every policy has in common: the entries, their bounds and their deaths. A policy adds which entry goes next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, MutableMapping
from heapq import heapify, heappop, heappush
from math import inf

from sbsim.records import Entry


class Cache(ABC):
    """A bounded memory without an opinion.

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
        self._entries: MutableMapping[Hashable, Entry] = {}
        self._agenda: list[tuple[float, int, Entry]] | None = None  # when entries die, those that left among them; from the first full cache on
        self._serial = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable, now: float) -> Entry | None:
        """The entry of `key`, which counts as a use of it; None when there is none alive."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry.expires_at:
            self._drop(entry)
            return None
        self._used(entry)
        return entry

    def __contains__(self, key: Hashable) -> bool:
        """Whether there is an entry of `key`, dead or alive; no use of it."""
        return key in self._entries

    def put(self, entry: Entry, now: float) -> list[Hashable]:
        """Keep `entry`, in place of an older one of its key; the other keys that left for it."""
        return self.put_all((entry,), now)

    def put_all(self, entries: Iterable[Entry], now: float) -> list[Hashable]:
        """Keep them, one after the other, as `put` does."""
        held, max_entries, max_bytes, dead_at = self._entries, self.max_entries, self.max_bytes, now + self.ttl_s
        left: list[Hashable] = []
        for entry in entries:
            key, n_bytes = entry.key, entry.n_bytes
            if key in held:
                self._drop(held[key])
            if entry.expires_at > dead_at:
                entry = entry.until(dead_at)
            if max_entries <= 0 or n_bytes > max_bytes or now >= entry.expires_at:
                continue
            if len(held) >= max_entries or self.n_bytes + n_bytes > max_bytes:
                left.extend(self._make_room(now, entry))
            held[key] = entry
            if n_bytes:
                self.n_bytes += n_bytes
            self._added(entry)
            if self._agenda is not None and entry.expires_at < inf:
                self._serial += 1
                heappush(self._agenda, (entry.expires_at, self._serial, entry))
        if self._agenda is not None and len(self._agenda) > 2 * len(held) + 64:
            self._plan()  # it is mostly of entries that have left: anew, at a cost of O(1) a put
        return left

    def configure(self, max_entries: int, max_bytes: float, ttl_s: float, now: float) -> list[Hashable]:
        """New bounds, at once; the keys that left for them. What is kept lives no longer than the new `ttl_s` from now on."""
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        if ttl_s < self.ttl_s:
            for entry in self._entries.values():
                entry.expires_at = min(entry.expires_at, now + ttl_s)
            self._agenda = None
        self.ttl_s = ttl_s
        return self._make_room(now, None)

    def entries(self) -> list[Entry]:
        """What is held, dead or alive; no use of it. Under LRU the least recently used comes first, elsewhere what was put first."""
        return list(self._entries.values())

    # -- what a policy says --------------------------------------------------------------------------------------------------
    @abstractmethod
    def _used(self, entry: Entry) -> None:
        """It was asked for."""

    @abstractmethod
    def _added(self, entry: Entry) -> None:
        """It has just become one of the entries."""

    @abstractmethod
    def _removed(self, entry: Entry) -> None:
        """It is no longer one of them."""

    @abstractmethod
    def _victim(self, newcomer: Entry | None) -> Entry:
        """Which entry goes next, of one or more, for one that is not among them yet (None: for narrower bounds)."""

    # -- steps ---------------------------------------------------------------------------------------------------------------
    def _make_room(self, now: float, newcomer: Entry | None) -> list[Hashable]:
        """Drop entries until the bounds hold with the newcomer: what is dead, then by the policy."""
        entries, agenda = self._entries, self._plan() if self._agenda is None else self._agenda
        most = self.max_entries if newcomer is None else self.max_entries - 1
        n_bytes = 0.0 if newcomer is None else newcomer.n_bytes
        left: list[Hashable] = []
        while agenda and agenda[0][0] <= now:
            entry = heappop(agenda)[2]
            if entries.get(entry.key) is entry:
                self._drop(entry)
                left.append(entry.key)
        while entries and (len(entries) > most or self.n_bytes + n_bytes > self.max_bytes):
            entry = self._victim(newcomer)
            self._drop(entry)
            left.append(entry.key)
        return left

    def _plan(self) -> list[tuple[float, int, Entry]]:
        """The agenda of the entries that are held now."""
        self._agenda = [(entry.expires_at, k, entry) for k, entry in enumerate(self._entries.values()) if entry.expires_at < inf]
        self._serial = len(self._entries)
        heapify(self._agenda)
        return self._agenda

    def _drop(self, entry: Entry) -> None:
        del self._entries[entry.key]
        self._removed(entry)
        self.n_bytes = self.n_bytes - entry.n_bytes if self._entries else 0.0  # rounding of past sums ends with an empty cache
