"""Losing a request must not look cheap, or be said to."""

from __future__ import annotations

from typing import Any

import pytest

from sbsim.scenario import Scenario
from sbsim.simulation import simulate
from sbsim.workload import prepare
from tests.shop import ONE_AT_A_TIME, shop


def promised(**lost: Any) -> Scenario:
    """Pictures at a cent each, of all priorities, with a penalty of two cents and these prices of a loss."""
    one = {"name": "picture", "content_type": "image", "engine": "xl", "priority": {"urgent": 0.2, "normal": 0.5, "background": 0.3}}
    return shop(
        providers=[ONE_AT_A_TIME],
        workload={"source": "synthetic", "arrivals": {"process": "poisson", "rate": "30/min"}, "classes": [one]},
        sla={name: {"deadline": "2min", "penalty": 0.02, **({} if price is None else {"lost": price})} for name, price in lost.items()},
    )


@pytest.mark.parametrize(("price", "is_cheap"), [(None, False), (0, True), (0.0299, True), (0.03, False), (1, False)])
def test_a_loss_below_cost_and_penalty_is_warned_of(price: float | None, is_cheap: bool) -> None:
    """Cost 1 cent + penalty 2 cents: a `lost` below 3 cents is named with what it is, what it should be, and how many requests it is too low for."""
    prepared = prepare(promised(urgent=price), 1, 0)
    n = int((prepared.urgency == 1).sum())
    assert len(prepared.warnings) == is_cheap
    for warning in prepared.warnings:
        assert warning.startswith(f"sla.urgent.lost: ${price:g} is less than individual cost + penalty (up to $0.03) of {n} of {n} urgent requests")
        assert "try 0.03 or more" in warning


def test_each_priority_is_judged_by_its_own_promise() -> None:
    """Two of three are too cheap, two warnings; a run shows them, and the next scenario of the same traffic is judged anew."""
    cheap, dear = promised(urgent=0.01, normal=0.5, background=0.02), promised(urgent=0.5, normal=0.5, background=0.5)
    warned = [warning.split(":")[0] for warning in simulate(cheap, replications=1).warnings if warning.startswith("sla.")]
    assert warned == ["sla.urgent.lost", "sla.background.lost"]
    assert not any(warning.startswith("sla.") for warning in simulate(dear, replications=1).warnings)


def test_a_priority_that_nobody_asks_for_is_no_matter() -> None:
    """A cheap loss of a priority without a request says nothing."""
    assert prepare(shop(sla={"urgent": {"deadline": "1min", "lost": 0}}), 1, 0).warnings == ()
