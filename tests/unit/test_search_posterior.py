"""Probabilities from paired replications, held against closed forms and against their own promise."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sbsim.search.posterior import posterior_draws, probabilities_best, probability_within, probability_worse


def candidates(random: np.random.Generator, means: list[float], n: int, own: float) -> NDArray[np.float64]:
    """Paired values: luck that all share, and a little of each candidate's own."""
    common = random.normal(0, 5, n)
    return np.array([mean + common + random.normal(0, own, n) for mean in means])


def test_a_difference_has_the_posterior_of_the_paired_t_test() -> None:
    """P(second better than first) from the draws is the p-value of the one-sided paired t-test, common luck cancelled."""
    values = candidates(np.random.default_rng(3), [10.0, 10.2], 8, own=0.4)
    draws = posterior_draws(values, seed=1, n_draws=200_000)
    exact = float(stats.ttest_rel(values[0], values[1], alternative="less").pvalue)
    assert 0.01 < exact < 0.5
    assert probabilities_best(draws)[1] == pytest.approx(exact, abs=0.004)
    assert probability_worse(values[0] - values[1], 0.0) == pytest.approx(exact, abs=1e-9)


def test_more_candidates_than_replications_are_no_obstacle() -> None:
    """A singular covariance still gives every pair its own t posterior."""
    values = candidates(np.random.default_rng(5), [10.0, 10.3, 10.1, 9.9, 10.6, 10.2], 5, own=0.3)
    draws = posterior_draws(values, seed=1, n_draws=100_000)
    for other in range(1, 6):
        share = float(np.mean(draws[:, other] < draws[:, 0]))
        assert share == pytest.approx(probability_worse(values[0] - values[other], 0.0), abs=0.01)


def test_indifference_forgives_small_differences() -> None:
    """Equal candidates are both right choices within the indifference; the chances to be the very best add up to 1."""
    values = candidates(np.random.default_rng(8), [10.0, 10.0, 12.0], 10, own=0.05)
    draws = posterior_draws(values, seed=2)
    assert probabilities_best(draws).sum() == pytest.approx(1.0)
    assert probability_within(draws, 0, 0.0) < 0.99
    assert probability_within(draws, 0, 0.5) > 0.999
    assert probability_within(draws, 2, 0.5) < 0.001


def test_identical_candidates_have_no_spread() -> None:
    """Settings that change nothing give the same values: a certain tie, not a division by zero."""
    values = np.array([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]])
    draws = posterior_draws(values, seed=1)
    assert probability_within(draws, 1, 0.0) == 1.0
    assert probability_worse(values[0] - values[1], 0.0) == 0.0
    assert probability_worse(values[0] - values[1], -0.1) == 1.0


@pytest.mark.slow
def test_a_choice_that_is_95_percent_sure_is_right_95_times_of_100() -> None:
    """Over many studies with flat prior on the differences, the stated probability is the share of right choices (calibration)."""
    random = np.random.default_rng(11)
    stated, right = [], []
    for _ in range(4000):
        means = random.normal(0, 1.0, 3)
        values = candidates(random, list(means), 8, own=0.8)
        k = int(values.mean(axis=1).argmin())
        stated.append(probability_within(posterior_draws(values, seed=1, n_draws=2000), k, 0.2))
        right.append(means[k] <= means.min() + 0.2)
    for low, high in ((0.5, 0.7), (0.7, 0.85), (0.85, 0.95), (0.95, 1.0)):
        chosen = [hit for chance, hit in zip(stated, right, strict=True) if low <= chance < high]
        expected = np.mean([chance for chance in stated if low <= chance < high])
        assert len(chosen) > 100
        assert abs(np.mean(chosen) - expected) < 3 * np.sqrt(0.25 / len(chosen)) + 0.03
