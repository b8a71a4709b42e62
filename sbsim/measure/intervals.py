"""From replications to estimates: means, ratios of means, paired differences, and what new runs may show.

Owns the statistics of a handful of independent numbers and nothing else: it knows no KPI, no run and no scenario. All intervals are Student's t;
ratios of dollars are ratios of means with a half-width by the delta method (Cochran, "Sampling Techniques", 3rd ed. 1977, section 6.4), so that in
print fraction x denominator = numerator.

A value that a replication does not have (a ratio over 0) is None. It is left out, and `Estimate.n` counts the values that went in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import fsum, isfinite, sqrt
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over replications with its two-sided 95 % half-width.

    Attributes
    ----------
    mean : mean of the values, in their own unit; None when no replication has one.
    half_width : in the same unit; None when fewer than two replications have a value.
    n : replications that have a value.
    """

    mean: float | None
    half_width: float | None
    n: int

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % interval; None without one."""
        return None if self.mean is None or self.half_width is None else self.mean - self.half_width

    @property
    def high(self) -> float | None:
        """Upper end of the 95 % interval; None without one."""
        return None if self.mean is None or self.half_width is None else self.mean + self.half_width

    @property
    def standard_error(self) -> float | None:
        """Standard error of the mean; None without a half-width."""
        return None if self.half_width is None else self.half_width / t_quantile(0.975, self.n - 1)

    def bound(self, confidence: float) -> float | None:
        """One-sided bound: the true mean lies below it with probability `confidence` (0.95: an upper bound, 0.05: a lower one)."""
        error = self.standard_error
        return None if self.mean is None or error is None else self.mean + t_quantile(confidence, self.n - 1) * error

    def to_plain(self) -> dict[str, float | int | None]:
        """The JSON form `{"mean", "half_width", "n"}`."""
        return {"mean": self.mean, "half_width": self.half_width, "n": self.n}


NO_ESTIMATE = Estimate(None, None, 0)
"""What is known of a quantity that no replication has."""


@lru_cache(maxsize=512)
def t_quantile(p: float, df: int) -> float:
    """Quantile `p` of Student's t with `df` degrees of freedom."""
    from scipy.special import stdtrit  # 0.3 s to import: only when something is estimated

    return float(stdtrit(df, p))


def mean_estimate(values: Iterable[float | None]) -> Estimate:
    """Mean of one value per replication with its t half-width; None values are left out."""
    present = [value for value in values if value is not None]
    n = len(present)
    if n == 0:
        return NO_ESTIMATE
    mean = fsum(present) / n
    return Estimate(mean, _half_width([value - mean for value in present]), n)


def share_interval(k: int, n: int) -> tuple[float, float]:
    """Two-sided 95 % interval of a probability of which `k` of `n` independent trials are known (Clopper and Pearson, Biometrika 26, 1934)."""
    from scipy.special import betaincinv

    low = float(betaincinv(k, n - k + 1, 0.025)) if k else 0.0
    return low, float(betaincinv(k + 1, n - k, 0.975)) if k < n else 1.0


def ratio_estimate(numerators: Sequence[float | None], denominators: Sequence[float | None]) -> Estimate:
    """Ratio of two means over the same replications, with the delta-method half-width; no estimate when the mean denominator is 0.

    Replications that lack one of the two are left out of both.
    """
    return _ratio(numerators, denominators)[0]


def paired(a: Sequence[float | None], b: Sequence[float | None]) -> Estimate:
    """Mean of a - b over replications that met the same luck; pairs that lack a side are left out.

    Raises
    ------
    ValueError
        When the two differ in length.
    """
    return mean_estimate(None if x is None or y is None else x - y for x, y in zip(a, b, strict=True))


def paired_ratio(a: tuple[Sequence[float | None], Sequence[float | None]], b: tuple[Sequence[float | None], Sequence[float | None]]) -> Estimate:
    """Difference of two ratios of means, a - b, each given as (numerators, denominators) of the same replications; delta method on the difference."""
    keep = [i for i, values in enumerate(zip(*a, *b, strict=True)) if None not in values]
    (top_a, below_a), (top_b, below_b) = (([side[i] for i in keep] for side in pair) for pair in (a, b))
    ratio_a, errors_a = _ratio(top_a, below_a)
    ratio_b, errors_b = _ratio(top_b, below_b)
    if ratio_a.mean is None or ratio_b.mean is None:
        return NO_ESTIMATE
    return Estimate(ratio_a.mean - ratio_b.mean, _half_width([x - y for x, y in zip(errors_a, errors_b, strict=True)]), ratio_a.n)


def prediction_interval(estimate: Estimate, m: int = 1) -> tuple[float, float] | None:
    """Where the mean of `m` new replications will lie with probability 95 %: mean -+ t s sqrt(1/n + 1/m); None without a half-width.

    Source: Hahn and Meeker, "Statistical Intervals" (1991), section 4.6: a future sample of size m.
    """
    error = estimate.standard_error
    if estimate.mean is None or error is None:
        return None
    reach = t_quantile(0.975, estimate.n - 1) * error * sqrt(1 + estimate.n / m)
    return estimate.mean - reach, estimate.mean + reach


def share_upper_bound(n_events: int, n: int, confidence: float = 0.95) -> float:
    """What the true share of events does not exceed, with the given confidence, when `n_events` of `n` independent trials had one; 1.0 for no trial.

    Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26(4), 1934, one side
    of it: the share at which so few events have probability 1 - confidence. It lies below the truth in at most that share of cases.

    Raises
    ------
    ValueError
        When there are more events than trials, or fewer than none.
    """
    if not 0 <= n_events <= n:
        raise ValueError(f"{n_events} events in {n} trials; it must be 0 to {n}")
    return _share_bound(n_events, n, confidence)


class ClusterSums(NamedTuple):
    """Trials of one replication that come in clusters of like fortune (all that ask for one content), in sums over its clusters.

    Attributes
    ----------
    n, n_events : trials, and those that had the event. n_clusters : clusters with a trial.
    squares, products, event_squares : sums over clusters of trials^2, trials x events, events^2.
    """

    n: int
    n_events: int
    n_clusters: int
    squares: int
    products: int
    event_squares: int


FEWEST_REPLICATIONS = 4
"""Replications from which on they are the independent units of a clustered share; with fewer its clusters are. Clusters overstate the variance where
their sizes hardly vary between histories, and Student's t of two or three replications does so more: on the settings of `false_reuse.COVERAGE` the
margin over the estimate is 0.06 from the clusters of 3 replications and 0.06 to 0.08 from these, and about equal from 4 on."""


def clustered_share_bound(runs: Sequence[ClusterSums], confidence: float = 0.95) -> float:
    """What the true share of events does not exceed where trials come in clusters of like fortune; 1.0 for no trial. Approximate, and cautious.

    The share p is a ratio estimate, its variance v that of a ratio over independent units (Cochran 1977, section 6.4): the replications, or the
    clusters of all of them where there are fewer than `FEWEST_REPLICATIONS`. So many independent trials would know as much: n* = p (1 - p) / v, times
    (z / t)^2 for the variance being estimated itself, and never more than there were. The bound is Clopper and Pearson's of p n* events in n* trials,
    the method of Korn and Graubard, "Confidence intervals for proportions with small expected number of positive counts estimated from survey data",
    Survey Methodology 24(2), 1998, one side of it. It is never below what no event in as many trials as there were clusters would leave possible:
    some 3 / n_clusters (the rule of three), and all that is known where there was no event.
    """
    n, n_events, n_clusters, squares, products, event_squares = map(sum, zip(*runs, strict=True)) if runs else [0] * 6
    least = _share_bound(0, n_clusters, confidence)
    if n_events in (0, n):
        return _share_bound(1, 1, confidence) if n_events else least
    share = n_events / n
    n_units, errors = n_clusters, event_squares - 2 * share * products + share * share * squares
    if len(runs) >= FEWEST_REPLICATIONS:
        n_units, errors = len(runs), fsum((run.n_events - share * run.n) ** 2 for run in runs)
    if n_units < 2 or errors <= 0:
        n_alike = float(n if n_units > 1 else 1)
    else:
        from scipy.special import ndtri

        variance = errors / n**2 * n_units / (n_units - 1)
        n_alike = min(n, share * (1 - share) / variance * float(ndtri(confidence) / t_quantile(confidence, n_units - 1)) ** 2)
    return max(least, _share_bound(share * n_alike, n_alike, confidence))


def _share_bound(n_events: float, n: float, confidence: float) -> float:
    """Clopper and Pearson's upper bound; the numbers need not be whole."""
    if n_events >= n:
        return 1.0
    from scipy.special import betaincinv

    return float(betaincinv(n_events + 1, n - n_events, confidence))


def _half_width(deviations: Sequence[float]) -> float | None:
    """95 % half-width of a mean from the deviations around it."""
    n = len(deviations)
    if n < 2:
        return None
    return t_quantile(0.975, n - 1) * sqrt(fsum(d * d for d in deviations) / (n - 1) / n)


def _ratio(numerators: Sequence[float | None], denominators: Sequence[float | None]) -> tuple[Estimate, list[float]]:
    """The estimate and, per replication, the linearised error (y - R x) / mean(x) that it rests on."""
    pairs = [(y, x) for y, x in zip(numerators, denominators, strict=True) if y is not None and x is not None]
    n = len(pairs)
    below = fsum(x for _, x in pairs) / n if n else 0.0
    if below == 0 or not isfinite(below):
        return NO_ESTIMATE, []
    ratio = fsum(y for y, _ in pairs) / n / below
    errors = [(y - ratio * x) / below for y, x in pairs]
    return Estimate(ratio, _half_width(errors), n), errors
