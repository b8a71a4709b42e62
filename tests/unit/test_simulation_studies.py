"""Runs and studies: who is counted, when a run ends, what leaks in from outside (nothing), and what a reader is warned of."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from sbsim.config import Config
from sbsim.errors import ScenarioError
from sbsim.records import PENDING
from sbsim.scenario import Scenario
from sbsim.simulation import replicate, run, simulate, squeezed, warmup_instant
from sbsim.simulation.replicate import drain_limit_s
from tests.shop import WORKER, shop, traced


def scenario(**changes):
    """One lane of one slot with exponential service at 1/s, M/M/1 unless changed."""
    rate = changes.pop("rate", 0.5)
    document = {
        "version": 1,
        "name": "one-lane",
        "horizon": 2000,
        "replications": 3,
        "workload": {
            "source": "synthetic",
            "arrivals": {"process": "poisson", "rate": rate},
            "classes": [{"name": "a", "content_type": "text", "engine": "e"}],
        },
        "providers": [
            {
                "name": "p",
                "serves": {"content_type": "text", "engine": "e"},
                "price": {"rates": [{"per": "call", "usd": 0.01}]},
                "latency": {"total": {"law": "exponential", "mean": 1}},
            }
        ],
        "config": {
            "batching": {"max_batch_size": 1, "max_wait": 0},
            "rate_limit": {"max_requests": None, "concurrency": 1, "batch_pacing_interval": 0, "guard": 0},
        },
    }
    document.update(changes)
    return Scenario.from_mapping(document)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_warm_up_that_outlasts_the_traffic_is_refused(tmp_path, jobs):
    """With a number of requests, or a trace, only the traffic says when it ends: then it is as with a horizon, never a study of nothing."""
    for one, end in ((shop(requests=100, horizon=None, warmup="8h"), r"\d+"), (traced(tmp_path, 11, warmup="8h"), "20")):
        with pytest.raises(ScenarioError, match=rf"warmup: 28800 s leave nothing to count of traffic that ends after {end}.* s; try a shorter"):
            simulate(one, jobs=jobs)
    assert simulate(traced(tmp_path, 11, warmup="18s"), jobs=jobs).kpis["n_requests"].mean == 2


def test_inv_9_neither_clock_nor_environment_leaks_into_a_run(monkeypatch):
    """With every clock broken and the environment full of settings, a run is what it was."""
    one = scenario()
    before = run(one, seed=3).log.done_at

    def broken(*args):
        raise AssertionError("a simulation read the wall clock")

    for name in ("time", "monotonic", "time_ns", "monotonic_ns"):
        monkeypatch.setattr(time, name, broken)
    monkeypatch.setitem(os.environ, "SMART_BATCHER_MAX_SIZE", "7")
    monkeypatch.setitem(os.environ, "SMART_BATCHER_BATCHING_MAX_WAIT", "1h")
    np.testing.assert_array_equal(run(one, seed=3).log.done_at, before)


def test_a_steady_study_sends_all_of_its_counted_requests_under_load():
    """After the horizon uncounted arrivals go on until every counted request has been sent: the last ones meet the same crowd as the others."""
    one = scenario(study="steady", rate=0.95, horizon=500)
    n_further = 0
    for replication in range(6):
        finished = run(one, seed=1, replication=replication)
        n = finished.prepared.n
        n_further += len(finished.log.how) - n
        assert not np.isnan(finished.log.sent_at[:n]).any()
    assert n_further > 10


def test_a_terminating_study_sees_no_arrival_after_its_horizon():
    """Nothing arrives after H; what is under way is seen to its end."""
    finished = run(scenario(study="terminating", horizon=500), seed=1)
    assert len(finished.log.how) == finished.prepared.n
    assert (finished.log.how != PENDING).all()


def test_a_run_ends_at_its_drain_limit_with_what_is_pending_counted():
    """What is unfinished at H + drain_limit is pending and makes the run incomplete."""
    one = scenario(study="terminating", rate=5, horizon=100, drain_limit=10)
    study = simulate(one, seed=1)
    assert study.incomplete
    assert study.kpis["n_pending"].mean > 100
    assert any("pending" in warning for warning in study.warnings)
    identity = sum(study.kpis[name].mean for name in ("n_delivered", "n_failed", "n_refused", "n_cancelled", "n_pending"))
    assert identity == pytest.approx(study.kpis["n_requests"].mean)


def test_without_a_drain_limit_a_run_waits_for_the_longest_window_that_is_in_force():
    """An hour beyond the longest deadline and the longest window: of a limit, of our own, of a budget; one without a limit is no window."""
    for changes, window_s in (
        ({"budget.window": 86400.0}, 0.0),
        ({"budget.limit": 5.0, "budget.window": 7200.0}, 7200.0),
        ({"rate_limit.max_requests": None, "rate_limit.time_window": 500.0}, 0.0),
        ({"rate_limit.max_requests": 10, "rate_limit.time_window": 500.0}, 500.0),
    ):
        assert drain_limit_s(shop().with_values(changes)) == 120.0 + window_s + 3600.0
    assert drain_limit_s(shop(providers=[{**WORKER, "limits": [{"calls": 9, "per": "30s"}]}])) == 120.0 + 30.0 + 3600.0


def test_overload_is_called_saturated_first():
    """Twice the load that a lane can take is saturated and said so in the first warning; half of it is not."""
    crowded = simulate(scenario(rate=2), seed=1, replications=2)
    assert crowded.saturated
    assert crowded.warnings[0].startswith("saturated")
    assert not simulate(scenario(rate=0.5), seed=1, replications=2).saturated


def test_one_warmup_instant_serves_the_whole_study():
    """`auto` is one instant, found on the scenario's own config, and the same for every candidate; a stated one is taken as it stands."""
    one = scenario(study="steady", warmup="auto", rate=0.8)
    instant = warmup_instant(one, seed=2)
    assert 0 <= instant <= 500
    assert warmup_instant(one, seed=2) == instant
    assert warmup_instant(scenario(warmup=50)) == 50.0
    with pytest.raises(ScenarioError, match="horizon too short"):
        warmup_instant(scenario(study="steady", warmup="auto", horizon=20), seed=2)


def test_replications_do_not_depend_on_who_runs_them():
    """Two processes give the same replications as one, in the same order; any one of them can be run alone."""
    one = scenario()
    alone = replicate(one, seed=5)
    assert [r.kpis for r in replicate(one, seed=5, jobs=2)] == [r.kpis for r in alone]
    assert replicate(one, seed=5, first=2, replications=1)[0].kpis == alone[2].kpis


def test_common_luck_two_configs_meet_the_same_traffic():
    """Another config on the same seed sees the same requests at the same instants."""
    one = scenario()
    other = one.with_config(Config().with_values({"batching.max_batch_size": 4}).resolved(False))
    np.testing.assert_array_equal(run(one, seed=4).prepared.arrived_at, run(other, seed=4).prepared.arrived_at)


def test_inv_12_a_mechanism_that_never_fired_is_a_warning():
    """The cache is on and no content is asked for twice: the reader is told."""
    assert any("cache" in warning and "never fired" in warning for warning in simulate(scenario(), seed=1, replications=1).warnings)


def test_squeezed_traffic_shows_what_a_lane_takes():
    """One slot with a mean service of 1 s takes one request a second, however little traffic the scenario has."""
    crowded, factor = squeezed(scenario(rate=0.2), seed=1)
    assert factor == 8
    capacity = simulate(crowded, seed=1).kpis["capacity_per_s"]
    assert capacity.n == 3
    assert capacity.mean == pytest.approx(1.0, abs=0.05)
    assert simulate(scenario(rate=0.2), seed=1, replications=1).kpis["capacity_per_s"].mean is None


def test_what_nothing_limits_has_no_capacity():
    """Without a limit of any kind squeezing ends with a message."""
    free = scenario(rate=0.5, horizon=20).with_values({"rate_limit.concurrency": None})
    with pytest.raises(ScenarioError, match="nothing in it saturates"):
        squeezed(free, seed=1)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("cache.near_duplicates", {"config.cache.near_duplicates": True, "config.cache.near_duplicate_entries": 1}),
        ("cache.negative_ttl", {"config.cache.negative_ttl": 60}),
        ("redis tier", {"config.cache.redis_url": "${R}", "tiers.redis.latency": 0.001}),
        ("cdn tier", {"config.cache.cdn_url": "${C}", "tiers.cdn.latency": 0.001}),
        ("batching.sizing", {"config.batching.sizing": "complexity"}),
        ("budget", {"config.budget.limit": 1e6}),
        ("controller", {"config.controller.enabled": True, "config.controller.interval": "30d"}),
        ("queue.on_deadline: drop", {"config.queue.on_deadline": "drop"}),
        ("routing.batch_lane: slack", {"config.routing.batch_lane": "slack"}),
    ],
)
def test_inv_12_every_mechanism_that_can_be_switched_on_is_watched(name, changes):
    """Where nothing is asked for twice, nothing fails and nothing is scarce, whatever is switched on is named as idle; switched off it is not."""
    calm = scenario(rate=0.2)

    def named(one):
        return [warning for warning in simulate(one, seed=1, replications=1).warnings if warning.startswith(f"{name} is switched on")]

    assert named(calm) == []
    assert len(named(calm.with_values(changes))) == 1


def test_inv_12_a_second_lane_that_is_never_needed_is_named():
    """Two lanes for one content, of which the first makes everything: the reader is told that routing never fired."""
    document = scenario(rate=0.2).document
    document["providers"] = [
        *document["providers"],
        {**document["providers"][0], "name": "other", "price": {"rates": [{"per": "call", "usd": 0.02}]}},
    ]
    warnings = simulate(Scenario.from_mapping(document), seed=1, replications=1).warnings
    assert any(warning.startswith("routing (several lanes for one content) is switched on") for warning in warnings)
