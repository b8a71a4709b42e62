"""Neighbours among contents that are all known: a graph computed once, in bulk, for every threshold and every run over the same contents."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sbsim.components.near_duplicates.memory import Neighbours
from sbsim.components.near_duplicates.scorer import LOWEST_THRESHOLD, Scorer, TokenSet, likeness
from sbsim.components.near_duplicates.text import (
    LEAST_SHARED,
    N_PLACES,
    Buckets,
    Signatures,
    buckets_of,
    shares,
    signatures_of,
    words_of,
)
from sbsim.records import Content

_PAIRS = 8192
"""Pairs compared at a time: what they need stays in the processor's cache (65,536 take three times as long a pair)."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class NeighbourGraph:
    """Likeness of at least `LOWEST_THRESHOLD` between contents, which are numbered in the order in which they were added.

    Parameters
    ----------
    scorer : the judge of likeness.

    Attributes
    ----------
    n : contents added. scorer : the judge of likeness.
    """

    def __init__(self, scorer: Scorer | None = None) -> None:
        self.n = 0
        self.scorer: Scorer = TokenSet() if scorer is None else scorer
        self._scope_numbers: dict[Hashable, int] = {}
        self._words: list[str] = []
        self._signatures: Signatures = signatures_of([])
        self._buckets: Buckets = np.empty((0, 0), dtype=np.uint64)
        # each pair twice, sorted by its first member: neighbours of k are those from starts[k] to starts[k + 1]
        self._starts: Ints = np.zeros(1, dtype=np.int64)
        self._neighbours: Ints = np.empty(0, dtype=np.int64)
        self._scores: Floats = np.empty(0, dtype=np.float64)

    @property
    def n_pairs(self) -> int:
        """Pairs of neighbours."""
        return self._neighbours.size // 2

    def extend(self, prompts: Sequence[str], scopes: Sequence[Hashable | None]) -> None:
        """Add contents: a prompt and a scope for each; None: it is never like another, nor is a prompt without words."""
        first = self.n
        words = ["" if scope is None else words_of(prompt) for prompt, scope in zip(prompts, scopes, strict=True)]
        if not words:
            return
        self.n += len(words)
        self._words.extend(words)
        numbers = np.array([self._scope_numbers.setdefault(scope, len(self._scope_numbers)) for scope in scopes], dtype=np.uint64)
        if self.scorer.by_words:
            signatures = signatures_of(words)
            self._signatures = np.concatenate((self._signatures, signatures))
            buckets = buckets_of(signatures, numbers)
        else:
            buckets = numbers[:, None]
        self._buckets = np.concatenate((self._buckets, buckets)) if first else buckets
        self._join(self._candidates(first))

    def neighbours(self, number: int) -> tuple[Ints, Floats]:
        """Numbers of all neighbours of a content and their likeness, shape (m,) each: the likest first, of equals the lower number."""
        part = slice(self._starts[number], self._starts[number + 1])
        return self._neighbours[part], self._scores[part]

    def is_comparable(self, number: int) -> bool:
        """Whether a content has words and a scope to be found by."""
        return bool(self._words[number])

    # -- steps ---------------------------------------------------------------------------------------------------------------
    def _candidates(self, first: int) -> Ints:
        """Pairs that share a bucket and enough words, each once as left x n + right: the right one is `first` or later, the left one before it."""
        comparable = np.flatnonzero([bool(text) for text in self._words])
        coarse = self._signatures.astype(np.uint8)
        found = [np.empty(0, dtype=np.int64)]
        for band in range(self._buckets.shape[1]):
            values, inside = self._buckets[comparable, band], comparable
            if first:  # buckets without a new content have been seen to
                is_met = np.isin(values, values[comparable >= first], kind="sort")
                values, inside = values[is_met], comparable[is_met]
            for left, right in pairs_of_equals(values):
                found.append(self._worth_asking(inside[left], inside[right], first, coarse))
        pairs = np.concatenate(found)
        pairs.sort()  # `unique` alone would hash, and take ten times as long
        return pairs[np.concatenate(([True], pairs[1:] != pairs[:-1]))] if pairs.size else pairs

    def _worth_asking(self, left: Ints, right: Ints, first: int, coarse: NDArray[np.uint8]) -> Ints:
        """Of pairs with left < right those with a new content that share enough words."""
        if first:
            is_new = right >= first
            left, right = left[is_new], right[is_new]
        if self.scorer.by_words:  # the last byte alone first: what differs there differs, and it costs a thirteenth
            least = int(np.ceil(LEAST_SHARED * N_PLACES))
            is_like = (coarse.take(left, 0) == coarse.take(right, 0)).sum(axis=1, dtype=np.uint8) >= least
            left, right = left[is_like], right[is_like]
            is_like = shares(self._signatures[left], self._signatures[right]) >= LEAST_SHARED
            left, right = left[is_like], right[is_like]
        return np.asarray(left * self.n + right, dtype=np.int64)

    def _join(self, pairs: Ints) -> None:
        """Score new pairs and sort them in among the others."""
        left, right = np.divmod(pairs, self.n)
        words = self._words
        scores = likeness(self.scorer, [words[k] for k in left.tolist()], [words[k] for k in right.tolist()])
        kept = scores >= LOWEST_THRESHOLD
        left, right, scores = left[kept], right[kept], scores[kept]
        known = np.repeat(np.arange(self._starts.size - 1), np.diff(self._starts))
        firsts = np.concatenate((known, left, right))
        neighbours = np.concatenate((self._neighbours, right, left))
        scores = np.concatenate((self._scores, scores, scores))
        order = np.lexsort((neighbours, -scores, firsts))
        self._neighbours, self._scores = neighbours[order], scores[order]
        self._starts = np.searchsorted(firsts[order], np.arange(self.n + 1))


def pairs_of_equals(values: NDArray[np.uint64]) -> Iterator[tuple[Ints, Ints]]:
    """Indices of all pairs of equal values, the lower one first, in pieces of some `_PAIRS`."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    n_later = np.searchsorted(ordered, ordered, side="right") - np.arange(values.size) - 1
    before = np.concatenate(([0], np.cumsum(n_later)))  # pairs whose first member stands before
    start = 0
    while start < values.size:
        stop = max(start + 1, int(np.searchsorted(before, before[start] + _PAIRS, side="right")) - 1)
        firsts = np.repeat(np.arange(start, stop), n_later[start:stop])
        if firsts.size:
            steps = np.arange(firsts.size) - np.repeat(before[start:stop] - before[start], n_later[start:stop]) + 1
            yield order[firsts], order[firsts + steps]
        start = stop


class KnownNeighbours(Neighbours):
    """The contents of a run: who is alike is looked up, who can be found is kept.

    Parameters
    ----------
    graph : over the run's contents, numbered by their serials. contents : all of them, by serial; the two may grow together while this lives.
    threshold : `LOWEST_THRESHOLD` or more. max_entries : contents that can be found at most.
    """

    __slots__ = ("_contents", "_graph", "_keys", "_n")

    def __init__(self, graph: NeighbourGraph, contents: Sequence[Content], threshold: float, max_entries: int) -> None:
        super().__init__(threshold, max_entries)
        self._graph = graph
        self._contents = contents
        self._keys: dict[int, list[Hashable]] = {}  # of all neighbours of a content that was asked about
        self._n = graph.n

    def neighbours(self, content: Content) -> Sequence[Hashable]:
        """See `Neighbours.neighbours`."""
        if self._n != self._graph.n:
            self._forget_keys()
        keys = self._keys.get(content.serial)
        if keys is None:
            keys = self._keys[content.serial] = self._all_neighbours(content.serial)
        members = self._members
        return [key for key in keys if key in members] if keys else ()

    def configure(self, threshold: float, max_entries: int) -> list[Hashable]:
        """See `Neighbours.configure`."""
        self._forget_keys()
        return super().configure(threshold, max_entries)

    def _all_neighbours(self, serial: int) -> list[Hashable]:
        numbers, scores = self._graph.neighbours(serial)
        return [self._contents[number].key for number in numbers[scores >= self.threshold].tolist()]

    def _forget_keys(self) -> None:
        self._keys.clear()
        self._n = self._graph.n

    def _is_comparable(self, content: Content) -> bool:
        return self._graph.is_comparable(content.serial)

    def _entered(self, content: Content) -> None:
        pass

    def _left(self, content: Content) -> None:
        pass
