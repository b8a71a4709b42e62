"""How sure a choice is: probabilities from paired replications under common random numbers.

Owns the joint posterior of candidates' means. Knows numbers only: a row per candidate, a column per replication.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

N_DRAWS = 20_000
"""Draws from the posterior: a probability of 0.95 is known to 0.0015."""


def posterior_draws(values: Floats, seed: int, n_draws: int = N_DRAWS) -> Floats:
    """Draws of the candidates' true means, shape (n_draws, k), from values (k, n), n >= 2, whose columns met the same luck.

    The joint Student t with n - 1 degrees of freedom around the sample means, with scale S / n and the full sample covariance S, so that the
    posterior of every difference is that of its paired t-test (Chick and Inoue, "New procedures to select the best simulated system using common
    random numbers", Management Science 47, 2001, section 2). S may be singular, as it is with more candidates than replications: draws are
    mixtures of the centred values themselves, sqrt(df / chi2) x sum_i z_i (x_i - mean) / sqrt(n (n - 1)).
    """
    n = values.shape[1]
    random = np.random.Generator(np.random.Philox(seed))
    means: Floats = values.mean(axis=1)
    centred = (values - means[:, None]) / np.sqrt(n * (n - 1))
    mixture: Floats = random.standard_normal((n_draws, n)) @ centred.T
    mixture *= np.sqrt((n - 1) / random.chisquare(n - 1, n_draws))[:, None]
    mixture += means
    return mixture


def probability_within(draws: Floats, choice: int, indifference: float) -> float:
    """Posterior probability that no candidate is better (smaller) than `choice` by more than `indifference`."""
    return float(np.mean(draws[:, choice] <= draws.min(axis=1) + indifference))


def probabilities_best(draws: Floats) -> Floats:
    """Posterior probability of each candidate to be the best, shape (k,); of equals the first."""
    return np.bincount(draws.argmin(axis=1), minlength=draws.shape[1]) / len(draws)


def probability_worse(difference: Floats, indifference: float) -> float:
    """Posterior probability that a mean exceeds `indifference`, from its paired values (n,), n >= 2."""
    from scipy.special import stdtr  # 0.3 s to import

    n = len(difference)
    error = float(difference.std(ddof=1)) / np.sqrt(n)
    excess = float(difference.mean()) - indifference
    if error == 0:
        return float(excess > 0)
    return float(stdtr(n - 1, excess / error))
