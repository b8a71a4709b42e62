"""LRU at every size in one pass: how many other contents were asked for since the last time, for each request."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def previous_uses(content: Ints) -> Ints:
    """Index of the request before that asked for the same content, shape (n,); -1 for none."""
    order = np.argsort(content, kind="stable")
    is_same = np.concatenate(([False], content[order][1:] == content[order][:-1])) if content.size else np.zeros(0, dtype=bool)
    previous = np.full(content.size, -1, dtype=np.int64)
    previous[order[is_same]] = order[np.flatnonzero(is_same) - 1]
    return previous


def stack_distances(content: Ints) -> Ints:
    """Distinct contents asked for since the last request for the same one, itself included, shape (n,); 0 where there was none.

    LRU of capacity c hits exactly where 1 <= distance <= c (Mattson et al., "Evaluation techniques for storage hierarchies", IBM Systems Journal
    9(2), 1970). Of the requests between p = previous[i] and i, those that are not the first for their content since p have previous[j] > p, and none
    up to p has. So distance = i - p - #{j < i: previous[j] > previous[i]}; the last is an inversion count, found for all i in log2(n) passes.
    """
    previous = previous_uses(content)
    distances = np.arange(content.size) - previous - _inversions(previous)
    return np.where(previous >= 0, distances, 0)


def _inversions(values: Ints) -> Ints:
    """How many earlier values are larger, shape (n,), for values from -1 to n - 1.

    From the highest bit down, values that agree in all higher bits stand together in their order; a 0 in this bit is smaller than each 1 before it.
    """
    n = values.size
    order = np.arange(n)
    counts = np.zeros(n, dtype=np.int64)
    for bit in reversed(range(max(n, 1).bit_length())):
        shifted = (values + 1)[order] >> bit
        is_one = (shifted & 1).astype(np.int64)
        ones_before = np.cumsum(is_one) - is_one
        group = shifted >> 1
        starts = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1]))) if n else np.zeros(0, dtype=np.int64)
        in_group = ones_before - np.repeat(ones_before[starts], np.diff(np.append(starts, n)))
        counts[order] += np.where(is_one == 0, in_group, 0)
        order = order[np.argsort(shifted, kind="stable")]
    return counts
