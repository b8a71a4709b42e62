"""Patterns where a table cannot tell: batches whose items may not all meet, or limits in several dimensions that no table is fine enough for.

A table that sees no conflicts comes first: what it finds and may be together is the best there is, and from what may not, the items that are worth
most are kept. Only when that brings nothing is CP-SAT asked for the best pattern or a ceiling on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sbsim.packing.effort import Effort
from sbsim.packing.instances import Pattern, Types
from sbsim.packing.patterns import Knapsack, Priced, Values
from sbsim.packing.solvers import best_pattern

MOST_WORK = 0.2
"""Deterministic seconds of CP-SAT for one pattern."""


class Selection:
    """Finds the pattern that is worth most, whatever keeps items apart.

    Parameters
    ----------
    types : what is to be packed. effort : charged for what CP-SAT does.
    """

    is_exact = True

    def __init__(self, types: Types, effort: Effort) -> None:
        self._types = types
        self._effort = effort
        self._knapsack = Knapsack(types)

    def price(self, values: Values, counts: Sequence[int], *, is_coarse: bool) -> Priced:
        """The pattern within `counts` of each type that is worth most above its cost; where `is_coarse`, one that is worth something."""
        relaxed = self._knapsack.price(values, counts, is_coarse=True)
        if relaxed.pattern is not None and is_coarse:
            kept = self._kept(relaxed.pattern, values)
            if self._worth(kept, values) > 0:
                return Priced(kept, relaxed.ceiling)
        return relaxed._replace(pattern=None) if is_coarse else self._best(values, counts)

    def ceiling(self, values: Values, counts: Sequence[int]) -> int:
        """More than no pattern within `counts` is worth above its cost."""
        return self._best(values, counts).ceiling

    def work(self, n_types: int, *, is_coarse: bool) -> float:
        """Units of effort that one pricing takes beside what CP-SAT is charged for."""
        return self._knapsack.work(n_types, is_coarse=True) + 0.05 * n_types

    def _best(self, values: Values, counts: Sequence[int]) -> Priced:
        best = Priced(None, -(1 << 61))
        for step in self._types.tariff.steps(self._types.most_items):
            priced, work = best_pattern(self._types, values, counts, step, work=MOST_WORK, seconds=self._effort.seconds_left)
            self._effort.spend(1000 * work + 2)
            if priced.ceiling > best.ceiling:
                best = Priced(priced.pattern or best.pattern, priced.ceiling)
            elif best.pattern is None:
                best = best._replace(pattern=priced.pattern)
        return best

    def _kept(self, pattern: Pattern, values: Values) -> Pattern:
        """What of a pattern may be together: the types that are worth most first."""
        if not self._types.conflicts:
            return pattern
        kept, apart = [], 0
        for t, k in sorted(pattern, key=lambda held: (-held[1] * values.items[held[0]], held[0])):
            if not apart >> t & 1:
                kept.append((t, k))
                apart |= self._types.conflicts[t]
        return tuple(sorted(kept))

    def _worth(self, pattern: Pattern, values: Values) -> int:
        """What a pattern is worth above its cost."""
        types = self._types
        return (
            sum(k * values.items[t] for t, k in pattern)
            + values.batch
            + sum(values.classes[c] for c in types.classes_of(pattern))
            - values.scale * types.cost(pattern)
        )
