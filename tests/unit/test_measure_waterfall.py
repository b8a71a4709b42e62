"""The waterfall's causes, each on a handful of requests whose bills are worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sbsim.measure import Counted, kpi_values
from sbsim.measure.waterfall import CAUSES, waterfall
from sbsim.pricing.breakdown import Breakdown
from sbsim.records import Facts
from sbsim.scenario import ProviderSpec, Scenario
from sbsim.simulation import run

MILL = 10**6
"""A thousandth of a dollar, in nano-dollars."""

PICTURE = {"per": "item", "usd": 0.04}
FEE = {"per": "call", "usd": 0.01}


def shop(folder: Path, rows: list[tuple[float, str]], *lanes: dict[str, Any], wait: float = 0, size: int = 1, **more: Any) -> Scenario:
    """A trace of (instant, prompt), constant everything; further keys are the scenario's."""
    path = folder / "trace.csv"
    path.write_text("\n".join(["ts,prompt", *(f"{at},{prompt}" for at, prompt in rows)]) + "\n")
    config = {
        "batching": {"max_batch_size": size, "max_wait": wait},
        "rate_limit": {"batch_pacing_interval": 0, "max_requests": None},
        **more.pop("config", {}),
    }
    workload = {
        "source": "trace",
        "path": str(path),
        "columns": {"arrived_at": "ts", "prompt": "prompt"},
        "defaults": {"content_type": "image", "engine": "e"},
    }
    return Scenario.from_mapping(
        {"version": 1, "name": "shop", "replications": 2, "workload": workload, "providers": list(lanes), "config": config, **more}
    )


def lane(*rates: dict[str, Any], name: str = "p", takes: str = "list", latency: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A lane; further keys are its own, or of its price (minimum, tiers, plan, factor, billed)."""
    price = {key: more.pop(key) for key in ("minimum", "tiers", "plan", "factor", "billed") if key in more}
    return {
        "name": name,
        "serves": {"content_type": "image", "engine": "e"},
        "api": {"takes": takes, **more.pop("api", {})},
        "price": {"rates": list(rates), **price},
        "latency": latency or {"total": 1},
        **more,
    }


def causes_of(scenario: Scenario) -> dict[str, float]:
    """The causes that are not 0, in thousandths of a dollar; checked to lie between individual and total cost of the KPIs, to the nano-dollar."""
    finished = run(scenario)
    counted = Counted(finished, scenario)
    found, kpis = waterfall(counted), kpi_values(counted)
    assert found.individual_nano == round(kpis["individual_cost_usd"] * 1e9)
    assert found.total_nano == round(kpis["total_cost_usd"] * 1e9)
    assert sum(found.causes.values()) == round(kpis["savings_usd"] * 1e9)
    assert list(found.causes) == [cause.name for cause in CAUSES]
    return {name: nano / MILL for name, nano in found.causes.items() if nano}


def test_hits_and_a_shared_call_fee(tmp_path):
    """Two pictures share one call's fee, and the first, asked for again, costs nothing: 150 mills alone, 90 billed."""
    scenario = shop(tmp_path, [(0, "a"), (0, "b"), (50, "a")], lane(PICTURE, FEE), size=2, wait=5)
    assert causes_of(scenario) == {"exact_hits": 50, "call_fee_and_setup": 10}


def test_who_joins_work_under_way_saves_all_of_it(tmp_path):
    """The second asks while the first is being made."""
    scenario = shop(tmp_path, [(0, "a"), (0.5, "a")], lane(PICTURE, FEE))
    assert causes_of(scenario) == {"coalesced": 50}


def test_gpu_time_a_price_tier_and_a_fee(tmp_path):
    """Alone 21 s of a GPU, a picture and a fee, 71 mills; together one fee, 22 s and two pictures at half price, 61 mills for both."""
    gpu = {"per": "gpu_second", "usd": 0.001}
    workers = lane(PICTURE, FEE, gpu, latency={"setup": 20, "per_item": 1}, tiers=[{"from": 2, "factor": 0.5}])
    found = causes_of(shop(tmp_path, [(0, "a"), (0, "b")], workers, size=2, wait=5))
    assert found == {"gpu_time": 20, "price_tiers": 51, "call_fee_and_setup": 10}


def test_a_minimum_is_shared_like_a_fee(tmp_path):
    """A call costs at least 100 mills: alone each picture does, two together pay it once."""
    assert causes_of(shop(tmp_path, [(0, "a"), (0, "b")], lane(PICTURE, minimum=0.1), size=2, wait=5)) == {"call_fee_and_setup": 100}


def test_a_price_that_rises_while_a_request_waits(tmp_path):
    """It arrives at 40 mills and is sent at 60; one that arrives afterwards is dearer by itself, and no cause."""
    dearer = [{"at": 50, "price": {"rates": [{"per": "item", "usd": 0.06}]}}]
    scenario = shop(tmp_path, [(49, "a"), (80, "b")], lane(PICTURE, changes=dearer), size=2, wait=5)
    assert causes_of(scenario) == {"price_changes": -20}


def test_a_plan(tmp_path):
    """Two calls of 40 mills, of which a fee of 20 includes 50: 50 are owed in place of 80."""
    plan = {"fee": 0.02, "per": 10, "included": 0.05}
    assert causes_of(shop(tmp_path, [(0, "a"), (10, "b")], lane(PICTURE, plan=plan))) == {"plans": 30}


def test_a_batch_api_at_half_the_price(tmp_path):
    """What can wait a day goes there; the call's fee is halved with the rest."""
    slow = lane(name="q", takes="file", api={"style": "batch", "poll": 60}, turnaround=600)
    slow["price"] = {"same_as": "p", "factor": 0.5}
    del slow["latency"]
    config = {"routing": {"batch_lane": "slack"}}
    scenario = shop(tmp_path, [(0, "a")], lane(PICTURE, FEE), slow, config=config, sla={"normal": {"deadline": "48h"}})
    assert causes_of(scenario) == {"batch_lane": 25}


def test_a_faster_lane_that_is_dearer(tmp_path):
    """Three times as dear is what the router takes when it is told to be fast."""
    quick = lane({"per": "item", "usd": 0.12}, name="q", latency={"total": 0.5})
    config = {"routing": {"policy": "fastest"}, "queue": {"initial_service_s": 60}}
    rows = [(0, "a"), (100, "b"), (200, "c"), (300, "d")]
    found = causes_of(shop(tmp_path, rows, lane(PICTURE, latency={"total": 300}), quick, config=config))
    assert found.keys() == {"routing"}
    assert found["routing"] % 80 == 0
    assert -320 <= found["routing"] < 0


def test_what_failed_was_not_spent_and_costs_its_loss(tmp_path):
    """The provider is down: nothing was bought for 50 mills, and the loss is twice that (the default of `lost`)."""
    down = lane(PICTURE, FEE, failures={"outages": [{"at": 0, "for": "1h"}]})
    scenario = shop(tmp_path, [(0, "a")], down, config={"retry": {"max_attempts": 1}})
    assert causes_of(scenario) == {"not_delivered": 50, "penalties": -100}


def test_an_attempt_that_was_billed_and_brought_nothing(tmp_path):
    """Every call fails and is billed in full: two attempts, 100 mills, for a request that is lost."""
    broken = lane(PICTURE, FEE, failures={"call_error": 1}, billed={"failed": "full", "timed_out": "full"})
    scenario = shop(tmp_path, [(0, "a")], broken, config={"retry": {"max_attempts": 2}})
    assert causes_of(scenario) == {"not_delivered": 50, "billed_failures": -100, "penalties": -100}


def test_a_second_bill_for_what_had_come_already(tmp_path):
    """An answer that was given up came after all: the attempt that repeats it is billed too, and is not needed."""
    late = lane(PICTURE, FEE, latency={"total": 10})
    scenario = shop(tmp_path, [(0, "a")], late, config={"retry": {"call_timeout": 8, "in_doubt": "resend", "base": 0}})
    assert causes_of(scenario) == {"billed_failures": -50}


def test_work_overtaken_by_a_rival_counts_as_coalesced_and_as_a_second_bill(tmp_path):
    """Two calls make the same; where the first one's answer served both, the second was saved 40 mills and paid 40 for what it did not need."""
    scenario = shop(tmp_path, [(0, "a"), (0.5, "a")], lane(PICTURE), config={"batching": {"coalesce": False, "max_batch_size": 1, "max_wait": 0}})
    finished = run(scenario)
    assert not any(waterfall(Counted(finished, scenario)).causes.values())
    finished.log.call[1] = finished.log.call[0]
    found = waterfall(Counted(finished, scenario)).causes
    assert {name: nano / MILL for name, nano in found.items() if nano} == {"coalesced": 40, "billed_failures": -40}


def test_rent_and_fees_of_a_lower_tier(tmp_path):
    """Memory holds one entry; the second time the redis tier answers, at a fee for each of three questions and two entries put into it."""
    config = {"cache": {"memory_size": 1, "redis_url": "${R}", "fetch_timeout": 1}}
    tiers = {"redis": {"latency": 0.001, "capacity": "1GiB", "per_gb_month": 0, "per_request": 0.001}}
    scenario = shop(tmp_path, [(0, "a"), (10, "b"), (20, "a")], lane(PICTURE), config=config, tiers=tiers)
    assert causes_of(scenario) == {"redis_hits": 40, "tier_cost": -5}


@pytest.mark.parametrize(("n", "discount"), [(1, 0.0), (2, 0.0), (3, 0.4), (9, 0.8)])
def test_a_discount_is_against_a_call_of_one(n, discount):
    """Tiers at 3 and 9 items of a list that is doubled as a whole."""
    spec = ProviderSpec.model_validate(lane(PICTURE, factor=2, tiers=[{"from": 9, "factor": 0.6}, {"from": 3, "factor": 0.8}]))
    broken_down = Breakdown(spec, spec.price)
    assert broken_down.discount(n) == pytest.approx(discount)
    assert broken_down.alone(Facts("image", "e")) == (80 * MILL, 0, 40 * MILL)
