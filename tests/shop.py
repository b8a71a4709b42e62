"""A small shop on rented workers, quick to simulate: what the tests of sweeps and recommendations ask about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sbsim.scenario import Scenario

WORKER: dict[str, Any] = {
    "name": "workers",
    "serves": {"content_type": "image"},
    "api": {"style": "sync", "takes": "list", "max_items": 8, "idempotency": "key", "cancel": "running"},
    "price": {"rates": [{"per": "gpu_second", "usd": 0.001}]},
    "latency": {"setup": "20s", "per_item": "1s", "noise": {"law": "lognormal", "cv": 0.2}},
    "limits": [{"concurrency": 20, "on_excess": "queue"}],
}
ONE_AT_A_TIME: dict[str, Any] = {
    "name": "api",
    "serves": {"content_type": "image"},
    "api": {"style": "sync", "takes": "one"},
    "price": {"rates": [{"per": "item", "usd": 0.01}]},
    "latency": {"total": {"law": "lognormal", "median": "2s", "p90": "4s"}},
    "limits": [{"concurrency": 50}],
}
SEARCH: dict[str, Any] = {
    "batching.max_batch_size": {"low": 1, "high": 8},
    "batching.max_wait": {"low": "1s", "high": "2min", "log": True},
}


def shop(**changes: Any) -> Scenario:
    """Ten minutes of 30 pictures a minute; `changes` replace top-level keys."""
    document: dict[str, Any] = {
        "version": 1,
        "name": "shop",
        "horizon": "10min",
        "replications": 3,
        "study": "terminating",
        "workload": {
            "source": "synthetic",
            "arrivals": {"process": "poisson", "rate": "30/min"},
            "classes": [{"name": "picture", "content_type": "image", "engine": "xl"}],
        },
        "providers": [WORKER],
        "sla": {"normal": {"deadline": "2min", "penalty": 0.02}},
        "config": {"batching": {"max_batch_size": 2, "max_wait": "5s"}, "rate_limit": {"concurrency": 20, "batch_pacing_interval": 0}},
        "objective": {"minimise": "total_cost_usd", "subject_to": ["sla_compliance >= 0.95"]},
        "search": SEARCH,
    }
    return Scenario.from_mapping({**document, **changes})


def traced(folder: Path, n: int = 360, **changes: Any) -> Scenario:
    """The same shop on a recorded trace: n pictures, one every two seconds, every third of them asked for again five requests later."""
    path = folder / "trace.csv"
    rows = [f"{2 * k},picture {k - 5 if k % 3 == 2 else k}" for k in range(n)]
    path.write_text("\n".join(["ts,prompt", *rows]) + "\n")
    workload = {
        "source": "trace",
        "path": str(path),
        "columns": {"arrived_at": "ts", "prompt": "prompt"},
        "defaults": {"content_type": "image", "engine": "xl"},
    }
    return shop(workload=workload, horizon=None, **changes)
