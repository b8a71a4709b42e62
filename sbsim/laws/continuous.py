"""Laws with a density: each knows its inverse distribution function and its mean, truncated or not."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sbsim.laws.law import Law

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Continuous(Law):
    """Truncation for any of them: u is rescaled onto [F(minimum), F(maximum)], so that one uniform is one draw.

    Attributes
    ----------
    minimum, maximum : ends of the truncated law; 0 and inf where nothing was asked for.
    """

    minimum: float = 0.0
    maximum: float = math.inf

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        below, above = self._kept
        values = self._inverse(u if (below, above) == (0.0, 1.0) else below + np.asarray(u) * (above - below))
        clipped: NDArray[np.float64] = np.clip(values, self.low, self.high)
        return clipped

    @cached_property
    def mean(self) -> float:
        return self._partial_mean(self.minimum, self.maximum) / self.kept

    @property
    def low(self) -> float:
        return self.minimum

    @property
    def high(self) -> float:
        return self.maximum

    @property
    def kept(self) -> float:
        """Probability that truncation leaves of the law."""
        below, above = self._kept
        return above - below

    @cached_property
    def _kept(self) -> tuple[float, float]:
        """(F(minimum), F(maximum)) of the law before truncation."""
        return self._below(self.minimum), (1.0 if self.maximum == math.inf else self._below(self.maximum))

    def _scaled_ends(self, factor: float) -> dict[str, float]:
        return {"minimum": self.minimum * factor, "maximum": self.maximum * factor}

    @abstractmethod
    def _below(self, x: float) -> float:
        """F(x) before truncation."""

    @abstractmethod
    def _inverse(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Inverse of F before truncation."""

    @abstractmethod
    def _partial_mean(self, a: float, b: float) -> float:
        """Integral of x dF(x) over [a, b], before truncation."""


@dataclass(frozen=True)
class Uniform(Continuous):
    """Anything between `start` and `end`, equally likely."""

    start: float = 0.0
    end: float = 1.0

    @cached_property
    def mean(self) -> float:
        return (self.low + self.high) / 2

    @property
    def low(self) -> float:
        return max(self.start, self.minimum)

    @property
    def high(self) -> float:
        return min(self.end, self.maximum)

    def scaled(self, factor: float) -> Uniform:
        return replace(self, start=self.start * factor, end=self.end * factor, **self._scaled_ends(factor))

    def _below(self, x: float) -> float:
        return min(max((x - self.start) / (self.end - self.start), 0.0), 1.0)

    def _inverse(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.start + p * (self.end - self.start)

    def _partial_mean(self, a: float, b: float) -> float:
        a, b = max(a, self.start), min(b, self.end)
        return (b * b - a * a) / 2 / (self.end - self.start)


@dataclass(frozen=True)
class Weibull(Continuous):
    """F(x) = 1 - exp(-(x / scale)^shape); the exponential law is the one of shape 1."""

    scale: float = 1.0
    shape: float = 1.0

    def scaled(self, factor: float) -> Weibull:
        return replace(self, scale=self.scale * factor, **self._scaled_ends(factor))

    def _below(self, x: float) -> float:
        return -math.expm1(-((x / self.scale) ** self.shape))

    def _inverse(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        values: NDArray[np.float64] = self.scale * (-np.log1p(-p)) ** (1 / self.shape)
        return values

    def _partial_mean(self, a: float, b: float) -> float:
        k = 1 + 1 / self.shape
        if (a, b) == (0.0, math.inf):
            return self.scale * math.gamma(k)
        upto_b = 1.0 if b == math.inf else _gammainc(k, (b / self.scale) ** self.shape)
        return self.scale * math.gamma(k) * (upto_b - _gammainc(k, (a / self.scale) ** self.shape))


@dataclass(frozen=True)
class Gamma(Continuous):
    """Density proportional to x^(shape - 1) exp(-x / scale)."""

    scale: float = 1.0
    shape: float = 1.0

    def scaled(self, factor: float) -> Gamma:
        return replace(self, scale=self.scale * factor, **self._scaled_ends(factor))

    def _below(self, x: float) -> float:
        return _gammainc(self.shape, x / self.scale)

    def _inverse(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np
        from scipy.special import gammaincinv

        return np.asarray(self.scale * gammaincinv(self.shape, p), dtype=np.float64)

    def _partial_mean(self, a: float, b: float) -> float:
        upto_b = 1.0 if b == math.inf else _gammainc(self.shape + 1, b / self.scale)
        return self.scale * self.shape * (upto_b - _gammainc(self.shape + 1, a / self.scale))


@dataclass(frozen=True)
class Lognormal(Continuous):
    """exp of a normal variable: `median` = exp(its mean), `sigma` = its standard deviation."""

    median: float = 1.0
    sigma: float = 1.0

    def scaled(self, factor: float) -> Lognormal:
        return replace(self, median=self.median * factor, **self._scaled_ends(factor))

    def _z(self, x: float) -> float:
        return math.log(x / self.median) / self.sigma if 0 < x < math.inf else math.copysign(math.inf, x - 1)

    def _below(self, x: float) -> float:
        return _normal(self._z(x))

    def _inverse(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np
        from scipy.special import ndtri

        z: NDArray[np.float64] = np.asarray(ndtri(p), dtype=np.float64)
        return np.asarray(self.median * np.exp(self.sigma * z), dtype=np.float64)

    def _partial_mean(self, a: float, b: float) -> float:
        whole = self.median * math.exp(self.sigma**2 / 2)
        return whole * (_normal(self._z(b) - self.sigma) - _normal(self._z(a) - self.sigma))


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _gammainc(shape: float, x: float) -> float:
    from scipy.special import gammainc

    return float(gammainc(shape, x))
