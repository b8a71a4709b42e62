"""Miss-ratio curves: how often each policy would have missed, by the size of the cache."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import numpy as np

from sbsim.components.cache import POLICIES
from sbsim.errors import ScenarioError, TraceError
from sbsim.records import Entry
from sbsim.workload.reuse.accesses import Accesses
from sbsim.workload.reuse.bounds import clairvoyant_hits, unlimited_hits
from sbsim.workload.reuse.stack_distances import stack_distances

BELADY, UNLIMITED = "belady", "unlimited"
BOUNDS = (BELADY, UNLIMITED)
"""What stands beside the policies: a cache that knows the future, and one without bounds."""
EVERY_POLICY = (*POLICIES, *BOUNDS)

_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


class Point(NamedTuple):
    """One size: entries, hits, and hits and misses as shares of all requests."""

    size: int
    n_hits: int
    hit_ratio: float
    miss_ratio: float


class Curve(NamedTuple):
    """One policy at every size."""

    policy: str
    points: tuple[Point, ...]


def default_sizes(accesses: Accesses) -> tuple[int, ...]:
    """Sizes worth a look: 1 % to 50 % of the distinct contents."""
    return tuple(sorted({max(1, round(share * accesses.n_contents)) for share in _SHARES}))


def miss_ratio_curves(accesses: Accesses, sizes: Sequence[int], policies: Sequence[str] = EVERY_POLICY, ttl_s: float | None = None) -> list[Curve]:
    """The curve of every policy.

    Parameters
    ----------
    sizes : entries, 1 or more. policies : names of `cache.policy`, "belady", "unlimited". ttl_s : seconds that an entry lives; None: for ever.

    Raises
    ------
    ScenarioError
        When a policy has no such name.
    TraceError
        When entries are to die and the file has no times.
    """
    for policy in policies:
        if policy not in EVERY_POLICY:
            raise ScenarioError(f"policy: {policy!r} is not one of {', '.join(EVERY_POLICY)}; try lru")
    if ttl_s is not None and accesses.at is None:
        raise TraceError(f"{accesses.path}: a file of keys has no times, so a ttl means nothing; try a trace with arrived_at, or leaving the ttl out")
    ordered = sorted(set(sizes))
    return [Curve(policy, _points(accesses, ordered, _hits(accesses, ordered, policy, inf if ttl_s is None else ttl_s))) for policy in policies]


def _points(accesses: Accesses, sizes: Sequence[int], hits: Sequence[int]) -> tuple[Point, ...]:
    n = accesses.n
    return tuple(Point(size, n_hits, n_hits / n, (n - n_hits) / n) for size, n_hits in zip(sizes, hits, strict=True))


def _hits(accesses: Accesses, sizes: Sequence[int], policy: str, ttl_s: float) -> list[int]:
    """Hits at each size."""
    if policy == UNLIMITED:
        return [unlimited_hits(accesses.content, accesses.at, ttl_s)] * len(sizes)
    if policy == BELADY:  # entries that die take hits away and bring none, so both bounds hold and the lower one counts
        most = unlimited_hits(accesses.content, accesses.at, ttl_s)
        return [min(most, clairvoyant_hits(accesses.content, size)) for size in sizes]
    if policy == "lru" and ttl_s == inf:
        distances = stack_distances(accesses.content[accesses.content >= 0])
        distances = np.sort(distances[distances > 0])
        return [int(np.searchsorted(distances, size, side="right")) for size in sizes]
    return [_simulated(accesses, policy, size, ttl_s) for size in sizes]


def _simulated(accesses: Accesses, policy: str, size: int, ttl_s: float) -> int:
    """Hits of the component itself, filled at once with what it missed. Every entry costs and weighs the same."""
    cache = POLICIES[policy](size, inf, ttl_s)
    get, put = cache.get, cache.put
    at = np.zeros(accesses.n) if accesses.at is None else accesses.at
    n_hits = 0
    for key, now in zip(accesses.content.tolist(), at.tolist(), strict=True):
        if key < 0:
            continue
        if get(key, now) is None:
            put(Entry(key, inf), now)
        else:
            n_hits += 1
    return n_hits
