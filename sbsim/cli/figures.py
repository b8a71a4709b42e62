"""Numbers as people read them: no more digits than the half-width supports."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sbsim.measure import Estimate

NOTHING = "-"
"""Shown where a number does not exist: a ratio over 0, a half-width of one replication."""


def figures(estimate: Estimate) -> tuple[str, str]:
    """Mean and half-width as text with the same decimals: two digits of the half-width are kept."""
    if estimate.mean is None:
        return NOTHING, NOTHING
    decimals = _decimals(estimate.half_width) if estimate.half_width else _decimals_of_exact(estimate.mean)
    half_width = NOTHING if estimate.half_width is None else f"{estimate.half_width:,.{decimals}f}"
    return f"{estimate.mean:,.{decimals}f}", half_width


def with_half_width(estimate: Estimate) -> str:
    """`12.34 ± 0.56`, or the mean alone where it has no half-width."""
    mean, half_width = figures(estimate)
    return mean if half_width == NOTHING else f"{mean} ± {half_width}"


def _decimals(half_width: float) -> int:
    """Decimals that show two digits of `half_width`, 9 (a nano-dollar) at most."""
    return min(9, max(0, 1 - floor(log10(half_width))))


def _decimals_of_exact(value: float) -> int:
    """Decimals for a value without spread: none for whole numbers, else six significant digits."""
    if value == int(value):
        return 0
    return min(9, max(0, 5 - floor(log10(abs(value)))))
