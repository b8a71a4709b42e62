"""A workload's trial: the studies that its claims need, run once each on the same traffic and the same luck, and the claims' values from them.

Owns which runs answer which claim. Knows studies; prints nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sbsim.claims.claim import CLAIMS, judge
from sbsim.claims.facts import facts_of
from sbsim.errors import ScenarioError
from sbsim.measure import NO_ESTIMATE, Estimate, ratio_estimate
from sbsim.scenario import Scenario, shipped
from sbsim.simulation.study import Study, simulate, squeezed

SHELF = "claims/"
"""Where the shipped workloads of claims stand among the scenarios."""

WITHOUT_BATCHING: dict[str, Any] = {"batching.max_batch_size": 1, "batching.max_wait": 0.0}
WITHOUT_REUSE: dict[str, Any] = {
    "cache.memory_size": 0,
    "cache.near_duplicates": False,
    "cache.redis_url": None,
    "cache.cdn_url": None,
    "batching.coalesce": False,
}

_STUDIES = 5
_CAPACITY_RUNS = 5
"""Replications of the saturated studies at most: they are the longest by far, and their capacities differ by less than 1 %."""


@dataclass(slots=True)
class Trial:
    """What claims come to on one workload.

    Attributes
    ----------
    study : of the scenario as it is. facts : by name, see `claim.FACTS`. values : estimate by claim, a fraction each.
    reasons : by claim, why a value does not exist or is not to be believed.
    """

    study: Study
    facts: dict[str, float]
    values: dict[str, Estimate]
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def verdicts(self) -> dict[str, str]:
        """What the intervals say, by claim."""
        return {claim.name: judge(claim, self.values[claim.name]) for claim in CLAIMS}


def shipped_workloads() -> list[str]:
    """Names of the shipped scenarios that claims are tried on."""
    return [name for name in shipped() if name.startswith(SHELF)]


def tried(scenario: Scenario, *, seed: int | None = None, jobs: int = 1, progress: Callable[[int, int], None] | None = None) -> Trial:
    """Put every claim to the test on a workload.

    Parameters
    ----------
    seed : in place of the scenario's. jobs : processes; the result is the same. progress : called with (done, total) after every study.

    Raises
    ------
    ScenarioError, TraceError
        When the scenario or its traffic means nothing.
    """
    studies = _Studies(scenario.seed if seed is None else seed, jobs, progress)
    study = studies.run(scenario)
    kpis = study.kpis
    trial = Trial(study, facts_of(scenario, studies.seed), {
        "fewer_calls": kpis["api_call_reduction"],
        "saved_in_all": kpis["savings_fraction"],
        "hit_ratio": kpis["cache_hit_ratio"],
        "batching_efficiency": kpis["batching_efficiency"],
        "similarity": kpis["mean_similarity"],
    })  # fmt: skip
    for claim, off in (("batching_saves", WITHOUT_BATCHING), ("reuse_saves", WITHOUT_REUSE)):
        without = studies.run(scenario.with_values(off))
        trial.values[claim] = _saved(study, without)
        if study.saturated or without.saturated:
            trial.reasons[claim] = "saturated: the difference depends on the horizon"
    trial.values["throughput"] = _capacity_gained(scenario, studies, trial.reasons)
    if kpis["mean_similarity"].mean is None:
        trial.reasons["similarity"] = "no batch has two items"
    return trial


@dataclass(slots=True)
class _Studies:
    """Studies under one seed, counted as they come."""

    seed: int
    jobs: int
    progress: Callable[[int, int], None] | None
    n_done: int = 0

    def run(self, scenario: Scenario, replications: int | None = None) -> Study:
        study = simulate(scenario, seed=self.seed, replications=replications, jobs=self.jobs)
        self.n_done += 1
        if self.progress is not None:
            self.progress(self.n_done, _STUDIES)
        return study


def _saved(study: Study, without: Study) -> Estimate:
    """1 - the total cost to that of the other study; the two met the same luck."""
    return _less_one(_ratio("total_cost_usd", study, without), sign=-1)


def _capacity_gained(scenario: Scenario, studies: _Studies, reasons: dict[str, str]) -> Estimate:
    """What batching adds to the capacity of saturated lanes, on the traffic that saturates both; no estimate where nothing saturates them."""
    together = scenario.with_values(WITHOUT_REUSE)
    apart = together.with_values(WITHOUT_BATCHING)
    try:
        crowded, _ = max((squeezed(each, seed=studies.seed) for each in (apart, together)), key=lambda found: found[1])
    except ScenarioError as error:
        reasons["throughput"] = str(error)
        return NO_ESTIMATE
    n = min(_CAPACITY_RUNS, scenario.replications)
    with_batching, without = (studies.run(crowded.with_config(each.config), n) for each in (together, apart))
    return _less_one(_ratio("capacity_per_s", with_batching, without))


def _ratio(kpi: str, a: Study, b: Study) -> Estimate:
    return ratio_estimate([one.kpis[kpi] for one in a.replications], [one.kpis[kpi] for one in b.replications])


def _less_one(ratio: Estimate, sign: int = 1) -> Estimate:
    """ratio - 1, or 1 - ratio for `sign` -1."""
    return ratio if ratio.mean is None else Estimate(sign * (ratio.mean - 1), ratio.half_width, ratio.n)
