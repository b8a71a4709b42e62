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


def dive(columns: Columns, counts: Sequence[int], start: Relaxation, uses: Uses | None, *, below: int, turn: int = 0) -> list[Pattern] | None:
    """A packing of `counts` of each type that costs less than `below`, or None.

    start : the relaxation for these counts within `uses`. turn : 0 for the straight way; every other number goes its own, always the same.
    """
    types = columns.types
    threshold = THRESHOLDS[turn % len(THRESHOLDS)]
    luck = Random(turn) if turn > 0 else None
    left = list(counts)
    fixed: list[Pattern] = []
    spent = 0
    relaxed = start if luck is None else columns.relax(left, uses, pool=start.near, most_rounds=ROUNDS, luck=luck)
    while relaxed is not None and relaxed.used and columns.rounded_up(Fraction(spent + relaxed.cost * (1 - SHAKE if luck else 1) - NOISE)) < below:
        chosen = _chosen(relaxed.used, left, threshold)
        fixed.extend(chosen)
        spent += sum(types.cost(pattern) for pattern in chosen)
        if not any(left):
            return fixed if spent < below else None
        if columns.effort.is_over():
            return None
        uses = _left(types, uses, chosen, left)
        relaxed = columns.relax(left, uses, pool=relaxed.near, most_rounds=ROUNDS, luck=luck)
    return None


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


def _chosen(used: Sequence[tuple[float, Pattern]], left: list[int], threshold: float) -> list[Pattern]:
    """Patterns to fix, taken out of `left`: whole shares; without any, the most used and those above the threshold."""
    chosen: list[Pattern] = []

    def take(pattern: Pattern, times: int) -> None:
        for _ in range(times):
            if all(left[t] >= k for t, k in pattern):
                chosen.append(pattern)
                for t, k in pattern:
                    left[t] -= k

    for share, pattern in used:
        take(pattern, int(share + NOISE))
    if not chosen:
        ranked = sorted(used, key=lambda one: -one[0])
        take(ranked[0][1], 1)
        for share, pattern in ranked[1:]:
            if share >= threshold:
                take(pattern, 1)
    return chosen
