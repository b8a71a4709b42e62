"""One run, and many: scenario -> prepared requests -> wired pipeline and modelled providers -> engine -> KPIs.

A replication is a fresh history of the same scenario. Everything random is keyed by (seed, replication), so two configs that run on the same pair
meet the same traffic and the same luck, and it does not matter which worker runs what.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import numpy as np

from sbsim import collector
from sbsim.components.near_duplicates import KnownNeighbours
from sbsim.config import Config
from sbsim.errors import ScenarioError
from sbsim.measure import BudgetRun, ClusterSums, Counted, budget_run, kpi_values, near_hits
from sbsim.parallel import run_all
from sbsim.pipeline.build import build, share
from sbsim.pipeline.build import tiers as tiers_of
from sbsim.pipeline.pipeline import Pipeline
from sbsim.records import CDN, Content, Request
from sbsim.runlog import RunLog
from sbsim.scenario import Scenario, is_divided, share_of
from sbsim.seeds import Draws
from sbsim.simulation.engine import Engine, Fleet
from sbsim.workload import Prepared, prepare
from sbsim.world import ModelledProvider, ModelledTier


class NothingCounted(ScenarioError):
    """A warm-up that outlasts the traffic."""


@dataclass(slots=True)
class Run:
    """A finished history. `ledger_nano` is what each provider says it is owed, by lane: its own account, not ours."""

    prepared: Prepared
    log: RunLog
    ledger_nano: tuple[int, ...]
    books: list[Any]


@dataclass(slots=True, frozen=True)
class Replication:
    """What is kept of a run: its KPIs, whether it was saturated or ended with work pending, how often each mechanism fired, what a reader should know
    of its traffic, what became of its budget, and its near-duplicate hits (None where nobody knows which of them were right)."""

    kpis: dict[str, float | None]
    is_saturated: bool
    is_incomplete: bool
    counters: dict[str, int]
    warnings: tuple[str, ...] = ()
    budget: BudgetRun | None = None
    near: ClusterSums | None = None


def run(scenario: Scenario, *, seed: int | None = None, replication: int = 0, config: Config | None = None) -> Run:
    """Simulate one replication of `scenario`, with `config` in place of its own when given."""
    if config is not None:
        scenario = scenario.with_config(config)
    with collector.at_rest():
        return _run(scenario, scenario.seed if seed is None else seed, replication)


def _run(scenario: Scenario, seed: int, replication: int) -> Run:
    prepared = prepare(scenario, seed, replication)
    draws = Draws(seed, replication)
    providers = [ModelledProvider(spec, draws) for spec in scenario.providers]
    log = RunLog(prepared.n, [lane for lane, spec in enumerate(scenario.providers) if spec.api.style == "batch"])
    tiers = modelled_tiers(scenario, draws)
    pipelines = instances(scenario, prepared)
    engine: Engine | Fleet
    if len(pipelines) == 1:
        engine = Engine(pipelines[0], providers, log, tiers)
    else:
        engine = Fleet(pipelines, providers, log, tiers, partial(_instance_of, scenario), is_shared=pipelines[0].lanes[0].is_shared)
    stop_at = prepared.horizon_at + drain_limit_s(scenario)
    engine.drive(prepared.requests())
    if scenario.study == "steady":
        engine.drive_until_settled(prepared.beyond(), prepared.n, stop_at)
    engine.drain(stop_at)
    log.freeze(prepared.arrived_at, engine.n_submitted, engine.last_at)
    for tier in tiers:
        tier.expire(prepared.horizon_at)
    log.tier_held = [(np.array(tier.held_since), np.array(tier.held_bytes)) for tier in tiers]
    for provider in providers:
        provider.close(prepared.horizon_at)
        for name, n in provider.counters().items():
            known = f"n_provider_{name.removeprefix('n_')}"
            log.counters[known] = log.counters.get(known, 0) + n
    return Run(prepared, log, tuple(provider.ledger_nano for provider in providers), prepared.books)


def instances(scenario: Scenario, prepared: Prepared) -> list[Pipeline]:
    """The copies of the batcher: limits and budget in common where they share a tier, else divided among them."""
    n, config, specs = scenario.instances.n, scenario.config, scenario.providers
    divided = is_divided(config, n)
    if divided:
        config, specs = share_of(config, specs, n)
    pipelines = []
    for ordinal in range(n):
        near = known_neighbours(scenario, prepared)
        pipelines.append(build(config, specs, prepared.books, prepared.shapes, epoch_at=prepared.epoch_at, near=near, ordinal=ordinal, step=n))
    if n > 1 and not divided:
        share(pipelines)
    return pipelines


def _instance_of(scenario: Scenario, request: Request) -> int:
    """The instance that a request goes to: in turn, or always the same for a content."""
    return (request.content.serial if scenario.instances.by == "content" else request.serial) % scenario.instances.n


def known_neighbours(scenario: Scenario, prepared: Prepared) -> KnownNeighbours | None:
    """The memory of prompts that the settings ask for, empty."""
    cache = scenario.config.cache
    if not cache.near_duplicates:
        return None
    return prepared.neighbours(cache.near_duplicate_threshold, cache.near_duplicate_entries, scenario.config.fingerprint.normalise, scenario.scorer)


def modelled_tiers(scenario: Scenario, draws: Draws) -> list[ModelledTier]:
    """The lower tiers that the settings switch on, empty, in the order in which they are asked."""
    cache, models = scenario.config.cache, []
    for place in tiers_of(scenario.config):
        spec = getattr(scenario.tiers, place.name)
        own_ttl_s = getattr(cache, f"{place.name}_ttl")
        ttl_s = own_ttl_s if own_ttl_s is not None else inf if cache.ttl is None else cache.ttl
        models.append(ModelledTier(place.name, spec, ttl_s, draws, partial(_bytes_of, scenario) if place.how == CDN else None))
    return models


def _bytes_of(scenario: Scenario, content: Content) -> float:
    """Bytes of a content, as the provider that makes it cheapest states them."""
    return scenario.providers[content.offers[0].lane].result.n_bytes(content.duration_s)


def drain_limit_s(scenario: Scenario) -> float:
    """Seconds past the horizon after which what is unfinished is lost: as stated, else longest deadline + longest window of a lane + 1 h.

    Such are the windows of its limits, of our own and of the budget where they are in force, and what a batch API may take for a file: nothing is
    lost that would still have been delivered.
    """
    if scenario.drain_limit is not None:
        return scenario.drain_limit
    deadlines = [sla.deadline for sla in scenario.sla.values() if sla.deadline < inf]
    windows = [limit.per for spec in scenario.providers for limit in spec.limits if limit.per is not None]
    windows += [spec.life_s + spec.api.poll for spec in scenario.providers if spec.api.style == "batch"]
    windows += [each.window for each in scenario.config.budget.in_force]
    own = scenario.config.rate_limit
    if own.max_requests is not None and own.time_window is not None:
        windows.append(own.time_window)
    return max(deadlines, default=0.0) + max(windows, default=0.0) + 3600.0


def replicate(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replications: int | None = None,
    config: Config | None = None,
    first: int = 0,
    warmup_s: float | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Replication]:
    """Replications first .. first + replications - 1, in their order, whatever the number of `jobs` (processes).

    `warmup_s` is the study's one warm-up instant; None takes the scenario's (see `simulation.study.warmup_instant` for "auto").
    """
    n = scenario.replications if replications is None else replications
    if warmup_s is None:
        from sbsim.simulation.study import warmup_instant

        warmup_s = warmup_instant(scenario, seed=seed, jobs=jobs)
    task = partial(_one, scenario, scenario.seed if seed is None else seed, config, warmup_s)
    return list(run_all(task, range(first, first + n), jobs=jobs, progress=progress))


def _one(scenario: Scenario, seed: int, config: Config | None, warmup_s: float, replication: int) -> Replication:
    if config is not None:
        scenario = scenario.with_config(config)
    return replication_of(counted_of(run(scenario, seed=seed, replication=replication), scenario, warmup_s))


def counted_of(finished: Run, scenario: Scenario, warmup_s: float) -> Counted:
    """What is counted of a run after the study's warm-up.

    Raises
    ------
    NothingCounted
        When the traffic ends no later than the warm-up. With a horizon the scenario is refused as it is read; where a trace or a number of requests
        ends, only the traffic knows.
    """
    end_at = finished.prepared.horizon_at
    if 0 < warmup_s >= end_at:
        reason = f"{warmup_s:g} s leave nothing to count of traffic that ends after {end_at:g} s; try a shorter warm-up"
        raise NothingCounted(f"{scenario.where('warmup')}: {reason}")
    return Counted(finished, scenario, warmup_s)


def replication_of(counted: Counted) -> Replication:
    """What is kept of a run that is measured."""
    log, warnings = counted.log, counted.traffic.warnings
    return Replication(
        kpi_values(counted), counted.is_saturated, log.is_incomplete, log.counters, warnings, budget_run(counted), near_hits(counted)
    )  # fmt: skip
