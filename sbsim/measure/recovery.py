"""How long a run takes to recover from an event: when latencies and refusals are again what they were before.

Seconds and shares. It knows the counted columns; no KPI, and nothing of what the event was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, inf

import numpy as np
from numpy.typing import NDArray

from sbsim.measure.counted import Counted

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Return:
    """One quantity around an event.

    Attributes
    ----------
    before : its value before the event; None where nothing happened then that has one. worst : its greatest value in a window after it.
    after_s : seconds from the event to the end of the last window in which it was out of bounds; 0 when it never was, inf when it was so in the last
    window of all; None without a value before.
    """

    before: float | None
    worst: float | None
    after_s: float | None


@dataclass(frozen=True, slots=True)
class Recovery:
    """`p95_latency_s` of requests by arrival (one that was lost counts as inf); `rejected_share`, the share of calls answered 429, by sending."""

    p95_latency_s: Return
    rejected_share: Return


def time_to_recover(counted: Counted, at: float, *, window_s: float = 300.0, within: float = 0.1) -> Recovery:
    """How a run got over what happened `at` that instant.

    The time after the event is cut into windows of `window_s` seconds, but for a last one that the study's end cuts short. A window is in bounds
    when its p95 latency is at most (1 + within) times that of all requests before the event, and its share of 429s at most `within` above that
    before; one in which nothing arrived, or was sent, is. So times are known to the length of a window: shorter ones are noisier.

    Raises
    ------
    ValueError
        When there is no whole window between the event and the end of the study.
    """
    if not 0 < window_s <= counted.end_at - at:
        raise ValueError(
            f"time_to_recover: window_s: {window_s:g} s do not fit between {at:g} s and the end at {counted.end_at:g} s; try a shorter window"
        )
    latency_s = np.where(counted.is_delivered, counted.done_at - counted.arrived_at, inf)
    sent_at, rejected = counted.log.calls["sent_at"], counted.is_rejected.astype(np.float64)
    is_counted = sent_at >= counted.start_at
    return Recovery(
        _return(counted, at, window_s, counted.arrived_at, latency_s, _p95, lambda before: before * (1 + within)),
        _return(counted, at, window_s, sent_at[is_counted], rejected[is_counted], _mean, lambda before: before + within),
    )


def _return(
    counted: Counted,
    at: float,
    window_s: float,
    instants: Floats,
    values: Floats,
    summary: Callable[[Floats], float],
    bound: Callable[[float], float],
) -> Return:
    """One quantity: `summary` of the `values` that belong to `instants` of a stretch of time; allowed is `bound` of the value before."""
    earlier = values[instants < at]
    if not len(earlier):
        return Return(None, None, None)
    before = summary(earlier)
    allowed, worst, after_s = bound(before), -inf, 0.0
    n_windows = int((counted.end_at - at) / window_s)
    window = np.floor((instants - at) / window_s)
    for k in range(n_windows):
        inside = values[window == k]
        if not len(inside):
            continue
        value = summary(inside)
        worst = max(worst, value)
        if value > allowed:
            after_s = (k + 1) * window_s if k + 1 < n_windows else inf
    return Return(before, worst if worst > -inf else None, after_s)


def _p95(values: Floats) -> float:
    return float(np.sort(values)[ceil(0.95 * len(values)) - 1])


def _mean(values: Floats) -> float:
    return float(values.mean())
