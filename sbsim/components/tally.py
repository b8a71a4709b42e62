"""A lane's running estimate of its service time: a policy with a memory of two numbers.

`expected_s` is what slack and routing reckon with: mean + 2 deviations of the answered calls, exponentially weighted, `initial_s` until the first answer.
"""

from __future__ import annotations

from math import sqrt

WEIGHT = 0.1
"""Weight of the newest answer: the last ten calls or so speak (a fraction)."""


class ServiceEstimate:
    """Exponentially weighted mean and variance of service times in seconds (Finch, "Incremental calculation of weighted mean and variance", 2009, eq. 124, 143)."""

    __slots__ = ("_mean_s", "_variance", "expected_s", "n")

    def __init__(self, initial_s: float) -> None:
        self.expected_s = initial_s
        self.n = 0
        self._mean_s = 0.0
        self._variance = 0.0

    def add(self, seconds: float) -> None:
        """A call was answered after `seconds`."""
        self.n += 1
        if self.n == 1:
            self._mean_s = seconds
        else:
            difference = seconds - self._mean_s
            step = WEIGHT * difference
            self._mean_s += step
            self._variance = (1.0 - WEIGHT) * (self._variance + difference * step)
        self.expected_s = self._mean_s + 2.0 * sqrt(self._variance)
