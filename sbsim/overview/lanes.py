"""What each lane is offered, against each of its limits: with calls of one request, and with calls as full as settings and API allow.

The lane of a content is the cheapest real-time lane that serves it. Calls in flight are calls per second times mean seconds of a call (Little 1961).
Reuse would lower, retries would raise these numbers; both are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from sbsim.config import Config
from sbsim.records import Content
from sbsim.scenario import Latency, ProviderSpec
from sbsim.units import format_duration
from sbsim.workload import Prepared


@dataclass(frozen=True)
class LimitLoad:
    """A limit, and what is offered to it.

    Attributes
    ----------
    what : in words, "50 calls per 60s". whose : "provider" or "ours" (a setting). unit : calls, items, tokens …, or "pacing".
    capacity : units per second, or units at once. alone, full : the same of calls of one request, and of full ones. `is_queued`: excess waits there.
    """

    what: str
    whose: str
    unit: str
    capacity: float
    alone: float
    full: float
    is_queued: bool = False

    @property
    def utilisation_alone(self) -> float:
        """Share of the limit that calls of one request take on average; above 1 the queue grows."""
        return self.alone / self.capacity

    @property
    def utilisation_full(self) -> float:
        """The same of calls as full as can be."""
        return self.full / self.capacity


@dataclass(frozen=True)
class LaneLoad:
    """One lane.

    Attributes
    ----------
    share : of the requests. requests_per_s : offered. most_per_call : requests in a call at most, by settings and API.
    calls_alone_per_s, calls_full_per_s : calls a second when each holds one request, and when each is full.
    call_alone_s, call_full_s : mean seconds of such a call. slow_call_s : 90 % of the full ones end by then.
    individual_usd : dollars of one of its requests alone, on average. limits : the provider's, then ours.
    """

    name: str
    share: float
    requests_per_s: float
    most_per_call: int
    calls_alone_per_s: float
    calls_full_per_s: float
    call_alone_s: float
    call_full_s: float
    slow_call_s: float
    individual_usd: float
    limits: tuple[LimitLoad, ...]


def lane_of(content: Content, providers: tuple[ProviderSpec, ...]) -> int:
    """The cheapest real-time lane of a content, or the cheapest of all where none is real-time."""
    lanes = [offer.lane for offer in content.offers]
    return next((lane for lane in lanes if providers[lane].api.style != "batch"), lanes[0])


def lane_loads(prepared: Prepared, providers: tuple[ProviderSpec, ...], config: Config) -> tuple[LaneLoad, ...]:
    """Every lane, in the scenario's order."""
    weights = np.bincount(prepared.content_index, minlength=len(prepared.contents)).astype(np.float64)
    lanes = np.array([lane_of(content, providers) for content in prepared.contents], dtype=np.int64)
    return tuple(_load(spec, _Served(prepared, np.where(lanes == k, weights, 0.0)), config) for k, spec in enumerate(providers))


class _Served:
    """Requests of one lane: `weights` counts them by content, shape (n_contents,)."""

    def __init__(self, prepared: Prepared, weights: NDArray[np.float64]) -> None:
        self.contents = prepared.contents
        self.weights = weights
        self.n = float(weights.sum())
        self.share = self.n / prepared.n if prepared.n else 0.0
        self.per_s = self.n / prepared.horizon_at if prepared.horizon_at > 0 else 0.0
        bases = {content.base for content, weight in zip(self.contents, weights, strict=True) if weight}
        self.n_variants = max(1, round(np.count_nonzero(weights) / len(bases))) if bases else 1

    def mean(self, values: list[float]) -> float:
        """Mean over the requests of what each content has; 0 without a request."""
        return float(np.dot(values, self.weights)) / self.n if self.n else 0.0


def _load(spec: ProviderSpec, served: _Served, config: Config) -> LaneLoad:
    most = _most_per_call(spec, served, config)
    item_s = served.mean([_item_s(spec.latency, content) for content in served.contents])
    alone_s, full_s = (_call_s(spec, item_s, n) for n in (1, most))
    calls = served.per_s, served.per_s / most
    return LaneLoad(
        name=spec.name,
        share=served.share,
        requests_per_s=served.per_s,
        most_per_call=most,
        calls_alone_per_s=calls[0],
        calls_full_per_s=calls[1],
        call_alone_s=alone_s,
        call_full_s=full_s,
        slow_call_s=_slow_s(spec, full_s),
        individual_usd=served.mean([content.individual_usd for content in served.contents]),
        limits=(*_declared(spec, served, calls, (alone_s, full_s)), *_ours(spec, config, calls, (alone_s, full_s))),
    )


def _most_per_call(spec: ProviderSpec, served: _Served, config: Config) -> int:
    if spec.api.takes == "one":
        return 1
    most = min(config.batching.max_batch_size, spec.api.max_items or config.batching.max_batch_size)
    return min(most, served.n_variants) if spec.api.takes == "variants" else most


def _item_s(latency: Latency, content: Content) -> float:
    facts = content.facts
    units = facts.units_out if facts.max_units_out is None else min(facts.units_out, facts.max_units_out)
    return latency.per_item + latency.per_second * facts.duration_s + latency.per_unit * units


def _call_s(spec: ProviderSpec, item_s: float, n: int) -> float:
    """Mean seconds of a call of n mean items, polling included."""
    latency = spec.latency
    if spec.turnaround is not None:
        mean_s = spec.turnaround.mean
    elif latency.total is not None:
        mean_s = latency.total.mean
    else:
        mean_s = latency.setup + max(item_s, n * item_s / latency.parallel_items)
    return float(mean_s + spec.api.poll / 2)  # a result is seen at the first poll after it is done


def _slow_s(spec: ProviderSpec, mean_s: float) -> float:
    """Seconds by which 90 % of calls of this mean have ended."""
    law = spec.turnaround or spec.latency.total
    p90 = np.array([0.9])
    if law is not None:
        return float(law.quantile(p90)[0] + spec.api.poll / 2)
    noise = spec.latency.noise
    return mean_s if noise is None else float(mean_s * noise.quantile(p90)[0])


Pair = tuple[float, float]
"""Of calls of one request, and of full ones."""


def _declared(spec: ProviderSpec, served: _Served, calls: Pair, call_s: Pair) -> Iterator[LimitLoad]:
    for limit in spec.limits:
        queued = limit.on_excess == "queue"
        if limit.unit in ("concurrency", "outstanding"):
            alone, full = (rate * seconds for rate, seconds in zip(calls, call_s, strict=True))
            yield LimitLoad(f"{limit.n:g} calls at once", "provider", limit.unit, limit.n, alone, full, queued)
            continue
        if limit.unit == "calls":
            alone, full = (rate * _looks(spec, seconds) for rate, seconds in zip(calls, call_s, strict=True))
        else:
            alone = full = served.per_s * _units(limit.unit, served)
        what = f"{limit.n:g} {limit.unit.replace('_', ' ')} per {format_duration(limit.per)}"
        yield LimitLoad(what, "provider", limit.unit, limit.n / limit.per, alone, full, queued)


def _ours(spec: ProviderSpec, config: Config, calls: Pair, call_s: Pair) -> Iterator[LimitLoad]:
    own = config.rate_limit
    if own.max_requests is not None and own.time_window is not None:
        alone, full = (rate * _looks(spec, seconds) for rate, seconds in zip(calls, call_s, strict=True))
        what = f"rate_limit: {own.max_requests:g} calls per {format_duration(own.time_window)}"
        yield LimitLoad(what, "ours", "calls", own.max_requests / (own.time_window + own.guard), alone, full, True)
    if own.concurrency is not None:
        alone, full = (rate * seconds for rate, seconds in zip(calls, call_s, strict=True))
        yield LimitLoad(f"rate_limit.concurrency: {own.concurrency:g} calls at once", "ours", "concurrency", own.concurrency, alone, full, True)
    if own.batch_pacing_interval > 0:
        what = f"rate_limit.batch_pacing_interval: a call every {format_duration(own.batch_pacing_interval)}"
        yield LimitLoad(what, "ours", "pacing", 1 / own.batch_pacing_interval, *calls, True)


def _looks(spec: ProviderSpec, call_s: float) -> float:
    """Calls that one call makes, its polls included."""
    return 1.0 + (ceil(call_s / spec.api.poll) if spec.api.poll else 0)


def _units(unit: str, served: _Served) -> float:
    """What a request counts against a limit on items, tokens or content seconds, on average."""
    if unit == "items":
        return 1.0
    if unit == "tokens":
        return served.mean([content.offers[0].tokens for content in served.contents])
    return served.mean([content.duration_s for content in served.contents])
