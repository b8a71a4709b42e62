"""Kinds 1, 2, 7, 8: calls of one request, waiting in our own limiter for one of its slots, or turned away by a provider that is full."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from sbsim.measure import Counted
from sbsim.verification import closed_forms as exact
from sbsim.verification.experiment import Document, Experiment, Readings, document, exponential, mean_of, poisson, ratio_of

WARMUP_S = 200.0
"""Mean services are a second: at these loads a queue forgets its beginning at a rate of 1 / (1 - sqrt(load))^2, 30 s at most."""

WAIT, LATENCY = "mean wait, s", "mean latency, s"
Rates = Mapping[str, float]


def _slots(n: int) -> Document:
    return {"rate_limit": {"concurrency": n}}


def _queue(factor: float, requests: int, *, rate: float, latency: Mapping[str, Any], servers: int = 1, **more: Any) -> Document:
    """Poisson arrivals at `servers` slots of our own, first come, first served."""
    return document(arrivals=poisson(rate * factor), requests=requests, latency=latency, warmup_s=WARMUP_S, config=_slots(servers), **more)


def _read_wait(counted: Counted) -> Readings:
    return {WAIT: mean_of(counted, "mean_wait_s")}


def _read_latency(counted: Counted) -> Readings:
    return {LATENCY: mean_of(counted, "mean_latency_s")}


# -- 1: M/M/1, M/M/3, M/D/1, M/G/1 -------------------------------------------------------------------------------------------
MM1_RATE, MM1_WAITS_OVER, MM1_LONG_S = 0.4, "share that waits", 1.0
MM1_WAITS_LONG = f"share that waits over {MM1_LONG_S:g} s"


def _mm1(factor: float) -> Rates:
    rate = MM1_RATE * factor
    return {
        WAIT: exact.mmc_wait(rate, 1.0, 1),
        MM1_WAITS_OVER: exact.mm1_wait_exceeds(rate, 1.0, 0.0),
        MM1_WAITS_LONG: exact.mm1_wait_exceeds(rate, 1.0, MM1_LONG_S),
    }


def _read_mm1(counted: Counted) -> Readings:
    waits = counted.waits()
    return {
        WAIT: mean_of(counted, "mean_wait_s"),
        MM1_WAITS_OVER: (float(np.count_nonzero(waits > 0)), float(counted.n)),
        MM1_WAITS_LONG: (float(np.count_nonzero(waits > MM1_LONG_S)), float(counted.n)),
    }


MM3_RATE, MM3_WAITS = 1.95, "share that waits"


def _mm3(factor: float) -> Rates:
    """The mean wait alone needs 3 million requests for a half-width of 1 %, as more than half of them do not wait; these two need a fifth of that."""
    rate = MM3_RATE * factor
    return {MM3_WAITS: exact.erlang_c(3, rate), LATENCY: exact.mmc_wait(rate, 1.0, 3) + 1.0}


def _read_mm3(counted: Counted) -> Readings:
    return {MM3_WAITS: (float(np.count_nonzero(counted.waits() > 0)), float(counted.n)), LATENCY: mean_of(counted, "mean_latency_s")}


MD1_RATE, MG1_RATE, LOGNORMAL_CV = 0.4, 0.6, 0.5
CONSTANT = {"total": 1.0}
LOGNORMAL = {"total": {"law": "lognormal", "mean": 1.0, "cv": LOGNORMAL_CV}}


def _md1(factor: float) -> Rates:
    return {WAIT: exact.mg1_wait(MD1_RATE * factor, 1.0, 1.0)}


def _mg1(factor: float) -> Rates:
    return {LATENCY: exact.mg1_wait(MG1_RATE * factor, 1.0, 1.0 + LOGNORMAL_CV**2) + 1.0}


# -- 2: M^X/M/1 --------------------------------------------------------------------------------------------------------------
GROUP_SIZES = (1, 2)
GROUP_RATE = 0.55
"""Requests, not groups, per second."""


def _groups(factor: float, requests: int) -> Document:
    size = {"law": "empirical", "values": list(GROUP_SIZES), "weights": [1] * len(GROUP_SIZES)}
    arrivals = {"process": "batch", "rate": GROUP_RATE * factor, "size": size}
    return document(arrivals=arrivals, requests=requests, latency=exponential(1.0), warmup_s=WARMUP_S, config=_slots(1))


def _groups_exact(factor: float) -> Rates:
    mean, square = (float(np.mean([size**power for size in GROUP_SIZES])) for power in (1, 2))
    return {LATENCY: exact.batch_arrivals_latency(GROUP_RATE * factor, 1.0, mean, square)}


# -- 7: M/G/c/c --------------------------------------------------------------------------------------------------------------
LINES, OFFERED, SHARE_429 = 3, 3.0, "share answered 429"
WIDE_LOGNORMAL = {"total": {"law": "lognormal", "mean": 1.0, "cv": 1.0}}


def _loss(factor: float, requests: int, latency: Mapping[str, Any]) -> Document:
    """A provider that is full says so only after the traffic has ended, so that no Retry-After makes our limiter wait: arrivals stay Poisson."""
    return document(
        arrivals=poisson(OFFERED * factor),
        requests=requests,
        latency={**latency, "refusal": "100h"},
        warmup_s=50.0,
        provider={"limits": [{"concurrency": LINES, "on_excess": "reject", "known": False}]},
        drain_limit="1000h",
    )


def _loss_exact(factor: float) -> Rates:
    return {SHARE_429: exact.erlang_b(LINES, OFFERED * factor)}


def _read_loss(counted: Counted) -> Readings:
    return {SHARE_429: ratio_of(counted, "n_rate_limited", "n_calls")}


# -- 8: two strict classes ---------------------------------------------------------------------------------------------------
URGENT_RATE, NORMAL_RATE = 0.2, 0.2
URGENT_WAIT, NORMAL_WAIT = "mean wait of urgent, s", "mean wait of normal, s"


def _strict(factor: float, requests: int) -> Document:
    """Services uniform between 0 and 2 s."""
    urgent = URGENT_RATE / (URGENT_RATE + NORMAL_RATE)
    return document(
        arrivals=poisson((URGENT_RATE + NORMAL_RATE) * factor),
        requests=requests,
        latency={"total": {"law": "uniform", "low": 0, "high": 2}},
        warmup_s=WARMUP_S,
        traffic={"priority": {"urgent": urgent, "normal": 1 - urgent}},
        config={**_slots(1), "queue": {"policy": "strict"}},
    )


def _strict_exact(factor: float) -> Rates:
    urgent, normal = exact.priority_waits((URGENT_RATE * factor, NORMAL_RATE * factor), (1.0, 1.0), (4 / 3, 4 / 3))
    return {URGENT_WAIT: urgent, NORMAL_WAIT: normal}


def _read_strict(counted: Counted) -> Readings:
    return {URGENT_WAIT: mean_of(counted, "mean_wait_s_urgent"), NORMAL_WAIT: mean_of(counted, "mean_wait_s_normal")}


QUEUES = (
    Experiment(1, f"M/M/1, load {MM1_RATE:g}", partial(_queue, rate=MM1_RATE, latency=exponential(1.0)), _mm1, _read_mm1, 9_000),
    Experiment(1, f"M/M/3, load {MM3_RATE / 3:g}", partial(_queue, rate=MM3_RATE, latency=exponential(1.0), servers=3), _mm3, _read_mm3, 6_000),
    Experiment(1, f"M/D/1, load {MD1_RATE:g}", partial(_queue, rate=MD1_RATE, latency=CONSTANT), _md1, _read_wait, 5_500),
    Experiment(1, f"M/G/1, lognormal, load {MG1_RATE:g}", partial(_queue, rate=MG1_RATE, latency=LOGNORMAL), _mg1, _read_latency, 3_600),
    Experiment(2, f"M^X/M/1, load {GROUP_RATE:g}", _groups, _groups_exact, _read_latency, 8_000),
    Experiment(7, f"M/D/{LINES}/{LINES}", partial(_loss, latency=CONSTANT), _loss_exact, _read_loss, 1_000),
    Experiment(7, f"M/G/{LINES}/{LINES}, lognormal", partial(_loss, latency=WIDE_LOGNORMAL), _loss_exact, _read_loss, 1_800),
    Experiment(8, "strict priorities", _strict, _strict_exact, _read_strict, 8_500),
)  # fmt: skip
