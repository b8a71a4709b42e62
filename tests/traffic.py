"""Small scenarios for the tests of workloads: one class of videos on a provider that serves everything, unless said otherwise."""

from __future__ import annotations

from typing import Any

from sbsim.scenario import Scenario

POISSON = {"process": "poisson", "rate": 2.0}
CATALOGUE = {"contents": 200, "popularity": {"law": "zipf", "exponent": 0.9}}
TYPES = ("video", "image", "audio", "text")


def class_(name: str = "clips", **more: Any) -> dict[str, Any]:
    """A traffic class."""
    return {"name": name, "content_type": "video", "engine": "e1", **more}


def providers(*types: str) -> list[dict[str, Any]]:
    """One lane per content type that takes any engine."""
    return [
        {"name": f"{kind}-lane", "serves": {"content_type": kind}, "price": {"rates": [{"per": "item", "usd": 0.01}]}, "latency": {"total": "1s"}}
        for kind in types or TYPES
    ]


def synthetic(*classes: dict[str, Any], arrivals: dict[str, Any] | None = None, requests: int | None = 1000, **more: Any) -> Scenario:
    """Synthetic traffic; further keys are the scenario's, or the workload's (profile, tenants, catalogue)."""
    workload = {"source": "synthetic", "arrivals": arrivals or POISSON, "classes": list(classes) or [class_()]}
    workload.update({key: more.pop(key) for key in ("profile", "tenants", "catalogue") if key in more})
    ends = {} if requests is None else {"requests": requests}
    return Scenario.from_mapping({"version": 1, "name": "traffic", "workload": workload, "providers": providers(), **ends, **more})


def recorded(path: Any, *, served: tuple[str, ...] = TYPES, sla: dict[str, Any] | None = None, **more: Any) -> Scenario:
    """A trace; further keys are the scenario's (horizon, requests, config) or the workload's."""
    of_scenario = {key: more.pop(key) for key in ("horizon", "requests", "config", "replications") if key in more}
    workload = {"source": "trace", "path": str(path), **more}
    return Scenario.from_mapping(
        {"version": 1, "name": "traffic", "workload": workload, "providers": providers(*served), "sla": sla or {}, **of_scenario}
    )
