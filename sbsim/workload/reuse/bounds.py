"""What no cache can beat: one that knows the future, and one without bounds."""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf

import numpy as np
from numpy.typing import NDArray

from sbsim.workload.reuse.stack_distances import previous_uses


def next_uses(content: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index of the next request for the same content, shape (n,); n for none."""
    return content.size - 1 - previous_uses(content[::-1])[::-1]


def clairvoyant_hits(content: NDArray[np.int64], size: int) -> int:
    """Hits of a cache of `size` entries that always evicts what is asked for again last (Belady, "A study of replacement algorithms for a
    virtual-storage computer", IBM Systems Journal 5(2), 1966): the most that any policy can have, of those that keep what was missed.

    Where nobody else may be given a content (a negative number) there is nothing to keep.
    """
    content = content[content >= 0]
    next_use = next_uses(content).tolist()
    due: dict[int, int] = {}  # content that is kept -> its next use
    farthest: list[tuple[int, int]] = []  # (-next use, content), those that are no longer so among them
    n_hits = 0
    for key, following in zip(content.tolist(), next_use, strict=True):
        if key in due:
            n_hits += 1
        elif len(due) == size:
            while True:
                use, candidate = heappop(farthest)
                if due.get(candidate) == -use:
                    del due[candidate]
                    break
        due[key] = following
        heappush(farthest, (-following, key))
    return n_hits


def unlimited_hits(content: NDArray[np.int64], at: NDArray[np.float64] | None = None, ttl_s: float = inf) -> int:
    """Hits of a cache without bounds whose entries live for `ttl_s` seconds from when they were made; `at` may be None where they live for ever."""
    kept = content >= 0
    if at is None or ttl_s == inf:
        return int(kept.sum()) - np.unique(content[kept]).size
    dies_at: dict[int, float] = {}
    n_hits = 0
    for key, now in zip(content[kept].tolist(), at[kept].tolist(), strict=True):
        if now < dies_at.get(key, -inf):
            n_hits += 1
        else:
            dies_at[key] = now + ttl_s
    return n_hits
