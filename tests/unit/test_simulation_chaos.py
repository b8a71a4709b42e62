"""Chaos: a limit is cut, a price rises, a provider is out, a limit was never declared. What that costs who did not know it, and for how long."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
import pytest

from sbsim.errors import ScenarioError
from sbsim.measure import Counted, kpi_values, time_to_recover
from sbsim.scenario import ProviderSpec, Scenario
from sbsim.simulation import regret_of, run, simulate

from ..shop import shop

LANE: dict[str, Any] = {
    "name": "api",
    "serves": {"content_type": "image"},
    "api": {"style": "sync", "takes": "list", "max_items": 10},
    "price": {"rates": [{"per": "item", "usd": 0.01}]},
    "latency": {"setup": "1s", "per_item": "100ms"},
    "limits": [{"calls": 60, "per": 60}],
}
ONE_BY_ONE: dict[str, Any] = {"process": "poisson", "rate": "40/min"}
QUICK = {"max_batch_size": 1, "max_wait": 0}
PATIENT = {"max_batch_size": 10, "max_wait": "20s"}


def chaotic(*, batching: dict[str, Any] = QUICK, arrivals: dict[str, Any] = ONE_BY_ONE, **lane: Any) -> Scenario:
    """40 minutes of 40 pictures a minute, promised within 25 s; `lane` says what happens after 20 of them."""
    return shop(
        horizon="40min",
        drain_limit="1d",
        workload={
            "source": "synthetic",
            "arrivals": arrivals,
            "classes": [{"name": "picture", "content_type": "image", "engine": "xl"}],
        },
        providers=[{**LANE, **lane}],
        sla={"normal": {"deadline": "25s", "penalty": 0.02}},
        config={
            "batching": batching,
            "rate_limit": {"concurrency": 40, "batch_pacing_interval": 0, "max_requests": None},
            "cache": {"memory_size": 0},
        },
        search={},
    )


def recovered(scenario: Scenario, at: float = 1200.0) -> Any:
    return time_to_recover(Counted(run(scenario), scenario), at, window_s=60, within=0.5)


def test_a_cut_tier_drowns_who_sends_one_by_one_and_not_who_batches() -> None:
    """60 calls a minute become 20 when 40 pictures a minute arrive: single calls never recover, batches of up to ten hardly notice, and the regret of
    not having known is what the late deliveries cost."""
    cut = {"changes": [{"at": 1200, "limits": [{"calls": 20, "per": 60}]}]}
    drowned, patient = recovered(chaotic(**cut)), recovered(chaotic(**cut, batching=PATIENT))
    assert drowned.p95_latency_s.after_s == inf
    assert drowned.p95_latency_s.worst > 300
    assert 0 < drowned.rejected_share.worst <= 0.05  # the first refusal tells of the new limit
    assert patient.p95_latency_s.after_s == 0.0
    found = regret_of(chaotic(**cut), [chaotic(batching=PATIENT).config], replications=3)
    assert found.best == 0
    assert found.regret_usd.low is not None
    assert found.regret_usd.low > 1.0
    assert found.regret_usd.mean == pytest.approx(found.cost_usd.mean - found.best_cost_usd.mean)  # type: ignore[operator]


def test_a_cut_and_its_end_are_learnt_from_the_next_answer() -> None:
    """Nobody was told of either: from 60 calls a minute to 20 at most a handful is refused; five minutes later 60 are used again, and the backlog of
    that time is worked off in as much again."""
    both = [{"at": 1200, "limits": [{"calls": 20, "per": 60}]}, {"at": 1500, "limits": [{"calls": 60, "per": 60}]}]
    scenario = chaotic(changes=both)
    finished = run(scenario)
    refused_at = finished.log.calls["sent_at"][Counted(finished, scenario).is_rejected]
    assert 0 < len(refused_at) <= 3
    assert ((refused_at >= 1200) & (refused_at < 1210)).all()
    assert finished.log.counters["n_limits_learnt"] == 1
    assert 300 < recovered(scenario).p95_latency_s.after_s <= 900


def test_a_price_that_rises_is_paid_from_its_day_on() -> None:
    """0.01 dollars a picture, 0.03 from 20 min on: bills and individual prices follow the instant of sending and of arrival, to the nano-dollar, and
    no setting helps: the regret is 0."""
    scenario = chaotic(changes=[{"at": 1200, "price": {"rates": [{"per": "item", "usd": 0.03}]}}])
    finished = run(scenario)
    counted = Counted(finished, scenario)
    sent_at, bills = finished.log.calls["sent_at"], finished.log.calls["bill_nano"]
    assert set(bills[sent_at < 1200]) == {10**7}
    assert set(bills[sent_at >= 1200]) == {3 * 10**7}
    assert int(bills.sum()) == sum(finished.ledger_nano)
    np.testing.assert_array_equal(counted.individual_nano, np.where(counted.arrived_at < 1200, 10**7, 3 * 10**7))
    found = regret_of(scenario, [chaotic(batching={"max_batch_size": 1, "max_wait": 5}).config], replications=2)
    assert (found.best, found.regret_usd.mean) == (-1, 0.0)


def test_a_price_that_nobody_pays_has_changed_all_the_same() -> None:
    """The router leaves a lane at the instant at which it becomes the dearer one: the change counts as come into force, and no warning says else."""
    other = {**LANE, "name": "other", "price": {"rates": [{"per": "item", "usd": 0.02}]}}
    scenario = chaotic(changes=[{"at": 1200, "price": {"rates": [{"per": "item", "usd": 0.03}]}}])
    study = simulate(scenario.model_copy(update={"providers": (scenario.providers[0], ProviderSpec.from_mapping(other))}))
    assert study.counters["n_provider_changes"] == len(study.replications)
    assert not any("changes" in warning for warning in study.warnings)


def test_an_outage_is_got_over_in_the_time_that_its_backlog_takes() -> None:
    """Five minutes of 503 at 20 min: latencies are bad for as long, and while 60 a minute work off what 40 a minute left behind."""
    found = recovered(chaotic(failures={"outages": [{"at": 1200, "for": 300}]}, limits=[{"calls": 60, "per": 60}]))
    assert 300 <= found.p95_latency_s.after_s < 1200
    assert recovered(chaotic()).p95_latency_s.after_s == 0.0


def test_outages_by_chance_are_met_alike_by_every_config() -> None:
    """They belong to the provider and their number: two configs are refused by the same spans of time."""
    by_chance = {"every": {"law": "exponential", "mean": "8min"}, "for": {"law": "exponential", "mean": "2min"}}
    spans = []
    for batching in (QUICK, PATIENT):
        scenario = chaotic(failures={"outages": by_chance}, batching=batching)
        calls = run(scenario).log.calls
        is_out = calls["answered_at"] - calls["sent_at"] < 0.5
        spans.append((calls["sent_at"][is_out], calls["sent_at"][~is_out]))
    (out, up), (other_out, other_up) = spans
    assert len(out) > 10
    for refused, served in ((out, other_up), (other_out, up)):
        edges = np.concatenate([served, refused])
        kinds = np.concatenate([np.zeros(len(served)), np.ones(len(refused))])[np.argsort(edges, kind="stable")]
        assert np.count_nonzero(np.diff(kinds) == 1) < 12  # a handful of spans, not a mixture


def test_a_limit_that_nobody_declared_is_enforced_by_the_door_and_learnt_from_its_answers() -> None:
    """Forty pictures at once, and 30 calls a minute: known: false, ten are refused before the first answer has told; later groups are held by us.
    Declared, the same limit is never run into."""
    groups = {"process": "batch", "rate": "10/min", "size": 40}
    hidden, told = (run(chaotic(arrivals=groups, limits=[{"calls": 30, "per": 60, "known": known}])) for known in (False, True))
    assert told.log.counters["n_provider_rejected"] == 0
    first = hidden.log.calls["sent_at"] == hidden.log.calls["sent_at"].min()
    assert np.count_nonzero(first) == 40
    assert hidden.log.counters["n_provider_rejected"] == 10
    assert hidden.log.counters["n_limits_learnt"] == 1


def test_regret_is_zero_for_who_chose_as_if_he_had_known() -> None:
    """The own config takes part; without candidates there is nothing to regret."""
    scenario = chaotic()
    found = regret_of(scenario, [scenario.config], replications=2)
    assert (found.best, found.regret_usd.mean, found.cost_usd) == (-1, 0.0, found.best_cost_usd)
    with pytest.raises(ScenarioError, match="candidates: none given"):
        regret_of(scenario, [])


# -- a batch API alone --------------------------------------------------------------------------------------------------------
BATCH: dict[str, Any] = {
    "api": {"style": "batch", "takes": "file", "max_items": 50, "poll": "60s", "idempotency": "lookup", "cancel": "partial"},
    "latency": {},
    "limits": [{"outstanding": 30}],
    "turnaround": "10790s",
}


def test_files_outlive_the_timeout_of_jobs() -> None:
    """A turnaround of nearly 3 h, though retry.job_timeout is 30 min: files are polled, and each is delivered by the first poll after it is done."""
    scenario = chaotic(**BATCH, batching={"max_batch_size": 50, "max_wait": "2min"})
    finished = run(scenario)
    calls, counters = finished.log.calls, finished.log.counters
    assert counters["n_timed_out"] == 0
    assert counters["n_delivered"] == counters["n_submitted"] == len(finished.log.how)
    np.testing.assert_allclose(calls["answered_at"] - calls["sent_at"], 3 * 3600.0)
    assert calls["n_items"].max() == 50
    assert set(calls["n_polls"]) == {180}


def test_what_expires_is_sent_again_and_only_what_is_finished_is_paid() -> None:
    """Files of 100 min given up after 80: four fifths are delivered and paid, the rest travels again; the bills are the ledger."""
    scenario = chaotic(**{**BATCH, "turnaround": "100min", "expires_after": "80min"}, batching={"max_batch_size": 50, "max_wait": "2min"})
    finished = run(scenario)
    counters = finished.log.counters
    assert counters["n_provider_expired"] > 100
    assert counters["n_retries"] > 0
    values = kpi_values(Counted(finished, scenario))
    assert round((values["provider_cost_usd"] + values["uncounted_cost_usd"]) * 1e9) == sum(finished.ledger_nano)  # type: ignore[operator]
    assert values["provider_cost_usd"] == pytest.approx(0.01 * counters["n_delivered"])
