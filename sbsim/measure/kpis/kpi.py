"""What a KPI is: a row of the table from which schema, documentation and results are made. Knows no particular KPI."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sbsim.measure.counted import Counted
from sbsim.records import PRIORITIES

Kind = Literal["sum", "mean", "ratio", "quantile", "extreme"]
Value = float | int | None
CLASSES: Mapping[str, int | None] = {"": None, **{f"_{name}": urgency for name, urgency in PRIORITIES.items()}}
"""Suffix of a KPI by priority -> the priority (None: all)."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """One row of the KPI table.

    Attributes
    ----------
    name : as in JSON, objectives and constraints. unit : "requests", "calls", "dollars", "s", "fraction", ...
    definition : what it is, over the counted requests; the documentation is made of it.
    function : its value for one replication; None where it does not exist (a ratio over 0).
    kind : how one replication makes it: a sum over requests, a mean, a ratio, an order statistic or an extreme.
    numerator, denominator : names of two KPIs; its estimate is the ratio of their means, so that it multiplies back in print.
    note : what it waits for, where no component of this version can move it.
    """

    name: str
    unit: str
    definition: str
    function: Callable[[Counted], Value]
    kind: Kind = "sum"
    numerator: str = ""
    denominator: str = ""
    note: str = ""

    @property
    def is_ratio_of_means(self) -> bool:
        """Whether its estimate is a ratio of means."""
        return bool(self.numerator)


def ratio(numerator: float | np.number[Any], denominator: float | np.number[Any]) -> float | None:
    """A ratio, or None over 0."""
    return float(numerator / denominator) if denominator else None


def mean(values: NDArray[np.float64]) -> float | None:
    """The mean, or None of nothing."""
    return float(values.mean()) if len(values) else None


def order_statistic(ordered: NDArray[np.float64], percent: int) -> float | None:
    """The ceil(p n)-th smallest of the ascending values (n,), or None of nothing: exact in whole numbers, since 0.07 x 100 is above 7 in floats."""
    n = len(ordered)
    return float(ordered[-(-percent * n // 100) - 1]) if n else None
