"""How fast the whole pipeline runs, in units of bare SimPy timeouts of the same process: rates differ by machine, ratios do not."""

from __future__ import annotations

import gc
import statistics
import time

import pytest
import simpy

from sbsim import collector
from sbsim.pipeline.build import build
from sbsim.runlog import RunLog
from sbsim.scenario import Scenario, load
from sbsim.seeds import Draws
from sbsim.simulation.engine import Engine
from sbsim.simulation.replicate import known_neighbours
from sbsim.workload import prepare
from sbsim.world import ModelledProvider

FLOOR = 0.12
"""Requests through the whole pipeline per bare timeout that must be reached."""


def bare(n):
    """n timeouts of one process, nothing else: the least that any SimPy model can cost."""
    env = simpy.Environment()

    def ticking():
        for _ in range(n):
            yield env.timeout(1.0)

    env.process(ticking())
    env.run()
    assert env.now == n


def timed(fn):
    """Seconds until the result is there, and the result; what it holds is freed afterwards. The collector rests, as it does in `simulation.run`."""
    gc.collect()
    gc.freeze()
    with collector.at_rest():
        began = time.perf_counter()
        result = fn()
        took = time.perf_counter() - began
    gc.unfreeze()
    return took, result


def simulated(scenario, prepared):
    """One run of prepared requests; asserts that every one of them was seen, so that the benchmark cannot silently measure less work."""
    draws = Draws(0, 0)
    models = [ModelledProvider(spec, draws) for spec in scenario.providers]
    near = known_neighbours(scenario, prepared)
    pipeline = build(scenario.config, scenario.providers, prepared.books, prepared.shapes, near=near)
    log = RunLog(prepared.n)
    engine = Engine(pipeline, models, log)
    engine.drive(prepared.requests())
    engine.drain(float("inf"))
    assert pipeline.n_submitted == prepared.n
    assert pipeline.n_pending == 0
    return pipeline, log


def image_service(n, *sets):
    """`image-service` with n requests."""
    return load("image-service", sets=[f"requests={n}", "horizon=1000d", "study=terminating", *sets])


def with_a_spare(scenario):
    """A second, dearer lane for the same contents, and a budget that nothing exceeds."""
    first = scenario.document["providers"][0]
    spare = {**first, "name": "spare", "price": {"rates": [{"per": "gpu_second", "usd": 0.002}]}}
    config = {**scenario.document["config"], "budget": {"limit": 1e6, "window": 3600}}
    return Scenario.from_mapping({**scenario.document, "providers": [first, spare], "config": config})


def ratio(scenario, pairs):
    """Median over interleaved pairs of requests per second by bare timeouts per second, the rates and what fired."""
    prepared, n = prepare(scenario, 0, 0), scenario.requests
    assert prepared.n == n
    ratios, rates, fired = [], [], {}
    for _ in range(pairs):
        bare_s, _ = timed(lambda: bare(n))
        run_s, (pipeline, _) = timed(lambda: simulated(scenario, prepared))
        fired = pipeline.snapshot()
        ratios.append(bare_s / run_s)
        rates.append(n / run_s)
    return statistics.median(ratios), statistics.median(rates), fired


def fires(fired):
    """Every mechanism that the scenario names has fired."""
    for name in ("n_hits", "n_joined", "n_closed_by_due", "n_held_by_limit", "n_retries"):
        assert fired[name] > 0, f"{name} never fired: {fired}"


@pytest.mark.bench
def test_image_service_runs_at_a_fair_share_of_bare_timeouts():
    """200,000 requests of `image-service` run at no less than 0.12 of bare SimPy timeouts per second."""
    median, rate, fired = ratio(image_service(200_000), 5)
    print(f"\nimage-service: {rate:,.0f} requests/s, {median:.3f} of bare SimPy timeouts; {fired}")
    fires(fired)
    assert median >= FLOOR


def test_a_short_run_is_not_absurdly_slow():
    """The always-on part: 20,000 requests at half the floor in one of five tries, since a busy machine may be measuring something else."""
    tries = (ratio(image_service(20_000), 1) for _ in range(5))
    best, _, fired = next((found for found in tries if found[0] >= FLOOR / 2), (0.0, 0.0, {}))
    assert best >= FLOOR / 2
    fires(fired)


@pytest.mark.bench
def test_a_budget_a_router_and_breakers_keep_the_speed():
    """With a hard budget, a second lane to choose from and their breakers it is as fast as it has to be without."""
    median, rate, fired = ratio(with_a_spare(image_service(200_000)), 5)
    print(f"\nbudget, two lanes, breakers: {rate:,.0f} requests/s, {median:.3f} of bare SimPy timeouts; {fired}")
    assert median >= FLOOR


@pytest.mark.bench
def test_near_duplicates_keep_half_of_the_speed():
    """With near-duplicates looked for it is at least half as fast."""
    near = ("workload.catalogue.near_duplicates=0.1", "cache.near_duplicates=true", "cache.near_duplicate_entries=50000")
    median, rate, fired = ratio(image_service(50_000, *near), 5)
    print(f"\nnear-duplicates: {rate:,.0f} requests/s, {median:.3f} of bare SimPy timeouts; {fired}")
    assert fired["n_near_hits"] > 0
    assert median >= FLOOR / 2
