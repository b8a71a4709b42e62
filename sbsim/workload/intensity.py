"""The cumulative arrival rate L(t) = integral of rate x profile from 0 to t, and its inverse: how operational time becomes seconds.

A process whose gaps have mean 1 in operational time, mapped through the inverse of L, arrives at the stated rate at every instant (the time-change
theorem for a Poisson process; a renewal process keeps its shape). The rate is constant between switches (one stay for ever, or the states of a
Markov-modulated process), the profile linear between its points, so L is made of parabolas and is inverted exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Stays = tuple[Floats, Floats]
"""(ends, rates) of consecutive stays, shape (k,): seconds at which each ends, arrivals per second during it."""


def steady_rate(rate: float) -> Iterator[Stays]:
    """One stay that never ends."""
    yield np.array([inf]), np.array([rate])


class CumulativeRate:
    """L(t), built as far as it is asked for.

    Parameters
    ----------
    stays : consecutive stays from 0 on.
    profile : points (seconds, factor) with rising seconds; constant before the first and after the last; empty: 1 throughout.
    """

    def __init__(self, stays: Iterator[Stays], profile: Sequence[tuple[float, float]] = ()) -> None:
        self._stays = stays
        self._point_at = np.array([at for at, _ in profile] or [0.0])
        self._factor = np.array([factor for _, factor in profile] or [1.0])
        self._slope = np.append(np.diff(self._factor) / np.diff(self._point_at), 0.0)  # after each point
        self._start_at = 0.0  # of the stay that has not been built yet
        self._start_level = 0.0
        # segments: where each starts, L there, the rate there, its slope within
        self._at = self._level = self._rate = self._bend = np.empty(0)
        self._last_at = 0.0

    def inverse(self, levels: Floats) -> Floats:
        """Seconds at which L reaches `levels`, shape (n,); inf where it never does. Levels rise, from one call to the next too."""
        while self._start_at < inf and levels.size and levels[-1] >= self._start_level:
            self._extend()
        k = np.searchsorted(self._level, levels, side="right") - 1
        rest = levels - self._level[k]
        rate, bend = self._rate[k], self._bend[k]
        with np.errstate(divide="ignore", invalid="ignore"):
            # rate x + bend x^2 / 2 = rest, without cancellation
            root = np.sqrt(np.maximum(rate * rate + 2 * bend * rest, 0.0))
            x = np.where(bend == 0.0, rest / rate, 2 * rest / (rate + root))
        x[rest <= 0.0] = 0.0
        at = np.minimum(self._at[k] + x, np.append(self._at[1:], inf)[k])
        at = np.maximum.accumulate(np.concatenate(([self._last_at], at)))[1:]  # roundings may not turn back the clock
        if at.size:
            self._last_at = float(at[-1])
            self._forget(int(k[-1]))
        return at

    def _extend(self) -> None:
        """Segments of the next stays, cut at the profile's points."""
        ends, rates = next(self._stays)
        starts = np.concatenate(([self._start_at], ends[:-1]))
        inside = self._point_at[(self._point_at > starts[0]) & (self._point_at < ends[-1])]
        at = np.unique(np.concatenate((starts, inside)))
        stay = np.searchsorted(starts, at, side="right") - 1
        point = np.searchsorted(self._point_at, at, side="right") - 1
        before = point < 0
        factor = np.where(before, self._factor[0], self._factor[point] + self._slope[point] * (at - self._point_at[point]))
        slope = np.where(before, 0.0, self._slope[point])
        rate, bend = rates[stay] * factor, rates[stay] * slope
        width = np.append(at[1:], ends[-1]) - at
        with np.errstate(invalid="ignore"):
            area = np.where(np.isinf(width), np.where(rate > 0.0, inf, 0.0), width * (rate + bend * width / 2))
        level = np.cumsum(np.concatenate(([self._start_level], area)))
        self._at, self._level = np.append(self._at, at), np.append(self._level, level[:-1])
        self._rate, self._bend = np.append(self._rate, rate), np.append(self._bend, bend)
        self._start_at, self._start_level = float(ends[-1]), float(level[-1])
        if self._factor[-1] == 0.0 and self._start_at >= self._point_at[-1]:
            self._start_at = inf  # nothing ever comes after the profile's end, however many stays follow

    def _forget(self, k: int) -> None:
        """Segments that lie behind are not needed again."""
        if k > 1024:
            self._at, self._level, self._rate, self._bend = self._at[k:], self._level[k:], self._rate[k:], self._bend[k:]
