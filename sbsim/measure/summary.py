"""From the KPIs of replications to what is said of a study: estimates, paired differences, alerts.

Owns which KPI is estimated how. Knows the KPI table and the intervals; no run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sbsim.measure.intervals import Estimate, mean_estimate, paired, paired_ratio, ratio_estimate
from sbsim.measure.kpis import KPIS
from sbsim.records import PRIORITIES

if TYPE_CHECKING:
    from sbsim.scenario import Scenario

Values = Mapping[str, float | None]

_FLOORS = (
    ("cache_hit_ratio", 0.30, "of requests are answered from the cache"),
    ("batching_efficiency", 0.40, "of provider-served requests share their call"),
)
MOST_BUDGET_UTILISATION = 0.80


def estimates(replications: Sequence[Values]) -> dict[str, Estimate]:
    """Every KPI's estimate from its values by replication, in the table's order.

    Ratios that name a numerator and a denominator (those of dollars) are ratios of means, so savings_fraction x individual_cost_usd = savings_usd in
    print; all others are means of the per-replication values, those that do not exist left out.
    """
    return {
        kpi.name: ratio_estimate(_column(replications, kpi.numerator), _column(replications, kpi.denominator))
        if kpi.is_ratio_of_means
        else mean_estimate(_column(replications, kpi.name))
        for kpi in KPIS
    }


def paired_estimates(a: Sequence[Values], b: Sequence[Values]) -> dict[str, Estimate]:
    """Every KPI's difference a - b between two candidates that met the same luck, replication by replication.

    Raises
    ------
    ValueError
        When the two differ in their number of replications.
    """
    return {
        kpi.name: paired_ratio((_column(a, kpi.numerator), _column(a, kpi.denominator)), (_column(b, kpi.numerator), _column(b, kpi.denominator)))
        if kpi.is_ratio_of_means
        else paired(_column(a, kpi.name), _column(b, kpi.name))
        for kpi in KPIS
    }


def alerts(of: Mapping[str, Estimate], scenario: Scenario) -> list[str]:
    """The monitoring rules that would have fired on these estimates, as sentences "<kpi>: <what>", in the KPI table's order.

    Hit ratio < 30 %, batching efficiency < 40 %, budget utilisation > 80 %, p95 wait of a priority > its deadline. A KPI that does not exist fires
    nothing.
    """
    fired = []
    for kpi, threshold, what in _FLOORS:
        value = of[kpi].mean
        if value is not None and value < threshold:
            fired.append(f"{kpi}: {value:.1%} {what}, below {threshold:.0%}")
    for name, urgency in PRIORITIES.items():
        sla = scenario.sla.get(urgency)
        value = of[f"p95_wait_s_{name}"].mean
        if sla is not None and value is not None and value > sla.deadline:
            fired.append(
                f"p95_wait_s_{name}: 5 % of {name} requests wait {value:.4g} s or more to be sent, above their deadline of {sla.deadline:g} s"
            )
    used = of["budget_utilisation"].mean
    if used is not None and used > MOST_BUDGET_UTILISATION:
        fired.append(f"budget_utilisation: {used:.1%} of the budget is used in its fullest window, above {MOST_BUDGET_UTILISATION:.0%}")
    return fired


def _column(replications: Sequence[Values], name: str) -> list[float | None]:
    return [values[name] for values in replications]
