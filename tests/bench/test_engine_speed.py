"""How fast the whole pipeline runs, in units of bare SimPy timeouts of the same process: rates differ by machine, ratios do not."""

from __future__ import annotations

import gc
import statistics
import time

import pytest
import simpy

from sbsim.pipeline.build import build
from sbsim.runlog import RunLog
from sbsim.scenario import load
from sbsim.seeds import Draws
from sbsim.simulation.engine import Engine
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
    gc.collect()
    gc.freeze()
    began = time.perf_counter()
    result = fn()
    took = time.perf_counter() - began
    gc.unfreeze()
    return took, result


def simulated(scenario, prepared):
    """One run of prepared requests; asserts that every one of them was seen, so that the benchmark cannot silently measure less work."""
    draws = Draws(0, 0)
    models = [ModelledProvider(spec, draws) for spec in scenario.providers]
    pipeline = build(scenario.config, scenario.providers, prepared.books, prepared.shapes)
    log = RunLog(prepared.n)
    engine = Engine(pipeline, models, log)
    engine.drive(prepared.requests())
    engine.drain(float("inf"))
    assert pipeline.n_submitted == prepared.n
    assert pipeline.n_pending == 0
    return pipeline.snapshot()


def ratio(n, pairs):
    """Median over interleaved pairs of requests per second by bare timeouts per second, the rates and what fired."""
    scenario = load("image-service", sets=[f"requests={n}", "horizon=1000d", "study=terminating"])
    prepared = prepare(scenario, 0, 0)
    assert prepared.n == n
    ratios, rates, fired = [], [], {}
    for _ in range(pairs):
        bare_s, _ = timed(lambda: bare(n))
        run_s, fired = timed(lambda: simulated(scenario, prepared))
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
    median, rate, fired = ratio(200_000, 5)
    print(f"\nimage-service: {rate:,.0f} requests/s, {median:.3f} of bare SimPy timeouts; {fired}")
    fires(fired)
    assert median >= FLOOR


def test_a_short_run_is_not_absurdly_slow():
    """The always-on part: 20,000 requests at half the floor, since a busy machine may be measuring something else."""
    median, _, fired = ratio(20_000, 3)
    fires(fired)
    assert median >= FLOOR / 2
