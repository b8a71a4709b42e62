"""Packings without waste to spare: when m batches must be nearly full, few patterns come into question, and covering with them is a small problem.

If the items leave at most W of m batches free, no batch of a packing into m may leave more than W. Those patterns are listed, and an exact cover by
them is searched for. Triplets (three items fill a batch) are the extreme: W = 0, 12 ms at n = 120 where a relaxation needs 20 times that. Where no
cover exists, m batches do not suffice, and the bound rises to m + 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from sbsim.packing.effort import Effort
from sbsim.packing.instances import Pattern, Types
from sbsim.packing.solvers import cheapest_cover

SPARE = 0.01
"""Share of one batch's capacity that all batches together may leave free for this to be tried."""
MOST_PATTERNS = 20_000
MOST_CAPACITY = 1 << 20
MOST_NODES = 100
"""Branch and bound nodes of the cover."""


def is_tight(types: Types, m: int) -> bool:
    """Whether m batches would have to be so full that listing their patterns is worth a try."""
    if not types.is_plain or types.n_sums != 1 or types.has_setups or types.conflicts or types.dimensions[0].capacity > MOST_CAPACITY:
        return False
    return 0 <= _waste(types, m) <= SPARE * types.dimensions[0].capacity


def full_cover(types: Types, m: int, effort: Effort) -> tuple[list[Pattern] | None, bool]:
    """(a packing into m batches or None, whether there is none)."""
    patterns = []
    for pattern in full_patterns(types, _waste(types, m)):
        patterns.append(pattern)
        if len(patterns) > MOST_PATTERNS or effort.is_over():
            return None, False
    effort.spend(len(patterns) * 0.02 + 10)
    costs = [1.0] * len(patterns)
    covered = cheapest_cover(patterns, costs, types.counts, is_exact=True, most_nodes=MOST_NODES, seconds=effort.seconds_left)
    if covered.shares is None:
        return None, covered.is_impossible
    packed = [pattern for pattern, n in zip(patterns, covered.shares, strict=True) for _ in range(n)]
    return (packed, False) if len(packed) == m and _is_cover(types, packed) else (None, False)


def full_patterns(types: Types, waste: int) -> Iterator[Pattern]:
    """Every pattern that leaves at most `waste` of the first dimension free.

    `reach[t]` has a bit for every sum that types from t on can make, so that no branch without such a pattern is entered.
    """
    weights, capacity = types.dimensions[0].weights, types.dimensions[0].capacity
    reach = [1] * (types.n + 1)
    for t in range(types.n - 1, -1, -1):
        reach[t] = reach[t + 1]
        for _ in range(min(types.counts[t], capacity // weights[t] if weights[t] else 0)):
            reach[t] |= reach[t] << weights[t] & (2 << capacity) - 1
    window = (2 << waste) - 1

    def extend(t: int, room: int, n_left: int, held: Pattern) -> Iterator[Pattern]:
        if t == types.n:
            if room <= waste:
                yield held
            return
        lowest = room - waste
        if not (reach[t] >> lowest if lowest > 0 else reach[t]) & (window if lowest > 0 else (2 << room) - 1):
            return
        most = min(types.counts[t], n_left, room // weights[t] if weights[t] else types.counts[t])
        for k in range(most, -1, -1):
            yield from extend(t + 1, room - k * weights[t], n_left - k, (*held, (t, k)) if k else held)

    return extend(0, capacity, types.most_items, ())


def _waste(types: Types, m: int) -> int:
    """What m batches have more than the items need."""
    dimension = types.dimensions[0]
    return m * dimension.capacity - sum(w * n for w, n in zip(dimension.weights, types.counts, strict=True))


def _is_cover(types: Types, packed: list[Pattern]) -> bool:
    counts = [0] * types.n
    for pattern in packed:
        for t, k in pattern:
            counts[t] += k
    return tuple(counts) == types.counts
