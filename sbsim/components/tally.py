"""A lane's running estimate of its service time: a policy with a memory of two numbers.

Contract. `expected_s` is what slack and routing reckon with: mean + 2 deviations of the answered calls, and `initial_s` until the first answer. The
newest call weighs a tenth, older ones exponentially less; while there are fewer than ten, all weigh the same, so that the first does not speak
longest.
"""

from __future__ import annotations

from math import sqrt

WEIGHT = 0.1
"""Weight of the newest answer (a fraction)."""


class ServiceEstimate:
    """Weighted mean and variance of service times (Finch, "Incremental calculation of weighted mean and variance", 2009, eq. 124 and 143).

    Parameters
    ----------
    initial_s : seconds to expect until the first answer.

    Attributes
    ----------
    expected_s, mean_s : seconds that a call is expected to take at most, and on average. n : answers so far.
    """

    __slots__ = ("_variance", "expected_s", "mean_s", "n")

    def __init__(self, initial_s: float) -> None:
        self.expected_s = initial_s
        self.n = 0
        self.mean_s = initial_s
        self._variance = 0.0

    def add(self, seconds: float) -> None:
        """A call was answered after `seconds`."""
        self.n = n = self.n + 1
        weight = WEIGHT if n * WEIGHT > 1.0 else 1.0 / n
        difference = seconds - self.mean_s
        step = weight * difference
        self.mean_s = seconds if n == 1 else self.mean_s + step
        self._variance = (1.0 - weight) * (self._variance + difference * step)
        self.expected_s = self.mean_s + 2.0 * sqrt(self._variance)


class RunningTime:
    """Running seconds as a line in the number of items, `at_first_s` + n x `per_item_s`: least squares over answered calls, older ones weighing
    exponentially less. Neither part is ever negative; while all calls had one size, all of the time counts once per call.
    """

    __slots__ = ("_moments", "at_first_s", "per_item_s")

    def __init__(self) -> None:
        self.at_first_s = self.per_item_s = 0.0
        self._moments = (0.0, 0.0, 0.0, 0.0, 0.0)  # weights, and weighted sums of n, s, n n and n s

    def add(self, n_items: int, seconds: float) -> None:
        """A call of `n_items` ran for `seconds`."""
        keep = 1.0 - WEIGHT / 10
        weight, n, s, nn, ns = (keep * moment for moment in self._moments)
        self._moments = weight, n, s, nn, ns = weight + 1, n + n_items, s + seconds, nn + n_items * n_items, ns + n_items * seconds
        spread = weight * nn - n * n
        slope = (weight * ns - n * s) / spread if spread > 1e-9 * weight * nn else 0.0
        self.per_item_s = max(0.0, min(slope, s / n))
        self.at_first_s = max(0.0, (s - self.per_item_s * n) / weight)
