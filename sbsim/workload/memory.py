"""The latest results of costly work, kept while there is room. It knows nothing of what they are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any


class Memory:
    """Results by a key and the parts that they were made of.

    Parameters
    ----------
    room : sum of the sizes of what is kept.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept: OrderedDict[Hashable, tuple[tuple[Any, ...], Any, int]] = OrderedDict()

    def get(self, key: Hashable, parts: tuple[Any, ...]) -> Any:
        """The result that was made of equal parts under this key, or None."""
        kept = self._kept.get(key)
        if kept is None or not _are_equal(kept[0], parts):
            return None
        self._kept.move_to_end(key)
        return kept[1]

    def put(self, key: Hashable, parts: tuple[Any, ...], result: Any, size: int) -> None:
        """Keep a result, and forget the oldest ones that it leaves no room for; one that is too large by itself is not kept."""
        self._kept[key] = (parts, result, size)
        self._kept.move_to_end(key)
        used = sum(size for _, _, size in self._kept.values())
        while used > self._room:
            used -= self._kept.popitem(last=False)[1][2]

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


def _are_equal(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    """Equality that looks at identity first: comparing two scenarios costs 100 us."""
    return all(x is y for x, y in zip(a, b, strict=True)) or a == b
