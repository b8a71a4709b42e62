"""When synthetic wishes arrive: the processes, each as unit-rate gaps in operational time mapped through the cumulative rate.

Owns processes and how many come at once; knows no contents. A *wish* is what a user asks for in one go; with `variants` it becomes several
requests, and a `batch` process brings several wishes at one instant. The stated rate counts requests, so wishes come at rate / E[variants] and
batches at rate / (E[variants] E[size]).

Gaps are keyed by the number of the wish (of the batch in a batch process), stays of a Markov-modulated process by their number. The first gap
starts at 0 (an ordinary renewal process); a Markov-modulated process starts in a state drawn by the time spent in each, and goes through its states
in their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.laws import Empirical, Law, Weibull, parse_law, plain_number
from sbsim.seeds import Draws
from sbsim.workload.intensity import CumulativeRate, Floats, Stays, steady_rate

Ints = NDArray[np.int64]

_STAYS = 256
"""Stays of a Markov-modulated process made at a time."""
_NODES = 64


def whole_numbers(law: Law, draws: Draws, purpose: str, start: int, n: int) -> Ints:
    """How many, at least 1, for serials start .. start + n - 1: shape (n,).

    A value between two whole numbers becomes the upper one with the probability of its fraction, so that the mean is the law's; values below 1
    become 1.
    """
    x = np.maximum(law.quantile(draws.bulk(purpose, start, n)), 1.0)
    whole = np.floor(x)
    part = x - whole
    if part.any():
        whole += draws.bulk(f"{purpose}.rounding", start, n) < part
    return whole.astype(np.int64)


def mean_whole_number(law: Law) -> float:
    """Mean of `whole_numbers`: E[max(1, X)], by Gauss-Legendre quadrature of the inverse distribution where X can be below 1."""
    if law.low >= 1.0:
        return law.mean
    if law.high <= 1.0:
        return 1.0
    if isinstance(law, Empirical):
        return fsum(max(value, 1.0) * p for value, p in zip(law.values, law.probabilities, strict=True))
    low, high = 0.0, 1.0
    for _ in range(60):  # the probability of a value below 1
        middle = (low + high) / 2
        low, high = (middle, high) if law.quantile(np.array([middle]))[0] < 1.0 else (low, middle)
    nodes, weights = _gauss_legendre()
    missing = 1.0 - law.quantile((nodes + 1.0) / 2.0 * low)
    return law.mean + float(weights @ missing) * low / 2.0


@cache
def _gauss_legendre() -> tuple[Floats, Floats]:
    """Nodes and weights on [-1, 1]; finding them takes 10 ms."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


class Arrivals:
    """The instants of wishes, in order, piece by piece; pieces of any size give the same instants.

    Parameters
    ----------
    spec : `scenario.workload.arrivals`. profile : points (seconds, factor) of the rate. n_per_wish : mean number of requests of a wish.
    draws : of the replication.
    """

    def __init__(self, spec: Any, profile: Sequence[tuple[float, float]], n_per_wish: float, draws: Draws) -> None:
        self._draws = draws
        self._size: Law | None = spec.size if spec.process == "batch" else None
        per_group = n_per_wish * (1.0 if self._size is None else mean_whole_number(self._size))
        stays = _modulated(spec.rates, spec.dwell, per_group, draws) if spec.process == "mmpp" else steady_rate(spec.rate / per_group)
        self._clock = CumulativeRate(stays, profile)
        self._gap = _unit_gap(spec)
        self._n_groups = 0
        self._operational = 0.0
        self._waiting = np.empty(0)

    def take(self, n: int) -> Floats:
        """Instants of the next n wishes, seconds, shape (n,); inf for those that never come."""
        if self._size is None:
            return self._groups(n)
        while self._waiting.size < n:
            first = self._n_groups
            at = self._groups(n)
            sizes = whole_numbers(self._size, self._draws, "arrival.size", first, n)
            self._waiting = np.concatenate((self._waiting, np.repeat(at, sizes)))
        taken, self._waiting = self._waiting[:n], self._waiting[n:]
        return taken

    def _groups(self, n: int) -> Floats:
        gaps = self._gap.quantile(self._draws.bulk("arrival.gap", self._n_groups, n))
        levels = np.cumsum(np.concatenate(([self._operational], gaps)))[1:]  # cumsum adds one by one, so pieces give the same sums
        self._n_groups += n
        self._operational = float(levels[-1]) if n else self._operational
        return self._clock.inverse(levels)


def _unit_gap(spec: Any) -> Law:
    """Law of the gaps in operational time, mean 1."""
    if spec.process in ("gamma", "weibull"):
        return parse_law({"law": spec.process, "mean": 1.0, "cv": spec.cv}, plain_number)
    return Weibull()  # of shape 1: exponential


def _modulated(rates: Sequence[float], dwell: Sequence[float], per_group: float, draws: Draws) -> Iterator[Stays]:
    """Stays of a Markov-modulated Poisson process: exponential, of mean `dwell` (seconds) in the state of each rate, the states in turn."""
    group_rates = np.asarray(rates, dtype=np.float64) / per_group
    means = np.asarray(dwell, dtype=np.float64)
    share = np.cumsum(means) / means.sum()
    state = min(int(np.searchsorted(share, draws.one("arrival.state"), side="right")), len(means) - 1)
    law = Weibull()
    ended_at = 0.0
    n = 0
    while True:
        states = (state + n + np.arange(_STAYS)) % len(means)
        lengths = law.quantile(draws.bulk("arrival.stay", n, _STAYS)) * means[states]
        ends = np.cumsum(np.concatenate(([ended_at], lengths)))[1:]
        yield ends, group_rates[states]
        ended_at = float(ends[-1])
        n += _STAYS
