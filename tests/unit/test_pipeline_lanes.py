"""Several lanes for one content: who makes it, and what happens when a lane fails or is too slow."""

from __future__ import annotations

import numpy as np
import pytest

from sbsim.scenario import Scenario
from sbsim.simulation import run

CHEAP = {
    "name": "cheap",
    "serves": {"content_type": "image", "engine": "e"},
    "api": {"takes": "one"},
    "price": {"rates": [{"per": "item", "usd": 0.01}]},
    "latency": {"total": 10},
}
DEAR = {**CHEAP, "name": "dear", "price": {"rates": [{"per": "item", "usd": 0.05}]}, "latency": {"total": 2}}


def two_lanes(cheap=(), dear=(), deadline=60, n=200, rate=1.0, **config):
    """`n` requests at `rate` for a content that a cheap slow lane and a dear fast one both make."""
    off = {
        "batching": {"max_batch_size": 1, "max_wait": 0},
        "cache": {"memory_size": 0},
        "rate_limit": {"max_requests": None, "concurrency": None, "batch_pacing_interval": 0, "guard": 0},
        "queue": {"initial_service_s": 10},
    }
    return Scenario.from_mapping(
        {
            "version": 1,
            "name": "lanes",
            "requests": n,
            "study": "terminating",
            "workload": {
                "source": "synthetic",
                "arrivals": {"process": "poisson", "rate": rate},
                "classes": [{"name": "a", "content_type": "image", "engine": "e"}],
            },
            "providers": [{**CHEAP, **dict(cheap)}, {**DEAR, **dict(dear)}],
            "sla": {"normal": {"deadline": deadline, "penalty": 1.0}},
            "config": {**off, **config},
        }
    )


def lanes_used(scenario, seed=1):
    """(calls per lane, run)."""
    finished = run(scenario, seed=seed)
    return np.bincount(finished.log.calls["lane"], minlength=2), finished


def test_the_cheapest_lane_in_time_makes_it():
    """With time enough the cheap lane makes everything, with too little of it the fast one does."""
    (cheap, dear), _ = lanes_used(two_lanes(deadline=60))
    assert (cheap, dear) == (200, 0)
    (cheap, dear), _ = lanes_used(two_lanes(deadline=5))
    assert cheap <= 15  # until both have answered once
    assert dear >= 185


@pytest.mark.parametrize(("policy", "lane"), [("single", 0), ("fastest", 1)])
def test_other_policies_do_as_they_say(policy, lane):
    """`single` stays with the first lane whatever the deadline; `fastest` pays for speed that nobody needs, once it knows who is fast."""
    used, _ = lanes_used(two_lanes(deadline=5 if policy == "single" else 600, routing={"policy": policy}))
    assert used[lane] >= 100


def test_balanced_spreads_by_load():
    """Of two lanes that are both in time each gets work, in proportion to its slots."""
    slots = [{"concurrency": 4}]
    (cheap, dear), _ = lanes_used(two_lanes(cheap={"limits": slots, "latency": {"total": 4}}, dear={"limits": slots}, routing={"policy": "balanced"}))
    assert min(cheap, dear) > 40


def test_an_outage_moves_work_to_the_other_lane_and_back():
    """While the cheap lane is down the breaker keeps work away from it: a probe per cooldown, nothing is lost, and afterwards it is used again."""
    scenario = two_lanes(cheap={"failures": {"outages": [{"at": 50, "for": 60}]}}, routing={"cooldown": 10, "allowed_failures": 2})
    (cheap, dear), finished = lanes_used(scenario)
    counters = finished.log.counters
    assert counters["n_failed"] == 0
    assert counters["n_breaker_opened"] >= 5
    assert counters["n_probes"] <= 8
    calls = finished.log.calls
    refused = (calls["lane"] == 0) & (calls["error"] != 0)
    assert refused.sum() <= 12  # without a breaker some 60 would have run into it, several times each
    assert dear > 40
    assert calls["sent_at"][calls["lane"] == 0].max() > 115


def test_work_that_waits_at_a_full_lane_leaves_it_in_time():
    """The cheap lane has one slot: what its queue would make late is made by the dear lane, at the last instant at which that is in time."""
    scenario = two_lanes(cheap={"limits": [{"concurrency": 1}]}, rate=0.5, deadline=30)
    (cheap, dear), finished = lanes_used(scenario)
    assert cheap > 20  # it stays busy
    assert dear > 60
    late = finished.log.done_at - finished.prepared.arrived_at > 30
    assert late.mean() < 0.03


def test_a_hard_budget_bars_a_lane_whose_bill_nothing_bounds():
    """The lane without a bound is never used while a hard budget is set; without a budget it is the cheapest."""
    unbounded = {"price": {"rates": [{"per": "token_out", "usd": 0.001}]}}
    (cheap, dear), _ = lanes_used(two_lanes(cheap=unbounded))
    assert (cheap, dear) == (200, 0)
    (cheap, dear), _ = lanes_used(two_lanes(cheap=unbounded, budget={"limit": 1000}))
    assert (cheap, dear) == (0, 200)


def test_a_poisoned_item_does_not_take_its_batch_with_it():
    """Halving finds the poisoned contents: they alone fail, and within the bound of 2 ceil(log2 n) calls each."""
    scenario = two_lanes(
        cheap={"api": {"takes": "list"}, "failures": {"poison": 0.05}},
        dear={"serves": {"content_type": "video"}},
        batching={"max_batch_size": 8, "max_wait": 30},
        n=400,
    )
    finished = run(scenario, seed=3)
    counters = finished.log.counters
    assert finished.log.failures == {"permanent": counters["n_failed"]}
    assert 8 < counters["n_failed"] < 40
    first = finished.log.calls["attempt"] == 1
    assert (~first).sum() <= 6 * counters["n_failed"]
    assert counters["n_bisected"] > 0
