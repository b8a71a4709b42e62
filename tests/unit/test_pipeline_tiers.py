"""Lower cache tiers: who answers, what a slow or small tier does, and what it costs."""

from __future__ import annotations

import pytest

from sbsim.errors import ScenarioError
from sbsim.records import CDN, MEMORY, REDIS
from sbsim.scenario import Scenario
from sbsim.simulation import run, simulate

URLS = {"redis": {"redis_url": "${REDIS}"}, "cdn": {"cdn_url": "${CDN}"}}


def tiered(redis=None, cdn=None, result=None, n=600, contents=30, **cache):
    """Requests for a few contents by a batcher whose own memory holds one of them."""
    tiers = {name: spec for name, spec in (("redis", redis), ("cdn", cdn)) if spec is not None}
    for name in tiers:
        cache.update(URLS[name])
    return Scenario.from_mapping(
        {
            "version": 1,
            "name": "tiers",
            "requests": n,
            "study": "terminating",
            "replications": 2,
            "workload": {
                "source": "synthetic",
                "arrivals": {"process": "poisson", "rate": 0.5},
                "catalogue": {"contents": contents, "popularity": {"law": "zipf", "exponent": 0.8}},
                "classes": [{"name": "a", "content_type": "image", "engine": "e"}],
            },
            "providers": [
                {
                    "name": "p",
                    "serves": {"content_type": "image"},
                    "price": {"rates": [{"per": "item", "usd": 0.04}]},
                    "latency": {"total": 1},
                    "result": result or {},
                }
            ],
            "tiers": tiers,
            "config": {"batching": {"max_batch_size": 1, "max_wait": 0}, "cache": {"memory_size": 1, "ttl": "24h", **cache}},
        }
    )


def hits(scenario, seed=1):
    """(run, hits of memory, redis and cdn, calls)."""
    finished = run(scenario, seed=seed)
    how = finished.log.how.tolist()
    return finished, *(how.count(code) for code in (MEMORY, REDIS, CDN)), len(finished.log.calls["serial"])


def test_a_tier_below_answers_what_memory_has_forgotten():
    """With redis every content is made once; without it memory forgets and the provider is paid again."""
    _, _, none, _, without = hits(tiered())
    finished, memory, redis, _, calls = hits(tiered(redis={"latency": "2ms"}))
    assert none == 0
    assert calls == 30 < without
    assert memory + redis + calls + finished.log.how.tolist().count(5) == 600  # the rest joined
    waited = finished.log.done_at[finished.log.how == REDIS] - finished.prepared.arrived_at[finished.log.how == REDIS]
    assert waited == pytest.approx(0.002)


def test_the_upper_tier_is_asked_first_and_learns_from_the_lower():
    """Redis holds two entries, the cdn all: what redis lacks the cdn has, and it comes up again."""
    finished, _, redis, cdn, calls = hits(tiered(redis={"latency": "2ms", "capacity": 1024}, cdn={"latency": "20ms"}))
    assert calls == 30
    assert redis > 20
    assert cdn > redis
    assert finished.log.counters["n_fetched"] > finished.log.counters["n_stored"] > 30


def test_a_slow_tier_is_a_miss_and_nobody_waits_for_it():
    """A tier slower than the timeout answers nobody; its late answers still fill the memory."""
    finished, memory, redis, _, _ = hits(tiered(redis={"latency": "300ms"}, fetch_timeout="50ms"))
    assert redis == 0
    assert finished.log.counters["n_slow_tiers"] == finished.log.counters["n_fetched"] > 100
    assert memory > 0


def test_a_reference_dies_with_what_it_refers_to_and_a_copy_does_not():
    """Results expire at the provider after three minutes: redis serves them no longer than that, the cdn has copies of its own."""
    expiring = {"as": "url", "expires": "3min", "bytes": "1MB"}
    *_, by_redis = hits(tiered(redis={"latency": "2ms"}, result=expiring))
    *_, by_cdn = hits(tiered(cdn={"latency": "2ms"}, result=expiring))
    assert by_redis > 2 * by_cdn == 60


def test_what_tiers_cost_is_fees_and_rent():
    """Fees are questions and entries stored times their price; rent is bytes over time: a flat megabyte a content."""
    spec = {"latency": "2ms", "per_request": 0.001, "per_gb_month": 1000}
    scenario = tiered(cdn=spec, result={"as": "url", "bytes": "1MB"}, contents=1, n=50)
    finished, *_ = hits(scenario)
    kpis = simulate(scenario, seed=1, replications=1).kpis
    counters = finished.log.counters
    made_at = float(finished.log.calls["answered_at"][0])
    held_s = finished.prepared.horizon_at - made_at
    fees = 0.001 * (counters["n_fetched"] + counters["n_stored"])
    rent = (1e6 + 512) / 1e9 * 1000 * held_s / (30 * 86400)
    assert kpis["tier_cost_usd"].mean == pytest.approx(fees + rent, rel=1e-6)
    assert kpis["total_cost_usd"].mean == pytest.approx(kpis["provider_cost_usd"].mean + fees + rent, rel=1e-6)


def test_a_tier_that_is_switched_on_needs_a_price():
    """Nobody can simulate what nothing is said of."""
    with pytest.raises(ScenarioError, match=r"tiers: config.cache.redis_url switches it on, .* try redis"):
        tiered(redis_url="${REDIS}")
