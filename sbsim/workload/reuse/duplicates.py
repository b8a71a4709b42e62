"""What near-duplicates would save on recorded prompts, and what they would confuse: by threshold, with the matches to look at before believing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sbsim.components.near_duplicates import NeighbourGraph, Scorer
from sbsim.workload.reuse.differences import differences
from sbsim.workload.reuse.prompts import Prompts

Ints = NDArray[np.int64]

MADE = -1
"""In place of the content that another is answered with: it is made anew."""


class Reuse(NamedTuple):
    """What happens at one threshold: requests answered with the same content, or with one in other words, and their shares of all requests.

    `n_matches` counts the contents that are answered in other words; `n_differing` those of them whose prompts differ in numbers, negations or names.
    """

    threshold: float
    n_exact: int
    n_near: int
    exact: float
    near: float
    reused: float
    n_matches: int
    n_differing: int


class Match(NamedTuple):
    """A content that is answered with another: likeness, the prompt asked, the prompt of what is given, requests concerned, and what to look at."""

    score: float
    prompt: str
    given: str
    n_requests: int
    differs_in: tuple[str, ...]


class Duplicates:
    """A memory without bounds before recorded prompts, at every threshold.

    The first request for a content is answered with the likest of the contents that were made before it, if one is alike enough; else the content is
    made, and kept for all that follow. What was answered in other words is not kept: nothing was made.

    Parameters
    ----------
    prompts : what was asked for. scorer : the judge of likeness; None: the words (`components.near_duplicates.TokenSet`).
    """

    def __init__(self, prompts: Prompts, scorer: Scorer | None = None) -> None:
        self._prompts = prompts
        self._graph = NeighbourGraph(scorer)
        self._graph.extend(prompts.prompts, prompts.scopes)
        self._n_requests = np.bincount(prompts.content[prompts.content >= 0], minlength=len(prompts.prompts))
        self._differences: dict[tuple[int, int], tuple[str, ...]] = {}

    def reuse(self, threshold: float) -> Reuse:
        """What is answered from memory at `threshold`."""
        given, _ = self._answers(threshold)
        is_near = given != MADE
        n_near = int(self._n_requests[is_near].sum())
        n_exact = int((self._n_requests[~is_near] - 1).sum())
        n = self._prompts.n
        n_differing = sum(bool(self._differ(k, int(given[k]))) for k in np.flatnonzero(is_near).tolist())
        return Reuse(threshold, n_exact, n_near, n_exact / n, n_near / n, (n_exact + n_near) / n, int(is_near.sum()), n_differing)

    def riskiest(self, threshold: float, n_most: int) -> list[Match]:
        """Matches at `threshold` that are likeliest to be wrong: those that differ in numbers, negations or names, then the least alike."""
        given, scores = self._answers(threshold)
        words = self._prompts.prompts
        matches = [
            (not (differ := self._differ(k, other)), score, k, Match(score, words[k], words[other], int(self._n_requests[k]), differ))
            for k, (other, score) in enumerate(zip(given.tolist(), scores.tolist(), strict=True))
            if other != MADE
        ]
        return [match for *_, match in sorted(matches, key=lambda each: each[:3])[:n_most]]

    def _answers(self, threshold: float) -> tuple[Ints, NDArray[np.float64]]:
        """Per content, in order of first appearance, which one it is answered with (MADE: none) and how alike they are, shape (n,) each."""
        n = len(self._prompts.prompts)
        given, likeness = np.full(n, MADE, dtype=np.int64), np.zeros(n)
        is_made = np.zeros(n, dtype=bool)
        for k in range(n):
            numbers, scores = self._graph.neighbours(k)
            found = np.flatnonzero(is_made[numbers] & (scores >= threshold)) if numbers.size else numbers
            if found.size:
                given[k], likeness[k] = numbers[found[0]], scores[found[0]]
            else:
                is_made[k] = True
        return given, likeness

    def _differ(self, one: int, other: int) -> tuple[str, ...]:
        pair = (one, other)
        if pair not in self._differences:
            self._differences[pair] = differences(self._prompts.prompts[one], self._prompts.prompts[other])
        return self._differences[pair]


def reuse_by_threshold(duplicates: Duplicates, thresholds: Sequence[float]) -> list[Reuse]:
    """`Duplicates.reuse` at each threshold, in rising order, each once."""
    return [duplicates.reuse(threshold) for threshold in sorted(set(thresholds))]
