"""The KPI table: every KPI once, in the order in which results show them. Schema, documentation and result files are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from sbsim.errors import ScenarioError
from sbsim.measure.counted import Counted
from sbsim.measure.kpis.kpi import CLASSES, Kpi
from sbsim.measure.kpis.money import MONEY
from sbsim.measure.kpis.reuse import BATCHING, CALLS, REUSE
from sbsim.measure.kpis.service import CAPACITY, OUTCOMES, TIMES

__all__ = ["CLASSES", "KPIS", "KPI_BY_NAME", "Kpi", "find_kpi", "kpi_values"]

KPIS: tuple[Kpi, ...] = (*OUTCOMES, *CALLS, *MONEY, *REUSE, *BATCHING, *TIMES, *CAPACITY)
KPI_BY_NAME: Mapping[str, Kpi] = {kpi.name: kpi for kpi in KPIS}


def kpi_values(counted: Counted) -> dict[str, float | None]:
    """Every KPI of one replication, by name in the table's order; None where it does not exist."""
    return {kpi.name: kpi.function(counted) for kpi in KPIS}


def find_kpi(name: str, *, where: str = "kpi") -> Kpi:
    """The KPI called `name`.

    Raises
    ------
    ScenarioError
        When there is none, naming `where` it was asked for and the nearest.
    """
    kpi = KPI_BY_NAME.get(name)
    if kpi is not None:
        return kpi
    near = get_close_matches(name, KPI_BY_NAME, n=3, cutoff=0.5)
    hint = f"try {' or '.join(near)}" if near else "`sbsim schema --kpis` lists them"
    raise ScenarioError(f"{where}: {name!r} is not a KPI; {hint}")
