"""A line of the table: a simulated number beside an exact one, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import copysign, inf, log1p, nan, sqrt

from sbsim.measure import ratio_estimate

Z_LIMIT = 3.5
"""A line that is farther off than this fails; a faultless one is so in 1 of 2,150 trials."""

HALF_WIDTH = 0.01
"""Relative 95 % half-width that a line may have at scale 1: a blurred simulation proves nothing."""

_ROUNDING = 1e-9
"""Relative error allowed where chance has no part."""

Ratio = tuple[float | None, float | None]
"""Numerator and denominator of one replication; (x, 1) for a mean."""


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison.

    Attributes
    ----------
    kind : number of the experiment's kind, see `KINDS`. name : what is compared, with its unit.
    simulated, exact : estimate and closed form, in that unit. half_width : of the 95 % interval, same unit; 0 where chance has no part.
    z : (simulated - exact) / standard error, as a standard normal score: Student's t with as many degrees of freedom as there are replications less
    one is brought to the scale of the normal distribution. Where chance has no part a relative error of 1e-9 counts as 3.5.
    passed : |z| < 3.5 and the half-width is at most 1 % of the exact value (at scale 1), and nothing was left unfinished.
    """

    kind: int
    name: str
    simulated: float
    exact: float
    half_width: float
    z: float
    passed: bool


def judge(kind: int, name: str, ratios: Sequence[Ratio], exact: float, *, is_random: bool, most_half_width: float) -> Line:
    """The line for one quantity from its replications.

    Parameters
    ----------
    ratios : per replication, independent of each other; the estimate is the ratio of their means, its half-width by the delta method.
    exact : closed form. is_random : False where every replication must give the exact value; the farthest one is judged.
    most_half_width : largest half-width, as a fraction of `exact`, with which a line may pass.
    """
    if not is_random:
        values = [nan if top is None or not below else top / below for top, below in ratios]
        simulated = max(values, key=lambda value: abs(value - exact) if value == value else inf)
        z = Z_LIMIT * (simulated - exact) / (_ROUNDING * abs(exact))
        return Line(kind, name, simulated, exact, 0.0, z, abs(z) < Z_LIMIT)
    tops, belows = zip(*ratios, strict=True)
    estimate = ratio_estimate(tops, belows)
    if estimate.n < len(ratios) or estimate.mean is None or estimate.half_width is None or not estimate.standard_error:
        return Line(kind, name, nan if estimate.mean is None else estimate.mean, exact, nan, nan, False)
    z = normal_score((estimate.mean - exact) / estimate.standard_error, estimate.n - 1)
    is_sharp = estimate.half_width <= most_half_width * abs(exact)
    return Line(kind, name, estimate.mean, exact, estimate.half_width, z, abs(z) < Z_LIMIT and is_sharp)


def normal_score(t: float, df: int) -> float:
    """The standard normal quantile of the same tail as Student's t with `df` degrees of freedom.

    Source: Wallace, "Bounds on normal approximations to Student's and the chi-square distributions", Ann. Math. Statist. 30 (1959); within 0.03 for 7
    degrees of freedom and more up to |t| = 10, and finite where tails are too small for a float.
    """
    return copysign((8 * df + 1) / (8 * df + 3) * sqrt(df * log1p(t * t / df)), t)
