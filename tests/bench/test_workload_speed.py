"""How fast workloads are prepared: seconds of processor time, best of three, printed and held to generous bounds."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable

import pytest

from sbsim.workload import prepare
from sbsim.workload import prepared as room
from sbsim.workload.traces import read_trace

from ..traffic import class_, synthetic

pytestmark = pytest.mark.bench

N = 200_000
SERVED = class_(
    resolution={"small": 1, "large": 2}, style_params={"tone": {"warm": 1, "cold": 2}}, duration={"law": "empirical", "values": [4, 6, 8]},
    priority={"urgent": 0.1, "normal": 0.6, "background": 0.3}, no_reuse=0.05,
)  # fmt: skip


def best(action: Callable[[], object]) -> float:
    """Processor seconds of the fastest of three runs, each from nothing."""
    taken = []
    for _ in range(3):
        room._memory.clear()
        start = time.process_time()
        action()
        taken.append(time.process_time() - start)
    return min(taken)


@pytest.mark.parametrize(
    ("name", "catalogue", "bound_s"),
    [
        ("catalogue", {"contents": 100_000, "popularity": {"law": "zipf", "exponent": 0.87}, "near_duplicates": 0.1, "lookalikes": 0.1}, 1.0),
        ("distinct", None, 1.5),
    ],
)
def test_two_hundred_thousand_requests_are_prepared_in_a_second(name, catalogue, bound_s):
    """200,000 requests of a catalogue in 1 s, as many distinct contents in 1.5 s."""
    scenario = synthetic(SERVED, requests=N, **({"catalogue": catalogue} if catalogue else {}))
    assert prepare(scenario, 1, 0).n == N
    seconds = best(lambda: prepare(scenario, 1, 0))
    print(f"prepare, {name}: {seconds:.2f} s for {N:,} requests")
    assert seconds < bound_s


def test_requests_are_made_in_half_a_microsecond():
    """Making the requests of a prepared workload costs a small part of simulating them."""
    prepared = prepare(synthetic(SERVED, requests=N, catalogue={"contents": 1000}), 1, 0)
    seconds = best(lambda: sum(1 for _ in prepared.requests()))
    print(f"requests: {seconds / N * 1e6:.2f} us each")
    assert seconds < 1.0


def test_a_trace_is_read_at_a_hundred_thousand_rows_a_second(tmp_path):
    """A csv of 200,000 rows with calendar stamps, prompts and sizes."""
    path = tmp_path / "t.csv"
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("arrived_at", "content_type", "engine", "prompt", "units_in"))
        for k in range(N):
            rows.writerow(
                (
                    f"2024-01-{1 + k // 10_000:02d} {k // 600 % 24:02d}:{k // 10 % 60:02d}:{k % 60:02d}.5",
                    "text",
                    "e",
                    f"prompt {k * k % 50_000}",
                    k % 1000,
                )
            )
    seconds = best(lambda: read_trace(str(path)))
    print(f"trace: {N / seconds:,.0f} rows a second")
    assert seconds < 4.0
