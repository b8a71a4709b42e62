"""Lower bounds that need no solver: on the number of batches, and from it on the cost. Each holds for every packing of the types.

continuous : sum of weights / capacity, for sizes, durations and the number of items alike.
L2 : Martello and Toth (1990), section 8.3: items larger than what remains beside a threshold take a batch each.
two dimensions : items of which no two can share a batch, in whatever dimension, take a batch each (a clique), and so do conflicts.
set-ups : a class whose items need m batches pays its set-up, and gives up its set-up weight, at least m times.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from sbsim.packing.instances import Dimension, Types


def fewest_batches(types: Types, counts: Sequence[int] | None = None) -> int:
    """Batches that any packing of `counts` of each type (all of them where None) has at least."""
    counts = types.counts if counts is None else counts
    n_setups = class_batches(types, counts)
    least = 1 if any(counts) else 0
    for dimension in types.dimensions:
        extra = sum(m * dimension.setup_weights[c] for c, m in n_setups.items())
        total = sum(w * n for w, n in zip(dimension.weights, counts, strict=True))
        least = max(least, -(-(total + extra) // dimension.capacity), l2(_items(dimension, counts), dimension.capacity))
    if counts is types.counts and (types.n_sums > 1 or types.conflicts or types.has_setups):
        least = max(least, clique(types))
    return least


def cost_bound(types: Types, n_batches: int) -> int:
    """What any packing costs at least, given that it has at least so many batches; in the tariff's unit, without the types' constant."""
    tariff = types.tariff
    fixed = n_batches * tariff.fee + sum(m * tariff.setups[c] for c, m in class_batches(types).items())
    factors = [factor for _, _, factor in tariff.steps(types.most_items)]
    charges = sum(n * charge for n, charge in zip(types.counts, types.charges, strict=True))
    return max(fixed + (min(factors) * charges if charges else 0), n_batches * tariff.minimum)


def class_batches(types: Types, counts: Sequence[int] | None = None) -> dict[int, int]:
    """Batches that the items of each class are spread over at least; empty where classes make no difference."""
    if not types.has_setups:
        return {}
    counts = types.counts if counts is None else counts
    least: dict[int, int] = {}
    for c, mine in types.by_class.items():
        if not any(counts[t] for t in mine):
            continue
        least[c] = 1
        for dimension in types.dimensions:
            room = dimension.capacity - dimension.setup_weights[c]
            weights = [dimension.weights[t] for t in mine for _ in range(counts[t])]
            weights.sort(reverse=True)
            least[c] = max(least[c], -(-sum(weights) // room) if room else 1, l2(weights, room))
    return least


def l2(weights: Sequence[int], capacity: int) -> int:
    """Martello and Toth's bound on the number of batches for weights in falling order: the best over every threshold up to half of the capacity.

    With threshold a, items above capacity - a stand alone; items above half of it take a batch each, and what is left beside them (not beside those
    that stand alone) is all that items from a upwards can use.
    """
    rising = list(reversed(weights))
    sums = [0, *accumulate(rising)]
    n = len(rising)
    over_half = bisect_right(rising, capacity // 2)
    least = n - over_half
    for threshold in sorted({0, *rising[:over_half]}):
        alone = bisect_right(rising, capacity - threshold)
        small = sums[over_half] - sums[bisect_left(rising, threshold)]
        room = (alone - over_half) * capacity - (sums[alone] - sums[over_half])
        least = max(least, n - over_half - (-(small - room) // capacity)) if small > room else least
    return least


def clique(types: Types) -> int:
    """Items of which no two can share a batch, found greedily: those first that can share with the fewest."""
    apart = _apart(types)
    digits = [  # which types have this binary digit in their number of items: sums over a mask without a look at every type
        sum(1 << t for t, n in enumerate(types.counts) if n >> digit & 1) for digit in range(max(types.counts, default=0).bit_length())
    ]
    weight = [sum((mask & has).bit_count() << digit for digit, has in enumerate(digits)) for mask in apart]
    order = sorted(range(types.n), key=lambda t: (-weight[t], t))
    best = 0
    for first in order[:8]:
        fitting, size = apart[first], _alone(types, first)
        for t in order:
            if fitting >> t & 1:
                fitting &= apart[t]
                size += _alone(types, t)
        best = max(best, size)
    return best


def _alone(types: Types, t: int) -> int:
    """Batches that the items of one type need at least, for having no room beside each other."""
    return types.counts[t] if not types.fits(((t, 2),)) else 1


def _apart(types: Types) -> list[int]:
    """For each type a bit mask of the other types of which no item can share a batch with one of it."""
    masks = list(types.conflicts) if types.conflicts else [0] * types.n
    for d in types.dimensions:
        alone = [w + d.setup_weights[c] for w, c in zip(d.weights, types.classes, strict=True)]
        order = sorted(range(types.n), key=lambda t: -alone[t])
        for i, t in enumerate(order):
            if 2 * alone[t] <= d.capacity and not any(d.setup_weights):
                break
            for u in order[i + 1 :]:
                together = alone[t] + d.weights[u] + (d.setup_weights[types.classes[u]] if types.classes[u] != types.classes[t] else 0)
                if together > d.capacity:
                    masks[t] |= 1 << u
                    masks[u] |= 1 << t
                elif not any(d.setup_weights):
                    break
    return masks


def _items(dimension: Dimension, counts: Sequence[int]) -> list[int]:
    """The weight of every item, falling."""
    return sorted((w for w, n in zip(dimension.weights, counts, strict=True) for _ in range(n)), reverse=True)
