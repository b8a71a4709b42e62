"""What a scenario means, held against arithmetic done by hand and against what its simulation measures."""

from __future__ import annotations

from typing import Any

import pytest

from sbsim.overview import Overview, overview
from sbsim.scenario import Scenario
from sbsim.simulation import simulate
from tests.shop import ONE_AT_A_TIME, WORKER, shop


def seen(**changes: Any) -> Overview:
    return overview(shop(**changes))


def limits(view: Overview) -> dict[str, tuple[float, float]]:
    return {limit.what: (limit.utilisation_alone, limit.utilisation_full) for limit in view.lanes[0].limits}


def test_offered_load_is_rate_times_seconds() -> None:
    """Calls of one hold workers for 21 s each; calls of 8 take 28 s, an eighth as often; the limit counts both."""
    view = seen(config={"batching": {"max_batch_size": 8}, "rate_limit": {"concurrency": 10, "batch_pacing_interval": "2s"}})
    per_s = view.traffic.n_requests / 600
    assert view.lanes[0].requests_per_s == per_s
    shown = limits(view)
    assert shown["20 calls at once"] == pytest.approx((per_s * 21 / 20, per_s / 8 * 28 / 20))
    assert shown["rate_limit.concurrency: 10 calls at once"] == pytest.approx((per_s * 21 / 10, per_s / 8 * 28 / 10))
    assert shown["rate_limit.batch_pacing_interval: a call every 2s"] == pytest.approx((per_s * 2, per_s * 2 / 8))


def test_polls_count_as_calls() -> None:
    """A job of 42.5 s that is looked at every 10 s makes five looks beside its start."""
    job = {
        **ONE_AT_A_TIME,
        "api": {"style": "job", "takes": "one", "poll": "10s"},
        "latency": {"total": "37.5s"},
        "limits": [{"calls": 600, "per": "60s"}, {"items": 60, "per": "60s"}],
    }
    view = seen(providers=[job])
    per_s = view.traffic.n_requests / 600
    assert view.lanes[0].call_alone_s == 42.5
    assert limits(view)["600 calls per 60s"] == pytest.approx((per_s * 6 / 10,) * 2)
    assert limits(view)["60 items per 60s"] == pytest.approx((per_s,) * 2)


def test_tokens_and_seconds_of_content_are_counted() -> None:
    """Limits on tokens and on seconds of content are met by what requests bring."""
    api = {**ONE_AT_A_TIME, "serves": {"content_type": "text"}, "limits": [{"tokens": 60000, "per": "1min"}, {"content_seconds": 60, "per": "60s"}]}
    one = {"name": "chat", "content_type": "text", "engine": "e", "units_in": 100, "units_out": 20, "duration": "2s"}
    view = seen(providers=[api], workload={"source": "synthetic", "arrivals": {"process": "poisson", "rate": "30/min"}, "classes": [one]})
    per_s = view.traffic.n_requests / 600
    assert [limit.utilisation_alone for limit in view.lanes[0].limits[:2]] == pytest.approx([per_s * 120 / 1000, per_s * 2])


def test_the_individual_cost_is_the_simulations() -> None:
    """The bill of everybody alone is the same sum that the KPI is."""
    scenario = shop(replications=1)
    assert overview(scenario).traffic.individual_usd == pytest.approx(simulate(scenario).kpis["individual_cost_usd"].mean)


def test_repeats_bound_what_the_cache_can_do() -> None:
    """With a memory that forgets nothing, hits and joins are the repeats, request by request."""
    scenario = shop(replications=1, config={"cache": {"ttl": "none", "memory_size": 100000}})
    kpis = simulate(scenario).kpis
    assert kpis["cache_hit_ratio"].mean + kpis["coalesced_ratio"].mean == pytest.approx(overview(scenario).traffic.repeats, abs=0.02)


@pytest.mark.parametrize(
    ("deadline", "wait", "prospect"),
    [("60s", "10s", "in time"), ("30s", "10s", "in time if sent at once"), ("23s", "0s", "late in more than 1 of 10"), ("5s", "0s", "late")],
)
def test_deadlines_are_held_against_the_time_of_calls(deadline: str, wait: str, prospect: str) -> None:
    """A call of one takes 21 s with a tenth above 26.6 s: what a deadline leaves is said, and warned of where nothing helps."""
    view = seen(sla={"normal": {"deadline": deadline}}, config={"batching": {"max_batch_size": 2, "max_wait": wait}})
    promise = next(each for each in view.promises if each.priority == "normal")
    assert promise.prospect == prospect
    assert any("sla.normal" in warning for warning in view.warnings) == prospect.startswith("late")


def test_warnings_tell_full_calls_from_calls_of_one() -> None:
    """More than a limit takes is warned of: hopeless, or a matter of fuller calls; with room nobody is warned."""
    busy = {**WORKER, "limits": [{"concurrency": 5, "on_excess": "queue"}]}
    config = {"batching": {"max_batch_size": 8}, "rate_limit": {"concurrency": "none", "batch_pacing_interval": "0s"}}
    assert any("only fuller calls fit" in warning for warning in seen(providers=[busy], config=config).warnings)
    hopeless = {**WORKER, "limits": [{"concurrency": 1, "on_excess": "queue"}]}
    assert any("even in full calls" in warning for warning in seen(providers=[hopeless], config=config).warnings)
    assert not any("offer" in warning for warning in seen(config=config).warnings)


def test_settings_that_differ_are_named() -> None:
    """Default and value of what was changed, nothing of what was not."""
    assert seen(config={"cache": {"ttl": "2h"}, "batching": {"max_batch_size": 25}}).settings == {"cache.ttl": (3600.0, 7200.0)}


def test_a_long_history_is_cut() -> None:
    """A year of traffic is summed up by its first requests."""
    scenario = Scenario.from_mapping({**shop().document, "horizon": "365d", "workload": {**shop().document["workload"], "catalogue": None}})
    view = overview(scenario)
    assert view.is_cut
    assert view.traffic.n_requests == 200_000
    assert view.traffic.rate_per_s == pytest.approx(0.5, rel=0.02)
