"""`overview`: a scenario summed up before it runs, with what its reader should be warned of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sbsim.config import Config
from sbsim.config.config import plain_value
from sbsim.overview.lanes import LaneLoad, LimitLoad, lane_loads
from sbsim.overview.promises import LATE, OFTEN_LATE, Promise, promises
from sbsim.overview.traffic import Traffic, traffic_of
from sbsim.scenario import Scenario
from sbsim.workload import prepare

_MOST_REQUESTS = 200_000
"""Longer synthetic histories are cut: their means are known well by then (a second or two)."""


@dataclass(frozen=True)
class Overview:
    """What a scenario means.

    Attributes
    ----------
    traffic : its traffic. lanes : every provider entry. promises : every priority that occurs.
    settings : path -> (default, value here) of the settings that differ from the defaults. is_cut : the history was cut to its first requests.
    warnings : sentences for the reader, those of the scenario and its trace first.
    """

    scenario: Scenario
    traffic: Traffic
    lanes: tuple[LaneLoad, ...]
    promises: tuple[Promise, ...]
    settings: dict[str, tuple[Any, Any]]
    is_cut: bool
    warnings: tuple[str, ...]

    def to_plain(self) -> dict[str, Any]:
        """JSON values."""
        scenario = self.scenario
        return {
            "scenario": scenario.name,
            "traffic": asdict(self.traffic),
            "is_cut": self.is_cut,
            "providers": [_plain_lane(lane) for lane in self.lanes],
            "promises": [asdict(promise) for promise in self.promises],
            "settings": {path: {"default": plain_value(default), "value": plain_value(value)} for path, (default, value) in self.settings.items()},
            "objective": {"minimise": scenario.objective.minimise, "subject_to": [str(each) for each in scenario.objective.subject_to]},
            "search": {path: knob.model_dump(exclude_none=True) for path, knob in scenario.search.items()},
            "warnings": list(self.warnings),
        }


def overview(scenario: Scenario, seed: int | None = None) -> Overview:
    """What a scenario means, by the first history of its traffic.

    Parameters
    ----------
    seed : of a synthetic history; default: the scenario's.

    Raises
    ------
    ScenarioError, TraceError
        As of `workload.prepare`.
    """
    studied = _of_bounded_length(scenario)
    prepared = prepare(studied, scenario.seed if seed is None else seed, 0)
    lanes = lane_loads(prepared, scenario.providers, scenario.config)
    promised = promises(prepared, scenario, lanes)
    asked = traffic_of(prepared)
    defaults = Config().resolved(any(provider.limits for provider in scenario.providers))
    differing = {path: (there, here) for path, (here, there) in scenario.config.differences(defaults).items()}
    said = (*scenario.warnings, *prepared.warnings, *_warnings(scenario, asked, lanes, promised))
    return Overview(scenario, asked, lanes, promised, differing, studied is not scenario, said)


def _of_bounded_length(scenario: Scenario) -> Scenario:
    arrivals = scenario.workload.arrivals
    rate = None if arrivals is None else arrivals.rate or (max(arrivals.rates) if arrivals.rates else None)
    if rate is None:
        return scenario
    factor = max((each for _, each in scenario.workload.profile), default=1.0)
    expected = min(scenario.requests or float("inf"), rate * factor * (scenario.horizon or float("inf")))
    return scenario if expected <= _MOST_REQUESTS else scenario.model_copy(update={"requests": _MOST_REQUESTS})


def _warnings(scenario: Scenario, asked: Traffic, lanes: tuple[LaneLoad, ...], promised: tuple[Promise, ...]) -> Iterator[str]:
    for lane, spec in zip(lanes, scenario.providers, strict=True):
        if not lane.share and spec.api.style != "batch":
            yield f"providers[{lane.name}]: no request of this traffic goes there"
        for limit in lane.limits:
            yield from _over(lane, limit, asked.fullest_minute or 1.0)
    for promise in promised:
        if promise.prospect in (OFTEN_LATE, LATE):
            yield (
                f"sla.{promise.priority}: a call takes {promise.call_s:.3g} s on average, {promise.slow_call_s:.3g} s in one of ten, and the "
                f"deadline is {promise.deadline_s:.3g} s: {promise.prospect}, whatever the settings"
            )
    if not scenario.search:
        yield "search: no setting may vary, so there is nothing to recommend; try search: {cache.ttl: {low: 10min, high: 24h, log: true}}"


def _over(lane: LaneLoad, limit: LimitLoad, peak: float) -> Iterator[str]:
    place = limit.what if limit.whose == "ours" else f"providers[{lane.name}].limits: {limit.what}"
    if limit.utilisation_full >= 1:
        yield (
            f"{place}: {limit.utilisation_full:.0%} offered even in full calls, so work piles up unless reuse takes it away; "
            f"try {'a higher limit' if limit.whose == 'provider' else 'a higher setting'}, or less traffic"
        )
    elif limit.utilisation_alone >= 1:
        yield f"{place}: {limit.utilisation_alone:.0%} offered in calls of one; only fuller calls fit ({limit.utilisation_full:.0%} when full)"
    elif limit.utilisation_full * peak >= 1:
        yield f"{place}: the fullest minute offers {limit.utilisation_full * peak:.0%} even in full calls; work waits then"


def _plain_lane(lane: LaneLoad) -> dict[str, Any]:
    plain = asdict(lane)
    for written, limit in zip(plain["limits"], lane.limits, strict=True):
        written.update(utilisation_alone=limit.utilisation_alone, utilisation_full=limit.utilisation_full)
    return plain
