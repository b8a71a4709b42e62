"""A study: the replications of one scenario as estimates, with what a reader must know before believing them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from sbsim.config import Config
from sbsim.errors import ScenarioError
from sbsim.measure import Counted, Estimate, alerts, budget_document, by_list, estimates, false_reuse_document, unpayable
from sbsim.measure.steady import Series, find_warmup
from sbsim.parallel import run_all
from sbsim.scenario import ANY
from sbsim.simulation.replicate import Replication, counted_of, replicate, run
from sbsim.units import to_usd

if TYPE_CHECKING:
    from sbsim.scenario import Scenario

FASTEST_SQUEEZE = 1024.0
MOST_SQUEEZED = 5_000_000


@dataclass(slots=True)
class Study:
    """Estimates over replications.

    Attributes
    ----------
    kpis : estimate by KPI name, in the order of `measure.KPIS`. saturated : whether any replication was. incomplete : whether any ended with
    requests pending.
    alerts : names of the alerts that would have fired. warnings : sentences for the reader. warmup_s : the study's warm-up instant.
    over : what varies between replications: "traffic and provider", or "provider" for a trace, which is one history.
    counters : how often each mechanism fired, summed over replications.
    budget : what became of the budget, as plain values (`measure.budget_document`); None without one.
    near_duplicates : over all replications `n_hits`, `n_wrong`, `wrong_share_at_most` (95 %, one-sided, approximate) and the `coverage` of such
    bounds as measured, least and most; the last three None where nobody knows what prompts mean; None without a hit (`measure.false_reuse_document`).
    formation : over all replications, of `batching.formation: optimal` (None otherwise): how many cuts it made, packings it asked for, remembered and
    solved, and the objective of those cuts in dollars, each item counted once: by greedy formation, as formed, and at least; `formation_gap_usd` is
    greedy - bound.
    """

    scenario: Scenario
    seed: int
    replications: list[Replication]
    kpis: dict[str, Estimate]
    saturated: bool
    incomplete: bool
    alerts: list[str]
    warnings: list[str]
    warmup_s: float
    over: str
    counters: dict[str, int]
    budget: dict[str, Any] | None = None
    near_duplicates: dict[str, Any] | None = None
    formation: dict[str, Any] | None = None

    def history(self, replication: int = 0) -> Counted:
        """One replication in full, run once more: every request and call of it. Of replications a study keeps KPIs alone."""
        return counted_of(run(self.scenario, seed=self.seed, replication=replication), self.scenario, self.warmup_s)


def simulate(
    scenario: Scenario | str | PathLike[str],
    *,
    config: Config | None = None,
    seed: int | None = None,
    replications: int | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Study:
    """Simulate `scenario` (or the file or shipped scenario of that name) and estimate every KPI.

    Parameters
    ----------
    config : settings in place of the scenario's. seed, replications : likewise. jobs : processes. progress : called with (done, total).

    Raises
    ------
    ScenarioError, TraceError
        When the scenario or its traffic means nothing.
    """
    from sbsim.scenario import Scenario, load

    if not isinstance(scenario, Scenario):
        scenario = load(str(scenario))
    if config is not None:
        scenario = scenario.with_config(config)
    seed = scenario.seed if seed is None else seed
    warmup_s = warmup_instant(scenario, seed=seed, jobs=jobs)
    done = replicate(scenario, seed=seed, replications=replications, warmup_s=warmup_s, jobs=jobs, progress=progress)
    return study_of(scenario, seed, done, warmup_s)


def squeezed(scenario: Scenario, *, seed: int | None = None) -> tuple[Scenario, float]:
    """The scenario with its traffic squeezed, twice as fast each time, until it is saturated; and by which factor.

    Only then is throughput a capacity: what the lanes take, not what happens to arrive. The least factor at which the first three replications are
    saturated; where reuse grows with the traffic there may be none, and the first at which one of them is has to do.

    Raises
    ------
    ScenarioError
        When not even traffic 1,024 times as fast, or of 5 million requests, saturates it.
    """
    factor, first = 1.0, None
    while factor <= FASTEST_SQUEEZE:
        crowded = scenario.with_values(_faster(scenario, factor)) if factor > 1 else scenario
        n_saturated = 0
        for replication in range(3):
            finished = run(crowded, seed=seed, replication=replication)
            if not Counted(finished, crowded).is_saturated:
                break
            n_saturated += 1
        if n_saturated == 3:
            return crowded, factor
        if n_saturated and first is None:
            first = crowded, factor
        if finished.prepared.n > MOST_SQUEEZED or (first is not None and not n_saturated):
            break
        factor *= 2
    if first is not None:
        return first
    raise ScenarioError(f"{scenario.name}: nothing in it saturates, even with traffic {factor:g} times as fast; try a limit or a concurrency")


def _faster(scenario: Scenario, factor: float) -> dict[str, Any]:
    """Traffic `factor` times as fast: a trace is played faster, synthetic rates are multiplied."""
    workload = scenario.workload
    if workload.source == "trace":
        return {"workload.speedup": workload.speedup * factor}
    arrivals = workload.arrivals
    assert arrivals is not None
    if arrivals.rates is not None:
        return {"workload.arrivals.rates": [rate * factor for rate in arrivals.rates]}
    assert arrivals.rate is not None
    return {"workload.arrivals.rate": arrivals.rate * factor}


def study_of(scenario: Scenario, seed: int, done: list[Replication], warmup_s: float) -> Study:
    """Finished replications as a study."""
    kpis = estimates([one.kpis for one in done])
    counters = {name: sum(one.counters[name] for one in done) for name in done[0].counters}
    saturated = any(one.is_saturated for one in done)
    incomplete = any(one.is_incomplete for one in done)
    warnings = [*scenario.warnings, *done[0].warnings, *_idle(scenario, counters)]
    if saturated:
        warnings.insert(0, _saturated(scenario))
    if incomplete:
        warnings.append("incomplete: requests were still pending at the end of the drain; they count as lost")
    over = "traffic and provider" if scenario.workload.is_drawn else "provider"
    near = false_reuse_document(int(sum(one.kpis["n_near_duplicate_hits"] or 0 for one in done)), [one.near for one in done])
    if near is not None and near["n_wrong"] is None:
        warnings.append(f"near-duplicates: nobody knows which of {near['n_hits']} reuses were right; `sbsim trace duplicates` shows the riskiest")
    budgets = [one.budget for one in done if one.budget is not None]
    budget = budget_document(scenario.config.budget.in_force, budgets) if budgets else None
    warnings.extend([*by_list(scenario), *unpayable(scenario, budgets, int(sum(one.kpis["n_requests"] or 0 for one in done)))])
    return Study(
        scenario,
        seed,
        done,
        kpis,
        saturated,
        incomplete,
        alerts(kpis, scenario),
        warnings,
        warmup_s,
        over,
        counters,
        budget,
        near,
        _formation(counters),
    )


def warmup_instant(scenario: Scenario, *, seed: int | None = None, jobs: int = 1) -> float:
    """The one warm-up instant of a study, seconds: as stated, or found on the scenario's own config (MSER-5) where it says auto."""
    if scenario.warmup != "auto":
        return float(scenario.warmup)
    task = partial(_series, scenario, scenario.seed if seed is None else seed)
    series = list(run_all(task, range(scenario.replications), jobs=jobs))
    horizon_s = scenario.horizon if scenario.horizon is not None else max(float(one.arrived_at[-1]) for one in series)
    return find_warmup(series, horizon_s)


def _series(scenario: Scenario, seed: int, replication: int) -> Series:
    return Counted(run(scenario, seed=seed, replication=replication), scenario).series()


def _has_choice(scenario: Scenario) -> bool:
    """Whether two lanes other than batch APIs serve contents of one type and engine."""
    served = [(spec.serves.content_type, spec.serves.engine) for spec in scenario.providers if spec.api.style != "batch"]
    alike = [
        (a, b)
        for k, a in enumerate(served)
        for b in served[:k]
        if (a[0] == b[0] or ANY in (a[0], b[0])) and (a[1] == b[1] or a[1] is None or b[1] is None)
    ]
    return bool(alike)


def _saturated(scenario: Scenario) -> str:
    said = "saturated: requests arrive faster than limits and settings let them go; waiting times depend on the horizon, not on the settings"
    sizes = sorted({limit.unit for spec in scenario.providers for limit in spec.limits if limit.unit in ("items", "tokens", "content_seconds")})
    if not sizes or scenario.config.batching.max_batch_size == 1:
        return said
    return f"{said}; a call goes whole, so beside a limit on {' and '.join(sizes)} a smaller batching.max_batch_size leaves less of a window unused"


def _formation(counters: dict[str, int]) -> dict[str, Any] | None:
    """What forming batches anew did, and was worth."""
    if "n_cuts" not in counters:
        return None
    greedy, formed, bound = (to_usd(counters[f"formation_{name}_nano"]) for name in ("greedy", "formed", "bound"))
    return {
        "n_cuts": counters["n_cuts"],
        "n_packed": counters["n_packed"],
        "n_remembered": counters["n_packings_remembered"],
        "n_solved": counters["n_packings_solved"],
        "greedy_usd": greedy,
        "formed_usd": formed,
        "bound_usd": bound,
        "formation_gap_usd": greedy - bound,
    }


def _idle(scenario: Scenario, counters: dict[str, int]) -> list[str]:
    """A mechanism that is on and never fired is worth a word (INV-12)."""
    config, providers = scenario.config, scenario.providers
    watched = {
        "cache (memory_size)": (config.cache.memory_size > 0, "n_hits"),
        "batching.formation: optimal": (config.batching.formation == "optimal", "n_cuts"),
        "cache.near_duplicates": (config.cache.near_duplicates, "n_near_hits"),
        "cache.negative_ttl": (config.cache.negative_ttl > 0, "n_refused_before"),
        "redis tier": (config.cache.redis_url is not None, "n_redis_hits"),
        "cdn tier": (config.cache.cdn_url is not None, "n_cdn_hits"),
        "coalescing": (config.batching.coalesce, "n_joined"),
        "budget": (bool(config.budget.in_force) and not counters.get("n_turned_away_by_budget"), "n_held_by_budget"),
        "batching.sizing": (config.batching.sizing != "fixed", "n_resized"),
        "controller": (config.controller.enabled, "n_moves"),
        "queue.on_deadline: drop": (config.queue.on_deadline == "drop", "n_dropped"),
        "routing (several lanes for one content)": (config.routing.policy != "single" and _has_choice(scenario), "n_diverted"),
        "routing.batch_lane: slack": (config.routing.batch_lane == "slack", "n_slow"),
        "a provider's failures.outages": (any(provider.failures.outages for provider in providers), "n_provider_unavailable"),
        "a provider's changes": (any(provider.changes for provider in providers), "n_provider_changes"),
        "a provider's cold_start": (any(provider.cold_start is not None for provider in providers), "n_provider_cold_starts"),
    }
    return [f"{name} is switched on and never fired" for name, (is_on, counter) in watched.items() if is_on and not counters.get(counter)]
