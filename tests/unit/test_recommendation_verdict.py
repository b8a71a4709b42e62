"""What may be said of the better of two candidates."""

from __future__ import annotations

import numpy as np
import pytest

from sbsim.measure import KPIS, paired, t_quantile
from sbsim.recommendation import DEPLOY, INFEASIBLE, KEEP, Comparison, Prediction
from sbsim.recommendation.prices import why_batching_saves_nothing
from sbsim.recommendation.verdict import PARTS, judge
from sbsim.scenario import Constraint
from sbsim.search.objective import Goal, Outcome
from tests.shop import ONE_AT_A_TIME, WORKER, shop

GOAL = Goal("total_cost_usd", (Constraint("sla_compliance", ">=", 0.95),))


def outcomes(provider: float, penalty: float = 0.0, sla: float = 0.99, *, n: int = 8, spread: float = 0.1, saturated: bool = False) -> list[Outcome]:
    """Replications with common luck; every KPI of the table is there."""
    luck = np.random.default_rng(4).normal(0, 1, n)
    own = np.random.default_rng(int(provider * 100)).normal(0, spread, n)
    rows = []
    for k in range(n):
        kpis: dict[str, float | None] = dict.fromkeys((kpi.name for kpi in KPIS), 0.0)
        cost = provider + float(luck[k] + own[k])
        kpis |= {
            "provider_cost_usd": cost,
            "penalty_cost_usd": penalty,
            "total_cost_usd": cost + penalty,
            "sla_compliance": sla + 1e-4 * float(luck[k]),
        }
        rows.append(Outcome(kpis, saturated))
    return rows


def verdict(baseline: list[Outcome], other: list[Outcome], **known: bool) -> str:
    """The judgement on another candidate that met the constraints in the selection, unless said otherwise."""
    return judge(GOAL, Comparison(baseline, other), **{"is_baseline": False, "was_eligible": True, **known})


def test_deploy_needs_a_feasible_config_and_a_saving_above_0() -> None:
    """Either alone is not enough."""
    today = outcomes(10.0)
    assert verdict(today, outcomes(8.0)) == DEPLOY
    assert verdict(today, outcomes(9.95, spread=0.5)) == KEEP
    assert verdict(today, outcomes(12.0)) == KEEP
    assert verdict(today, outcomes(8.0, sla=0.9499)) == KEEP
    assert verdict(today, outcomes(8.0, sla=0.95)) == KEEP
    assert verdict(today, today, is_baseline=True) == KEEP
    unsure = Comparison(today, outcomes(9.95, spread=0.5)).improvement(GOAL)
    assert unsure is not None
    assert (unsure.low or 0.0) < 0 < (unsure.mean or 0.0)


def test_infeasible_is_when_nobody_met_the_constraints() -> None:
    """The nearest miss is not shown to be feasible; if the report shows that it is, it is judged like any other."""
    today = outcomes(10.0, sla=0.9)
    assert verdict(today, outcomes(8.0, sla=0.93), was_eligible=False) == INFEASIBLE
    assert verdict(today, outcomes(8.0, sla=0.95), was_eligible=False) == INFEASIBLE
    assert verdict(today, outcomes(8.0, sla=0.96), was_eligible=False) == DEPLOY


@pytest.mark.parametrize("who", ["the baseline", "the recommended config"])
def test_nothing_is_saved_against_or_by_a_saturated_run(who: str) -> None:
    """The saving is null with the reason, and nothing is deployed on it."""
    sides = [outcomes(10.0, saturated=who == "the baseline"), outcomes(1.0, saturated=who != "the baseline")]
    comparison = Comparison(*sides)
    assert comparison.savings() is None
    assert comparison.improvement(GOAL) is None
    assert comparison.why_no_saving is not None
    assert comparison.why_no_saving.startswith(f"{who} is saturated")
    assert verdict(*sides) == KEEP


def test_the_saving_is_split_and_paired() -> None:
    """Total = provider + tier + penalty + false reuse, each over pairs, so that luck which both had cancels."""
    saved = Comparison(outcomes(10.0, penalty=1.0), outcomes(8.0, penalty=1.5)).savings()
    assert saved is not None
    assert set(saved) == {"total", *PARTS}
    assert saved["total"].mean == pytest.approx(sum(saved[part].mean or 0.0 for part in PARTS))
    assert saved["penalty"].mean == pytest.approx(-0.5)
    assert saved["total"].half_width is not None
    assert saved["total"].half_width < 0.25


def test_a_prediction_holds_new_runs() -> None:
    """d -+ t s sqrt(1/n + 1/m): of 4,000 studies 95 % hold the next run, and as many the mean of the next ten."""
    random = np.random.default_rng(2)
    n_one = n_mean = 0
    for _ in range(4000):
        saving = paired(list(random.normal(3, 1, 12)), [0.0] * 12)
        predicted = Prediction.of(saving, 10)
        assert predicted.one_run is not None
        assert predicted.mean is not None
        n_one += predicted.one_run[0] <= random.normal(3, 1) <= predicted.one_run[1]
        n_mean += predicted.mean[0] <= random.normal(3, 1, 10).mean() <= predicted.mean[1]
    assert 0.938 <= n_one / 4000 <= 0.962
    assert 0.938 <= n_mean / 4000 <= 0.962
    exact = t_quantile(0.975, 11) * (12**0.5) * (saving.standard_error or 0) * (1 / 12 + 1) ** 0.5
    assert predicted.one_run[1] - (saving.mean or 0) == pytest.approx(exact)


def priced(**price: object) -> dict[str, object]:
    """The list-taking worker at another price."""
    return {**WORKER, "price": price}


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        (ONE_AT_A_TIME, "one request per call"),
        ({**ONE_AT_A_TIME, "price": {"rates": [{"per": "setup", "usd": 0.1}, {"per": "item", "usd": 1}]}}, "one request per call"),
        ({**WORKER, "api": {"takes": "list", "max_items": 1}}, "one request per call"),
        ({**WORKER, "api": {"takes": "variants"}}, "one request per call"),
        (priced(rates=[{"per": "item", "usd": 0.01}]), "no provider charges"),
        (priced(rates=[{"per": "call", "usd": 0.0}, {"per": "item", "usd": 0.01}]), "no provider charges"),
        (priced(rates=[{"per": "item", "usd": 0.01}], tiers=[{"from": 1, "factor": 0.5}, {"from": 4, "factor": 0.5}]), "no provider charges"),
        ({**WORKER, "latency": {"per_item": "3s"}}, "no provider charges"),
    ],
)
def test_where_list_prices_give_batching_nothing_the_answer_says_why(provider: dict[str, object], words: str) -> None:
    """Calls of one, or prices in which company changes nothing."""
    sentence = why_batching_saves_nothing(shop(providers=[provider]))
    assert sentence is not None
    assert sentence.startswith("list prices give batching nothing to save")
    assert words in sentence


@pytest.mark.parametrize(
    "provider",
    [
        WORKER,
        {**WORKER, "latency": {"per_item": "3s", "parallel_items": 4}},
        {**WORKER, "latency": {"total": "20s"}},
        priced(rates=[{"per": "call", "usd": 0.01}]),
        priced(rates=[{"per": "setup", "usd": 0.01}]),
        priced(rates=[{"per": "item", "usd": 0.01}], tiers=[{"from": 4, "factor": 0.9}]),
        priced(rates=[{"per": "item", "usd": 0.01}], minimum=0.02),
    ],
)
def test_where_company_is_cheaper_nothing_is_said(provider: dict[str, object]) -> None:
    """A call fee, a set-up, a discount, a minimum or shared machine time: batching has something to save."""
    assert why_batching_saves_nothing(shop(providers=[provider])) is None
