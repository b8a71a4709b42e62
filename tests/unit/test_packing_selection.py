"""What may be together under conflicts, and pricing by it."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest

from sbsim.packing import Effort, Instance, Tariff
from sbsim.packing.instances import Types
from sbsim.packing.patterns import Knapsack, Values
from sbsim.packing.selection import Selection, together


def _types(seed: int) -> Types:
    """Up to eight types with conflicts by chance, limits in number and size, two classes with a set-up each."""
    draw = Random(seed)
    n = draw.randint(2, 8)
    apart = [0] * n
    for a, b in combinations(range(n), 2):
        if draw.random() < 0.5:
            apart[a] |= 1 << b
            apart[b] |= 1 << a
    return Instance(
        sizes=tuple(draw.randint(1, 9) for _ in range(n)),
        capacity=15,
        max_items=3,
        classes=tuple(draw.randrange(2) for _ in range(n)),
        setup_weights=(0, 0),
        conflicts=tuple(apart),
        tariff=Tariff(fee=3, setups=(2, 5)),
    ).types


@pytest.mark.parametrize("seed", range(60))
def test_sets_are_the_largest_that_may_be_together(seed: int) -> None:
    """Every set without a conflict that no other contains, each once, as brute force finds them; too many, and there is no answer."""
    types = _types(seed)
    conflicts = types.conflicts or (0,) * types.n
    free = [mask for mask in range(1, 1 << types.n) if not any(mask >> t & 1 and conflicts[t] & mask for t in range(types.n))]
    largest = [mask for mask in free if not any(mask != other and mask & other == mask for other in free)]
    if types.conflicts:
        assert together(types, len(largest)) == sorted(largest)
        assert together(types, len(largest) - 1) == []


@pytest.mark.parametrize("seed", range(60))
def test_a_pattern_under_conflicts_is_worth_most(seed: int) -> None:
    """Priced set by set, the pattern is the best of all that keep every limit, and the ceiling is its worth."""
    types, draw = _types(seed), Random(-seed)
    if not types.conflicts:
        return
    values = Values([draw.randint(0, 12) for _ in range(types.n)], 0, [0] * types.n_classes, 1)
    selection = Selection(types, Knapsack(types), Effort())
    assert selection._together
    best = 0
    for size in range(1, types.most_items + 1):
        for chosen in combinations([t for t, n in enumerate(types.counts) for _ in range(n)], size):
            pattern = tuple((t, chosen.count(t)) for t in sorted(set(chosen)))
            if types.fits(pattern):
                best = max(best, sum(values.items[t] for t in chosen) - types.cost(pattern))
    priced = selection.price(values, types.counts, is_coarse=False)
    assert max(0, priced.ceiling) == best
    if priced.pattern is not None:
        assert types.fits(priced.pattern)
        assert sum(k * values.items[t] for t, k in priced.pattern) - types.cost(priced.pattern) == best
