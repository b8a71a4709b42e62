"""What is wanted of a candidate: the KPI to minimise, the constraints to meet, and how candidates compare.

Owns the order of candidates in a search and the verdict on constraints. Knows KPIs by name and their values by replication; no setting, no run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sbsim.measure import Estimate, find_kpi, mean_estimate, ratio_estimate
from sbsim.scenario import Constraint, Objective

SHOWN = 0.95
"""Confidence of the one-sided bound that shows a constraint to be met, or to be missed."""


class Outcome(NamedTuple):
    """What is kept of one evaluation: KPIs by name (None: does not exist), whether the run was saturated, and why there is none where settings that
    are allowed one by one exclude each other."""

    kpis: Mapping[str, float | None]
    is_saturated: bool = False
    refusal: str = ""


class Standing(NamedTuple):
    """How good a candidate is; the smaller the better. Refused and saturated ones come last, before them those that miss constraints, by how much;
    among the others cost decides."""

    is_saturated: bool
    violation: float
    cost: float

    @property
    def is_eligible(self) -> bool:
        """Whether it may be chosen: not saturated, every constraint met, the objective exists."""
        return not self.is_saturated and self.violation == 0 and self.cost < inf


@dataclass(frozen=True)
class Goal:
    """The objective of a study.

    Attributes
    ----------
    minimise : KPI. constraints : all must be met.
    """

    minimise: str
    constraints: tuple[Constraint, ...] = ()

    @classmethod
    def of(cls, objective: Objective) -> Self:
        """The goal that a scenario states. Raises ScenarioError naming the nearest KPI."""
        find_kpi(objective.minimise, where="objective.minimise")
        for k, constraint in enumerate(objective.subject_to):
            find_kpi(constraint.kpi, where=f"objective.subject_to[{k}]")
        return cls(objective.minimise, objective.subject_to)

    def shifted(self, by: Mapping[str, float]) -> Goal:
        """The same goal with the bounds of its constraints moved, each by what `by` says for its KPI."""
        moved = (Constraint(limit.kpi, limit.op, limit.bound + by.get(limit.kpi, 0.0)) for limit in self.constraints)
        return Goal(self.minimise, tuple(moved))

    def standing(self, outcomes: Sequence[Outcome]) -> Standing:
        """The candidate of these outcomes, in the search.

        A constraint is met when its mean + 1 standard error (on the bad side) meets it; of a single replication nothing but its value is known.
        """
        if any(one.refusal for one in outcomes):
            return Standing(True, inf, inf)
        cost = self.cost(outcomes).mean
        missed = sum((self._shortfall(limit, outcomes) for limit in self.constraints), 0.0)
        return Standing(any(one.is_saturated for one in outcomes), missed, inf if cost is None else cost)

    def cost(self, outcomes: Sequence[Outcome]) -> Estimate:
        """The objective."""
        return estimate_of(self.minimise, outcomes)

    def feasible(self, outcomes: Sequence[Outcome]) -> bool | None:
        """Whether every constraint is met: True or False when one-sided 95 % bounds show it, None when they do not."""
        shown = [self.is_met(limit, outcomes) for limit in self.constraints]
        if any(one.is_saturated for one in outcomes) or False in shown:
            return False
        return None if None in shown else True

    def is_met(self, limit: Constraint, outcomes: Sequence[Outcome]) -> bool | None:
        """Whether one constraint is met, at one-sided 95 % confidence; None when it is not shown either way."""
        estimate = estimate_of(limit.kpi, outcomes)
        upper, lower = estimate.bound(SHOWN), estimate.bound(1 - SHOWN)
        if upper is None or lower is None or estimate.n < len(outcomes):
            return None
        met = [limit.is_met_by(upper), limit.is_met_by(lower)]
        if limit.op == "==" and lower < limit.bound < upper:
            return None
        return True if all(met) else None if any(met) else False

    def _shortfall(self, limit: Constraint, outcomes: Sequence[Outcome]) -> float:
        """By how much a constraint is missed, as a share of its bound; 0 when met, 1 when its KPI does not exist."""
        estimate = estimate_of(limit.kpi, outcomes)
        if estimate.mean is None:
            return 1.0
        margin = {"<": 1.0, ">": -1.0, "=": 0.0}[limit.op[0]] * (estimate.standard_error or 0.0)
        value = estimate.mean + margin
        if limit.is_met_by(value):
            return 0.0
        return max(abs(value - limit.bound) / (abs(limit.bound) or 1.0), 1e-12)


def estimate_of(kpi: str, outcomes: Sequence[Outcome]) -> Estimate:
    """A KPI's estimate over replications: the ratio of means where the KPI table says so, else the mean."""
    known = find_kpi(kpi)
    if known.is_ratio_of_means:
        return ratio_estimate(_column(known.numerator, outcomes), _column(known.denominator, outcomes))
    return mean_estimate(_column(kpi, outcomes))


def by_replication(kpi: str, outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    """One number per replication, shape (n,), whose mean is the KPI's estimate and whose spread is its standard error's; nan where it does not exist.

    Of a ratio of means R these are R + (y - R x) / mean(x): the delta method's linearisation, so that ratios can be compared like means.
    """
    known = find_kpi(kpi)
    if not known.is_ratio_of_means:
        return _array(_column(kpi, outcomes))
    y, x = _array(_column(known.numerator, outcomes)), _array(_column(known.denominator, outcomes))
    present = ~(np.isnan(x) | np.isnan(y))
    below = float(x[present].mean()) if present.any() else 0.0
    if below == 0:
        return np.full(len(outcomes), np.nan)
    ratio = float(y[present].mean()) / below
    values: NDArray[np.float64] = ratio + (y - ratio * x) / below
    return values


def _column(kpi: str, outcomes: Sequence[Outcome]) -> list[float | None]:
    return [one.kpis.get(kpi) for one in outcomes]


def _array(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
