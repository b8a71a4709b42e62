"""INV-10: simulation and live take identical decisions on the same inputs, and INV-1 to INV-3 hold at every instant in both."""

from __future__ import annotations

import random

import numpy as np
import pytest

from sbsim.scenario import Scenario

from .terms import with_terms
from .virtual import lived, simulated


def some_scenario(k):
    """Scenario number `k` of an endless family: every mechanism on in some, ties in many, trouble in most."""
    rng = random.Random(k)
    ties = rng.random() < 0.4  # whole seconds everywhere: arrivals, service, waits and limits fall on the same instants
    pick = rng.choice
    takes = pick(["one", "list", "list", "variants"])
    is_job = rng.random() < 0.3
    n = rng.randint(40, 140)
    law = pick([1, 2, 5]) if ties else pick([{"law": "exponential", "mean": 2.0}, {"law": "lognormal", "median": 3.0, "cv": 0.8}, 1.5])
    latency = {"total": law} if rng.random() < 0.5 else {"setup": pick([0, 1, 3]), "per_item": 1, "per_second": 0, "parallel_items": pick([1, 4])}
    latency["refusal"] = 1 if ties else 0.1
    limits = []
    if rng.random() < 0.6:
        kind = pick(["sliding", "fixed", "bucket"])
        limit = {
            "calls": pick([4, 10, 30]),
            "per": 10 if is_job else pick([5, 10]),
            "kind": kind,
            "on_excess": pick(["reject", "queue"]),
            "known": rng.random() < 0.6,
        }
        if kind == "bucket":
            limit["burst"] = pick([4, 6])
        limits.append(limit)
    if rng.random() < 0.5:
        limits.append({"concurrency": pick([1, 2, 5]), "known": rng.random() < 0.6, "on_excess": pick(["reject", "queue"])})
    api = {"style": "job" if is_job else "sync", "takes": takes, "idempotency": pick(["none", "none", "key"]), "cancel": pick(["never", "running"])}
    if takes != "one":
        api["max_items"] = pick([2, 4, 50])
    if is_job:
        api["poll"] = pick([3, 5])
    arrivals = (
        {"process": "batch", "rate": 2.0, "size": pick([3, 7])}
        if ties
        else {"process": pick(["poisson", "poisson", "gamma"]), "rate": pick([0.5, 2.0, 6.0])}
    )
    if arrivals["process"] == "gamma":
        arrivals["cv"] = 2.0
    workload = {
        "source": "synthetic",
        "arrivals": arrivals,
        "tenants": {"count": pick([1, 2])},
        "classes": [
            {
                "name": "a",
                "content_type": "image",
                "engine": "e",
                "duration": pick([4, {"law": "empirical", "values": [4, 6, 8], "weights": [1, 1, 1]}]),
                "style_params": {"look": {"plain": 0.6, "loud": 0.4}},
                "priority": {"urgent": 0.2, "normal": 0.5, "background": 0.3},
                "no_reuse": pick([0, 0.2]),
                "variants": pick([1, 1, 3]),
            }
        ],
    }
    if rng.random() < 0.7:
        workload["catalogue"] = {"contents": pick([5, 30, 200]), "popularity": {"law": "zipf", "exponent": 0.8}}
    config = {
        "batching": {
            "max_batch_size": pick([1, 3, 10]),
            "max_wait": pick([0, 2, 5, 20]),
            "late_join": rng.random() < 0.7,
            "coalesce": rng.random() < 0.8,
        },
        "rate_limit": {
            "max_requests": pick([None, 5, 20]),
            "time_window": 10,
            "concurrency": pick([1, 3, 8]),
            "batch_pacing_interval": pick([0, 0, 1]),
            "guard": 0 if ties else pick([0, 0.25]),
        },
        "cache": {"memory_size": pick([0, 5, 100]), "ttl": pick([5, 60, 3600])},
        "queue": {
            "policy": pick(["fifo", "score", "strict"]),
            "initial_service_s": pick([1, 10, 60]),
            "max_pending": pick([10000, 10000, 15]),
            "on_full": pick(["wait", "refuse"]),
            "on_deadline": pick(["serve", "drop"]),
        },
        "retry": {
            "max_attempts": pick([1, 3]),
            "call_timeout": pick([4, 120]),
            "job_timeout": pick([8, 1800]),
            "in_doubt": pick(["hold", "fail", "resend"]),
        },
    }
    if is_job:  # the polls of one job must fit into every window of calls
        for limit in limits:
            if "calls" in limit:
                limit["calls"] = max(limit["calls"], 10)
                limit["burst"] = limit.get("burst", 4) + 6 if "burst" in limit else None
                if limit["burst"] is None:
                    del limit["burst"]
    if rng.random() < 0.4:
        config["budget"] = {"limit": pick([0.5, 3.0]), "window": 60, "reserve_urgent": pick([0, 0.3])}
        if rng.random() < 0.5:  # beside it a calendar window, whose resets fall on whole seconds, and soft ones
            config["budget"]["windows"] = [
                {"limit": pick([0.3, 1.0]), "window": pick([20, 30]), "resets": pick(["00:00 UTC", "rolling"]), "kind": pick(["hard", "soft"])}
                for _ in range(pick([1, 2]))
            ]
        more = {"kind": pick(["hard", "hard", "soft"]), "reserve_quantile": pick([0, 0.5, 1]), "pacing": pick([False, False, True])}
        more["on_spent"] = pick(["wait", "wait", "refuse"])
        config["budget"].update(more)
    config["batching"]["formation"] = pick(["greedy", "greedy", "optimal"])
    config["batching"]["sizing"] = pick(["fixed", "complexity", "capacity", "failure", "aimd"])
    config["cache"]["policy"] = pick(["lru", "lfu", "sieve", "w_tinylfu", "gdsf"])
    config["routing"] = {
        "policy": pick(["cheapest", "fastest", "balanced", "single"]),
        "cooldown": pick([5, 30]),
        "allowed_failures": pick([1, 3]),
    }
    if "catalogue" in workload and rng.random() < 0.5:
        workload["catalogue"].update(near_duplicates=0.3, lookalikes=0.2)
        config["cache"].update(near_duplicates=True, near_duplicate_threshold=pick([0.5, 0.8]), near_duplicate_entries=pick([3, 1000]))
    config["cache"]["negative_ttl"] = pick([0, 20])
    poison = pick([0, 0, 0.05])
    tiers = {}
    if rng.random() < 0.4:  # lower tiers, some of them too slow to be waited for
        config["cache"]["fetch_timeout"] = 1 if ties else 0.05
        config["cache"]["memory_size"] //= 20  # what memory keeps no tier is asked for
        for name in ("redis", "cdn"):
            if rng.random() < 0.7:
                latency_s = pick([1, 2]) if ties else pick([0.002, 0.002, 0.03, 0.2, {"law": "exponential", "mean": 0.03}])
                tiers[name] = {"latency": latency_s, "capacity": pick(["1GiB", 2000]), "per_gb_month": 0.2, "per_request": 0.000001}
                config["cache"][f"{name}_url"] = f"${{{name.upper()}}}"
                config["cache"][f"{name}_ttl"] = pick([30, None])
    others = []
    if rng.random() < 0.5:  # a second lane for the same content: dearer and faster, or the other way round
        others.append(
            {
                "name": "q",
                "serves": {"content_type": "image", "engine": pick(["e", None])},
                "api": {"takes": pick(["one", "list"])},
                "latency": {"total": pick([1, 6]) if ties else pick([1, 6, {"law": "exponential", "mean": 3.0}]), "refusal": latency["refusal"]},
                "limits": pick([[], [{"concurrency": 2, "known": True}], [{"calls": 3, "per": 10, "known": False}]]),
                "price": {"rates": [{"per": "item", "usd": pick([0.02, 0.08])}]},
                "failures": {"call_error": pick([0, 0.2]), "outages": pick([[], [{"at": 4, "for": 20}]])},
            }
        )
    if rng.random() < 0.4:  # settings that move meanwhile
        bounds = {"max_wait": pick([5, 40]), "max_batch_size": 12, "max_late": pick([0, 0.2])}
        config["controller"] = {"enabled": True, "interval": pick([2, 5, 10]), **bounds}
    return Scenario.from_mapping(
        with_terms(
            {
                "version": 1,
                "name": f"random-{k}",
                "requests": n,
                "study": "terminating",
                "workload": workload,
                "providers": [
                    {
                        "name": "p",
                        "serves": {"content_type": "image", "engine": "e"},
                        "api": api,
                        "latency": latency,
                        "limits": limits,
                        "price": {"rates": [{"per": "item", "usd": 0.04}, {"per": "call", "usd": 0.01}]},
                        "failures": {
                            "call_error": pick([0, 0.1]),
                            "item_error": pick([0, 0.1]),
                            "moderated": pick([0, 0.05]),
                            "outages": pick([[], [{"at": 10, "for": 5}]]),
                            "poison": poison,
                        },
                    },
                    *others,
                ],
                "sla": {"urgent": {"deadline": 15, "penalty": 1.0}, "normal": {"deadline": 60, "penalty": 0.1}},
                "tiers": tiers,
                "config": config,
            },
            k,
        )
    )


def conserves(pipeline, now):
    """INV-1 and INV-3 after every input."""
    s = pipeline.snapshot()
    ended = s["n_delivered"] + s["n_failed"] + s["n_refused"] + s["n_cancelled"] + s["n_pending"]
    assert s["n_submitted"] == ended, s
    assert s["n_pending"] >= 0
    assert pipeline.wake_at >= now


@pytest.mark.parametrize("k", range(200))
def test_both_drivers_take_the_same_actions_in_the_same_order(k):
    """Same scenario, same seed: the same inputs, actions and instants under SimPy and asyncio, bit for bit, and the same columns in both logs."""
    scenario = some_scenario(k)
    theirs, their_log, pipeline = simulated(scenario, seed=k, check=conserves)
    ours, our_log, _ = lived(scenario, seed=k, check=conserves)
    for a, b in zip(theirs, ours, strict=False):
        assert a == b
    assert len(theirs) == len(ours)
    for column in ("how", "done_at", "sent_at", "ready_at", "item_payer"):
        np.testing.assert_array_equal(getattr(their_log, column), getattr(our_log, column), err_msg=column)
    np.testing.assert_array_equal(their_log.calls["bill_nano"], our_log.calls["bill_nano"])
    sent = ~np.isnan(their_log.sent_at)
    assert np.all(their_log.ready_at[sent] <= their_log.sent_at[sent])  # INV-2
    done = ~np.isnan(their_log.done_at) & sent
    assert np.all(their_log.sent_at[done] <= their_log.done_at[done])
    assert pipeline.snapshot()["n_submitted"] == len(their_log.how)


def test_the_family_exercises_every_mechanism():
    """A parity that never met a mechanism proves nothing about it: each has fired somewhere in the family."""
    fired = {}
    kinds = set()
    for k in range(60):
        trace, _, pipeline = simulated(some_scenario(k), seed=k)
        kinds |= {action[0] for _, _, actions in trace for action in actions}
        for name, n in pipeline.snapshot().items():
            fired[name] = fired.get(name, 0) + n
    assert kinds == {"hit", "deliver", "fetch", "store", "send", "fail", "refuse", "abort"}
    never = [
        name
        for name, n in fired.items()
        if n == 0
        and name not in ("n_cancelled", "n_in_flight", "n_pending", "n_closed_by_flush", "n_closed_by_cost", "n_closed_by_duration")
        and not name.startswith("n_packings")
    ]
    assert not never
