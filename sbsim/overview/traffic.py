"""Who asks for what, how often, in numbers: one history of a scenario's traffic summed up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbsim.records import PRIORITIES
from sbsim.workload import Prepared

_MINUTE_S = 60.0


@dataclass(frozen=True)
class ClassShare:
    """A traffic class: its share of the requests, and dollars of one of its requests alone on its cheapest real-time lane, on average."""

    name: str
    share: float
    individual_usd: float


@dataclass(frozen=True)
class Traffic:
    """One history of the traffic.

    Attributes
    ----------
    n_requests : requests of a run. span_s : seconds in which they arrive. rate_per_s : requests per second. fullest_minute : requests in the fullest
    minute over the mean minute, 1 or more; None where the traffic is shorter than a minute.
    n_contents : distinct contents. repeats : share of requests for what was asked for before and may be given again: what reuse can save at most.
    individual_usd : dollars of the whole run, each request alone on its cheapest real-time lane. priorities : share by name.
    """

    n_requests: int
    span_s: float
    rate_per_s: float
    fullest_minute: float | None
    n_contents: int
    repeats: float
    individual_usd: float
    classes: tuple[ClassShare, ...]
    priorities: dict[str, float]


def traffic_of(prepared: Prepared) -> Traffic:
    """The traffic of one history, summed up."""
    n = prepared.n
    span_s = prepared.horizon_at
    usd = np.array([content.individual_usd for content in prepared.contents])[prepared.content_index] if n else np.zeros(0)
    return Traffic(
        n_requests=n,
        span_s=span_s,
        rate_per_s=n / span_s if span_s > 0 else 0.0,
        fullest_minute=_fullest_minute(prepared.arrived_at, span_s),
        n_contents=int(np.unique(prepared.content_index).size),
        repeats=_repeats(prepared),
        individual_usd=float(usd.sum()),
        classes=_classes(prepared, usd),
        priorities={name: float(np.mean(prepared.urgency == k)) if n else 0.0 for name, k in PRIORITIES.items()},
    )


def _fullest_minute(arrived_at: NDArray[np.float64], span_s: float) -> float | None:
    if span_s < _MINUTE_S or not arrived_at.size:
        return None
    counts = np.bincount((arrived_at // _MINUTE_S).astype(np.int64))
    return max(1.0, float(counts.max()) / (arrived_at.size * _MINUTE_S / span_s))  # the last minute may be cut short, and be the fullest


def _repeats(prepared: Prepared) -> float:
    """Share of requests whose content came before and is reusable; contents are distinct by key already."""
    if not prepared.n:
        return 0.0
    reusable = np.array([content.reusable for content in prepared.contents])[prepared.content_index]
    return float(reusable.sum() - np.unique(prepared.content_index[reusable]).size) / prepared.n


def _classes(prepared: Prepared, usd: NDArray[np.float64]) -> tuple[ClassShare, ...]:
    counts = np.bincount(prepared.class_index, minlength=len(prepared.class_names))
    sums = np.bincount(prepared.class_index, weights=usd, minlength=len(prepared.class_names))
    return tuple(
        ClassShare(name, float(count) / prepared.n, float(total / count))
        for name, count, total in zip(prepared.class_names, counts, sums, strict=True)
        if count
    )
