"""What every law can do, whatever its kind."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Law(ABC):
    """A distribution of a quantity that is never negative."""

    @abstractmethod
    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values below which the law lies with probability `u`, shape of `u`, u in (0, 1)."""

    @property
    @abstractmethod
    def mean(self) -> float:
        """Mean, after truncation."""

    @property
    @abstractmethod
    def low(self) -> float:
        """Lower end of the support."""

    @property
    @abstractmethod
    def high(self) -> float:
        """Upper end of the support; may be inf."""

    @property
    def points(self) -> tuple[float, ...] | None:
        """Every value the law can take, ascending, or None where they are not finitely many."""
        return None

    @abstractmethod
    def scaled(self, factor: float) -> Self:
        """The law of `factor` times the quantity, `factor` > 0."""

    def unit_mean(self) -> Self:
        """The same shape with mean 1, as a factor of noise. Raises ValueError when the mean is 0."""
        if not 0 < self.mean < math.inf:
            raise ValueError(f"a law of mean {self.mean:g} cannot be rescaled to mean 1")
        return self if self.mean == 1.0 else self.scaled(1 / self.mean)
