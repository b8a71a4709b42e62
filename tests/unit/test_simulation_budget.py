"""What a study says of its budget: when it is exhausted, how often exceeded, whom it holds up; and that a hard one never is."""

from __future__ import annotations

import json
from math import inf
from typing import Any

import pytest

from sbsim.cli.run import to_document
from sbsim.measure import BudgetRun, budget_document
from sbsim.measure.intervals import share_interval
from sbsim.report.tables import budget_rows, turned_away_line, urgent_line
from sbsim.scenario import Scenario
from sbsim.simulation import run, simulate
from tests.shop import ONE_AT_A_TIME, shop


def budgeted(budget: dict[str, Any], **changes: Any) -> Scenario:
    """Ten minutes of about 300 pictures at a cent each, a tenth of them urgent."""
    one = {"name": "picture", "content_type": "image", "engine": "xl", "priority": {"urgent": 0.1, "normal": 0.9}}
    return shop(**{
        "providers": [ONE_AT_A_TIME],
        "workload": {"source": "synthetic", "arrivals": {"process": "poisson", "rate": "30/min"}, "classes": [one]},
        "config": {"budget": budget, "rate_limit": {"batch_pacing_interval": 0, "concurrency": 50}, "batching": {"max_batch_size": 1}},
        "replications": 5, "drain_limit": "1h", **changes,
    })  # fmt: skip


def test_a_hard_budget_is_exhausted_and_never_exceeded():
    """A dollar an hour lasts for the first 100 pictures: exhausted in every replication, near 200 s, with nothing beyond the limit."""
    budget = simulate(budgeted({"limit": 1.0, "window": "1h"})).budget
    window = budget["windows"][0]
    assert window["exhausted"]["share"] == 1.0
    assert 150 < window["exhausted"]["first_at_s"] <= window["exhausted"]["p50_at_s"] <= window["exhausted"]["p90_at_s"] < 260
    assert window["overshoot"] == {"probability": 0.0, "low": 0.0, "high": 0.0, "worst_usd": 0.0, "mean_usd": 0.0}
    assert window["utilisation"]["mean"] == pytest.approx(1.0)
    assert budget["n_urgent_held"]["mean"] > 0
    assert budget["exhausted"] == window["exhausted"]


def test_a_soft_budget_that_reserves_too_little_is_exceeded():
    """Reserving nothing is check-then-act: what is in flight overshoots, and the report says how often and by how much."""
    slow = {**ONE_AT_A_TIME, "latency": {"total": "60s"}}
    budget = simulate(budgeted({"limit": 1.0, "window": "1h", "kind": "soft", "reserve_quantile": 0}, providers=[slow])).budget
    over = budget["windows"][0]["overshoot"]
    assert over["probability"] == 1.0
    assert over["low"] == pytest.approx(share_interval(5, 5)[0])
    assert 0.05 < over["mean_usd"] <= over["worst_usd"] <= 0.5  # at most the 50 calls that may be in flight
    in_full = simulate(budgeted({"limit": 1.0, "window": "1h", "kind": "soft"}, providers=[slow])).budget
    assert in_full["windows"][0]["overshoot"]["probability"] == 0.0
    assert in_full["windows"][0]["overshoot"]["high"] > 0.4  # five replications promise no more


def test_an_urgent_reserve_keeps_urgent_work_going():
    """Urgent pictures are a tenth of all: with half of the limit kept for them fewer are held than with nothing kept."""
    without = simulate(budgeted({"limit": 1.0, "window": "1h"})).budget
    kept = simulate(budgeted({"limit": 1.0, "window": "1h", "reserve_urgent": 0.5})).budget
    assert kept["n_urgent_held"]["mean"] < without["n_urgent_held"]["mean"]


def test_a_calendar_budget_is_whole_again_at_its_reset():
    """A dime from minute to minute of the clock: ten pictures in each at most, and more than ten in some minute across a reset."""
    log = run(budgeted({"limit": 0.1, "window": "1min", "resets": "00:00 UTC"}), seed=1).log
    sent_at = sorted(log.calls["sent_at"])
    assert max(sum(int(at // 60) == k for at in sent_at) for k in range(60)) == 10
    assert max(sum(at < other < at + 60 for other in sent_at) for at in sent_at) > 10


def test_pacing_spreads_a_day_over_a_day():
    """Unpaced the hour's dollar is gone within minutes; paced, half of the normal work's calls leave in its second half."""
    unpaced = run(budgeted({"limit": 1.0, "window": "1h", "resets": "00:00 UTC"}, drain_limit="59min"), seed=1).log.calls["sent_at"]
    paced = run(budgeted({"limit": 1.0, "window": "1h", "resets": "00:00 UTC", "pacing": True}, drain_limit="50min"), seed=1).log.calls["sent_at"]
    assert max(at for at in unpaced if at < 3600) < 600
    share = sum(at > 1800 for at in paced) / len(paced)
    assert 0.3 < share < 0.7


def test_spent_budgets_refuse_where_they_are_told_to():
    """`on_spent: refuse` turns away at the door what would wait, urgent or not, and the report counts it."""
    study = simulate(budgeted({"limit": 1.0, "window": "1h", "on_spent": "refuse", "reserve_urgent": 0.2}))
    assert study.kpis["n_refused"].mean == study.budget["n_turned_away"]["mean"] > 100
    assert study.kpis["n_pending"].mean == 0
    assert 0 < study.budget["n_urgent_turned_away"]["mean"] < study.budget["n_turned_away"]["mean"] / 5
    assert study.budget["windows"][0]["exhausted"]["share"] == 1.0


def test_all_windows_hold_together():
    """The tighter one binds; each has its own line, and together they say when the first of them was exhausted."""
    windows = [{"limit": 0.2, "window": "2min"}, {"limit": 100, "window": "24h", "resets": "06:00 UTC", "kind": "soft"}]
    study = simulate(budgeted({"limit": 0.5, "window": "10min", "windows": windows}, replications=2))
    shares = [window["exhausted"]["share"] for window in study.budget["windows"]]
    assert shares == [1.0, 1.0, 0.0]
    assert study.budget["exhausted"]["first_at_s"] == min(window["exhausted"]["first_at_s"] for window in study.budget["windows"][:2])
    assert study.kpis["budget_utilisation"].mean == pytest.approx(1.0)


def test_open_ended_output_passes_a_soft_budget_and_no_hard_one():
    """Tokens without a bound: refused at the door under a hard window, sent under a soft one, which learns what they cost."""
    text = {
        "providers": [{**ONE_AT_A_TIME, "serves": {"content_type": "text"}, "price": {"rates": [{"per": "token_out", "usd": 0.001}]}}],
        "workload": {
            "source": "synthetic", "arrivals": {"process": "poisson", "rate": "30/min"},
            "classes": [{"name": "answer", "content_type": "text", "engine": "xl", "units_out": {"law": "exponential", "mean": 10}}],
        },
    }  # fmt: skip
    hard = simulate(budgeted({"limit": 100.0}, **text), replications=1)
    assert hard.kpis["n_refused"].mean == hard.kpis["n_requests"].mean == hard.budget["n_turned_away"]["mean"] == hard.budget["n_unbounded"]["mean"]
    assert "budget is switched on and never fired" not in hard.warnings
    assert any("requests are refused, since nothing bounds what they cost" in warning for warning in hard.warnings)
    soft = simulate(budgeted({"limit": 100.0, "kind": "soft", "reserve_quantile": 0.9}, **text), replications=1)
    assert soft.kpis["n_refused"].mean == 0
    assert soft.kpis["n_delivered"].mean > 200


# -- what no window could ever pay for -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("budget", "changes", "n_never"),
    [
        ({"limit": 0}, {}, 300),
        ({"limit": 1e-12}, {}, 300),  # 0 nano-dollars
        ({"limit": 0.009}, {}, 300),
        ({"limit": 100, "reserve_urgent": 1}, {}, 270),  # all but the urgent ones
        ({"limit": 0.012}, {"instances": 2}, 300),  # 0.6 cents for each
        ({"limit": 100, "windows": [{"limit": 0.009, "window": "1min"}]}, {}, 300),
    ],
)
def test_what_no_window_could_pay_for_is_said(budget: dict[str, Any], changes: dict[str, Any], n_never: int) -> None:
    """A budget below the price of a call fails it at once: it has fired, its windows are exhausted from the first call on, and the reader is told."""
    study = simulate(budgeted({"window": "1h", **budget}, requests=300, horizon=None, **changes), replications=1)
    said = study.budget
    assert said["n_never_affordable"]["mean"] == said["n_turned_away"]["mean"] == study.kpis["n_failed"].mean
    assert study.kpis["n_refused"].mean == 0  # they were taken on
    assert not any("refused" in name for name in said)
    assert said["n_never_affordable"]["mean"] == pytest.approx(n_never, abs=20)
    assert said["exhausted"]["share"] == 1.0
    assert said["exhausted"]["first_at_s"] == said["windows"][-1]["exhausted"]["first_at_s"] < 60
    assert [window["exhausted"]["share"] for window in said["windows"][:-1]] == [0.0] * (len(said["windows"]) - 1)
    assert not any(warning.startswith("budget is switched on") for warning in study.warnings)
    n = int(said["n_never_affordable"]["mean"])
    (warning,) = (each for each in study.warnings if f"has no room for the calls of {n} of 300 requests (list price up to $0.01)" in each)
    assert ("reserve_urgent" in warning, "instances" in warning) == ("reserve_urgent" in budget, "instances" in changes)
    assert (
        turned_away_line(said)
        == f"requests that the budget turned away: {n}; no room for them even in an empty window: {n}; nothing bounds their cost: 0"
    )


@pytest.mark.parametrize(
    ("budget", "changes"),
    [({"limit": 100, "reserve_urgent": 1}, {}), ({"limit": 0.012}, {"instances": 2})],
)
def test_every_window_without_room_for_it_is_exhausted(budget: dict[str, Any], changes: dict[str, Any]) -> None:
    """What is kept for urgent work, and what is divided among instances, is no room: every window that has too little is exhausted."""
    windows = [{"limit": budget["limit"] * 1.1, "window": "2h"}]
    two = simulate(budgeted({"window": "1h", "windows": windows, **budget}, **changes), replications=1).budget
    assert [window["exhausted"]["share"] for window in two["windows"]] == [1.0, 1.0]


def test_nano_dollars_decide_whether_a_limit_is_one() -> None:
    """A limit that rounds to no nano-dollar has no utilisation, as a limit of 0 has none; one nano-dollar has."""
    none, some = (simulate(budgeted({"limit": limit, "window": "1h"}), replications=1) for limit in (4e-10, 1e-9))
    assert none.budget["windows"][0]["utilisation"]["mean"] is None
    assert some.budget["windows"][0]["utilisation"]["mean"] == 0.0


def test_a_reservation_above_the_list_price_exhausts_the_windows_that_it_is_too_large_for() -> None:
    """A text of 10 cents by the list that may cost a dollar is for neither window of 50 and 40 cents; one of 100 dollars never lacks room."""
    text = {
        "providers": [{**ONE_AT_A_TIME, "serves": {"content_type": "text"}, "price": {"rates": [{"per": "token_out", "usd": 0.001}]}}],
        "workload": {
            "source": "synthetic", "arrivals": {"process": "poisson", "rate": "30/min"},
            "classes": [{"name": "answer", "content_type": "text", "engine": "xl", "units_out": 100, "max_units_out": 1000}],
        },
    }  # fmt: skip
    windows = {"limit": 0.5, "window": "1h", "windows": [{"limit": 0.4, "window": "1h"}, {"limit": 100, "window": "1h"}]}
    budget = simulate(budgeted(windows, **text), replications=1).budget
    assert budget["n_never_affordable"]["mean"] > 200
    assert [window["exhausted"]["share"] for window in budget["windows"]] == [1.0, 1.0, 0.0]


# -- what is shown -------------------------------------------------------------------------------------------------------------
def test_the_document_has_a_budget_only_where_one_is_set():
    """`sbsim run --json` says nothing of budgets without one, and the same bytes again with one, whatever the jobs."""
    assert "budget" not in to_document(simulate(budgeted({}), replications=2))
    made = budgeted({"limit": 1.0, "window": "1h"})
    one, two = (json.dumps(to_document(simulate(made, jobs=jobs)), allow_nan=False) for jobs in (1, 2))
    assert one == two
    assert json.loads(one)["budget"]["windows"][0]["kind"] == "hard"


def test_exhaustion_quantiles_count_the_replications_that_never_came_to_it():
    """Of ten replications four were exhausted, at 10 to 40 s: the 10 % quantile is 10 s, and the median is not within the run."""
    runs = [BudgetRun((0.5,), (0.0,), (10.0 * k if k < 5 else inf,), 0, 0, 5, 0, k % 2) for k in range(1, 11)]
    document = budget_document(budgeted({"limit": 1.0}).config.budget.in_force, runs)
    assert document["exhausted"] == {"share": 0.4, "first_at_s": 10.0, "p10_at_s": 10.0, "p50_at_s": None, "p90_at_s": None}
    assert document["urgent_turned_away_share"]["mean"] == pytest.approx(0.1)
    assert budget_rows(document) == [["$1 per 24h, rolling, hard", "50.0%", "40%", "-", "0%", "$0"]]
    assert turned_away_line(document) == ""
    assert urgent_line(document).startswith("urgent requests that the budget held up: 0 ± 0; that it turned away: 0.50 ± 0.")


@pytest.mark.parametrize(("k", "n", "low", "high"), [(0, 10, 0.0, 0.30850), (10, 10, 0.69150, 1.0), (3, 10, 0.06674, 0.65245)])
def test_intervals_of_shares_are_those_of_the_tables(k, n, low, high):
    """Clopper and Pearson's, as tabled."""
    assert share_interval(k, n) == pytest.approx((low, high), abs=1e-5)


def test_what_a_plan_does_to_a_budget_is_said():
    """A budget counts by the price list: a study of a lane with a plan says so, one without a plan or a budget does not."""
    plan = {"rates": [{"per": "item", "usd": 0.1}], "plan": {"fee": 2.0, "per": "30min", "included": 100}}
    lane = {"name": "planned", "serves": {"content_type": "image"}, "price": plan, "latency": {"total": 1}}
    said = [
        any("of planned" in warning for warning in simulate(shop(providers=[{**lane, "price": price}], config={"budget": budget})).warnings)
        for price, budget in ((plan, {"limit": 100}), (plan, {}), ({"rates": plan["rates"]}, {"limit": 100}))
    ]
    assert said == [True, False, False]
