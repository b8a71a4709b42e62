"""`batching.formation: optimal` in whole runs: what it saves, what it cannot, what is reported, and that it is the same in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sbsim.components.formation import SENT_PER_SOLUTION
from sbsim.pipeline.actions import Send
from sbsim.scenario import Scenario
from sbsim.simulation import simulate
from sbsim.simulation.study import Study

from ..shop import shop
from .test_pipeline_configure import Bench, lane, sent

LANE: dict[str, Any] = {
    "name": "voices",
    "serves": {"content_type": "image"},
    "api": {"style": "sync", "takes": "list", "max_items": 8},
    "price": {"rates": [{"per": "item", "usd": 0.01}, {"per": "setup", "usd": 0.05}, {"per": "call", "usd": 0.02}]},
    "latency": {"setup": "5s", "per_item": "1s"},
    "limits": [{"concurrency": 4}],
}
ALIKE: dict[str, Any] = {"name": "picture", "content_type": "image", "engine": "xl"}
STYLED: dict[str, Any] = {**ALIKE, "style_params": {"voice": {"ann": 0.4, "bob": 0.4, "cid": 0.2}, "tone": "warm", "speed": "slow", "pitch": "low"}}


def crowded(kind: dict[str, Any], formation: str = "optimal") -> Scenario:
    """Ten minutes of 90 items a minute on four workers; a batch may be larger than a call."""
    return shop(
        workload={"source": "synthetic", "arrivals": {"process": "poisson", "rate": "90/min"}, "classes": [kind]},
        providers=[LANE],
        sla={"normal": {"deadline": "5min", "penalty": 0.02}},
        config={
            "batching": {"formation": formation, "max_batch_size": 40, "max_wait": "20s"},
            "rate_limit": {"concurrency": 4, "batch_pacing_interval": 0, "max_requests": None},
            "cache": {"memory_size": 0},
        },
        search={},
    )


@pytest.fixture(scope="module")
def styled() -> tuple[Study, Study]:
    """Three styles with a set-up each: (greedy, optimal), with the same traffic and luck."""
    return simulate(crowded(STYLED, "greedy")), simulate(crowded(STYLED))


def test_set_ups_are_saved_in_every_run(styled: tuple[Study, Study]) -> None:
    """Run by run on the same traffic optimal formation costs at least a tenth less, and nobody is lost for it."""
    greedy, optimal = styled
    for before, after in zip(greedy.replications, optimal.replications, strict=True):
        assert after.kpis["total_cost_usd"] <= 0.9 * before.kpis["total_cost_usd"]
        assert after.kpis["n_delivered"] == before.kpis["n_delivered"] > 0


def test_what_greedy_left_is_between_nothing_and_the_gap(styled: tuple[Study, Study]) -> None:
    """bound <= formed < greedy at the cuts, the gap is greedy - bound, and a study of greedy formation says nothing of it."""
    greedy, optimal = styled
    assert greedy.formation is None
    formed = optimal.formation
    assert formed is not None
    assert 0 < formed["bound_usd"] <= formed["formed_usd"] < formed["greedy_usd"]
    assert formed["formation_gap_usd"] == formed["greedy_usd"] - formed["bound_usd"]


def test_every_item_counts_once(styled: tuple[Study, Study]) -> None:
    """However many cuts an item waits through, what was formed is what was billed, to 15 %: some left without a cut, some cuts were a forecast."""
    formed = styled[1].formation
    assert formed is not None
    assert formed["formed_usd"] == pytest.approx(sum(run.kpis["provider_cost_usd"] or 0 for run in styled[1].replications), rel=0.15)


def test_a_solver_is_asked_once_per_fifty_items_sent(styled: tuple[Study, Study]) -> None:
    """Every cut asks for a packing; what was beyond greedy packings, and not remembered, is afforded by items sent in each run."""
    formed = styled[1].formation
    assert formed is not None
    n_sent = sum(run.counters["n_submitted"] for run in styled[1].replications)
    assert formed["n_packed"] == formed["n_cuts"] > 0
    assert 0 < formed["n_solved"] <= n_sent / SENT_PER_SOLUTION
    assert 0 <= formed["n_remembered"] <= formed["n_packed"] - formed["n_solved"]


def test_items_that_are_all_alike_have_nothing_to_gain() -> None:
    """With one family and no limit but the number of items, forming anew costs within 1 % of what greedy formation does, and no solver is asked."""
    greedy, optimal = simulate(crowded(ALIKE, "greedy")), simulate(crowded(ALIKE))
    bills = [study.kpis["total_cost_usd"].mean for study in (greedy, optimal)]
    assert bills[0] is not None
    assert bills[1] == pytest.approx(bills[0], rel=0.01)
    assert optimal.formation is not None
    assert optimal.formation["n_solved"] == 0


def test_a_run_is_the_same_in_every_process(tmp_path: Path) -> None:
    """`sbsim run --json` with one job and with two, under other hash seeds: byte for byte, formation included; the text says what was left."""
    path = tmp_path / "crowded.json"
    path.write_text(json.dumps(crowded(STYLED).document, default=str))

    def ran(jobs: int, *more: str) -> str:
        command = [sys.executable, "-m", "sbsim", "run", str(path), "--set", "replications=2", "--jobs", str(jobs), *more]
        environment = {**os.environ, "PYTHONHASHSEED": str(jobs)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    first, second = ran(1, "--json"), ran(2, "--json")
    assert first == second
    assert set(json.loads(first)["formation"]) == {
        "n_cuts", "n_packed", "n_remembered", "n_solved", "greedy_usd", "formed_usd", "bound_usd", "formation_gap_usd",
    }  # fmt: skip
    assert "greedy formation left $" in " ".join(ran(1).split())


# -- inputs in which several groups of a class become ready ------------------------------------------------------------------------
def waiting(n: int, **settings: Any) -> Bench:
    """A bench with n groups of one class open, each of a style of its own and alike to no other."""
    rates = {"rates": [{"per": "item", "usd": 1.0}, {"per": "setup", "usd": 0.5}]}
    alone = {"batching__formation": "optimal", "batching__max_batch_size": 8, "batching__max_wait": 10.0, "batching__similarity_threshold": 1.0}
    bench = Bench(lane(limits=[], price=rates), **{**alone, **settings})
    for k in range(n):
        assert not bench.submit(0.0, f"p{k}", style_params={"look": str(k)})
    return bench


@pytest.mark.parametrize("how", ["wake", "flush", "configure"])
@pytest.mark.parametrize("gate", [{}, {"rate_limit__concurrency": 1}, {"rate_limit__max_requests": 1, "rate_limit__time_window": 5.0}])
def test_groups_that_are_ready_in_one_input_each_go_once(how: str, gate: dict[str, Any]) -> None:
    """What the first cut has taken out of the other groups is not sent with them again: three items, three calls, and no empty one."""
    bench = waiting(3, **gate)
    if how == "configure":
        actions = list(bench.set(10.0, batching__max_wait=1.0))
    else:
        actions = list(bench.pipeline.wake(now=10.0) if how == "wake" else bench.pipeline.flush(now=10.0))
    sizes, now = [], 10.0
    for _ in range(20):
        calls = [action.call for action in actions if isinstance(action, Send)]
        sizes += [len(call.items) for call in calls]
        now += 1.0
        actions = [action for call in calls for action in bench.answer(now, call, contents=["x"] * len(call.items))]
        actions += bench.pipeline.wake(now=now)
    assert sizes == [1, 1, 1]
    assert bench.pipeline.n_pending == 0


def test_a_flush_sends_what_is_open_however_long_it_could_wait() -> None:
    """Nothing of it is due, and all of it goes: the packer decides with whom, not whether."""
    bench = waiting(4, batching__max_wait=1000.0, batching__similarity_threshold=0.0)
    assert sum(sent(bench.pipeline.flush(now=1.0))) == 4
    assert bench.pipeline.builder.n_open == 0


def test_what_was_flushed_goes_though_others_are_formed_with_it() -> None:
    """Six groups wait for the only slot after a flush; whoever joins them takes nobody back: all six go, one after the other."""
    bench = waiting(6, batching__max_wait=1000.0, rate_limit__concurrency=1)
    actions, n_sent = list(bench.pipeline.flush(now=1.0)), 0
    for k in range(3):
        actions += bench.submit(1.5, f"n{k}", style_params={"look": str(k)})
    for now in range(2, 12):
        calls = [action.call for action in actions if isinstance(action, Send)]
        n_sent += sum(len(call.items) for call in calls)
        actions = [action for call in calls for action in bench.answer(float(now), call, contents=["x"] * len(call.items))]
    assert n_sent >= 6
    assert sum(len(batch.items) for batch in bench.pipeline.builder.open_batches()) <= 3


def test_whom_the_budget_holds_is_counted_among_those_formed_anew() -> None:
    """Three groups are ready at once and the budget has room for one: the other two are held, though they never came to the queue by themselves."""
    bench = waiting(3, budget__limit=2.0, budget__window=100.0)
    bench.pipeline.remember_held()
    assert sent(bench.pipeline.wake(now=10.0)) == [1]
    assert len(bench.pipeline.dispatcher.held_by_budget(50.0)) == 2


def test_without_late_joins_groups_go_as_they_came() -> None:
    """A ready group that takes nobody in cannot be formed anew: the setting is inert, and the run says that it never fired."""
    study = simulate(crowded(STYLED).with_values({"batching.late_join": False}), replications=1)
    greedy = simulate(crowded(STYLED, "greedy").with_values({"batching.late_join": False}), replications=1)
    assert study.replications[0].kpis == greedy.replications[0].kpis
    assert "batching.formation: optimal is switched on and never fired" in study.warnings
