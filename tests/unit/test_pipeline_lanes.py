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
    (_, dear), finished = lanes_used(scenario)
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


BATCH_API = {
    "name": "files",
    "serves": {"content_type": "image", "engine": "e"},
    "api": {"style": "batch", "takes": "file", "max_items": 1000, "poll": "60s"},
    "price": {"rates": [{"per": "item", "usd": 0.005}]},
    "turnaround": {"law": "constant", "value": "10min"},
    "expires_after": "2h",
}


def with_batch_api(deadlines, batch_lane="slack", **changes):
    """Urgent and background requests; the dear lane and a batch API at a tenth of its price serve both."""
    document = two_lanes(n=300).document
    document["workload"]["classes"][0]["priority"] = {"urgent": 0.5, "background": 0.5}
    document["providers"] = [DEAR, {**BATCH_API, **changes}]
    document["sla"] = {name: {"deadline": deadline, "penalty": 1.0} for name, deadline in deadlines.items()}
    document["config"] = {**document["config"], "batching": {"max_batch_size": 100, "max_wait": "2min"}, "routing": {"batch_lane": batch_lane}}
    return Scenario.from_mapping(document)


def test_only_what_can_wait_goes_to_a_batch_api():
    """Background work with a day to spare is made in files at a tenth of the price, urgent work at once on the other lane; nobody is late."""
    scenario = with_batch_api({"urgent": 60, "background": "24h"})
    finished = run(scenario, seed=1)
    calls, log, prepared = finished.log.calls, finished.log, finished.prepared
    in_files = calls["lane"][log.call] == 1
    assert (in_files == (prepared.urgency == 3)).all()
    assert (log.done_at <= prepared.deadline_at).all()
    assert calls["n_items"][calls["lane"] == 1].mean() > 20
    assert log.counters["n_slow"] == np.count_nonzero(in_files)
    never = run(with_batch_api({"urgent": 60, "background": "24h"}, batch_lane="never"), seed=1)
    assert (never.log.calls["lane"] == 0).all()
    assert calls["bill_nano"].sum() < 0.6 * never.log.calls["bill_nano"].sum()


def test_without_slack_a_batch_api_is_not_used():
    """Half of its lifetime is what its first answer is expected to take: a deadline before that never goes there."""
    used, _ = lanes_used(with_batch_api({"urgent": 60, "background": "30min"}))
    assert used.tolist()[1] == 0


def test_what_a_batch_api_gives_up_on_is_made_on_another_lane():
    """Files that expire come back unmade; their items are sent again, at once, where answers are prompt."""
    finished = run(with_batch_api({"urgent": 60, "background": "24h"}, turnaround="3h"), seed=1)
    log = finished.log
    assert log.counters["n_failed"] == 0
    late = log.calls["attempt"] > 1
    assert late.any()
    assert (log.calls["lane"][late] == 0).all()


def test_urgent_work_does_not_join_a_file_that_comes_too_late():
    """An urgent request for content that waits for a file is made on its own, and its result serves the file's waiters too."""
    document = with_batch_api({"urgent": 60, "background": "24h"}).document
    document["workload"]["catalogue"] = {"contents": 20}
    document["config"]["cache"] = {"memory_size": 0}
    finished = run(Scenario.from_mapping(document), seed=1)
    urgent = finished.prepared.urgency == 1
    latency_s = finished.log.done_at - finished.prepared.arrived_at
    assert (latency_s[urgent] <= 60).mean() > 0.99
    assert finished.log.counters["n_failed"] == 0


def test_a_limit_that_nobody_declared_is_learnt_from_answers():
    """A lane that takes three calls in ten seconds says so in its headers: after the first answers it is asked no more often, and it refuses few."""
    hidden = [{"calls": 3, "per": "10s", "known": False}]
    scenario = two_lanes(cheap={"limits": hidden, "latency": {"total": 1}}, dear={"serves": {"content_type": "video"}}, rate=0.25)
    finished = run(scenario, seed=2)
    counters, calls = finished.log.counters, finished.log.calls
    assert counters["n_limits_learnt"] == 1
    first_answer_at = calls["answered_at"].min()
    refused = (
        calls["error"] == finished.log.errors.index("rate_limited") if "rate_limited" in finished.log.errors else np.zeros(len(calls["error"]), bool)
    )
    assert not (refused & (calls["sent_at"] > first_answer_at + 10)).any()


def test_a_limit_on_what_calls_carry_is_learnt_too():
    """Of two lists of up to twenty the provider takes ten pictures in twenty seconds: told by its headers, the lane sends no list that it refuses."""
    hidden = [{"items": 10, "per": "20s", "known": False}]
    cheap = {"limits": hidden, "latency": {"total": 1}, "api": {"takes": "list", "max_items": 20, "idempotency": "key"}}
    scenario = two_lanes(cheap=cheap, dear={"serves": {"content_type": "video"}}, rate=0.4)
    scenario = scenario.with_values({"batching.max_batch_size": 20, "batching.max_wait": 40})
    finished = run(scenario, seed=2)
    counters, calls = finished.log.counters, finished.log.calls
    assert counters["n_limits_learnt"] == 1
    assert counters["n_failed"] == 0
    later = calls["sent_at"] > calls["answered_at"].min()
    assert calls["n_items"][later].max() == 10  # no call is larger than what the window can ever grant
    known = {0, *(k for k, name in enumerate(finished.log.errors) if name is None)}
    assert set(calls["error"][later]) <= known


def test_lanes_are_chosen_by_the_prices_of_the_day():
    """The cheap lane becomes the dearest at 100 s: what is sent from then on goes to the other."""
    scenario = two_lanes(cheap={"changes": [{"at": 100, "price": {"rates": [{"per": "item", "usd": 9}]}}]})
    calls = run(scenario).log.calls
    assert set(calls["lane"][calls["sent_at"] < 100]) == {0}
    assert set(calls["lane"][calls["sent_at"] >= 100]) == {1}
