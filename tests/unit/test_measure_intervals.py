"""Laws of estimates over replications."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from sbsim.measure.intervals import (
    FEWEST_REPLICATIONS,
    ClusterSums,
    Estimate,
    clustered_share_bound,
    mean_estimate,
    paired,
    paired_ratio,
    prediction_interval,
    ratio_estimate,
    share_upper_bound,
    t_quantile,
)

REPETITIONS = 4000


def covered(intervals: list[tuple[float, float]], truth: float) -> float:
    """Share of the intervals that hold the truth."""
    return sum(low <= truth <= high for low, high in intervals) / len(intervals)


def ends(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


def test_mean_and_half_width_are_the_textbook_t_interval() -> None:
    """The interval equals scipy's t interval of the sample."""
    values = [3.0, 5.5, 4.25, 8.0]
    estimate = mean_estimate(values)
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert ends(estimate) == pytest.approx((low, high), rel=1e-12)
    assert estimate.n == 4


def test_one_replication_has_no_half_width() -> None:
    """n = 1 gives a mean and a null half-width, and nothing that rests on one."""
    estimate = mean_estimate([2.0])
    assert estimate == Estimate(2.0, None, 1)
    assert (estimate.low, estimate.high, estimate.bound(0.95), prediction_interval(estimate)) == (None, None, None, None)


def test_values_that_do_not_exist_are_left_out_and_counted_off() -> None:
    """None is neither 0 nor nan: the estimate is over the replications that have a value."""
    assert mean_estimate([1.0, None, 3.0]) == mean_estimate([1.0, 3.0])
    assert mean_estimate([None, None]) == Estimate(None, None, 0)
    assert paired([1.0, None, 4.0], [0.5, 1.0, 2.0]) == mean_estimate([0.5, 2.0])
    assert ratio_estimate([1.0, None, 3.0], [2.0, 9.0, 4.0]) == ratio_estimate([1.0, 3.0], [2.0, 4.0])


def test_equal_values_have_half_width_zero() -> None:
    """A quantity without scatter is known exactly."""
    assert mean_estimate([0.1] * 7).half_width == pytest.approx(0.0, abs=1e-16)


def test_paired_needs_equal_lengths() -> None:
    """A pair that is missing altogether is a mistake of the caller."""
    with pytest.raises(ValueError, match="shorter"):
        paired([1.0, 2.0], [1.0])


def test_ratio_of_means_multiplies_back() -> None:
    """Ratio x mean denominator is the mean numerator, which the mean of ratios is not."""
    top, below = [1.0, 9.0, 2.0], [10.0, 11.0, 40.0]
    estimate = ratio_estimate(top, below)
    assert estimate.mean is not None
    assert estimate.mean * np.mean(below) == pytest.approx(np.mean(top), rel=1e-14)
    assert estimate.mean != pytest.approx(np.mean(np.divide(top, below)), rel=0.05)


def test_ratio_half_width_is_the_delta_method() -> None:
    """The half-width equals the textbook form by variances and covariance."""
    top, below = np.array([1.0, 9.0, 2.0, 4.0]), np.array([10.0, 11.0, 40.0, 7.0])
    ratio = top.mean() / below.mean()
    cov = np.cov(top, below)
    variance = (cov[0, 0] - 2 * ratio * cov[0, 1] + ratio**2 * cov[1, 1]) / below.mean() ** 2
    assert ratio_estimate(top.tolist(), below.tolist()).half_width == pytest.approx(t_quantile(0.975, 3) * sqrt(variance / 4), rel=1e-12)


def test_ratio_over_zero_is_null() -> None:
    """No mean denominator, no ratio; one replication with denominator 0 does not matter."""
    assert ratio_estimate([1.0, 2.0], [0.0, 0.0]) == Estimate(None, None, 0)
    assert ratio_estimate([], []) == Estimate(None, None, 0)
    assert ratio_estimate([1.0, 2.0], [0.0, 6.0]).mean == 0.5


def test_paired_ratio_of_equal_candidates_is_exactly_zero() -> None:
    """Common luck cancels: the difference of a candidate and itself has no scatter."""
    pair = ([1.0, 9.0, 2.0], [10.0, 11.0, 40.0])
    assert paired_ratio(pair, pair) == Estimate(0.0, 0.0, 3)


def test_paired_ratio_with_one_denominator_is_the_paired_mean() -> None:
    """Over constant denominators the ratio of means is linear, so both paired estimates agree."""
    a, b, two = [1.0, 9.0, 2.0], [2.0, 3.0, 5.0], [2.0, 2.0, 2.0]
    got, wanted = paired_ratio((a, two), (b, two)), paired([x / 2 for x in a], [y / 2 for y in b])
    assert (got.mean, got.half_width) == pytest.approx((wanted.mean, wanted.half_width), rel=1e-12)


def test_bound_is_one_sided() -> None:
    """The 95 % upper bound uses the 95 % quantile, and the 5 % bound mirrors it."""
    estimate = mean_estimate([1.0, 2.0, 4.0])
    upper, lower = estimate.bound(0.95), estimate.bound(0.05)
    assert upper is not None
    assert lower is not None
    assert estimate.mean is not None
    assert upper - estimate.mean == pytest.approx(t_quantile(0.95, 2) * stats.sem([1.0, 2.0, 4.0]), rel=1e-12)
    assert upper - estimate.mean == pytest.approx(estimate.mean - lower, rel=1e-12)


def test_prediction_interval_is_the_textbook_one() -> None:
    """mean -+ t s sqrt(1/n + 1/m)."""
    values = [1.0, 2.0, 4.0, 4.5]
    interval = prediction_interval(mean_estimate(values), 3)
    reach = stats.t.ppf(0.975, 3) * np.std(values, ddof=1) * sqrt(1 / 4 + 1 / 3)
    assert interval == pytest.approx((np.mean(values) - reach, np.mean(values) + reach), rel=1e-12)


def test_t_interval_covers() -> None:
    """Over 4,000 samples of 6 the 95 % interval holds the mean in 93.5 to 96.5 %; so does the paired one, whatever the shared luck."""
    draws = np.random.default_rng(1).normal(5.0, 2.0, size=(REPETITIONS, 6))
    luck = np.random.default_rng(2).exponential(30.0, size=(REPETITIONS, 6))
    assert 0.935 <= covered([ends(mean_estimate(row)) for row in draws.tolist()], 5.0) <= 0.965
    pairs = zip((draws + luck).tolist(), luck.tolist(), strict=True)
    assert 0.935 <= covered([ends(paired(a, b)) for a, b in pairs], 5.0) <= 0.965


def test_ratio_interval_covers() -> None:
    """Over 4,000 samples of 10 the delta-method interval holds the ratio of the true means in 93.5 to 96.5 %."""
    source = np.random.default_rng(3)
    below = source.normal(100.0, 10.0, size=(REPETITIONS, 10))
    top = 0.3 * below + source.normal(0.0, 4.0, size=below.shape)
    got = [ends(ratio_estimate(y, x)) for y, x in zip(top.tolist(), below.tolist(), strict=True)]
    assert 0.935 <= covered(got, 0.3) <= 0.965


def test_prediction_interval_covers_new_means() -> None:
    """Over 4,000 samples of 8 the mean of 3 new values lies inside in 93.5 to 96.5 %."""
    draws = np.random.default_rng(4).normal(5.0, 2.0, size=(REPETITIONS, 11))
    n_inside = 0
    for row in draws.tolist():
        interval = prediction_interval(mean_estimate(row[:8]), 3)
        assert interval is not None
        n_inside += interval[0] <= sum(row[8:]) / 3 <= interval[1]
    assert 0.935 <= n_inside / REPETITIONS <= 0.965


@pytest.mark.parametrize(("n_events", "n", "confidence"), [(0, 10, 0.95), (1, 10, 0.95), (3, 200, 0.9), (0, 1, 0.5), (85, 721, 0.99)])
def test_a_share_at_its_upper_bound_gives_so_few_events_in_one_of_so_many_cases(n_events: int, n: int, confidence: float) -> None:
    """The Clopper-Pearson bound solves P(at most n_events | share) = 1 - confidence; without events it is 1 - (1 - confidence)^(1/n)."""
    bound = share_upper_bound(n_events, n, confidence)
    assert stats.binom.cdf(n_events, n, bound) == pytest.approx(1 - confidence, abs=1e-12)
    if n_events == 0:
        assert bound == pytest.approx(1 - (1 - confidence) ** (1 / n))


def test_nothing_is_known_of_a_share_without_a_trial_that_went_well() -> None:
    """No trials, or events in all of them, bound nothing; impossible counts are refused."""
    assert share_upper_bound(0, 0) == share_upper_bound(5, 5) == 1.0
    for n_events, n in ((3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="events in 2 trials"):
            share_upper_bound(n_events, n)


# -- clustered trials ------------------------------------------------------------------------------------------------------------
def sums_of(sizes: np.ndarray, events: np.ndarray) -> ClusterSums:
    """Clusters of these sizes with these events."""
    return ClusterSums(int(sizes.sum()), int(events.sum()), len(sizes), int(sizes @ sizes), int(sizes @ events), int(events @ events))


@st.composite
def clustered(draw: st.DrawFn) -> list[ClusterSums]:
    """Replications of clusters, from none to all of whose trials had the event."""
    runs = []
    for _ in range(draw(st.integers(1, 6))):
        sizes = draw(st.lists(st.integers(1, 40), max_size=12))
        events = [draw(st.integers(0, size)) for size in sizes]
        runs.append(sums_of(np.array(sizes, dtype=np.int64), np.array(events, dtype=np.int64)))
    return runs


@given(clustered())
@example([sums_of(np.full(10, 40), np.array([20] * 9 + [21]))])  # more alike than chance: they tell no more than as many trials
def test_clusters_never_tell_more_than_their_trials_would(runs: list[ClusterSums]) -> None:
    """The clustered bound is never below Clopper and Pearson's of the pooled trials, nor below that of no event in as many trials as clusters."""
    n, n_events, n_clusters = (sum(getattr(run, name) for run in runs) for name in ("n", "n_events", "n_clusters"))
    bound = clustered_share_bound(runs)
    assert share_upper_bound(n_events, n) <= bound + 1e-12 <= 1.0 + 1e-12
    assert bound >= share_upper_bound(0, n_clusters)


def test_without_an_event_it_is_the_rule_of_three_over_clusters() -> None:
    """A hundred contents asked for forty times each and never wrong: at most about 3 in 100, not 3 in 4,000; nothing asked bounds nothing."""
    run = sums_of(np.full(100, 40), np.zeros(100, dtype=np.int64))
    assert clustered_share_bound([run]) == pytest.approx(3 / 100, abs=0.001)
    assert clustered_share_bound([]) == clustered_share_bound([ClusterSums(0, 0, 0, 0, 0, 0)]) == 1.0


def test_clusters_of_one_fortune_count_as_one_trial_each() -> None:
    """Thirty of 300 clusters of 20 wrong throughout bound the share as 30 of 300 trials do, but for Student's t."""
    events = np.where(np.arange(300) < 30, 20, 0)
    bound = clustered_share_bound([sums_of(np.full(300, 20), events)])
    assert bound == pytest.approx(share_upper_bound(30, 300), rel=0.01)


@pytest.mark.parametrize("n_runs", [1, FEWEST_REPLICATIONS])
def test_a_clustered_bound_covers_what_a_pooled_one_does_not(n_runs: int) -> None:
    """Clusters of 1 to 40 trials, each wrong throughout with probability 0.15: over 1,000 repetitions the bound covers it in at least 93.5 %."""
    source = np.random.default_rng(11)
    covered, pooled = 0, 0
    for _ in range(1000):
        runs = []
        for _ in range(n_runs):
            sizes = source.integers(1, 41, size=60)
            runs.append(sums_of(sizes, sizes * (source.random(60) < 0.15)))
        covered += clustered_share_bound(runs) >= 0.15
        pooled += share_upper_bound(sum(run.n_events for run in runs), sum(run.n for run in runs)) >= 0.15
    assert covered >= 935
    assert pooled < 850
