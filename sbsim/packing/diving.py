"""Whole packings from fractional ones: fix the patterns that are used most, solve again for what is left, until nothing is.

A dive re-prices at every step, so it finds patterns that suit what is left; an integer program over the patterns of the first relaxation alone found
a proven optimum far less often (statistics of uniform instances, within 1 s: 15, 3, 0 of 20 at n = 120, 250, 500 against 119 of 120).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from random import Random

from sbsim.packing.bounds import class_batches, fewest_batches
from sbsim.packing.columns import NOISE, SHAKE, Columns, Relaxation, Uses
from sbsim.packing.instances import Pattern, Types

THRESHOLDS = (0.6, 0.9)
"""Shares from which a pattern is fixed together with the most used one; dives take turns."""
ROUNDS = 4
"""Rounds of pricing at each step of a dive."""
DEAD_ENDS = 12
"""Dead ends after which a dive is given up; most lie deep, where what is left is small."""
CHOICES = 4
"""Choices that are tried at one depth."""


def dive(columns: Columns, counts: Sequence[int], start: Relaxation, uses: Uses | None, *, below: int, turn: int = 0) -> list[Pattern] | None:
    """A packing of `counts` of each type that costs less than `below`, or None.

    start : the relaxation for these counts within `uses`. turn : 0 for the straight way; every other number goes its own, always the same.
    """
    luck = Random(turn) if turn > 0 else None
    relaxed = start if luck is None else columns.relax(counts, uses, pool=start.near, most_rounds=ROUNDS, luck=luck)
    if relaxed is None:
        return None
    return _Dive(columns, below, THRESHOLDS[turn % len(THRESHOLDS)], luck).descend(list(counts), uses, relaxed, 0)


class _Dive:
    """One dive: what is the same at all of its depths, and how many more dead ends it may meet."""

    def __init__(self, columns: Columns, below: int, threshold: float, luck: Random | None) -> None:
        self._columns = columns
        self._below = below
        self._threshold = threshold
        self._luck = luck
        self._n_ends = DEAD_ENDS

    def descend(self, left: list[int], uses: Uses | None, relaxed: Relaxation, spent: int) -> list[Pattern] | None:
        """The patterns for what is left, given its relaxation, when those above cost `spent`; from a dead end back to the last choice, and on."""
        columns, types = self._columns, self._columns.types
        if not relaxed.used or not self._can_win(spent + relaxed.cost):
            self._n_ends -= 1
            return None
        for rank in range(CHOICES):
            rest = list(left)
            chosen = _chosen(relaxed.used, rest, self._threshold, rank)
            cost = spent + sum(types.cost(pattern) for pattern in chosen)
            if not chosen or columns.effort.is_over():
                return None
            if not any(rest):
                return chosen if cost < self._below else None
            limits = _left(types, uses, chosen, rest)
            below = columns.relax(rest, limits, pool=relaxed.near, most_rounds=ROUNDS, luck=self._luck)
            found = None if below is None else self.descend(rest, limits, below, cost)
            if found is not None:
                return chosen + found
            if self._n_ends <= 0:
                return None
        return None

    def _can_win(self, cost: float) -> bool:
        shaken = cost * (1 - SHAKE) if self._luck else cost
        return self._columns.rounded_up(Fraction(shaken - NOISE)) < self._below


def _left(types: Types, uses: Uses | None, chosen: Sequence[Pattern], counts: Sequence[int]) -> Uses | None:
    """What the limits on numbers of batches leave to the rest, raised to what the rest needs: without that, classes are split at once."""
    if uses is None:
        return None
    taken = [len(chosen)] + [0] * types.n_classes
    for pattern in chosen:
        for c in types.classes_of(pattern):
            taken[1 + c] += 1
    least = class_batches(types, counts)
    needs = [fewest_batches(types, counts), *(least.get(c, 0) for c in range(types.n_classes))]
    rest = [(max(need, low - n), high - n) for (low, high), n, need in zip(uses, taken, needs, strict=True)]
    return tuple((low, max(low, high)) for low, high in rest)


def _chosen(used: Sequence[tuple[float, Pattern]], left: list[int], threshold: float, rank: int) -> list[Pattern]:
    """Patterns to fix, taken out of `left`: whole shares; without any, the most used and those above the threshold. With a rank, that one alone."""
    chosen: list[Pattern] = []

    def take(pattern: Pattern, times: int) -> None:
        for _ in range(times):
            if all(left[t] >= k for t, k in pattern):
                chosen.append(pattern)
                for t, k in pattern:
                    left[t] -= k

    ranked = sorted(used, key=lambda one: -one[0])
    if rank:
        ranked = [one for one in ranked if one[0] < 1 - NOISE]
        for _, pattern in ranked[rank : rank + 1]:
            take(pattern, 1)
        return chosen
    for share, pattern in ranked:
        take(pattern, int(share + NOISE))
    if not chosen:
        take(ranked[0][1], 1)
        for share, pattern in ranked[1:]:
            if share >= threshold:
                take(pattern, 1)
    return chosen
