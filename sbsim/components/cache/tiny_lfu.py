"""W-TinyLFU: a small window for what is new, and a main part that takes only what is asked for more often than what it would displace."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from math import inf

from sbsim.components.cache.cache import Cache
from sbsim.components.cache.sketch import Sketch
from sbsim.records import Entry

WINDOW = 0.01
"""Share of the bounds that is the window's (the paper's choice)."""
PROTECTED = 0.8
"""Share of the main part for entries that were used again in it (likewise)."""


class _Part(OrderedDict[Hashable, Entry]):
    """Entries of one part, the least recently used first, with their bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.n_bytes = 0.0

    def add(self, entry: Entry) -> None:
        self[entry.key] = entry
        self.n_bytes += entry.n_bytes

    def remove(self, entry: Entry) -> None:
        del self[entry.key]
        self.n_bytes = self.n_bytes - entry.n_bytes if self else 0.0

    def oldest(self) -> Entry | None:
        return next(iter(self.values()), None)


class TinyLfuCache(Cache):
    """Window, probation and protected parts, each in order of use (Einziger, Friedman and Manes, "TinyLFU: a highly efficient cache admission
    policy", ACM Transactions on Storage 13(4), 2017).

    What is put enters the window. What is pushed out of it stays, on probation, if the sketch has counted it more often than the probation's oldest,
    which then goes in its place; of equals the one inside stays. A hit on probation moves the entry to the protected part, whose oldest goes back on
    probation when there are too many. Every `get` is counted, hit or miss; a `put` is not a wish. The paper's doorkeeper is left out: it saves bits.
    """

    __slots__ = ("_probation", "_protected", "_sketch", "_sketched", "_window")

    def __init__(self, max_entries: int, max_bytes: float = inf, ttl_s: float = inf) -> None:
        super().__init__(max_entries, max_bytes, ttl_s)
        self._window, self._probation, self._protected = _Part(), _Part(), _Part()
        self._sketched = 16  # entries that the sketch is made for: it grows with the cache, whose bound may be in bytes
        self._sketch = Sketch(self._sketched)

    def get(self, key: Hashable, now: float) -> Entry | None:
        """The entry of `key`; None when there is none alive. Either way it was asked for once more."""
        self._sketch.add(key)
        return super().get(key, now)

    def _used(self, entry: Entry) -> None:
        key, protected = entry.key, self._protected
        if key in protected:
            protected.move_to_end(key)
        elif key in self._window:
            self._window.move_to_end(key)
        else:
            self._probation.remove(entry)
            protected.add(entry)
            while len(protected) > 1 and self._is_over(protected, PROTECTED * (1.0 - WINDOW)):
                self._move_oldest(protected, self._probation)

    def _added(self, entry: Entry) -> None:
        if len(self._entries) > self._sketched:
            self._sketched *= 2
            self._sketch.grow(self._sketched)
        window = self._window
        window.add(entry)
        while len(window) > 1 and self._is_over(window, WINDOW):
            self._move_oldest(window, self._probation)

    def _removed(self, entry: Entry) -> None:
        next(part for part in (self._window, self._probation, self._protected) if entry.key in part).remove(entry)

    def _victim(self, newcomer: Entry | None) -> Entry:
        window, count = self._window, self._sketch.count
        candidate = window.oldest() if self._is_over(window, WINDOW, newcomer) else None
        inside = self._probation.oldest() or self._protected.oldest()
        if candidate is None:
            return inside or next(iter(window.values()))
        if inside is None or count(candidate.key) <= count(inside.key):
            return candidate
        self._move_oldest(window, self._probation)
        return inside

    def _is_over(self, part: _Part, share: float, newcomer: Entry | None = None) -> bool:
        """Whether a part holds, or with the newcomer would hold, more than its share of a bound. One entry is always allowed."""
        n = len(part) if newcomer is None else len(part) + 1
        n_bytes = part.n_bytes if newcomer is None else part.n_bytes + newcomer.n_bytes
        return n > max(1.0, share * self.max_entries) or n_bytes > share * self.max_bytes

    @staticmethod
    def _move_oldest(source: _Part, target: _Part) -> None:
        _, entry = next(iter(source.items()))
        source.remove(entry)
        target.add(entry)
