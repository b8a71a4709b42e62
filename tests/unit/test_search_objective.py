"""How candidates compare, and when a constraint counts as met."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from sbsim.errors import ScenarioError
from sbsim.measure import t_quantile
from sbsim.scenario import Constraint, Objective
from sbsim.search.objective import Goal, Outcome, Standing, by_replication, estimate_of

GOAL = Goal("total_cost_usd", (Constraint("sla_compliance", ">=", 0.95), Constraint("p95_latency_s", "<=", 60.0)))


def outcomes(cost: list[float | None], sla: list[float | None], p95: list[float | None], saturated: bool = False) -> list[Outcome]:
    """One outcome per replication."""
    rows = zip(cost, sla, p95, strict=True)
    return [Outcome({"total_cost_usd": c, "sla_compliance": s, "p95_latency_s": p}, saturated) for c, s, p in rows]


def test_candidates_that_may_be_chosen_come_first_and_saturated_ones_last() -> None:
    """A cheap candidate never beats one that meets the constraints by missing them, and a saturated or refused one beats nobody."""
    ranked = [
        GOAL.standing(outcomes([1.0], [0.96], [50])),
        GOAL.standing(outcomes([2.0], [0.96], [50])),
        GOAL.standing(outcomes([0.5], [0.94], [50])),
        GOAL.standing(outcomes([0.1], [0.94], [70])),
        GOAL.standing(outcomes([0.0], [0.99], [50], saturated=True)),
        GOAL.standing([Outcome({}, refusal="they exclude each other")]),
    ]
    assert all(a < b for a, b in pairwise(ranked))
    assert [one.is_eligible for one in ranked] == [True, True, False, False, False, False]


def test_in_the_search_a_constraint_is_met_one_standard_error_inside() -> None:
    """Of two runs the mean +- 1 standard error is the worse of the two, on whichever side is bad."""
    assert GOAL.standing(outcomes([1, 1], [0.951, 0.97], [59, 55])).violation == 0
    assert GOAL.standing(outcomes([1, 1], [0.949, 0.97], [59, 55])).violation == pytest.approx(0.001 / 0.95)
    assert GOAL.standing(outcomes([1, 1], [0.951, 0.97], [61, 55])).violation == pytest.approx(1 / 60)


def test_an_objective_or_kpi_that_does_not_exist_is_no_bargain() -> None:
    """Nothing delivered has no p95: the constraint counts as missed; no cost is not the least cost."""
    assert GOAL.standing(outcomes([1.0], [0.96], [None])).violation == 1.0
    assert not GOAL.standing(outcomes([None], [0.96], [50])).is_eligible


def test_the_verdict_needs_one_sided_95_percent() -> None:
    """Met when the bound on the bad side meets it, missed when the bound on the good side misses it, else not shown."""
    limit = Constraint("sla_compliance", ">=", 0.95)
    goal = Goal("total_cost_usd", (limit,))
    spread = np.array([-1.0, 0.0, 1.0])  # standard error of the mean 1 / sqrt(3)
    reach = t_quantile(0.95, 2) / np.sqrt(3)

    def feasible(mean: float) -> bool | None:
        return goal.feasible([Outcome({"total_cost_usd": 1.0, "sla_compliance": mean + 0.001 * float(x)}) for x in spread])

    assert feasible(0.95 + 0.001 * (reach + 0.01)) is True
    assert feasible(0.95 + 0.001 * (reach - 0.01)) is None
    assert feasible(0.95 - 0.001 * (reach - 0.01)) is None
    assert feasible(0.95 - 0.001 * (reach + 0.01)) is False


def test_one_run_shows_nothing_and_one_missing_value_neither() -> None:
    """There is no bound without a second run, and a KPI that exists in some runs only is not known to meet anything."""
    goal = Goal("total_cost_usd", (Constraint("p95_latency_s", "<=", 60.0),))
    assert goal.feasible(outcomes([1], [1], [10])) is None
    assert goal.feasible(outcomes([1, 1, 1], [1, 1, 1], [10, 11, None])) is None
    assert goal.feasible(outcomes([1, 1, 1], [1, 1, 1], [10, 11, 12], saturated=True)) is False


@pytest.mark.parametrize(("op", "met"), [("<", False), ("<=", True), (">=", True), (">", False), ("==", True)])
def test_a_constant_at_its_bound(op: str, met: bool) -> None:
    """Without spread the bounds are the value itself, and the comparison is the one that was written."""
    goal = Goal("total_cost_usd", (Constraint("sla_compliance", op, 0.5),))
    assert goal.feasible(outcomes([1, 1], [0.5, 0.5], [1, 1])) is met
    assert (goal.standing(outcomes([1, 1], [0.5, 0.5], [1, 1])).violation == 0) is met


def test_a_ratio_of_dollars_is_a_ratio_of_means_with_the_spread_of_the_delta_method() -> None:
    """The numbers by replication have the estimate's mean and standard error, so that ratios are compared like means."""
    rows = [Outcome({"total_cost_usd": y, "n_requests": x, "cost_per_request_usd": y / x}) for y, x in ((1.0, 10), (3.0, 20), (2.0, 15))]
    values, estimate = by_replication("cost_per_request_usd", rows), estimate_of("cost_per_request_usd", rows)
    assert estimate.mean == pytest.approx(6 / 45)
    assert values.mean() == pytest.approx(estimate.mean)
    assert values.std(ddof=1) / np.sqrt(3) == pytest.approx(estimate.standard_error)
    assert np.isnan(by_replication("total_cost_usd", [Outcome({"total_cost_usd": None})])).all()


def test_shifted_moves_the_bounds_named() -> None:
    """Only constraints on the KPIs named move."""
    moved = GOAL.shifted({"sla_compliance": 0.01})
    assert [limit.bound for limit in moved.constraints] == [pytest.approx(0.96), 60.0]


def test_an_objective_that_is_no_kpi_names_the_nearest() -> None:
    """Objective and constraints are checked before anything is run."""
    with pytest.raises(ScenarioError, match=r"objective\.minimise.*total_cost_usd"):
        Goal.of(Objective(minimise="total_cost"))
    with pytest.raises(ScenarioError, match=r"objective\.subject_to\[0\].*sla_compliance"):
        Goal.of(Objective(subject_to=["sla_complience >= 0.9"]))  # type: ignore[arg-type]
    assert Goal.of(Objective()).minimise == "total_cost_usd"
    assert Standing(False, 0.0, 1.0) < Standing(False, 0.0, 2.0)
