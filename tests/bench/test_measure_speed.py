"""Measuring must not be what a run takes its time for."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sbsim.config import Config
from sbsim.measure import Counted, kpi_values
from sbsim.records import JOINED, MEMORY, SERVED, Content, Facts

N = 200_000


def large_run() -> tuple[Any, Any]:
    """200,000 requests: half of them hits, 15,000 joined, the rest served by calls of five."""
    source = np.random.default_rng(1)
    shapes = [("1024x1024", (("style", style),)) for style in range(12)]
    contents = [Content(k, k, k, Facts("image", "e", "1024x1024", float(k % 7)), 0, k % 12, (), 10**7 + k) for k in range(40_000)]
    arrived_at = np.sort(source.uniform(0, 1e5, N))
    how = np.full(N, SERVED, dtype=np.int8)
    order = source.permutation(N)
    how[order[:100_000]], how[order[100_000:115_000]] = MEMORY, JOINED
    payers = np.flatnonzero(how == SERVED)
    n_calls = len(payers) // 5
    sent_at = np.where(how == MEMORY, np.nan, arrived_at + source.exponential(5, N))
    serials = np.arange(n_calls)
    last = sent_at[payers].reshape(n_calls, 5).max(axis=1)
    bills = source.integers(10**7, 10**8, n_calls)
    calls = {
        "serial": serials, "lane": serials % 2, "batch": serials, "m": serials, "attempt": np.ones_like(serials), "is_first": serials >= 0,
        "n_items": np.full(n_calls, 5), "sent_at": last, "answered_at": last + 20, "bill_nano": bills, "fixed_nano": bills // 3,
        "error": serials % 50 // 49, "n_polls": serials * 0, "is_late": serials < 0,
    }  # fmt: skip
    call = np.full(N, -1)
    call[payers] = np.repeat(serials, 5)
    log = SimpleNamespace(
        how=how, done_at=np.where(how == MEMORY, arrived_at, sent_at + 20), ready_at=np.where(how == MEMORY, np.nan, arrived_at),
        sent_at=sent_at, call=call, calls=calls, item_call=np.repeat(serials, 5), item_payer=payers,
        item_content=source.integers(0, len(contents), len(payers)),
        item_part_nano=source.integers(10**6, 10**7, len(payers)), errors=["", "transient"], ended_at=1.1e5,
    )  # fmt: skip
    traffic = SimpleNamespace(
        n=N, arrived_at=arrived_at, deadline_at=arrived_at + 60, urgency=(1 + order % 3).astype(np.int8), contents=contents, shapes=shapes,
        horizon_at=1e5, content_index=source.integers(0, len(contents), N), job_index=np.full(N, -1),
    )  # fmt: skip
    sla = {urgency: SimpleNamespace(deadline=60.0, penalty=0.1, penalty_per_minute=0.01, lost=None, false_reuse_cost=None) for urgency in (1, 2, 3)}
    providers = tuple(SimpleNamespace(limits=[SimpleNamespace(unit="concurrency", n=8)]) for _ in range(2))
    scenario = SimpleNamespace(sla=sla, providers=providers, config=Config().with_values({"budget.limit": 5000.0}))
    return SimpleNamespace(prepared=traffic, log=log), scenario


@pytest.mark.bench
def test_all_kpis_of_200_000_requests_take_less_than_0_3_s() -> None:
    """Median of five; every KPI of the table has been made."""
    run, scenario = large_run()
    times = []
    for _ in range(5):
        started_at = perf_counter()
        values = kpi_values(Counted(run, scenario, 100.0))
        times.append(perf_counter() - started_at)
    print(f"all KPIs of {N:,} requests: {median(times):.3f} s")
    assert values["n_requests"] == np.count_nonzero(run.prepared.arrived_at >= 100.0)
    assert values["mean_similarity"] is not None
    assert median(times) < 0.3
