"""Does a run tell about the long run: where its start-up ends, and whether it drowns.

Owns the warm-up instant of a study (MSER-5) and the saturation test. Knows plain columns of instants and values; no KPI, no money rule, no scenario.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sbsim.errors import ScenarioError

Floats = NDArray[np.float64]

MSER_BATCH = 5
"""Observations averaged into one before the cut is sought: the 5 of MSER-5."""
MIN_MSER_BATCHES = 20
"""With fewer batches the statistic has nothing to compare."""
NO_SCATTER = 1e-9
"""A standard deviation below this share of the largest value is rounding: a latency is a difference of instants."""
LONGEST_WARMUP = 0.25
"""A warm-up beyond this share of the horizon says that the horizon is too short."""

N_BATCH_MEANS = 20
T_18_AT_99_9 = 3.6104848845
"""Quantile 0.999 of Student's t with N_BATCH_MEANS - 2 degrees of freedom: a constant, since scipy takes 0.3 s to import (a test holds it)."""
TOLERATED_BACKLOG = 0.05
"""Share of the counted period that the backlog at its end may take to work off."""


class Series(NamedTuple):
    """What the warm-up is sought in: one replication's requests in order of arrival; all arrays of shape (n,).

    `latency_s` is nan for requests that were not delivered; `cost_usd` is what was attributed to each request.
    """

    arrived_at: Floats
    latency_s: Floats
    cost_usd: Floats


def mser5(values: Floats) -> int:
    """Observations to drop from the front of `values` (n,) so that the mean of the rest is known best: a multiple of 5, at most half.

    MSER: the cut d that minimises sum over i > d of (z_i - mean of the rest)^2 / (N - d)^2 on the batch means z of five (White, Cobb and Spratt, "A
    comparison of five steady-state truncation heuristics for simulation", WSC 2000). 0 for a constant series or one too short to judge.
    """
    n_batches = len(values) // MSER_BATCH
    if n_batches < 2:
        return 0
    z = values[: n_batches * MSER_BATCH].reshape(n_batches, MSER_BATCH).mean(axis=1)
    level = float(np.abs(z).max())
    z = z - z[n_batches // 2 :].mean()  # every admitted rest holds this half: what is constant there leaves sums without rounding
    left = np.arange(n_batches, 0, -1, dtype=np.float64)
    squares = np.cumsum((z * z)[::-1])[::-1] - np.cumsum(z[::-1])[::-1] ** 2 / left
    squares[squares < left * (NO_SCATTER * level) ** 2] = 0.0  # rounding must not choose the cut
    statistic = (squares / left**2)[: n_batches // 2 + 1]
    return int(np.argmin(statistic)) * MSER_BATCH


def find_warmup(replications: Sequence[Series], horizon_s: float) -> float:
    """The one warm-up instant of a study, seconds: the later of the MSER-5 cuts of latency and of attributed cost, each averaged over replications.

    The i-th requests of all replications are averaged, and a cut before request i becomes the mean arrival of the i-th requests.

    Raises
    ------
    ScenarioError
        When the cut lies beyond a quarter of the horizon or there are too few requests to judge.
    """
    n = min((len(one.arrived_at) for one in replications), default=0)
    if n < MIN_MSER_BATCHES * MSER_BATCH:
        raise ScenarioError(
            f"warmup: auto needs at least {MIN_MSER_BATCHES * MSER_BATCH} requests in every replication, given {n}: horizon too short; "
            "try a longer horizon, or name the warm-up as a duration"
        )
    arrived_at = np.mean([one.arrived_at[:n] for one in replications], axis=0)
    cut_at = 0.0
    for column in ("latency_s", "cost_usd"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # requests that no replication delivered have no mean
            averaged = np.nanmean([getattr(one, column)[:n] for one in replications], axis=0)
        known = ~np.isnan(averaged)
        cut = mser5(averaged[known])
        if cut:
            cut_at = max(cut_at, float(arrived_at[known][cut]))
    if cut_at > LONGEST_WARMUP * horizon_s:
        raise ScenarioError(
            f"warmup: auto finds the start-up over only after {cut_at:.6g} s, more than a quarter of {horizon_s:.6g} s: horizon too short; "
            f"try horizon: {4 * cut_at:.3g}s or more, or name the warm-up as a duration"
        )
    return cut_at


def backlog_integral(ready_at: Floats, left_at: Floats, instants: Floats) -> Floats:
    """Integral from the beginning to each of `instants` (k,) of how many requests are ready but not sent; request-seconds, shape (k,).

    `ready_at` and `left_at` (n,) are when each came to wait for a limit and when it stopped (sent or given up; inf: never).
    """
    return _integral(ready_at, instants) - _integral(left_at, instants)


def is_saturated(ready_at: Floats, left_at: Floats, sent_at: Floats, start_at: float, end_at: float) -> bool:
    """Whether demand exceeds what the lanes take in [start_at, end_at): the backlog grows, and working it off would take long.

    Both must hold: over the second half the backlog's slope is positive (least squares on 20 batch means, one-sided t-test at 0.1 %), and the backlog
    at the end, at the dispatch rate of the last quarter, stands for more than 5 % of the period.

    Parameters
    ----------
    ready_at, left_at : (n,) when each request that had to wait for a limit came to wait, and stopped (inf: never).
    sent_at : (m,) first sends. start_at, end_at : the counted period.
    """
    period_s = end_at - start_at
    if period_s <= 0:
        return False
    backlog = int(np.count_nonzero(ready_at <= end_at) - np.count_nonzero(left_at <= end_at))
    n_sent = int(np.count_nonzero((sent_at > end_at - period_s / 4) & (sent_at <= end_at)))
    if backlog == 0 or backlog * (period_s / 4) <= TOLERATED_BACKLOG * period_s * n_sent:
        return False
    edges = np.linspace(start_at + period_s / 2, end_at, N_BATCH_MEANS + 1)
    means = np.diff(backlog_integral(ready_at, left_at, edges)) / np.diff(edges)
    return _is_rising(means)


def _integral(instants: Floats, edges: Floats) -> Floats:
    """For each edge t: sum over instants <= t of (t - instant)."""
    ordered = np.sort(instants[np.isfinite(instants)])
    sums = np.concatenate(([0.0], np.cumsum(ordered)))
    n_before = np.searchsorted(ordered, edges, side="right")
    integral: Floats = n_before * edges - sums[n_before]
    return integral


def _is_rising(means: Floats) -> bool:
    """One-sided t-test at 0.1 % that the slope through N_BATCH_MEANS equally spaced means is positive."""
    x = np.arange(N_BATCH_MEANS) - (N_BATCH_MEANS - 1) / 2
    slope = float(x @ means) / float(x @ x)
    residuals = means - means.mean() - slope * x
    error = float(np.sqrt(residuals @ residuals / (N_BATCH_MEANS - 2) / (x @ x)))
    return slope > 0 and slope > T_18_AT_99_9 * error
