"""Neighbours of one content at a time: an index that grows and shrinks with what a live batcher has made."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from sbsim.components.near_duplicates.memory import Neighbours
from sbsim.components.near_duplicates.scorer import Scorer, TokenSet, likeness
from sbsim.components.near_duplicates.text import LEAST_SHARED, Text, buckets_of, shares
from sbsim.records import Content


class NeighbourIndex(Neighbours):
    """The latest contents by the buckets of their prompts.

    Parameters
    ----------
    text_of : the prompt of a content, read when the content was prepared; None where it has none, or may not be shared.
    threshold : `LOWEST_THRESHOLD` or more. max_entries : contents that can be found at most. scorer : the judge of likeness.
    """

    __slots__ = ("_buckets", "_n_scopes", "_scope_numbers", "_scorer", "_text_of", "_texts")

    def __init__(self, text_of: Callable[[Content], Text | None], threshold: float, max_entries: int, scorer: Scorer | None = None) -> None:
        super().__init__(threshold, max_entries)
        self._text_of = text_of
        self._scorer: Scorer = TokenSet() if scorer is None else scorer
        self._texts: dict[Hashable, Text] = {}
        self._buckets: dict[int, dict[Hashable, None]] = {}  # keys in each; a dict where a set would depend on hashes
        self._scope_numbers: dict[Hashable, list[int]] = {}  # scope -> [its number, its contents]
        self._n_scopes = 0

    def neighbours(self, content: Content) -> Sequence[Hashable]:
        """See `Neighbours.neighbours`."""
        text = self._text_of(content)
        if text is None or text.scope not in self._scope_numbers:
            return ()
        near: dict[Hashable, None] = {}
        for bucket in self._places(text):
            near.update(self._buckets.get(bucket, {}))
        near.pop(content.key, None)
        keys = list(near)
        if keys and self._scorer.by_words:
            is_like = shares(np.stack([self._texts[key].signature for key in keys]), text.signature[None, :]) >= LEAST_SHARED
            keys = [keys[k] for k in np.flatnonzero(is_like).tolist()]
        if not keys:
            return ()
        scores = likeness(self._scorer, [text.words] * len(keys), [self._texts[key].words for key in keys]).tolist()
        ranked = sorted(
            (-score, self._members[key].serial, k) for k, (score, key) in enumerate(zip(scores, keys, strict=True)) if score >= self.threshold
        )
        return [keys[k] for _, _, k in ranked]

    def _is_comparable(self, content: Content) -> bool:
        return self._text_of(content) is not None

    def _entered(self, content: Content) -> None:
        text = self._text_of(content)
        assert text is not None
        scope = self._scope_numbers.get(text.scope)
        if scope is None:
            scope = self._scope_numbers[text.scope] = [self._n_scopes, 0]
            self._n_scopes += 1
        scope[1] += 1
        self._texts[content.key] = text
        for bucket in self._places(text):
            self._buckets.setdefault(bucket, {})[content.key] = None

    def _left(self, content: Content) -> None:
        text = self._texts.pop(content.key)
        for bucket in self._places(text):
            inside = self._buckets[bucket]
            del inside[content.key]
            if not inside:
                del self._buckets[bucket]
        scope = self._scope_numbers[text.scope]
        scope[1] -= 1
        if not scope[1]:
            del self._scope_numbers[text.scope]

    def _places(self, text: Text) -> list[int]:
        """The buckets of a prompt whose scope has a number."""
        number = np.array([self._scope_numbers[text.scope][0]], dtype=np.uint64)
        return [int(number[0])] if not self._scorer.by_words else buckets_of(text.signature[None, :], number)[0].tolist()
