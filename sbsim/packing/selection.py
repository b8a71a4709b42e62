"""Patterns where a table cannot tell: batches whose items may not all meet, or limits in several dimensions that no table is fine enough for.

Where conflicts leave few sets of types that may all be together and that nothing can be added to, a table for each of them settles it (contents that
are not alike: a handful of styles and lengths). Else a table that sees no conflicts comes first: what it finds and may be together is the best there
is, and from what may not, the items that are worth most are kept. Only when that brings nothing is CP-SAT asked for the best pattern or a ceiling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sbsim.packing.effort import Effort
from sbsim.packing.instances import Pattern, Types
from sbsim.packing.patterns import Knapsack, Priced, Values
from sbsim.packing.solvers import best_pattern

MOST_WORK = 0.2
"""Deterministic seconds of CP-SAT for one pattern."""
MODELLED, MODELLED_PAIR = 5.0, 0.02
"""Units that a question to CP-SAT takes before the search begins, and more for each pair of types: 3 ms for 10 types, 40 ms for 50, measured
2026-11-28."""
MOST_SETS = 16
"""Sets of types that may be together, each of which is priced by itself; CP-SAT takes over where there are more."""


class Selection:
    """Finds the pattern that is worth most, whatever keeps items apart.

    Parameters
    ----------
    types : what is to be packed. knapsack : tables for them. effort : charged for what CP-SAT does.
    """

    def __init__(self, types: Types, knapsack: Knapsack, effort: Effort) -> None:
        self._types = types
        self._effort = effort
        self._knapsack = knapsack
        self._together = together(types, MOST_SETS) if types.conflicts else []
        self.is_exact = knapsack.is_exact or not self._together

    def price(self, values: Values, counts: Sequence[int], *, is_coarse: bool) -> Priced:
        """The pattern within `counts` of each type that is worth most above its cost; where `is_coarse`, one that is worth something."""
        if self._together:
            return self._best_of_sets(values, counts, is_coarse=is_coarse)
        relaxed = self._knapsack.price(values, counts, is_coarse=True)
        if relaxed.pattern is not None and is_coarse:
            kept = self._kept(relaxed.pattern, values)
            if self._worth(kept, values) > 0:
                return Priced(kept, relaxed.ceiling)
        return relaxed._replace(pattern=None) if is_coarse else self._best(values, counts)

    def ceiling(self, values: Values, counts: Sequence[int]) -> int:
        """More than no pattern within `counts` is worth above its cost."""
        if self._together:
            return max(self._knapsack.ceiling(values, within) for within in self._within(counts))
        return self._best(values, counts).ceiling

    def work(self, n_types: int, *, is_coarse: bool) -> float:
        """Units of effort that one pricing takes beside what CP-SAT is charged for."""
        if self._together:
            n = sum(mask.bit_count() for mask in self._together) * n_types // self._types.n
            return self._knapsack.work(n, is_coarse=is_coarse)
        return self._knapsack.work(n_types, is_coarse=True) + 0.05 * n_types

    def _best_of_sets(self, values: Values, counts: Sequence[int], *, is_coarse: bool) -> Priced:
        best = Priced(None, -(1 << 61))
        for within in self._within(counts):
            priced = self._knapsack.price(values, within, is_coarse=is_coarse)
            best = priced if priced.ceiling > best.ceiling else best
        return best

    def _within(self, counts: Sequence[int]) -> Iterator[list[int]]:
        """What of `counts` each set has."""
        for mask in self._together:
            yield [n if mask >> t & 1 else 0 for t, n in enumerate(counts)]

    def _best(self, values: Values, counts: Sequence[int]) -> Priced:
        n = sum(1 for n in counts if n)
        model = MODELLED + MODELLED_PAIR * n * n
        if self._effort.is_over(model):
            return Priced(None, self._knapsack.ceiling(values, counts))
        best = Priced(None, -(1 << 61))
        for step in self._types.tariff.steps(self._types.most_items):
            priced, work = best_pattern(self._types, values, counts, step, work=self._work, seconds=self._effort.seconds_left)
            self._effort.spend(1000 * work + model)
            if priced.ceiling > best.ceiling:
                best = Priced(priced.pattern or best.pattern, priced.ceiling)
            elif best.pattern is None:
                best = best._replace(pattern=priced.pattern)
        return best

    @property
    def _work(self) -> float:
        """Deterministic seconds that CP-SAT may take for the next question: what is left, as far as that is no more than `MOST_WORK`."""
        return min(MOST_WORK, max(0.001, self._effort.units / 1000))

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


def together(types: Types, most: int) -> list[int]:
    """The sets of types (bit masks) that may all be together and that no other type may join; empty where there are more than `most`.

    The maximal independent sets of the conflicts, by Bron and Kerbosch's algorithm 457 (1973) with a pivot.
    """
    everything = (1 << types.n) - 1
    alike = [everything & ~mask & ~(1 << t) for t, mask in enumerate(types.conflicts)]
    found: list[int] = []
    stack = [(0, everything, 0)]  # (chosen, may still join, was tried before)
    while stack:
        chosen, open_to, tried = stack.pop()
        if not open_to:
            if not tried:
                found.append(chosen)
            if len(found) > most:
                return []
            continue
        pivot = max(_bits(open_to | tried), key=lambda t: (open_to & alike[t]).bit_count())
        for t in _bits(open_to & ~alike[pivot]):
            stack.append((chosen | 1 << t, open_to & alike[t], tried & alike[t]))
            open_to &= ~(1 << t)
            tried |= 1 << t
    return sorted(found)


def _bits(mask: int) -> Iterator[int]:
    """The bits that are set, the lowest first."""
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1
