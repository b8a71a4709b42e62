"""From what people know of a quantity (mean or median, coefficient of variation or 90th percentile) to a law's scale and shape.

Each family is described at scale 1 by functions of its shape, where a greater shape means a lighter tail; fitting finds the shape that has the known
ratio, then the scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_Z90 = 1.2815515655446004
"""Upper decile of the standard normal distribution."""
_N_GRID = 200

Function = Callable[[float], float]


class LawError(ValueError):
    """A law that means nothing; `path` names the key at fault within the mapping that was given."""

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True)
class Family:
    """A family of laws at scale 1, by shape. `low` and `high` bound the shapes that are sought: beyond them floats lose the law."""

    mean: Function
    median: Function
    p90: Function
    shape_of_cv: Function
    low: float
    high: float


def _gamma_quantile(p: float) -> Function:
    def quantile(shape: float) -> float:
        from scipy.special import gammaincinv

        return float(gammaincinv(shape, p))

    return quantile


def _weibull_cv(shape: float) -> float:
    """Square root of Gamma(1 + 2/k) / Gamma(1 + 1/k)^2 - 1."""
    return math.sqrt(math.expm1(math.lgamma(1 + 2 / shape) - 2 * math.lgamma(1 + 1 / shape)))


FAMILIES: Mapping[str, Family] = {
    "lognormal": Family(  # the shape is 1 / sigma
        mean=lambda k: math.exp(0.5 / k**2),
        median=lambda k: 1.0,
        p90=lambda k: math.exp(_Z90 / k),
        shape_of_cv=lambda cv: 1 / math.sqrt(math.log1p(cv * cv)),
        low=0.05,
        high=1e6,
    ),
    "gamma": Family(
        mean=lambda k: k,
        median=_gamma_quantile(0.5),
        p90=_gamma_quantile(0.9),
        shape_of_cv=lambda cv: 1 / (cv * cv),
        low=0.01,
        high=1e10,
    ),
    "weibull": Family(
        mean=lambda k: math.gamma(1 + 1 / k),
        median=lambda k: math.log(2) ** (1 / k),
        p90=lambda k: math.log(10) ** (1 / k),
        shape_of_cv=lambda cv: _shape(_weibull_cv, cv, 0.05, 1e5, "cv"),
        low=0.05,
        high=1e5,
    ),
}


def fit(kind: str, centre: str, middle: float, spread: str, width: float) -> tuple[float, float]:
    """(scale, shape) of the law of a family whose `centre` ("mean" or "median") is `middle` and whose `spread` ("cv" or "p90") is `width`.

    Two shapes may have the same p90 / mean: the lighter tail is meant, where there is one (a p90 below the mean has only a heavy one).

    Raises
    ------
    LawError
        When the family has no such law, with what it has.
    """
    family = FAMILIES[kind]
    centre_of: Function = family.mean if centre == "mean" else family.median
    try:
        if spread == "cv":
            shape = family.shape_of_cv(width)
        else:
            shape = _shape(lambda k: family.p90(k) / centre_of(k), width / middle, family.low, family.high, f"p90 / {centre}")
        scale = middle / centre_of(shape)
        if 0 < scale * family.mean(shape) < math.inf:
            return scale, shape
    except (OverflowError, ZeroDivisionError):
        pass
    raise LawError(f"the {kind} law with {centre} {middle:g} and {spread} {width:g} is beyond what floats hold; try a more moderate {spread}", spread)


def _shape(ratio: Function, wanted: float, low: float, high: float, what: str) -> float:
    """The shape at which `ratio` is `wanted`. Ratios fall with the shape from their peak on; below the peak, where there is a below, they rise."""
    grid = [low * (high / low) ** (k / _N_GRID) for k in range(_N_GRID + 1)]
    heights = [ratio(shape) for shape in grid]
    top = max(range(len(grid)), key=heights.__getitem__)
    if heights[-1] <= wanted <= heights[top]:
        return _crossing(ratio, wanted, grid[top], high)
    if heights[0] <= wanted <= heights[top]:
        return _crossing(ratio, wanted, grid[top], low)
    least = min(heights[0], heights[-1])
    advice = "a constant" if wanted < least else "a smaller one" if what == "cv" else "median and p90" if what == "p90 / mean" else "a smaller p90"
    message = f"no such law: {what} is {wanted:.6g} and can be anything from {least:.4g} to {heights[top]:.4g}; try {advice}"
    raise LawError(message, what.partition(" ")[0])


def _crossing(ratio: Function, wanted: float, above: float, below: float) -> float:
    """Where `ratio` crosses `wanted` between `above`, where it is greater, and `below`, by bisection of the logarithm down to neighbouring floats."""
    while True:
        middle = math.sqrt(above * below)
        if not min(above, below) < middle < max(above, below):
            return middle
        if ratio(middle) > wanted:
            above = middle
        else:
            below = middle
