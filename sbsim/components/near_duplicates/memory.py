"""Which contents can be found: those put last, up to a bound. What is alike is for those who inherit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence

from sbsim.records import Content


class Neighbours(ABC):
    """A bounded memory of contents by key, the one put first leaving first.

    Parameters
    ----------
    threshold : likeness from which contents are neighbours. max_entries : contents that can be found at most; 0: none.
    """

    __slots__ = ("_members", "max_entries", "threshold")

    def __init__(self, threshold: float, max_entries: int) -> None:
        self.threshold = threshold
        self.max_entries = max_entries
        self._members: dict[Hashable, Content] = {}  # in the order of putting

    def __len__(self) -> int:
        return len(self._members)

    @abstractmethod
    def neighbours(self, content: Content) -> Sequence[Hashable]:
        """Keys of the findable contents that `content` may be answered with, the likest first."""

    def put(self, content: Content) -> list[Hashable]:
        """`content` can be found from now on, as the latest; the keys that cannot be found any more for it."""
        if self.max_entries <= 0 or not self._is_comparable(content):
            return []
        key = content.key
        if self._members.pop(key, None) is None:
            self._entered(content)
        self._members[key] = content
        return self._cut()

    def forget(self, key: Hashable) -> None:
        """The content of `key`, if there is one, cannot be found any more: what it stands for is gone."""
        content = self._members.pop(key, None)
        if content is not None:
            self._left(content)

    def configure(self, threshold: float, max_entries: int) -> list[Hashable]:
        """New settings, at once; the keys that cannot be found any more for them."""
        self.threshold = threshold
        self.max_entries = max_entries
        return self._cut()

    def _cut(self) -> list[Hashable]:
        gone: list[Hashable] = []
        while len(self._members) > self.max_entries:
            key = next(iter(self._members))
            self.forget(key)
            gone.append(key)
        return gone

    @abstractmethod
    def _is_comparable(self, content: Content) -> bool:
        """Whether it has words to be found by."""

    @abstractmethod
    def _entered(self, content: Content) -> None:
        """It can be found from now on."""

    @abstractmethod
    def _left(self, content: Content) -> None:
        """It cannot any more."""
