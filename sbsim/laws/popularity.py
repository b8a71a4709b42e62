"""How often each of many ranked things is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_EXACT_RANKS = 2**20


@dataclass(frozen=True)
class Popularity:
    """How often each of n ranked things is asked for: in proportion to 1 / (rank + 1)^exponent (Zipf); exponent 0 is uniform."""

    exponent: float = 0.0

    def rank(self, u: NDArray[np.float64], n: int) -> NDArray[np.int64]:
        """Ranks 0 … n - 1 that belong to uniforms, shape of `u`; rises with u.

        Exact inverse over the cumulated weights. Beyond the first 2^20 ranks the sum of the weights is replaced by its integral between half-integers
        (midpoint rule; relative error below 1e-13), so that catalogues of any size need no table.
        """
        import numpy as np

        u = np.asarray(u, dtype=np.float64)
        if self.exponent == 0:
            return np.asarray(np.minimum((u * n).astype(np.int64), n - 1), dtype=np.int64)
        head = _cumulated(self.exponent, min(n, _EXACT_RANKS))
        if n <= _EXACT_RANKS:
            return np.asarray(np.minimum(np.searchsorted(head, u * head[-1], side="right"), n - 1), dtype=np.int64)
        start = _EXACT_RANKS + 0.5
        mass = u * (head[-1] + self._integral(start, n + 0.5))
        ranks = np.searchsorted(head, mass, side="right")
        beyond = mass >= head[-1]
        ranks[beyond] = np.clip(np.ceil(self._upper_end(start, mass[beyond] - head[-1]) - 0.5) - 1, _EXACT_RANKS, n - 1)
        return np.asarray(ranks, dtype=np.int64)

    def _integral(self, a: float, b: float) -> float:
        """Integral of x^-exponent from a to b."""
        s = 1 - self.exponent
        return math.log(b / a) if s == 0 else a**s * math.expm1(s * math.log(b / a)) / s

    def _upper_end(self, a: float, area: NDArray[np.float64]) -> NDArray[np.float64]:
        """The b whose integral from a is `area`."""
        import numpy as np

        s = 1 - self.exponent
        ends: NDArray[np.float64] = a * np.exp(area if s == 0 else np.log1p(np.maximum(area * s / a**s, -1.0 + 1e-300)) / s)
        return ends


@lru_cache(maxsize=32)
def _cumulated(exponent: float, n: int) -> NDArray[np.float64]:
    import numpy as np

    weights = np.cumsum(np.arange(1, n + 1, dtype=np.float64) ** -exponent)
    weights.flags.writeable = False
    return weights
