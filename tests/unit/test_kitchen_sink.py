"""The scenario in which every mechanism is on: each fires, and the money adds up to the nano-dollar."""

from __future__ import annotations

import numpy as np
import pytest

from sbsim.measure import Counted, kpi_values
from sbsim.scenario import load
from sbsim.simulation import run, simulate


@pytest.fixture(scope="module")
def runs():
    scenario = load("kitchen-sink")
    return scenario, [run(scenario, replication=k) for k in range(3)]


def test_every_mechanism_fires(runs):
    """Over three histories each of them, and no run warns of one that did not."""
    scenario, finished = runs
    fired = {name: sum(one.log.counters[name] for one in finished) for name in finished[0].log.counters}
    mechanisms = (
        "n_hits", "n_near_hits", "n_joined", "n_late_joins", "n_refused_before", "n_resized", "n_retries", "n_bisected", "n_moves",
        "n_breaker_opened", "n_probes", "n_limits_learnt", "n_slow", "n_fetched", "n_stored", "n_held_by_limit", "n_held_by_budget",
        "n_cuts", "n_closed_by_size", "n_closed_by_due", "n_provider_unavailable", "n_provider_changes", "n_provider_cold_starts",
    )  # fmt: skip
    assert not [name for name in mechanisms if fired[name] == 0]
    assert not [warning for warning in simulate(scenario, replications=2).warnings if "never fired" in warning]


def test_the_money_adds_up(runs):
    """Bills are the providers' ledgers, lane by lane; shares of counted and uncounted requests are the bills; causes of the total are the total."""
    scenario, finished = runs
    for one in finished:
        calls = one.log.calls
        counted = Counted(one, scenario)
        kpis = kpi_values(counted)
        assert round(1e9 * (kpis["provider_cost_usd"] + kpis["uncounted_cost_usd"])) == sum(one.ledger_nano)
        parts = ("provider_cost_usd", "tier_cost_usd", "penalty_cost_usd", "false_reuse_cost_usd")
        assert kpis["total_cost_usd"] == sum(kpis[part] for part in parts)
        assert all(kpis[part] > 0 for part in parts)
        assert len(np.unique(calls["serial"])) == len(calls["serial"])
