"""Laws of a study's estimates and alerts, and of finding a KPI by name."""

from __future__ import annotations

from math import inf
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sbsim.errors import ScenarioError
from sbsim.measure import KPIS, alerts, estimates, find_kpi, mean_estimate, paired_estimates
from sbsim.records import BACKGROUND, NORMAL, URGENT


def replications(n: int, seed: int) -> list[dict[str, float | None]]:
    """Random KPI values whose ratios follow from their parts."""
    source = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        values: dict[str, Any] = {kpi.name: float(source.uniform(1, 9)) for kpi in KPIS}
        for kpi in KPIS:
            if kpi.is_ratio_of_means:
                values[kpi.name] = values[kpi.numerator] / values[kpi.denominator]
        out.append(values)
    return out


def test_ratios_of_dollars_multiply_back_and_all_others_are_means() -> None:
    """savings_fraction x individual_cost_usd = savings_usd, and the like, to the last digits of a float."""
    runs = replications(7, 1)
    of: dict[str, Any] = estimates(runs)
    assert list(of) == [kpi.name for kpi in KPIS]
    assert of["savings_fraction"].mean * of["individual_cost_usd"].mean == pytest.approx(of["savings_usd"].mean, rel=1e-14)
    assert of["cost_per_request_usd"].mean * of["n_requests"].mean == pytest.approx(of["total_cost_usd"].mean, rel=1e-14)
    for kpi in KPIS:
        if not kpi.is_ratio_of_means:
            assert of[kpi.name] == mean_estimate([run[kpi.name] for run in runs])


def test_a_kpi_that_some_replications_lack_counts_those_that_have_it() -> None:
    """n says how many replications went in."""
    runs = replications(4, 2)
    runs[1]["p95_latency_s"] = None
    assert estimates(runs)["p95_latency_s"].n == 3
    assert paired_estimates(runs, replications(4, 3))["p95_latency_s"].n == 3


def test_paired_differences_cancel_common_luck() -> None:
    """Candidates that differ by a constant differ by exactly that, whatever the scatter; ratios of dollars by their ratios of means."""
    a, b = replications(5, 4), replications(5, 4)
    for run in b:
        run["total_cost_usd"] = (run["total_cost_usd"] or 0.0) + 2.5
    differences: dict[str, Any] = paired_estimates(b, a)
    assert differences["total_cost_usd"].mean == pytest.approx(2.5)
    assert differences["total_cost_usd"].half_width == pytest.approx(0.0, abs=1e-12)
    mean_requests: Any = estimates(a)["n_requests"].mean
    assert differences["cost_per_request_usd"].mean == pytest.approx(2.5 / mean_requests)


def fired(sla: dict[int, Any] | None = None, **values: float | None) -> list[str]:
    """Names of the alerts on these KPI values; all others are null."""
    of = estimates([{kpi.name: values.get(kpi.name) for kpi in KPIS}])
    return [text.split(":")[0] for text in alerts(of, SimpleNamespace(sla=sla or {}))]  # type: ignore[arg-type]


def test_alerts_fire_beyond_their_thresholds_and_not_at_them() -> None:
    """Hit ratio < 30 %, batching efficiency < 40 %, budget utilisation > 80 %; what does not exist is silent."""
    assert fired(cache_hit_ratio=0.3, batching_efficiency=0.4, budget_utilisation=0.8) == []
    assert fired(cache_hit_ratio=0.29, batching_efficiency=0.39, budget_utilisation=0.81) == [
        "cache_hit_ratio",
        "batching_efficiency",
        "budget_utilisation",
    ]
    assert fired() == []


def test_a_wait_past_the_deadline_fires_for_its_priority_only() -> None:
    """Each priority's p95 wait is held against its own deadline; without one nothing fires."""
    sla = {URGENT: SimpleNamespace(deadline=30.0), NORMAL: SimpleNamespace(deadline=600.0), BACKGROUND: SimpleNamespace(deadline=inf)}
    waits: dict[str, float | None] = {"p95_wait_s_urgent": 31.0, "p95_wait_s_normal": 31.0, "p95_wait_s_background": 1e9}
    assert fired(sla, **waits) == ["p95_wait_s_urgent"]
    assert fired({}, **waits) == []


def test_an_unknown_kpi_is_refused_with_the_nearest() -> None:
    """A slip in an objective names where it stands and what was meant."""
    assert find_kpi("total_cost_usd").unit == "dollars"
    with pytest.raises(ScenarioError, match=r"objective.minimise: 'total_cost' is not a KPI; try total_cost_usd"):
        find_kpi("total_cost", where="objective.minimise")
    with pytest.raises(ScenarioError, match="sbsim schema"):
        find_kpi("zzz")
