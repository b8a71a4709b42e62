"""Content used again: one that expires, and an LRU cache under independent references."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STEP = 0.1
"""Step of the trapezoidal rule in log time: the integrand is analytic and dies out at both ends, so the error is about exp(-pi^2 / step)."""


def zipf(n: int, exponent: float) -> NDArray[np.float64]:
    """Popularity of n contents, shape (n,), the most popular first: proportional to rank^-exponent (Zipf's law)."""
    weights: NDArray[np.float64] = np.arange(1, n + 1, dtype=np.float64) ** -exponent
    return np.asarray(weights / weights.sum())


def expiring_content(arrival_rate: float, mean_latency_s: float, ttl_s: float) -> tuple[float, float, float]:
    """Shares of requests for one content that miss, join the work under way, and hit.

    Parameters
    ----------
    arrival_rate : Poisson requests per second. mean_latency_s : E[D] of a generation. ttl_s : T, counted from the store and not renewed by hits.

    Notes
    -----
    A cycle is one miss, D seconds in which arrivals join, T seconds in which they hit, and the wait for the next miss: 1 : lambda E[D] : lambda T
    (renewal reward; for D = 0 it is Jung, Berger and Balakrishnan, "Modeling TTL-based Internet caches", INFOCOM 2003).
    """
    joins, hits = arrival_rate * mean_latency_s, arrival_rate * ttl_s
    cycle = 1 + joins + hits
    return 1 / cycle, joins / cycle, hits / cycle


def joiner_wait(mean_s: float, mean_square_s2: float) -> float:
    """Mean time, seconds, that one who joins work under way waits for its end: E[D^2] / (2 E[D]).

    Joiners arrive as a Poisson process within the works, so they see a work with a chance proportional to its length, at a uniform point of it:
    the mean residual life of renewal theory (Feller, "An Introduction to Probability Theory and Its Applications" vol. 2 (1971), chapter XI.4).
    """
    return mean_square_s2 / (2 * mean_s)


def lru_hit_ratio(popularity: NDArray[np.float64], capacity: int) -> float:
    """Stationary hit ratio of an LRU cache of `capacity` entries under independent references, exact to about 1e-12.

    Parameters
    ----------
    popularity : probabilities of the contents, shape (n,), all above 0. capacity : entries.

    Notes
    -----
    A request for i hits when fewer than `capacity` other contents were asked for since the last request for i. With references at the instants
    of a Poisson process of rate 1 the contents become independent: sum over i of p_i times the integral over t of
    p_i exp(-p_i t) P(fewer than `capacity` of the others occur within t). Fagin, "Asymptotic miss ratios over independent references", J. Comput.
    Syst. Sci. 14 (1977); as an integral in Flajolet, Gardy and Thimonier, "Birthday paradox, coupon collectors, caching algorithms and
    self-organizing search", Discrete Appl. Math. 39 (1992). For each of some 500 nodes the work grows as n^2 x capacity: meant for n <= 100.
    """
    n = len(popularity)
    if capacity >= n:
        return 1.0
    log_t = np.arange(-36.0, np.log(60.0 / popularity.min()), _STEP)
    t = np.exp(log_t)
    absent = np.exp(-np.outer(t, popularity))  # (nodes, n): chance that content j does not occur within t
    n_others = np.zeros((len(t), n, capacity))  # [:, i, k]: chance that exactly k contents other than i occur within t, k < capacity
    n_others[:, :, 0] = 1.0
    for j in range(n):
        mine = n_others[:, j].copy()
        stays = absent[:, j, None, None]
        n_others[:, :, 1:] = n_others[:, :, 1:] * stays + n_others[:, :, :-1] * (1 - stays)
        n_others[:, :, :1] *= stays
        n_others[:, j] = mine
    density = popularity**2 * absent * n_others.sum(axis=2)
    return float((density.sum(axis=1) * t).sum() * _STEP)


def che_hit_ratio(popularity: NDArray[np.float64], capacity: int) -> float:
    """Approximate stationary hit ratio of an LRU cache of `capacity` entries under independent references.

    Notes
    -----
    Che, Tung and Wang, "Hierarchical Web caching systems: modeling, design and experimental results", IEEE J. Sel. Areas Commun. 20 (2002): every
    entry stays for the same time T, the root of sum (1 - exp(-p_i T)) = capacity; the hit ratio is sum p_i (1 - exp(-p_i T)). For 20 contents of
    Zipf's law with exponent 0.9 and 3 entries it says 0.2825 where 0.2872 is exact; the error vanishes as caches grow (Fricker, Robert and Roberts,
    "A versatile and accurate approximation for LRU cache performance", ITC 2012).
    """
    if capacity >= len(popularity):
        return 1.0
    low, high = 0.0, 1.0
    while _held(popularity, high) < capacity:
        high *= 2
    while low < (middle := (low + high) / 2) < high:  # until the two are neighbours
        low, high = (middle, high) if _held(popularity, middle) < capacity else (low, middle)
    return float(popularity @ -np.expm1(-popularity * high))


def _held(popularity: NDArray[np.float64], stay_s: float) -> float:
    """Mean number of contents asked for within `stay_s`."""
    return float(-np.expm1(-popularity * stay_s).sum())
