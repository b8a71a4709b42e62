"""What the parts of a scenario must say about each other. Each check raises FieldError with the path of what is at fault."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sbsim.config import Config
from sbsim.documents.faults import FieldError, nearest, one_of
from sbsim.scenario.instances import is_divided, share_of
from sbsim.scenario.limits import Limit
from sbsim.scenario.price import Price
from sbsim.scenario.provider import ProviderSpec
from sbsim.scenario.traffic import TrafficClass

if TYPE_CHECKING:
    from sbsim.scenario.scenario import Scenario

_MATCHED = ("content_type", "engine", "resolution", "duration")
"""Fields of a content that a rate's `when` can name; any other name is a style parameter."""


def check(scenario: Scenario) -> None:
    """Everything that does not depend on settings. Raises FieldError."""
    if not scenario.providers:
        raise FieldError("the list is empty, and nothing could be made; try the provider in the README's example", "providers")
    _names_are_unique(scenario.providers, "providers")
    _names_are_unique(scenario.workload.classes, "workload", "classes")
    _times_fit(scenario)
    for k, one in enumerate(scenario.workload.classes):
        _is_served(one, k, scenario.providers)
    for k, provider in enumerate(scenario.providers):
        _has_a_turnaround(provider, k)
        _meters_its_work(provider, k)
        _conditions_can_be_met(provider, k, scenario)


def check_settings(scenario: Scenario, config: Config) -> None:
    """What settings and providers must say about each other. Raises FieldError."""
    for name, url in (("redis", config.cache.redis_url), ("cdn", config.cache.cdn_url)):
        if url is not None and getattr(scenario.tiers, name) is None:
            why = f"config.cache.{name}_url switches it on, and nothing says what it costs and takes"
            raise FieldError(f"{why}; try {name}: {{latency: 2ms}}", "tiers")
    if is_divided(config, scenario.instances.n):
        config, providers = share_of(config, scenario.providers, scenario.instances.n)
    else:
        providers = scenario.providers
    for k, provider in enumerate(providers):
        if provider.api.style != "sync":
            _polls_fit(provider, k, config)
        if config.budget.is_hard:
            _cost_is_bounded(provider, k)


def _names_are_unique(entries: Iterable[ProviderSpec | TrafficClass], *path: str) -> None:
    seen: dict[str, int] = {}
    for k, entry in enumerate(entries):
        if entry.name in seen:
            raise FieldError(f"{entry.name!r} is the name of {path[-1]}[{seen[entry.name]}] too; try another", *path, k, "name")
        seen[entry.name] = k


def _times_fit(scenario: Scenario) -> None:
    if scenario.workload.source == "synthetic" and scenario.horizon is None and scenario.requests is None:
        raise FieldError("synthetic traffic has no end of its own; missing: horizon or requests; try horizon: 8h")
    if scenario.warmup == "auto":
        if scenario.study != "steady":
            raise FieldError("auto finds where a steady study settles, and this one is terminating; try a duration, or study: steady", "warmup")
    elif scenario.horizon is not None and float(scenario.warmup) >= scenario.horizon:
        raise FieldError(f"{scenario.warmup:g} s leave nothing to count of a horizon of {scenario.horizon:g} s; try a shorter warm-up", "warmup")
    if scenario.study == "steady" and scenario.workload.source != "synthetic":
        raise FieldError("a trace ends, so it cannot be steady; try study: terminating", "study")


def _is_served(one: TrafficClass, k: int, providers: tuple[ProviderSpec, ...]) -> None:
    """Every content of a class has a lane."""
    path = ("workload", "classes", k)
    typed = [p for p in providers if p.serves.content_type == one.content_type]
    if not typed:
        there = one_of(sorted({p.serves.content_type for p in providers}))
        raise FieldError(
            f"no provider serves {one.content_type}; they serve {there}; try a provider with content_type: {one.content_type}", *path, "content_type"
        )
    lanes = [p for p in typed if p.serves.engine in (None, one.engine)]
    if not lanes:
        engines = sorted({str(p.serves.engine) for p in typed})
        raise FieldError(
            f"no provider serves {one.content_type} of engine {one.engine!r}; allowed: {one_of(engines)}{nearest(one.engine, engines)}",
            *path,
            "engine",
        )
    for resolution in one.resolution or (None,):
        sized = [p for p in lanes if not p.serves.resolutions or resolution in p.serves.resolutions]
        if not sized:
            allowed = sorted({size for p in lanes for size in p.serves.resolutions or ()})
            given = "no resolution" if resolution is None else repr(resolution)
            raise FieldError(f"{given} is served by no provider; allowed: {one_of(allowed)}{nearest(resolution, allowed)}", *path, "resolution")
        _durations_are_served(one, sized, path)


def _durations_are_served(one: TrafficClass, lanes: list[ProviderSpec], path: tuple[str | int, ...]) -> None:
    if any(not p.serves.durations for p in lanes):
        return
    allowed = sorted({seconds for p in lanes for seconds in p.serves.durations or ()})
    shown = one_of(f"{seconds:g} s" for seconds in allowed)
    points = (0.0,) if one.duration is None else one.duration.points
    if points is None:
        raise FieldError(
            f"a continuous law, and only {shown} are served; try {{law: empirical, values: [{one_of(f'{s:g}s' for s in allowed)}]}}",
            *path,
            "duration",
        )
    for seconds in points:
        if seconds not in allowed:
            nearest_s = min(allowed, key=lambda other: abs(other - seconds))
            raise FieldError(f"{seconds:g} s are served by no provider; allowed: {shown}; try {nearest_s:g}s", *path, "duration")


def _may_serve(provider: ProviderSpec, one: TrafficClass) -> bool:
    s = provider.serves
    points = (0.0,) if one.duration is None else one.duration.points
    return (
        s.content_type == one.content_type
        and s.engine in (None, one.engine)
        and (not s.resolutions or bool(set(s.resolutions) & set(one.resolution or (None,))))
        and (not s.durations or points is None or bool(set(s.durations) & set(points)))
    )


def _has_a_turnaround(provider: ProviderSpec, k: int) -> None:
    """Only a simulation must know how long a batch API takes; a deployment that is read back does not say."""
    if provider.api.style == "batch" and provider.turnaround is None:
        reason = "a batch API has a turnaround; missing: turnaround; try {law: lognormal, median: 7min, p90: 1h}"
        raise FieldError(reason, "providers", k)


def _meters_its_work(provider: ProviderSpec, k: int) -> None:
    """A batch API's turnaround is mostly waiting: only its latency says what its machines do, and without one nothing would be charged for them."""
    if provider.api.style != "batch" or provider.latency.model_fields_set - {"refusal"}:
        return
    for place, price in _prices(provider):
        for r, rate in enumerate(price.rates):
            if rate.per == "gpu_second" and rate.usd > 0:
                reason = "a batch API that charges GPU seconds has a latency, which says how many; missing: latency; try latency: {per_item: 2s}"
                raise FieldError(reason, "providers", k, *place, "rates", r)


def _conditions_can_be_met(provider: ProviderSpec, k: int, scenario: Scenario) -> None:
    """A mistyped name in a rate's `when` would silently never fit."""
    if not scenario.workload.classes:
        return
    styles = {name for one in scenario.workload.classes for name in one.style_params}
    for place, price in _prices(provider):
        for r, rate in enumerate(price.rates):
            for name in rate.when:
                if name not in _MATCHED and name not in styles:
                    known = (*_MATCHED, *sorted(styles))
                    path = ("providers", k, *place, "rates", r, "when", name)
                    raise FieldError(f"no content has such a field; allowed: {one_of(known)}{nearest(name, known)}", *path)


def _polls_fit(provider: ProviderSpec, k: int, config: Config) -> None:
    """While a job runs its polls must fit every window, or it could never be started."""
    poll_s = provider.api.poll
    for place, n, per_s in _call_windows(provider, k, config):
        held = math.ceil((per_s + config.rate_limit.guard) / poll_s)  # as our limiter counts them
        if held > n:
            raise FieldError(
                f"{n:g} calls in {per_s:g} s cannot carry one job that is polled every {poll_s:g} s: it makes {held}; "
                f"try a limit of {held}, or a longer providers[{provider.name}].api.poll",
                *place,
            )


def _call_windows(provider: ProviderSpec, k: int, config: Config) -> Iterator[tuple[tuple[str | int, ...], float, float]]:
    """(where, n, seconds) of every limit on calls that our limiter keeps."""
    for j, limit in enumerate(provider.limits):
        if limit.unit == "calls" and limit.known:
            yield ("providers", k, "limits", j), *_as_window(limit)
    own = config.rate_limit
    if own.max_requests is not None and own.time_window is not None:
        yield ("config", "rate_limit", "max_requests"), own.max_requests, own.time_window


def _as_window(limit: Limit) -> tuple[float, float]:
    """(n, seconds) that a limiter keeps: a bucket's burst in the time that refills it."""
    return (limit.burst, limit.burst / (limit.n / limit.per)) if limit.burst is not None else (limit.n, limit.per)


def _cost_is_bounded(provider: ProviderSpec, k: int) -> None:
    """A hard budget reserves the most a call can cost before it is sent."""
    for place, r, rate in ((place, r, rate) for place, price in _prices(provider) for r, rate in enumerate(price.rates)):
        if rate.per == "gpu_second" and rate.usd > 0 and provider.api.cancel != "running" and not _latency_is_bounded(provider):
            raise FieldError(
                "a hard budget needs the most that a call can cost, and nothing bounds its GPU seconds; try api.cancel: running "
                "(bounded by retry.call_timeout), a `max` in the law of latency, or budget.limit: none",
                "providers", k, *place, "rates", r,
            )  # fmt: skip


def _prices(provider: ProviderSpec) -> Iterator[tuple[tuple[str | int, ...], Price]]:
    """Every price list of a provider, with its path: the first, then those of its changes."""
    yield ("price",), provider.price
    for j, change in enumerate(provider.changes):
        if change.price is not None:
            yield ("changes", j, "price"), change.price


def _latency_is_bounded(provider: ProviderSpec) -> bool:
    law = provider.latency.total if provider.latency.total is not None else provider.latency.noise
    return law is None or law.high < math.inf


def warnings(scenario: Scenario) -> Iterator[str]:
    """What is allowed and probably not meant."""
    providers = scenario.providers
    can_share = any(p.api.takes != "one" and p.api.max_items != 1 for p in providers)
    if not can_share and not any(rate.per == "setup" for p in providers for rate in p.price.rates):
        yield "batching cannot change the bill: every provider takes one request per call and none charges a set-up; reuse and limits can"
    for one in scenario.workload.classes:
        charged = {rate.per: p.name for p in providers if _may_serve(p, one) for rate in p.price.rates}
        if one.duration is None and "second" in charged:
            yield f"workload.classes[{one.name}]: {charged['second']} charges by the second, and its content has no duration"
        if one.max_units_out is None and "token_out" in charged and scenario.config.budget.is_hard:
            yield f"workload.classes[{one.name}]: a hard budget refuses its requests, since nothing bounds their tokens out; try max_units_out"
    yield from _tiers_nobody_asks(scenario)


def _tiers_nobody_asks(scenario: Scenario) -> Iterator[str]:
    """A tier is described under `tiers` and switched on by a setting; a search may do the latter."""
    searched = {path.removeprefix("config.") for path in scenario.search}
    for name in ("redis", "cdn"):
        switch = f"cache.{name}_url"
        if getattr(scenario.tiers, name) is not None and scenario.config.get(switch) is None and switch not in searched:
            yield f"tiers.{name}: nobody asks it, since config.{switch} is none; try {name}_url: ${{{name.upper()}_URL}}, or leaving the tier out"
