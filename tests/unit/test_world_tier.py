"""The model of a lower tier: what is dead takes neither rent nor room, and its latency is a law with draws of its own."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import numpy as np
import pytest

from sbsim.errors import ScenarioError
from sbsim.records import REDIS, Content, Entry, Facts, Item, Request
from sbsim.scenario import CacheTier, Scenario
from sbsim.seeds import Draws
from sbsim.simulation import run, simulate
from sbsim.world import ModelledTier
from sbsim.world.tier import REFERENCE_BYTES

MONTH_S = 30 * 86400
H = 6 * 3600.0
RATE = 10 / 60
USD_PER_BYTE_S = 100 / 1e9 / MONTH_S


def item(key):
    return Item(Request(0, 0.0, float("inf"), 2, Content(0, key, key, Facts("image", "e"), 0, 0, (), 0)))


def tier(capacity=2 * REFERENCE_BYTES, ttl_s=50.0, latency=0.0):
    """A tier of references that holds two of them."""
    return ModelledTier("redis", CacheTier(latency=latency, capacity=capacity), ttl_s, Draws(1, 0))


def put(model, key, at, dies_at=float("inf")):
    model.store([Entry(key, float("inf"), dies_at=dies_at)], [item(key)], at)


def holds(model, key, at):
    return model.fetch(key, at, 0)[1] is not None


def byte_seconds(model, until):
    edges = [min(at, until) for at in (*model.held_since, until)]
    return sum(held * (b - a) for held, (a, b) in zip(model.held_bytes, pairwise(edges), strict=True))


# -- what is dead ---------------------------------------------------------------------------------------------------------------
def test_the_dead_go_before_the_living():
    """An entry that was asked for last, and is dead, makes room for a new one; the older one that lives stays."""
    model = tier()
    put(model, "A", 0)
    put(model, "B", 10)
    assert holds(model, "A", 40)
    put(model, "C", 55)  # A is dead since 50, B lives until 60
    assert holds(model, "B", 58)
    assert holds(model, "C", 58)
    assert (model.n_expired, model.n_evicted) == (1, 0)


def test_of_the_living_the_least_recently_used_goes():
    """Being asked for counts as use, and never lengthens a life."""
    model = tier()
    put(model, "A", 0)
    put(model, "B", 10)
    assert holds(model, "A", 20)
    put(model, "C", 30)
    assert not holds(model, "B", 40)
    assert holds(model, "A", 49)
    assert not holds(model, "A", 51)


def test_an_entry_that_nobody_asks_for_again_goes_at_its_own_instant():
    """Held bytes fall when an entry's life or its result's is over, in the order of these instants and not of storing, whenever one looks."""
    model = tier(capacity=1e9)
    put(model, "A", 0)
    put(model, "B", 10, dies_at=20)
    put(model, "C", 30)
    model.expire(1000.0)
    assert list(zip(model.held_since, model.held_bytes, strict=True)) == [(0, 512), (10, 1024), (20, 512), (30, 1024), (50, 512), (80, 0)]


def test_an_entry_lives_up_to_its_last_instant_and_not_in_it():
    """Lives are half-open: dead at the very instant."""
    model = tier()
    put(model, "A", 0)
    assert holds(model, "A", np.nextafter(50, 0))
    assert not holds(model, "A", 50)


def test_the_end_of_what_was_replaced_ends_nothing():
    """An entry that is stored anew has its whole life again, and one that was evicted and came back too; rent counts each instant once."""
    model = tier()
    put(model, "A", 0)
    put(model, "A", 30)
    assert holds(model, "A", 60)
    put(model, "B", 61)
    put(model, "C", 62)  # evicts A
    put(model, "A", 63)  # evicts B
    assert (model.n_evicted, model.n_expired) == (2, 0)
    assert holds(model, "A", 90)
    model.expire(200)
    assert model.n_expired == 2
    assert byte_seconds(model, 200) == REFERENCE_BYTES * ((62 - 0) + (63 - 61) + (112 - 62) + (113 - 63))  # A, B, C, A


def test_ends_of_the_evicted_are_not_kept_for_ever():
    """A tier of a long time to live forgets what it has evicted or replaced: its agenda stays as small as itself."""
    model = tier(ttl_s=1e9)
    for k in range(5000):
        put(model, k, k)
    assert len(model._ends) < 100
    assert (len(model._entries), model.n_evicted) == (2, 4998)
    model = tier()
    for k in range(5000):
        put(model, "A", k / 1000, dies_at=30)  # each time with the same end
    assert len(model._ends) < 100
    model.expire(30)
    assert (model.n_expired, model.held_bytes[-1]) == (1, 0)


# -- rent -----------------------------------------------------------------------------------------------------------------------
def rented(ttl, name="cdn"):
    """Ten different images a minute, 10 MB each, kept in a tier and never asked for again."""
    spec = {"latency": "10ms", "per_gb_month": 100}
    return Scenario.from_mapping(
        {
            "version": 1,
            "name": "rent",
            "horizon": H,
            "study": "terminating",
            "replications": 1,
            "workload": {
                "source": "synthetic",
                "arrivals": {"process": "poisson", "rate": RATE},
                "classes": [{"name": "a", "content_type": "image", "engine": "e"}],
            },
            "providers": [
                {
                    "name": "p",
                    "serves": {"content_type": "image", "engine": "e"},
                    "price": {"rates": [{"per": "image", "usd": 0.01}]},
                    "latency": {"total": 2},
                    "result": {"as": "url", "bytes": "10MB"},
                }
            ],
            "tiers": {name: spec},
            "config": {
                "batching": {"max_batch_size": 1, "max_wait": 0},
                "rate_limit": {"max_requests": None, "batch_pacing_interval": 0, "concurrency": None, "guard": 0},
                "cache": {"ttl": "48h", f"{name}_url": "${TIER}", f"{name}_ttl": ttl},
            },
        }
    )


@pytest.mark.parametrize("name", ["redis", "cdn"])
@pytest.mark.parametrize("ttl_s", [60.0, 600.0, 3600.0, H, None])
def test_rent_is_paid_for_a_life_and_no_longer(ttl_s, name):
    """Each entry costs its bytes x min(T, H - t), stored at t: exactly so by the run's own instants; and as calls are answered d after Poisson
    arrivals, the mean over all runs is rate x bytes x the integral of min(T, s) over s = 0 .. H - d, with S = min(T, H - d): S (H - d) - S^2 / 2.
    The sum over a Poisson process has variance rate x bytes^2 x the integral of the square, S^2 (H - d) - 2 S^3 / 3 (Campbell's theorem)."""
    scenario = rented(ttl_s, name)
    life_s = 48 * 3600.0 if ttl_s is None else ttl_s
    dollars = (REFERENCE_BYTES + (1e7 if name == "cdn" else 0)) * USD_PER_BYTE_S
    found = simulate(scenario, seed=3).kpis["tier_cost_usd"].mean
    stored_at = run(scenario, seed=3).prepared.arrived_at + 2
    paid_s = np.minimum(life_s, np.maximum(H - stored_at, 0)).sum()
    assert found == pytest.approx(dollars * paid_s, rel=1e-6, abs=1e-9)
    s, span = min(life_s, H - 2), H - 2
    mean, sd = RATE * (s * span - s * s / 2), sqrt(RATE * (s * s * span - 2 * s**3 / 3))
    assert abs(found - dollars * mean) < 4 * dollars * sd


# -- latency --------------------------------------------------------------------------------------------------------------------
LAW = {"law": "lognormal", "median": "20ms", "p90": "60ms", "max": "200ms"}


def asked(latency, cdn=False, **settings):
    """Requests for thirty contents by a batcher without a memory of its own."""
    tiers = {"redis": {"latency": latency}, **({"cdn": {"latency": LAW}} if cdn else {})}
    urls = {f"cache.{name}_url": f"${{{name.upper()}}}" for name in tiers}
    plain = {**rented(None, "redis").document, "tiers": tiers, "config": {}, "horizon": None, "requests": 4000}
    plain["workload"] = {**plain["workload"], "catalogue": {"contents": 30, "popularity": {"law": "zipf", "exponent": 0.8}}}
    scenario = Scenario.from_mapping({key: value for key, value in plain.items() if value is not None})
    return scenario.with_values({"cache.memory_size": 0, "batching.max_wait": 0, "batching.coalesce": False, **urls, **settings})


def test_the_latency_of_a_tier_may_be_a_law():
    """Each request that redis answers waits for the draw that is its own, whatever else is switched on; slower ones are misses."""
    scenario = asked(LAW)
    law = scenario.tiers.redis.latency
    drawn = law.quantile(Draws(5, 0).bulk("tier:redis", 0, 4000))
    for other in (scenario, asked(LAW, cdn=True), asked(LAW, **{"cache.redis_ttl": "1min"})):
        finished = run(other, seed=5)
        mine = finished.log.how == REDIS
        waited = finished.log.done_at[mine] - finished.prepared.arrived_at[mine]
        assert waited == pytest.approx(drawn[mine], abs=1e-9)
        assert np.count_nonzero(mine) > 500
        assert waited.max() <= 0.05 < law.high == 0.2
    counters = run(scenario, seed=5).log.counters
    assert counters["n_slow_tiers"] == np.count_nonzero(drawn > 0.05)
    assert counters["n_fetched"] == 4000


def test_two_tiers_of_one_law_have_luck_of_their_own():
    """The draw belongs to the tier and the request."""
    redis, cdn = (ModelledTier(name, CacheTier(latency=LAW), 1.0, Draws(1, 0)) for name in ("redis", "cdn"))
    first = [redis.fetch("k", 0.0, serial)[0] for serial in range(500)]
    assert first == [redis.fetch("k", 0.0, serial)[0] for serial in range(500)]
    assert abs(np.corrcoef(first, [cdn.fetch("k", 0.0, serial)[0] for serial in range(500)])[0, 1]) < 0.2


@pytest.mark.parametrize(
    ("latency", "message"),
    [
        ("-2ms", r"tiers\.redis\.latency: '-2ms' must be >= 0 s"),
        ("none", r"tiers\.redis\.latency: none is not allowed"),
        ({"law": "zipf"}, r"tiers\.redis\.latency\.law: 'zipf' is not one of constant"),
        ({"law": "uniform", "low": "9ms", "high": "2ms"}, r"tiers\.redis\.latency\.low: low '9ms' is above high"),
    ],
)
def test_a_latency_that_means_nothing_is_refused(latency, message):
    """As every other law: where, what was given, what is allowed."""
    with pytest.raises(ScenarioError, match=message):
        asked(latency)


# -- tiers that nobody asks -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["redis", "cdn"])
def test_a_tier_without_its_switch_is_worth_a_word(name):
    """What is described and asked by nobody is named in the run's warnings; switched on, or to be by a search, it is not."""
    scenario = rented(60.0, name)
    off = scenario.with_values({f"cache.{name}_url": "none", "horizon": "5min"})
    said = [note for note in simulate(off).warnings if note.startswith("tiers.")]
    assert said == [
        f"tiers.{name}: nobody asks it, since config.cache.{name}_url is none; try {name}_url: ${{{name.upper()}_URL}}, or leaving the tier out"
    ]
    assert not any(note.startswith("tiers.") for note in scenario.warnings)
    document = {**off.document, "search": {f"cache.{name}_url": {"choices": [None, "${TIER}"]}}}
    assert not any(note.startswith("tiers.") for note in Scenario.from_mapping(document).warnings)
