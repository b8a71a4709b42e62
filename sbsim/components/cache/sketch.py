"""How often each key was asked for lately, in a few bits a key: a count-min sketch that ages."""

from __future__ import annotations

from collections.abc import Hashable
from hashlib import blake2b
from struct import Struct

_MOST = 15
"""Counters stop there: four bits tell the popular from the rest within one sample of ten requests an entry."""
_COUNTERS_PER_ENTRY = 4
_SAMPLE = 10
"""Requests remembered per entry of the cache before all counts are halved."""
_HALVES = bytes(count // 2 for count in range(256))
_FOUR = Struct("<4I").unpack


class Sketch:
    """A count is the least of four counters, each shared with other keys: never less than the truth, seldom more (Cormode and Muthukrishnan, "An
    improved data stream summary: the count-min sketch and its applications", Journal of Algorithms 55(1), 2005). All are halved whenever a sample of
    requests has been counted, so that what nobody asks for any more is forgotten.

    Keys are told apart by their `repr`, which is the same in every process for texts, numbers and tuples of them; `hash()` is not.

    Parameters
    ----------
    n_entries : entries of the cache that it serves.
    """

    __slots__ = ("_mask", "_n_counted", "_rows", "_sample")

    def __init__(self, n_entries: int) -> None:
        width = 64
        while width < _COUNTERS_PER_ENTRY * n_entries:
            width *= 2
        self._rows = [bytearray(width) for _ in range(4)]
        self._n_counted = 0
        self._fit(width)

    def _fit(self, width: int) -> None:
        self._mask = width - 1
        self._sample = _SAMPLE * width // _COUNTERS_PER_ENTRY

    def add(self, key: Hashable) -> None:
        """`key` was asked for: its least counters grow by one (conservative update: the others count somebody else)."""
        first, second, third, fourth = self._rows  # unrolled: every request of a run comes by (a loop costs three times as much)
        i, j, k, m = self._places(key)
        a, b, c, d = first[i], second[j], third[k], fourth[m]
        least = min(a, b, c, d)
        if least < _MOST:
            if a == least:
                first[i] = least + 1
            if b == least:
                second[j] = least + 1
            if c == least:
                third[k] = least + 1
            if d == least:
                fourth[m] = least + 1
        self._n_counted += 1
        if self._n_counted >= self._sample:
            self._rows = [row.translate(_HALVES) for row in self._rows]
            self._n_counted //= 2

    def count(self, key: Hashable) -> int:
        """How often `key` was asked for lately, up to 15."""
        first, second, third, fourth = self._rows
        i, j, k, m = self._places(key)
        return min(first[i], second[j], third[k], fourth[m])

    def grow(self, n_entries: int) -> None:
        """Room for more entries. A row that doubles repeats itself, so that every key finds its count in its new place."""
        width = self._mask + 1
        while width < _COUNTERS_PER_ENTRY * n_entries:
            self._rows = [row + row for row in self._rows]
            width *= 2
        self._fit(width)

    def _places(self, key: Hashable) -> tuple[int, int, int, int]:
        mask = self._mask
        a, b, c, d = _FOUR(blake2b(repr(key).encode(), digest_size=16).digest())
        return a & mask, b & mask, c & mask, d & mask
