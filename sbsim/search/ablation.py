"""One mechanism off at a time, everything else as it is, on the same traffic and the same luck: what the total cost would rise by.

Owns the list of mechanisms and how each is switched off. Knows studies; no ledger. Effects are paired differences over replications; they contain
what other mechanisms do in its place (without the cache more requests coalesce), so they do not add up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sbsim.config import Config
from sbsim.errors import ScenarioError
from sbsim.measure import NO_ESTIMATE, Estimate, mean_estimate, paired
from sbsim.simulation.replicate import replicate
from sbsim.simulation.study import Study

if TYPE_CHECKING:
    from sbsim.scenario import Scenario

KPI = "total_cost_usd"


@dataclass(frozen=True, slots=True)
class Mechanism:
    """Something of the batching layer that can be switched off.

    Attributes
    ----------
    name : in a table and in JSON. off : settings without it, path -> value. is_on : whether these settings use it.
    needs_lanes : it means nothing with fewer lanes.
    """

    name: str
    off: Mapping[str, Any]
    is_on: Callable[[Config], bool]
    needs_lanes: int = 1

    def works_in(self, scenario: Scenario) -> bool:
        """Whether the scenario uses it."""
        return len(scenario.providers) >= self.needs_lanes and self.is_on(scenario.config)


MECHANISMS: tuple[Mechanism, ...] = (
    Mechanism("memory cache", {"cache.memory_size": 0}, lambda c: c.cache.memory_size > 0),
    Mechanism("near-duplicates", {"cache.near_duplicates": False}, lambda c: c.cache.near_duplicates),
    Mechanism("redis tier", {"cache.redis_url": None}, lambda c: c.cache.redis_url is not None),
    Mechanism("cdn tier", {"cache.cdn_url": None}, lambda c: c.cache.cdn_url is not None),
    Mechanism("remembered refusals", {"cache.negative_ttl": 0.0}, lambda c: c.cache.negative_ttl > 0),
    Mechanism("coalescing", {"batching.coalesce": False}, lambda c: c.batching.coalesce),
    Mechanism("batching", {"batching.max_batch_size": 1, "batching.max_wait": 0.0}, lambda c: c.batching.max_batch_size > 1),
    Mechanism("late joins", {"batching.late_join": False}, lambda c: c.batching.late_join and c.batching.max_batch_size > 1),
    Mechanism("sizing", {"batching.sizing": "fixed"}, lambda c: c.batching.sizing != "fixed"),
    Mechanism("packing", {"batching.formation": "greedy"}, lambda c: c.batching.formation != "greedy"),
    Mechanism("priorities", {"queue.policy": "fifo"}, lambda c: c.queue.policy != "fifo"),
    Mechanism("retries", {"retry.max_attempts": 1}, lambda c: c.retry.max_attempts > 1),
    Mechanism("routing", {"routing.policy": "single"}, lambda c: c.routing.policy != "single", needs_lanes=2),
    Mechanism("batch API", {"routing.batch_lane": "never"}, lambda c: c.routing.batch_lane != "never", needs_lanes=2),
    Mechanism("budget", {"budget.limit": None, "budget.windows": ()}, lambda c: c.budget.limit is not None or bool(c.budget.windows)),
    Mechanism("pacing", {"rate_limit.batch_pacing_interval": 0.0}, lambda c: c.rate_limit.batch_pacing_interval > 0),
    Mechanism("own rate limit", {"rate_limit.max_requests": None}, lambda c: c.rate_limit.max_requests is not None),
    Mechanism("controller", {"controller.enabled": False}, lambda c: c.controller.enabled),
)
"""Everything that can be switched off by itself, in the order in which a request meets it."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a mechanism is worth beside all others.

    Attributes
    ----------
    off : the settings without it. without_usd : estimate of the total cost then. saved_usd : that less the total cost as it is, paired.
    note : why there is no estimate, else "".
    """

    mechanism: str
    off: Mapping[str, Any]
    without_usd: Estimate
    saved_usd: Estimate
    note: str = ""

    def to_plain(self) -> dict[str, Any]:
        """As in JSON."""
        off = {path: list(value) if isinstance(value, tuple) else value for path, value in self.off.items()}
        return {
            "mechanism": self.mechanism,
            "off": off,
            "total_cost_usd": self.without_usd.to_plain(),
            "saved_usd": self.saved_usd.to_plain(),
            "note": self.note,
        }


def effects(study: Study, *, jobs: int = 1) -> list[Effect]:
    """The effect of every mechanism that the study's scenario uses, in the order of `MECHANISMS`; as many replications as the study has."""
    return [_effect(study, mechanism, jobs) for mechanism in MECHANISMS if mechanism.works_in(study.scenario)]


def _effect(study: Study, mechanism: Mechanism, jobs: int) -> Effect:
    try:
        without = study.scenario.with_values(mechanism.off)
    except ScenarioError as error:  # such as a budget's windows that another setting needs
        return Effect(mechanism.name, mechanism.off, NO_ESTIMATE, NO_ESTIMATE, f"cannot be switched off alone: {error}")
    done = replicate(without, seed=study.seed, replications=len(study.replications), warmup_s=study.warmup_s, jobs=jobs)
    then, now = [one.kpis[KPI] for one in done], [one.kpis[KPI] for one in study.replications]
    note = "saturated without it" if any(one.is_saturated for one in done) and not study.saturated else ""
    return Effect(mechanism.name, mechanism.off, mean_estimate(then), paired(then, now), note)
