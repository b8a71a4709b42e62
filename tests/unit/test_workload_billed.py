"""The bill of recorded traffic against that of a price book, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sbsim.scenario import Scenario
from sbsim.workload import bills, bills_of
from sbsim.workload.traces import read_trace

PROVIDERS = [
    {"name": "dear", "serves": {"content_type": "image", "engine": "e"}, "price": {"rates": [{"per": "image", "usd": 0.5}]}},
    {"name": "cheap", "serves": {"content_type": "image", "engine": "e"},
     "price": {"rates": [{"per": "image", "usd": 0.25}, {"per": "token_in", "usd": 0.01}], "billed": {"failed": "input", "timed_out": "full"}}},
    {"name": "gpu", "serves": {"content_type": "image", "engine": "g"}, "price": {"rates": [{"per": "gpu_second", "usd": 0.001}]},
     "latency": {"setup": "1s", "per_item": "3s"}},
]  # fmt: skip
HEAD = "arrived_at,content_type,engine,units_in,started_at,finished_at,cost_usd,status,cached,provider\n"


def scenario(path: str = "t.csv", **workload: Any) -> Scenario:
    document = {"version": 1, "name": "s", "workload": {"source": "trace", "path": path, **workload}, "providers": PROVIDERS}
    return Scenario.from_mapping(document)


def written(folder: Path, rows: str) -> str:
    path = folder / "t.csv"
    path.write_text(HEAD + rows)
    return str(path)


@pytest.mark.parametrize(
    ("row", "usd"),
    [
        ("1,image,e,10,,,1,ok,false,", 0.35),
        ("1,image,e,10,,,1,,,", 0.35),
        ("1,image,e,10,,,1,ok,false,dear", 0.5),
        ("1,image,e,10,,,1,ok,false,elsewhere", 0.35),
        ("1,image,e,10,,,1,ok,true,dear", 0.0),
        ("1,image,e,10,,,1,failed,,cheap", 0.1),
        ("1,image,e,10,,,1,failed,,dear", 0.0),
        ("1,image,e,10,,,1,timed_out,,cheap", 0.35),
        ("1,image,e,10,,,1,429,,cheap", 0.0),
        ("1,image,g,10,2,12,1,ok,,", 0.010),
        ("1,image,g,10,,,1,ok,,", 0.004),
        ("1,image,g,10,2,12,1,failed,,", 0.0),
        ("1,image,g,10,2,12,1,timed_out,,", 0.010),
    ],
)
def test_a_row_is_priced_as_a_call_of_its_own(tmp_path, row, usd):
    """On the lane that it names or the cheapest; a cache's answer is free, other ends cost what `billed` says, GPU time is what was recorded."""
    found = bills(read_trace(written(tmp_path, row + "\n")), scenario().providers)
    assert found is not None
    assert (found.recorded_usd, found.modelled_usd, found.n_rows) == (1, pytest.approx(usd, abs=1e-12), 1)


def test_bills_add_up_by_engine_and_name_what_differs_most(tmp_path):
    """Sums over rows that state their cost; the ten largest residuals, the largest first; what nobody serves is told apart."""
    rows = "".join(f"{k},image,e,0,,,{0.25 + 0.01 * (k % 14)},ok,,\n" for k in range(14))
    path = written(
        tmp_path,
        rows + "20,image,e,0,,,,ok,,\n21,image,g,0,0,0,0.004,ok,,\n22,image,nobody,0,,,7,ok,,\n".replace("21,image,g,0,0,0", "21,image,g,0,,"),
    )
    found = bills(read_trace(path), scenario().providers)
    assert found is not None
    assert (found.n_rows, found.n_unstated, found.n_unserved, found.unserved_usd) == (15, 1, 1, 7)
    assert "engine 'nobody'" in str(found.why_unserved)
    assert found.recorded_usd == pytest.approx(14 * 0.25 + 0.91 + 0.004)
    assert found.modelled_usd == pytest.approx(14 * 0.25 + 0.004)
    assert [(one.engine, one.n_rows) for one in found.engines] == [("e", 14), ("g", 1)]
    assert sum(one.modelled_usd for one in found.engines) == pytest.approx(found.modelled_usd)
    assert [round(one.recorded_usd - one.modelled_usd, 9) for one in found.residuals] == [round(0.01 * k, 9) for k in range(13, 3, -1)]
    assert found.residuals[0].place == f"{path}:15"
    assert found.difference == pytest.approx(found.modelled_usd / found.recorded_usd - 1)


@pytest.mark.parametrize(("cost", "n_warnings"), [(0.25, 0), (0.2452, 0), (0.2449, 1), (0.2552, 1), (0.0, 1)])
def test_more_than_two_per_cent_apart_is_warned_of(tmp_path, cost, n_warnings):
    """Either way; a bill of nothing for what costs something too."""
    found = bills(read_trace(written(tmp_path, f"1,image,e,0,,,{cost},ok,,\n")), scenario().providers)
    assert found is not None
    assert len(found.warnings) == n_warnings
    assert all("by more than 2%" in warning and found.line in warning for warning in found.warnings)


def test_exact_prices_leave_no_residual(tmp_path):
    """Less than a nano-dollar is rounding."""
    found = bills(read_trace(written(tmp_path, "".join(f"{k},image,e,{k},,,{0.25 + 0.01 * k},ok,,\n" for k in range(25)))), scenario().providers)
    assert found is not None
    assert found.residuals == ()
    assert found.difference == pytest.approx(0, abs=1e-12)


def test_a_trace_without_costs_has_no_bill(tmp_path):
    """Nothing recorded, nothing to compare; a scenario's own trace is cut as it is replayed."""
    assert bills(read_trace(written(tmp_path, "1,image,e,0,,,,ok,,\n")), scenario().providers) is None
    path = written(tmp_path, "0,image,e,0,,,1,ok,,\n10,image,e,0,,,2,ok,,\n30,image,e,0,,,4,ok,,\n")
    found = bills_of(scenario(path, between=[0, 20]))
    assert found is not None
    assert found.recorded_usd == 3
