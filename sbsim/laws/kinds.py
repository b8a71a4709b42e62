"""The kinds of distributions: each knows its inverse distribution function, its mean and its support, truncated or not."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Law(ABC):
    """A distribution of a quantity that is never negative.

    Attributes
    ----------
    minimum, maximum : the law is truncated to [minimum, maximum]; 0 and inf where nothing was asked for.
    """

    minimum: float = 0.0
    maximum: float = math.inf

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values below which the law lies with probability `u`, shape of `u`, u in (0, 1)."""
        import numpy as np

        below, above = self._kept
        values = self._inverse(u if (below, above) == (0.0, 1.0) else below + np.asarray(u) * (above - below))
        clipped: NDArray[np.float64] = np.clip(values, self.low, self.high)
        return clipped

    @cached_property
    def mean(self) -> float:
        """Mean after truncation."""
        return self._partial_mean(self.minimum, self.maximum) / self.kept

    @property
    def low(self) -> float:
        """Lower end of the support."""
        return self.minimum

    @property
    def high(self) -> float:
        """Upper end of the support; may be inf."""
        return self.maximum

    @property
    def kept(self) -> float:
        """Probability that truncation leaves of the law."""
        below, above = self._kept
        return above - below

    @property
    def points(self) -> tuple[float, ...] | None:
        """Every value the law can take, ascending, or None where they are not finitely many."""
        return None

    def unit_mean(self) -> Self:
        """The same shape with mean 1, as a factor of noise. Raises ValueError when the mean is 0."""
        if not 0 < self.mean < math.inf:
            raise ValueError(f"a law of mean {self.mean:g} cannot be rescaled to mean 1")
        return self if self.mean == 1.0 else self.scaled(1 / self.mean)

    @cached_property
    def _kept(self) -> tuple[float, float]:
        """(F(minimum), F(maximum)) of the law before truncation."""
        return self._below(self.minimum), (1.0 if self.maximum == math.inf else self._below(self.maximum))

    @abstractmethod
    def scaled(self, factor: float) -> Self:
        """The law of `factor` times the quantity, `factor` > 0."""

    @abstractmethod
    def _below(self, x: float) -> float:
        """F(x) before truncation."""

    @abstractmethod
    def _inverse(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Inverse of F before truncation."""

    @abstractmethod
    def _partial_mean(self, a: float, b: float) -> float:
        """Integral of x dF(x) over [a, b], before truncation."""

    def _truncation(self, factor: float) -> dict[str, float]:
        return {"minimum": self.minimum * factor, "maximum": self.maximum * factor}


@dataclass(frozen=True)
class Constant(Law):
    """Always `value`."""

    value: float = 0.0

    @cached_property
    def mean(self) -> float:
        return self.value

    @property
    def low(self) -> float:
        return self.value

    @property
    def high(self) -> float:
        return self.value

    @property
    def points(self) -> tuple[float, ...]:
        return (self.value,)

    def scaled(self, factor: float) -> Constant:
        return Constant(value=self.value * factor)

    def unit_mean(self) -> Constant:
        if self.value <= 0:
            raise ValueError(f"a law of mean {self.value:g} cannot be rescaled to mean 1")
        return Constant(value=1.0)

    @cached_property
    def _kept(self) -> tuple[float, float]:  # nothing to rescale
        return 0.0, 1.0

    def _below(self, x: float) -> float:
        return float(x >= self.value)

    def _inverse(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        return np.full(np.shape(p), self.value)

    def _partial_mean(self, a: float, b: float) -> float:
        return self.value


@dataclass(frozen=True)
class Uniform(Law):
    """Anything between `start` and `end`, equally likely. Truncated it is another uniform law, and stored as such."""

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
        return replace(self, start=self.start * factor, end=self.end * factor, **self._truncation(factor))

    def _below(self, x: float) -> float:
        return min(max((x - self.start) / (self.end - self.start), 0.0), 1.0)

    def _inverse(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.start + p * (self.end - self.start)

    def _partial_mean(self, a: float, b: float) -> float:
        a, b = max(a, self.start), min(b, self.end)
        return (b * b - a * a) / 2 / (self.end - self.start)


@dataclass(frozen=True)
class Weibull(Law):
    """F(x) = 1 - exp(-(x / scale)^shape); the exponential law is the one of shape 1."""

    scale: float = 1.0
    shape: float = 1.0

    def scaled(self, factor: float) -> Weibull:
        return replace(self, scale=self.scale * factor, **self._truncation(factor))

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
class Gamma(Law):
    """Density proportional to x^(shape - 1) exp(-x / scale)."""

    scale: float = 1.0
    shape: float = 1.0

    def scaled(self, factor: float) -> Gamma:
        return replace(self, scale=self.scale * factor, **self._truncation(factor))

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
class Lognormal(Law):
    """exp of a normal variable: `median` = exp(its mean), `sigma` = its standard deviation."""

    median: float = 1.0
    sigma: float = 1.0

    def scaled(self, factor: float) -> Lognormal:
        return replace(self, median=self.median * factor, **self._truncation(factor))

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


@dataclass(frozen=True)
class Empirical(Law):
    """One of `values` (ascending), each with its probability. Truncation drops what lies outside when the law is made."""

    values: tuple[float, ...] = (0.0,)
    probabilities: tuple[float, ...] = (1.0,)

    @cached_property
    def mean(self) -> float:
        return math.fsum(value * p for value, p in zip(self.values, self.probabilities, strict=True))

    @property
    def low(self) -> float:
        return self.values[0]

    @property
    def high(self) -> float:
        return self.values[-1]

    @property
    def points(self) -> tuple[float, ...]:
        return self.values

    def scaled(self, factor: float) -> Empirical:
        return replace(self, values=tuple(value * factor for value in self.values))

    @cached_property
    def _kept(self) -> tuple[float, float]:  # nothing to rescale
        return 0.0, 1.0

    def _below(self, x: float) -> float:
        return math.fsum(p for value, p in zip(self.values, self.probabilities, strict=True) if value <= x)

    def _inverse(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        edges = np.cumsum(self.probabilities)[:-1]  # without the last: whatever rounding leaves of 1 belongs to the last value
        chosen: NDArray[np.float64] = np.asarray(self.values)[np.searchsorted(edges, p, side="right")]
        return chosen

    def _partial_mean(self, a: float, b: float) -> float:
        return self.mean


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _gammainc(shape: float, x: float) -> float:
    from scipy.special import gammainc

    return float(gammainc(shape, x))
