"""Ablation: every mechanism can be switched off by itself, and what it is worth is the difference to the study without it."""

from __future__ import annotations

from typing import Any

import pytest

from sbsim.scenario import Scenario
from sbsim.search.ablation import MECHANISMS, Mechanism, effects
from sbsim.simulation.study import simulate
from tests.shop import ONE_AT_A_TIME, WORKER, shop

BATCH_API = {
    "name": "files", "serves": {"content_type": "image"}, "api": {"style": "batch", "takes": "file", "poll": "10s"},
    "turnaround": "2min", "price": {"rates": [{"per": "item", "usd": 0.005}]},
}  # fmt: skip
ON: dict[str, Any] = {
    "batching": {"max_batch_size": 4, "max_wait": "5s", "sizing": "complexity"},
    "cache": {"near_duplicates": True, "redis_url": "${R}", "cdn_url": "${C}", "negative_ttl": "1min"},
    "queue": {"policy": "strict"},
    "routing": {"policy": "balanced", "batch_lane": "slack"},
    "budget": {"limit": 50, "windows": [{"limit": 30, "window": "1h"}]},
    "rate_limit": {"max_requests": 100, "time_window": "1min", "batch_pacing_interval": "50ms"},
}
TIER = {"latency": "1ms", "capacity": "1GiB", "per_gb_month": 0.2, "per_request": 0}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """A shop with nearly everything on."""
    lanes = [WORKER, {**ONE_AT_A_TIME, "name": "api"}, BATCH_API]
    sla = {"normal": {"deadline": "1h", "penalty": 0.02}}
    return shop(config=ON, providers=lanes, tiers={"redis": TIER, "cdn": TIER}, horizon="1min", replications=2, sla=sla)


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda one: one.name)
def test_what_is_on_can_be_switched_off(scenario: Scenario, mechanism: Mechanism) -> None:
    """Afterwards it is off, and nothing else is."""
    if mechanism.name in ("controller", "packing"):
        assert not mechanism.works_in(scenario)
        return
    assert mechanism.works_in(scenario)
    without = scenario.with_values(mechanism.off)
    still_on = {other.name for other in MECHANISMS if other.works_in(without)}
    leave_with_it = {"batching": {"late joins"}}
    everything = {other.name for other in MECHANISMS if other.works_in(scenario)}
    assert everything - still_on == {mechanism.name} | leave_with_it.get(mechanism.name, set())


def test_effects_are_paired_differences_of_what_is_on(scenario: Scenario) -> None:
    """One for each mechanism that is on, in the order of the list; the mean is the difference of the means."""
    study = simulate(scenario)
    found = effects(study)
    assert [effect.mechanism for effect in found] == [one.name for one in MECHANISMS if one.works_in(scenario)]
    total = study.kpis["total_cost_usd"].mean
    assert total is not None
    for effect in found:
        assert effect.saved_usd.mean == pytest.approx(effect.without_usd.mean - total, abs=1e-9)
        assert effect.saved_usd.n == 2
    assert any(effect.saved_usd.mean != 0 for effect in found)


def test_routing_means_nothing_with_one_lane() -> None:
    """One lane leaves nothing to choose."""
    names = {one.name for one in MECHANISMS if one.works_in(shop())}
    assert not names & {"routing", "batch API"}
