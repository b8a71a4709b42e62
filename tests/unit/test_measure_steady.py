"""Laws of the warm-up search and of the saturation test."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sbsim.errors import ScenarioError
from sbsim.measure.steady import N_BATCH_MEANS, T_18_AT_99_9, Series, backlog_integral, find_warmup, is_saturated, mser5

Floats = NDArray[np.float64]


def brute_mser5(values: Floats) -> int:
    """The definition, cut by cut."""
    z = [float(np.mean(values[k : k + 5])) for k in range(0, len(values) - 4, 5)]
    best = min(range(len(z) // 2 + 1), key=lambda d: sum((x - np.mean(z[d:])) ** 2 for x in z[d:]) / (len(z) - d) ** 2)
    return 5 * best


def queue(rate: float, service_s: float, horizon: float, seed: int) -> tuple[Floats, Floats]:
    """Ready and sent instants of a queue with Poisson arrivals before one slot with exponential service."""
    source = np.random.default_rng(seed)
    ready_at = np.cumsum(source.exponential(1 / rate, size=int(2 * rate * horizon) + 100))
    ready_at = ready_at[ready_at < horizon]
    free_at, sent_at = 0.0, []
    for at, service in zip(ready_at.tolist(), source.exponential(service_s, size=len(ready_at)).tolist(), strict=True):
        sent_at.append(max(at, free_at))
        free_at = sent_at[-1] + service
    return ready_at, np.array(sent_at)


@pytest.mark.parametrize("seed", range(5))
def test_mser5_is_its_definition(seed: int) -> None:
    """The vectorised cut equals the cut found by the definition, with and without a trend."""
    source = np.random.default_rng(seed)
    values = source.normal(size=203) + (100.0 + 4 * np.exp(-np.arange(203) / 20) if seed % 2 else 0.0)
    assert mser5(values) == brute_mser5(values)


def test_mser5_finds_a_planted_transient() -> None:
    """A start-up of 200 observations far above the rest is cut off whole, and little more."""
    source = np.random.default_rng(11)
    for _ in range(20):
        values = source.normal(10.0, 1.0, size=2000)
        values[:200] += np.linspace(30.0, 5.0, 200)
        assert 195 <= mser5(values) <= 400


def test_mser5_cuts_half_at_most() -> None:
    """The best cut of a series that settles later lies at the end of the admitted half, and is found there."""
    late = np.concatenate([np.full(150, 9.0), np.full(50, 1.0)]) + np.tile([0.0, 0.01, 0.0, 0.02, 0.0], 40)
    late[:100] += 50.0
    assert mser5(late) == brute_mser5(late) == 100


def test_mser5_is_blind_to_the_level() -> None:
    """A large level takes no digits from the sums: the cut is the one of the series without it."""
    source = np.random.default_rng(3)
    values = source.normal(size=1000) + np.where(np.arange(1000) < 100, 8.0, 0.0)
    assert mser5(values) == mser5(values + 1e8) > 95


def test_mser5_leaves_a_constant_series_alone() -> None:
    """Rounding must not choose a cut, and a constant rest is the best there is; a series may be too short."""
    assert mser5(np.full(1000, 0.1)) == 0
    assert mser5(np.full(1000, 1e9 + 0.1)) == 0
    assert mser5(np.tile([0.1, 0.2, 0.3, 0.4, 0.7], 200)) == 0
    assert mser5(np.concatenate([np.full(50, 7.0), np.full(950, 0.1)])) == 50
    arrived_at = np.cumsum(np.random.default_rng(1).exponential(7.0, 2000))
    assert mser5((arrived_at + 20.0) - arrived_at) == 0
    assert mser5(np.array([3.0, 1.0, 2.0])) == 0
    assert mser5(np.zeros(0)) == 0


def series(n: int, n_latency: int, n_cost: int, seed: int) -> Series:
    """One request a second; a start-up of n_latency requests in the latency and of n_cost in the cost."""
    source = np.random.default_rng(seed)
    latency, cost = source.normal(5, 0.5, size=n), source.normal(1, 0.1, size=n)
    latency[:n_latency] += 20
    cost[:n_cost] += 5
    return Series(np.arange(n) + 0.25, latency, cost)


def test_warmup_is_the_later_of_both_cuts() -> None:
    """Latency or cost, whichever settles later, decides, as an instant."""
    for n_latency, n_cost in ((100, 300), (300, 100)):
        found = find_warmup([series(2000, n_latency, n_cost, seed) for seed in range(4)], 2000.0)
        assert found % 1 == 0.25
        assert 300 <= found <= 500


def test_warmup_of_a_steady_start_is_short() -> None:
    """Without a start-up the cut takes little."""
    cuts = [find_warmup([series(4000, 0, 0, 10 * k + seed) for seed in range(3)], 4000.0) for k in range(5)]
    assert np.median(cuts) <= 200


def test_undelivered_requests_do_not_spoil_the_warmup() -> None:
    """A latency that no replication has is left out, and its neighbours keep their instants."""
    whole = [series(2000, 300, 0, seed) for seed in range(3)]
    for one in whole:
        one.latency_s[::7] = np.nan
    whole[0].latency_s[::3] = np.nan
    assert 290 <= find_warmup(whole, 2000.0) <= 500


def test_late_cut_or_few_requests_mean_horizon_too_short() -> None:
    """A cut past a quarter of the horizon is an error that says so, and so is a handful of requests."""
    with pytest.raises(ScenarioError, match="horizon too short"):
        find_warmup([series(1000, 400, 0, 1)], 1000.0)
    flat = Series(np.arange(100.0), np.full(100, 2.0), np.full(100, 3.0))
    assert find_warmup([flat], 100.0) == 0.0  # 100 requests are enough
    with pytest.raises(ScenarioError, match="given 99"):
        find_warmup([series(99, 0, 0, 1)], 99.0)
    with pytest.raises(ScenarioError, match="given 0"):
        find_warmup([], 99.0)


def test_backlog_integral_is_the_sum_of_waits() -> None:
    """Little as an identity: request-seconds in the backlog up to t equal the waits so far, whatever the order of leaving."""
    source = np.random.default_rng(5)
    ready_at = np.sort(source.uniform(0, 100, size=300))
    left_at = ready_at + source.exponential(5, size=300)
    left_at[::50] = np.inf
    edges = np.array([0.0, 10.0, 55.5, 100.0, 400.0])
    wanted = [sum(min(out, t) - at for at, out in zip(ready_at, left_at, strict=True) if at < t) for t in edges]
    assert backlog_integral(ready_at, left_at, edges) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def test_t_constant_is_the_quantile() -> None:
    """The constant stands for scipy's quantile."""
    assert pytest.approx(stats.t.ppf(0.999, N_BATCH_MEANS - 2), rel=1e-9) == T_18_AT_99_9


@pytest.mark.parametrize("load", [1.15, 1.5, 4.0])
def test_overload_is_saturated(load: float) -> None:
    """More demand than the slot takes is found, whether or not the rest is worked off later."""
    for seed in range(5):
        ready_at, sent_at = queue(load, 1.0, 4000.0, seed)
        assert is_saturated(ready_at, sent_at, sent_at, 0.0, 4000.0)
        assert is_saturated(ready_at, np.where(sent_at > 4000, np.inf, sent_at), sent_at[sent_at <= 4000], 400.0, 4000.0)


@pytest.mark.parametrize("load", [0.3, 0.8, 0.9])
def test_a_loaded_but_stable_queue_is_not_saturated(load: float) -> None:
    """Waiting is not drowning: at most one false alarm in 40 histories."""
    n_alarms = 0
    for seed in range(40):
        ready_at, sent_at = queue(load, 1.0, 4000.0, 100 + seed)
        n_alarms += is_saturated(ready_at, sent_at, sent_at, 0.0, 4000.0)
    assert n_alarms <= 1


def test_a_large_backlog_that_does_not_grow_is_not_saturated() -> None:
    """Both conditions are needed: here the backlog stands for a fifth of the period, and is flat."""
    ready_at = np.arange(0.0, 1000.0)
    assert not is_saturated(ready_at, ready_at + 200, ready_at + 200, 0.0, 1000.0)


def test_a_growing_backlog_that_is_soon_worked_off_is_not_saturated() -> None:
    """Both conditions are needed: here the backlog grows to 8 requests of 1,000."""
    ready_at = np.arange(0.0, 1000.0)
    sent_at = ready_at + ready_at * 0.008
    assert not is_saturated(ready_at, sent_at, sent_at, 0.0, 1000.0)
    assert is_saturated(ready_at, ready_at * 1.08, ready_at * 1.08, 0.0, 1000.0)


def test_nothing_sent_in_the_last_quarter_is_saturated_when_requests_wait() -> None:
    """A lane that takes nothing any more works off nothing."""
    ready_at = np.arange(0.0, 1000.0)
    sent_at = np.where(ready_at < 300, ready_at, np.inf)
    assert is_saturated(ready_at, sent_at, sent_at[sent_at < np.inf], 0.0, 1000.0)
    assert not is_saturated(np.zeros(0), np.zeros(0), np.zeros(0), 0.0, 1000.0)
    assert not is_saturated(ready_at, sent_at, sent_at, 5.0, 5.0)
