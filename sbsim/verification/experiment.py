"""An experiment: a system with an exact solution, as a scenario document, and what is read from a run of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sbsim.measure import KPI_BY_NAME, Counted
from sbsim.verification.line import Ratio

Readings = dict[str, Ratio]
"""What one replication says, by line name."""

Document = dict[str, Any]
"""A scenario as the YAML file would say it."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One system; it may give several lines.

    Attributes
    ----------
    kind : number of its kind. name : of the system, unique; its draws are keyed by it.
    document : (factor of the arrival rate, requests) -> scenario document.
    exact : factor of the arrival rate -> closed forms by line name, in order.
    read : counted requests of a run -> a ratio per line name.
    requests : per replication. replications : independent histories at scale 1; of many short ones the half-width is better known.
    is_random : False where every replication must give the exact value.
    """

    kind: int
    name: str
    document: Callable[[float, int], Document]
    exact: Callable[[float], Mapping[str, float]]
    read: Callable[[Counted], Readings]
    requests: int
    replications: int = 128
    is_random: bool = True


def kpi(counted: Counted, name: str) -> float | None:
    """The KPI called `name`, as `sbsim run` reports it for one replication."""
    value = KPI_BY_NAME[name].function(counted)
    return None if value is None else float(value)


def mean_of(counted: Counted, name: str) -> Ratio:
    """A KPI that is a mean over the replication."""
    return kpi(counted, name), 1.0


def ratio_of(counted: Counted, numerator: str, denominator: str) -> Ratio:
    """A ratio of two KPIs that count."""
    return kpi(counted, numerator), kpi(counted, denominator)


def document(
    *,
    arrivals: Mapping[str, Any],
    requests: int,
    latency: Mapping[str, Any],
    warmup_s: float = 0.0,
    study: str = "steady",
    traffic: Mapping[str, Any] | None = None,
    catalogue: Mapping[str, Any] | None = None,
    provider: Mapping[str, Any] | None = None,
    config: Mapping[str, Mapping[str, Any]] | None = None,
    **more: Any,
) -> Document:
    """One class of images, one provider, and a layer in which everything is switched off that is not named.

    Parameters
    ----------
    arrivals : the workload's arrivals. requests : in the study. latency : the provider's. warmup_s : seconds left out of every KPI.
    traffic : further fields of the class. catalogue : None makes every request a content of its own.
    provider : further fields of the provider, over takes one and a cent per call. config : settings by section, over what is off.
    more : further fields of the scenario.
    """
    off: dict[str, dict[str, Any]] = {
        "batching": {"max_batch_size": 1, "max_wait": 0, "coalesce": False},
        "cache": {"memory_size": 0},
        "rate_limit": {"max_requests": None, "concurrency": None, "batch_pacing_interval": 0, "guard": 0},
        "queue": {"policy": "fifo", "max_pending": 10**6},
        "retry": {"max_attempts": 1, "call_timeout": "1000h"},
    }
    for section, values in (config or {}).items():
        off[section] = {**off.get(section, {}), **values}
    workload: Document = {
        "source": "synthetic",
        "arrivals": dict(arrivals),
        "classes": [{"name": "all", "content_type": "image", "engine": "e", **(traffic or {})}],
    }
    if catalogue is not None:
        workload["catalogue"] = dict(catalogue)
    server = {
        "name": "server", "serves": {"content_type": "image"}, "api": {"takes": "one"}, "price": {"rates": [{"per": "call", "usd": 0.01}]},
        "latency": dict(latency), **(provider or {}),
    }  # fmt: skip
    study_of = {"study": study, "requests": requests, "warmup": warmup_s, **more}
    return {"version": 1, "name": "verification", **study_of, "workload": workload, "providers": [server], "config": off}


def poisson(rate: float) -> Document:
    """Poisson arrivals, `rate` requests per second."""
    return {"process": "poisson", "rate": rate}


def exponential(mean_s: float) -> Document:
    """Calls that last an exponential time of mean `mean_s` seconds, however many items they carry."""
    return {"total": {"law": "exponential", "mean": mean_s}}


AT_ONCE: Document = {"setup": 0.0}
"""Calls that last no time at all."""
