"""Laws of finitely many values. Truncating one makes another, so they carry no bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sbsim.laws.law import Law

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Constant(Law):
    """Always `value`."""

    value: float

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        return np.full(np.shape(u), self.value)

    @property
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
        return Constant(self.value * factor)


@dataclass(frozen=True)
class Empirical(Law):
    """One of `values` (ascending), each with its probability."""

    values: tuple[float, ...]
    probabilities: tuple[float, ...]

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        edges = np.cumsum(self.probabilities)[:-1]  # without the last: whatever rounding leaves of 1 belongs to the last value
        chosen: NDArray[np.float64] = np.asarray(self.values)[np.searchsorted(edges, u, side="right")]
        return chosen

    @property
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
        return Empirical(tuple(value * factor for value in self.values), self.probabilities)
