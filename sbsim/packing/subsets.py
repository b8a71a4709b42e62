"""The exact answer for a handful of items: the cheapest partition by dynamic programming over all subsets (Held and Karp's scheme, 1962)."""

from __future__ import annotations

from sbsim.packing.instances import Pattern, Types

MOST_ITEMS = 10
"""Items up to which this takes no longer than a solver takes to start: 3**10 steps, about 20 ms."""


def units(n_items: int) -> float:
    """Units of effort that it takes."""
    return float(3**n_items) / 3000


def cheapest_partition(types: Types) -> list[Pattern]:
    """The cheapest packing of all."""
    items = [t for t, n in enumerate(types.counts) for _ in range(n)]
    n = len(items)
    patterns = [_pattern(items, mask) for mask in range(1 << n)]
    costs = [types.cost(pattern) if mask and types.fits(pattern) else None for mask, pattern in enumerate(patterns)]
    least: list[int] = [0] * (1 << n)
    choice = [0] * (1 << n)
    for mask in range(1, 1 << n):
        first = mask & -mask  # some batch holds the first item: only those are tried
        rest = mask ^ first
        part, best = rest, None
        while True:
            cost = costs[part | first]
            if cost is not None and (best is None or cost + least[rest ^ part] < best):
                best, choice[mask] = cost + least[rest ^ part], part | first
            if not part:
                break
            part = (part - 1) & rest
        assert best is not None  # an item fits alone
        least[mask] = best
    packed, mask = [], (1 << n) - 1
    while mask:
        packed.append(patterns[choice[mask]])
        mask ^= choice[mask]
    return packed


def _pattern(items: list[int], mask: int) -> Pattern:
    counts: dict[int, int] = {}
    for k, t in enumerate(items):
        if mask >> k & 1:
            counts[t] = counts.get(t, 0) + 1
    return tuple(counts.items())
