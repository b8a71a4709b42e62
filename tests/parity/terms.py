"""What providers may say beyond a price and limits, put into random scenarios: batch APIs, cold starts, outages by chance, plans, changing terms."""

from __future__ import annotations

import random


def with_terms(document, k):
    """The scenario document number `k` with some of them; whole seconds, so that ties stay ties."""
    rng = random.Random(f"terms of {k}")
    pick = rng.choice
    first = document["providers"][0]
    if rng.random() < 0.3:
        first["cold_start"] = {"time": pick([2, 5]), "idle_after": pick([1, 10]), "billed": pick([True, False])}
    if rng.random() < 0.3:
        first["failures"]["outages"] = {"every": pick([20, {"law": "exponential", "mean": 20}]), "for": pick([3, {"law": "exponential", "mean": 5}])}
    if rng.random() < 0.3:
        first["price"] = {**first["price"], "plan": {"fee": 1, "per": pick([10, 1000]), "included": pick([0, 2])}}
    if rng.random() < 0.4:
        first["changes"] = [{"at": at, **terms} for at, terms in zip([7, 15], rng.sample(_changes(pick), 2), strict=True)]
    lane = rng.random()
    if lane < 0.3:  # beside the others, or alone
        batch = _batch_lane(pick)
        document["providers"] = [batch] if lane < 0.12 else [*document["providers"], batch]
        document["config"]["routing"]["batch_lane"] = pick(["never", "slack"])
    return document


def _changes(pick):
    return [
        {"price": {"rates": [{"per": "item", "usd": pick([0.01, 0.4])}]}},
        {"limits": [{"concurrency": pick([1, 4]), "on_excess": pick(["reject", "queue"])}]},
        {"limits": [{"calls": 10, "per": 10, "known": False}], "price": {"rates": [{"per": "call", "usd": 0.1}]}},
        {"limits": []},
    ]


def _batch_lane(pick):
    return {
        "name": "b",
        "serves": {"content_type": "image", "engine": "e"},
        "api": {
            "style": "batch", "takes": "file", "max_items": pick([4, 50]), "max_bytes": pick([None, "4kB"]), "one_engine_per_call": True,
            "poll": pick([3, 5]), "idempotency": pick(["none", "lookup"]), "cancel": pick(["never", "partial", "running"]),
        },
        "latency": {"refusal": 1},
        "turnaround": pick([20, {"law": "lognormal", "median": 15, "p90": 60}]),
        "expires_after": pick([15, 200]),
        "limits": pick([[], [{"outstanding": 2}], [{"outstanding": 1, "known": False}], [{"outstanding": 1, "on_excess": "queue", "known": False}]]),
        "price": {"rates": [{"per": "item", "usd": 0.02}]},
        "failures": {"call_error": pick([0, 0.1]), "item_error": pick([0, 0.1]), "moderated": pick([0, 0.05])},
    }  # fmt: skip
