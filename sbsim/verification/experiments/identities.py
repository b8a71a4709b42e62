"""Kind 13: what holds on every single path, whatever the laws. It needs no closed form, only two ways to the same number."""

from __future__ import annotations

import numpy as np

from sbsim.measure import Counted
from sbsim.records import MEMORY, PENDING
from sbsim.verification.experiment import Document, Experiment, Readings, document, kpi, poisson

LITTLE = "L / (lambda W)"


def _everything(factor: float, requests: int) -> Document:
    """Windows, late joins, slots, pacing, hits, joined work and retries, all at once."""
    return document(
        arrivals=poisson(2.0 * factor),
        requests=requests,
        latency={"setup": 1.0, "per_item": 0.5, "noise": {"law": "lognormal", "cv": 0.5}},
        study="terminating",
        catalogue={"contents": 200, "popularity": {"law": "zipf", "exponent": 0.8}},
        provider={"api": {"takes": "list", "max_items": 4}, "failures": {"call_error": 0.05, "item_error": 0.02}},
        traffic={"priority": {"urgent": 0.3, "normal": 0.7}},
        config={
            "batching": {"max_batch_size": 8, "max_wait": 3.0, "coalesce": True},
            "cache": {"memory_size": 50, "ttl": 60.0},
            "rate_limit": {"concurrency": 3, "batch_pacing_interval": 0.2},
            "queue": {"policy": "score"},
            "retry": {"max_attempts": 20, "base": 0.5, "cap": 4.0},
        },
    )


def _read_little(counted: Counted) -> Readings:
    """L is the area under the number in the system, from arrivals and the answers of calls; lambda W from two KPIs.

    Little, "A proof for the queuing formula: L = lambda W", Operations Research 9 (1961); on a path that begins and ends empty it is an identity
    (Stidham, "A last word on L = lambda W", Operations Research 22 (1974)).
    """
    answered_at = counted.log.calls["answered_at"]
    left_at = np.where(counted.how == MEMORY, counted.arrived_at, answered_at[counted.call])
    instants = np.concatenate((counted.arrived_at, left_at))
    steps = np.repeat((1, -1), counted.n)
    order = np.argsort(instants, kind="stable")
    in_system = np.cumsum(steps[order])[:-1]
    area = float(in_system @ np.diff(instants[order]))
    n, latency_s = kpi(counted, "n_delivered"), kpi(counted, "mean_latency_s")
    if n is None or latency_s is None or np.any(counted.how == PENDING):
        return {LITTLE: (None, 1.0)}
    return {LITTLE: (area, n * latency_s)}


IDENTITIES = (
    Experiment(13, "Little's law on a path with everything", _everything, lambda _: {LITTLE: 1.0}, _read_little, 5_000, 4, is_random=False),
)
