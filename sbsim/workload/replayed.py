"""The part of a file of traffic that a scenario replays."""

from __future__ import annotations

from math import inf
from pathlib import Path

import numpy as np

from sbsim.errors import ScenarioError, TraceError
from sbsim.scenario import Scenario
from sbsim.seeds import Draws
from sbsim.workload.traces import Trace, read_trace


def replayed(scenario: Scenario, draws: Draws | None = None) -> Trace:
    """The trace of a scenario, up to its horizon and number of requests; `draws` are those of the replication, for a format that holds laws.

    Raises
    ------
    TraceError
        When the trace is not what it claims to be, or nothing of it comes before the horizon.
    ScenarioError
        When the scenario names no trace.
    """
    workload = scenario.workload
    if workload.path is None:
        raise ScenarioError("workload.path: this scenario comes without its trace; try --set workload.path=FILE")
    if not Path(workload.path).exists():
        raise TraceError(f"{workload.path}: there is no such file; try another workload.path, or --set workload.path=FILE")
    trace = read_trace(
        workload.path, format=workload.format, columns=workload.columns, defaults=workload.defaults, speedup=workload.speedup,
        between=workload.between, on_bad_row=workload.on_bad_row, draws=draws,
        until_s=inf if scenario.horizon is None else scenario.horizon * workload.speedup,
    )  # fmt: skip
    n = trace.n if scenario.horizon is None else int(np.searchsorted(trace.arrived_at, scenario.horizon))
    n = n if scenario.requests is None else min(n, scenario.requests)
    if n == 0:
        raise TraceError(f"{workload.path}: no row before the horizon; the first arrives at {trace.arrived_at[0]:.6g} s; try a longer horizon")
    trace.kept(slice(0, n))
    return trace
