"""From what people know of a quantity (mean or median, coefficient of variation or 90th percentile) to a law's parameters."""

from __future__ import annotations

import math
from collections.abc import Callable

_Z90 = 1.2815515655446004
"""Upper decile of the standard normal distribution."""


class LawError(ValueError):
    """A law that means nothing; `path` names the key at fault within the mapping that was given."""

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Zero of a falling function between two positive numbers, by bisection of the logarithm."""
    for _ in range(200):
        middle = math.sqrt(low * high)
        if not low < middle < high:
            break
        if falling(middle) > 0:
            low = middle
        else:
            high = middle
    return math.sqrt(low * high)


def _shape_from_ratio(ratio: Callable[[float], float], wanted: float, low: float, high: float, what: str) -> float:
    """The shape whose `ratio` is `wanted`; ratios fall with the shape beyond their peak, and the lighter tail is meant where two shapes fit."""
    grid = [low * (high / low) ** (k / 400) for k in range(401)]
    heights = [ratio(shape) for shape in grid]
    top = max(range(401), key=lambda k: heights[k])
    if heights[-1] < wanted <= heights[top]:
        return _root(lambda shape: ratio(shape) - wanted, grid[max(top - 1, 0)] if heights[max(top - 1, 0)] >= wanted else grid[top], high)
    if top > 0 and heights[0] < wanted <= heights[top]:  # a 90th percentile below the mean: only the heavy side has one
        return _root(lambda shape: wanted - ratio(shape), low, grid[top])
    reach = f"between {min(heights[0], heights[-1]):.4g} and {heights[top]:.4g}"
    raise LawError(f"no such law: {what} is {wanted:.4g}, and it can be {reach}", "p90")


def fit_lognormal(mean: float | None, median: float | None, cv: float | None, p90: float | None) -> tuple[float, float]:
    """(median, sigma). With mean and p90: ln(p90 / mean) = z sigma - sigma^2 / 2, the smaller root unless only the larger is positive."""
    if cv is not None:
        sigma = math.sqrt(math.log1p(cv * cv))
    elif median is not None:
        assert p90 is not None
        sigma = math.log(p90 / median) / _Z90
    else:
        assert mean is not None
        assert p90 is not None
        rest = _Z90**2 - 2 * math.log(p90 / mean)
        if rest < 0:
            raise LawError(
                f"no such law: p90 / mean is {p90 / mean:.4g}, and of a lognormal law it is at most {math.exp(_Z90**2 / 2):.4g}; try median with p90",
                "p90",
            )
        sigma = _Z90 - math.sqrt(rest) if p90 >= mean else _Z90 + math.sqrt(rest)
    if median is None:
        assert mean is not None
        median = mean * math.exp(-sigma * sigma / 2)
    return median, sigma


def fit_weibull(mean: float | None, median: float | None, cv: float | None, p90: float | None) -> tuple[float, float]:
    """(scale, shape)."""

    def moment(k: float, order: int) -> float:
        return math.lgamma(1 + order / k)

    if cv is not None:
        shape = _shape_from_ratio(lambda k: moment(k, 2) - 2 * moment(k, 1), math.log1p(cv * cv), 0.05, 1e4, "ln(1 + cv^2)")
    elif median is not None:
        assert p90 is not None
        shape = math.log(math.log(10) / math.log(2)) / math.log(p90 / median)
    else:
        assert mean is not None
        assert p90 is not None
        shape = _shape_from_ratio(lambda k: math.exp(math.log(math.log(10)) / k - moment(k, 1)), p90 / mean, 0.05, 1e4, "p90 / mean")
    scale = median / math.log(2) ** (1 / shape) if median is not None else (mean or 0.0) / math.exp(moment(shape, 1))
    return scale, shape


def fit_gamma(mean: float | None, median: float | None, cv: float | None, p90: float | None) -> tuple[float, float]:
    """(scale, shape)."""
    from scipy.special import gammaincinv

    if cv is not None:
        shape = 1 / (cv * cv)
    elif median is not None:
        assert p90 is not None
        shape = _shape_from_ratio(lambda k: float(gammaincinv(k, 0.9) / gammaincinv(k, 0.5)), p90 / median, 0.01, 1e8, "p90 / median")
    else:
        assert mean is not None
        assert p90 is not None
        shape = _shape_from_ratio(lambda k: float(gammaincinv(k, 0.9) / k), p90 / mean, 0.01, 1e8, "p90 / mean")
    middle = float(gammaincinv(shape, 0.5))
    if median is not None and middle == 0.0:
        raise LawError(f"no such law: with cv {cv:g} the median of a gamma law is too small to compute; try mean with cv", "cv")
    return (median / middle if median is not None else (mean or 0.0) / shape), shape
