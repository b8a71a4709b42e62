"""Arrival processes against their declared laws, and the cumulative rate against arithmetic."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sbsim.laws import parse_law, plain_number
from sbsim.seeds import Draws
from sbsim.workload.arrivals import Arrivals, mean_whole_number, whole_numbers
from sbsim.workload.intensity import CumulativeRate, steady_rate

N = 40_000
SEEDS = (1, 2, 3)
TINY = 1e-9


def spec(process: str, **given: Any) -> Any:
    return SimpleNamespace(**{"rate": None, "cv": None, "rates": None, "dwell": None, "size": None, "process": process, **given})


def law(**given: Any) -> Any:
    return parse_law(given, plain_number)


def instants(process: Any, seed: int, n: int = N, profile: Any = (), n_per_wish: float = 1.0) -> Any:
    return Arrivals(process, profile, n_per_wish, Draws(seed, 0)).take(n)


def gamma_law(cv: float, rate: float) -> Any:
    return stats.gamma(1 / cv**2, scale=cv**2 / rate)


def weibull_law(cv: float, rate: float) -> Any:
    from scipy.optimize import brentq

    shape = brentq(lambda k: math.gamma(1 + 2 / k) / math.gamma(1 + 1 / k) ** 2 - 1 - cv**2, 0.2, 20)
    return stats.weibull_min(shape, scale=1 / rate / math.gamma(1 + 1 / shape))


RENEWALS = [
    (spec("poisson", rate=2.0), stats.expon(scale=0.5)),
    (spec("gamma", rate=2.0, cv=0.4), gamma_law(0.4, 2.0)),
    (spec("gamma", rate=2.0, cv=2.5), gamma_law(2.5, 2.0)),
    (spec("weibull", rate=2.0, cv=0.4), weibull_law(0.4, 2.0)),
    (spec("weibull", rate=2.0, cv=2.5), weibull_law(2.5, 2.0)),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("process", "gap"), RENEWALS, ids=lambda one: getattr(one, "process", ""))
def test_gaps_have_the_declared_law(process, gap, seed):
    """Gaps of a renewal process are independent draws of its law (Kolmogorov-Smirnov, and no correlation with the gap before)."""
    gaps = np.diff(instants(process, seed), prepend=0.0)
    tiny = gap.cdf(TINY)  # smaller gaps drown in the roundings of instants around 10^4 s
    assert stats.binomtest(int((gaps < TINY).sum()), N, tiny).pvalue > 0.001
    assert stats.kstest((gap.cdf(gaps[gaps >= TINY]) - tiny) / (1 - tiny), stats.uniform.cdf).pvalue > 0.001
    assert abs(stats.spearmanr(gaps[1:], gaps[:-1]).statistic) < 4 / math.sqrt(N)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "process",
    [
        *(one for one, _ in RENEWALS),
        spec("mmpp", rates=(1.0, 4.0), dwell=(20.0, 10.0)),
        spec("batch", rate=2.0, size=law(law="empirical", values=[1, 2, 6], weights=[5, 3, 2])),
        spec("batch", rate=2.0, size=law(law="exponential", mean=1.5)),
    ],
    ids=lambda one: one.process,
)
def test_a_rate_counts_requests(process, seed):
    """Whatever the process, requests come at the stated rate: batches and wishes for variants come so much the rarer."""
    for n_per_wish in (1.0, 2.5):
        at = instants(process, seed, n_per_wish=n_per_wish)
        n_batches = np.unique(at).size
        gaps = np.diff(np.unique(at))
        n_independent = n_batches / (6 if process.process == "mmpp" else 2)
        spread = 3.5 * max(1.0, gaps.std() / gaps.mean()) / math.sqrt(n_independent)
        assert N / at[-1] * n_per_wish == pytest.approx(2.0, rel=spread)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_modulated_process_has_the_burstiness_of_theory(seed):
    """CV of the gaps of a two-state MMPP (Fischer and Meier-Hellstern 1993, eq. for the interval-stationary squared CV)."""
    (a, b), (s, t) = (1.0, 8.0), (1 / 30, 1 / 10)
    gaps = np.diff(instants(spec("mmpp", rates=(a, b), dwell=(1 / s, 1 / t)), seed, 200_000))
    exact = 1 + 2 * (a - b) ** 2 * s * t / ((s + t) ** 2 * (a * b + a * t + b * s))
    assert (gaps.std() / gaps.mean()) ** 2 == pytest.approx(exact, rel=0.06)


@pytest.mark.parametrize("seed", range(8))
def test_a_modulated_process_starts_anywhere_in_its_cycle(seed):
    """The first state is drawn by the time spent in each: an on-off source is off at first in its share of histories."""
    starts = [instants(spec("mmpp", rates=(0.0, 1000.0), dwell=(30.0, 10.0)), 100 * seed + k, 1)[0] for k in range(100)]
    assert stats.binomtest(sum(at > 0.05 for at in starts), 100, 0.75).pvalue > 0.001


def test_batches_have_the_declared_sizes():
    """Requests of one batch share an instant, and batches are as large as their law says."""
    sizes = np.unique(instants(spec("batch", rate=2.0, size=law(law="empirical", values=[1, 3], weights=[1, 1])), 5), return_counts=True)[1][:-1]
    assert set(sizes.tolist()) == {1, 3}
    assert stats.binomtest(int((sizes == 3).sum()), sizes.size, 0.5).pvalue > 0.001


PROFILE = ((100.0, 0.5), (400.0, 2.0), (500.0, 2.0), (500.5, 0.0), (600.0, 0.0), (900.0, 1.5))


def cumulative(at: Any, rate: float) -> Any:
    """The integral of rate x profile on a fine grid, by the trapezoidal rule: exact for what is linear between its points."""
    grid = np.unique(np.concatenate((np.linspace(0, 5000, 100_001), [t for t, _ in PROFILE])))
    density = rate * np.interp(grid, [t for t, _ in PROFILE], [f for _, f in PROFILE])
    total = np.concatenate(([0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(grid))))
    fine = np.interp(at, grid, density)
    left = np.searchsorted(grid, at, side="right") - 1
    return total[left] + (density[left] + fine) / 2 * (at - grid[left])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_profile_is_a_change_of_time(seed):
    """Measured in expected requests, gaps under a profile are the gaps of the process: unit exponentials for Poisson, none in its pauses."""
    at = instants(spec("poisson", rate=20.0), seed, 20_000, PROFILE)
    at = at[at < 5000]
    assert at.size == 20_000
    assert stats.kstest(np.diff(cumulative(at, 20.0), prepend=0.0), stats.expon.cdf).pvalue > 0.001
    assert not np.any((at > 500.5) & (at < 600))
    assert np.all(np.diff(at) >= 0)


def test_the_profile_keeps_the_shape_of_any_process():
    """The same draws without a profile are the same instants in operational time."""
    plain = instants(spec("gamma", rate=1.0, cv=2.0), 4, 3000)
    bent = instants(spec("gamma", rate=1.0, cv=2.0), 4, 3000, PROFILE)
    inside = bent < 5000
    assert cumulative(bent[inside], 1.0) == pytest.approx(plain[inside], rel=1e-9, abs=1e-6)


def test_a_profile_bends_a_modulated_process_too():
    """A constant profile of 2 halves nothing but the gaps within stays: stays keep their length in seconds."""
    on_off = spec("mmpp", rates=(0.0, 50.0), dwell=(100.0, 100.0))
    once, twice = instants(on_off, 2, 60_000), instants(on_off, 2, 120_000, ((0.0, 2.0),))

    def bursts(at: Any) -> Any:
        return at[1:][np.diff(at) > 5]

    n = min(bursts(once).size, bursts(twice).size)
    assert n > 5
    assert np.abs(bursts(once)[:n] - bursts(twice)[:n]).max() < 1.0


def test_nothing_comes_after_a_profile_that_ends_at_zero():
    """Where the rate stays 0 for ever, what is still asked for never comes, for a modulated process too."""
    ending = ((0.0, 1.0), (100.0, 0.0))
    for process in (
        spec("poisson", rate=1.0),
        spec("mmpp", rates=(1.0, 2.0), dwell=(5.0, 5.0)),
        spec("batch", rate=1.0, size=law(law="constant", value=3)),
    ):
        at = instants(process, 3, 500, ending)
        assert 20 < np.isfinite(at).sum() < 120
        assert at[np.isfinite(at)].max() < 100
        assert np.all(np.isinf(at[~np.isfinite(at)]))


def test_instants_scale_with_the_rate():
    """Common random numbers: at twice the rate every request comes at half its time."""
    assert instants(spec("weibull", rate=4.0, cv=2.0), 9) * 2 == pytest.approx(instants(spec("weibull", rate=2.0, cv=2.0), 9), rel=1e-12)


def test_levels_of_the_cumulative_rate_by_hand():
    """A rate that rises from 0 to 2 in 10 s reaches level 2.5 after 5 s, and then 2 a second."""
    clock = CumulativeRate(steady_rate(2.0), ((0.0, 0.0), (10.0, 1.0)))
    assert clock.inverse(np.array([0.0, 2.5, 10.0, 14.0])) == pytest.approx([0.0, 5.0, 10.0, 12.0])


@pytest.mark.parametrize(
    ("given", "exact"),
    [
        ({"law": "constant", "value": 3}, 3.0),
        ({"law": "empirical", "values": [1, 4], "weights": [3, 1]}, 1.75),
        ({"law": "uniform", "low": 0, "high": 2}, 1.25),  # max(1, X): 1/2 x 1 + 1/2 x 1.5
        ({"law": "exponential", "mean": 2}, 1 + 2 * math.exp(-0.5)),
        ({"law": "lognormal", "median": 3, "cv": 0.5, "min": 1}, None),
    ],
)
def test_whole_numbers_keep_their_mean(given, exact):
    """Counts are 1 or more, their mean is E[max(1, X)], and the mean that is used for rates is the mean of what is drawn."""
    counts = whole_numbers(law(**given), Draws(1, 0), "count", 0, 200_000)
    mean = mean_whole_number(law(**given))
    assert counts.min() >= 1
    assert mean == pytest.approx(law(**given).mean if exact is None else exact, rel=1e-6)
    assert counts.mean() == pytest.approx(mean, abs=4 * counts.std() / math.sqrt(200_000) + 1e-12)
