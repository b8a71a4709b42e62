"""Sweeps: one table, the same bytes however it came about."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sbsim.errors import OutputError, ScenarioError
from sbsim.measure import KPIS
from sbsim.search.sweep import CHECKPOINT, TABLE, sweep
from sbsim.simulation import simulate
from tests.shop import shop

VARY = ["batching.max_batch_size=1,4", "batching.max_wait=2s:30s:3:log"]
_SLOW = """
import sys
from sbsim.search.sweep import sweep
from tests.shop import shop
if __name__ == "__main__":
    grid = {"batching.max_batch_size": list(range(1, 9)), "batching.max_wait": [1.0, 5.0, 20.0]}
    sweep(shop(horizon="20min"), grid, out=sys.argv[1], jobs=2, replications=4)
"""


def test_a_row_per_point_in_grid_order_with_what_run_says(tmp_path: Path) -> None:
    """Each row holds what `simulate` estimates of that config on the same seed; every KPI has its column."""
    done = sweep(shop(), VARY, out=tmp_path, seed=3)
    frame = done.to_pandas()
    points = list(zip(frame["batching.max_batch_size"], frame["batching.max_wait"], strict=True))
    assert points == [(1, 2.0), (1, 7.74597), (1, 30.0), (4, 2.0), (4, 7.74597), (4, 30.0)]
    assert frame["replications"].tolist() == [3] * 6
    assert not frame["saturated"].any()
    study = simulate(shop().with_values({"batching.max_batch_size": 4, "batching.max_wait": 30.0}), seed=3)
    for kpi in KPIS:
        mean, half_width = frame[kpi.name][5], frame[f"{kpi.name}_half_width"][5]
        known = study.kpis[kpi.name]
        assert (mean == known.mean) if known.mean is not None else mean != mean, kpi.name
        assert (half_width == known.half_width) if known.half_width is not None else half_width != half_width, kpi.name
    assert not [column for column in frame if re.search("elapsed|seconds_spent|wall|started", column)]


def test_the_same_bytes_whatever_the_jobs_and_nothing_else_left(tmp_path: Path) -> None:
    """One Parquet file of the same bytes from one process and from two; what was partial is gone."""
    for jobs in (1, 2):
        sweep(shop(horizon="5min"), VARY, out=tmp_path / str(jobs), jobs=jobs, replications=2)
        assert os.listdir(tmp_path / str(jobs)) == [TABLE]
    assert (tmp_path / "1" / TABLE).read_bytes() == (tmp_path / "2" / TABLE).read_bytes()


def test_killed_and_taken_up_again(tmp_path: Path) -> None:
    """SIGKILL of the parent alone, its workers left behind: the next sweep runs only what is missing and ends in the same bytes."""
    child = subprocess.Popen([sys.executable, "-c", _SLOW, str(tmp_path / "killed")], cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL)
    partial = tmp_path / "killed" / CHECKPOINT
    deadline = time.monotonic() + 120
    while not (partial.exists() and partial.read_bytes().count(b"\n") > 10):
        assert child.poll() is None, "the sweep ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    n_kept = partial.read_bytes().count(b"\n") - 1
    seen: list[int] = []
    grid = {"batching.max_batch_size": list(range(1, 9)), "batching.max_wait": [1.0, 5.0, 20.0]}
    sweep(shop(horizon="20min"), grid, out=tmp_path / "killed", replications=4, progress=lambda done, total: seen.append(done))
    assert seen == list(range(1, 97))
    assert n_kept >= 10
    assert os.listdir(tmp_path / "killed") == [TABLE]
    sweep(shop(horizon="20min"), grid, out=tmp_path / "whole", replications=4)
    assert (tmp_path / "killed" / TABLE).read_bytes() == (tmp_path / "whole" / TABLE).read_bytes()


def test_what_is_kept_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep interrupted after three runs runs the other nine when it is taken up again, and a larger grid uses them all."""
    from sbsim.search import trial

    ran: list[int] = []
    real = trial.Trial.__call__

    def counted(self: trial.Trial, task: object) -> object:
        if len(ran) == 3:
            raise KeyboardInterrupt
        ran.append(1)
        return real(self, task)  # type: ignore[arg-type]

    monkeypatch.setattr(trial.Trial, "__call__", counted)
    with pytest.raises(KeyboardInterrupt):
        sweep(shop(horizon="2min"), VARY, out=tmp_path, replications=2)
    assert not (tmp_path / TABLE).exists()
    monkeypatch.setattr(trial.Trial, "__call__", lambda self, task: (ran.append(1), real(self, task))[1])
    sweep(shop(horizon="2min"), VARY, out=tmp_path, replications=2)
    assert len(ran) == 12


def test_points_whose_settings_exclude_each_other_are_rows_that_say_so(tmp_path: Path) -> None:
    """A value that is fine by itself and not with another leaves its row empty and the rest as they are."""
    job = {**shop().document["providers"][0], "api": {"style": "job", "takes": "list", "max_items": 8, "poll": "1s"}}
    scenario = shop(providers=[job], horizon="2min")
    done = sweep(scenario, {"rate_limit.max_requests": [100], "rate_limit.time_window": [3600.0, 60.0]}, out=tmp_path, replications=1)
    frame = done.to_pandas()
    assert [bool(row.refused) for row in done.rows] == [True, False]
    assert "polled" in frame["refused"][0]
    assert frame["n_requests"].isna().tolist() == [True, False]


def test_a_folder_that_cannot_be_written_fails_before_anything_is_run(tmp_path: Path) -> None:
    """Exit code 3 comes at once, not after an hour."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="taken"):
        sweep(shop(), VARY, out=tmp_path / "taken")
    with pytest.raises(ScenarioError, match="replications"):
        sweep(shop(), VARY, replications=0)


def test_a_point_whose_traffic_ends_within_the_warm_up_is_refused_and_the_others_are_not():
    """Of three rates the highest has sent its requests before the warm-up is over: its row says so; the fault of the scenario ends the sweep."""
    short = shop(study="steady", warmup="2min", horizon=None, requests=1000)
    found = sweep(short, {"workload.arrivals.rate": ["30/min", "300/min", "3000/min"]}, replications=1)
    assert ["nothing to count" in row.refused for row in found.rows] == [False, False, True]
    assert [bool(row.kpis) for row in found.rows] == [True, True, False]
    with pytest.raises(ScenarioError, match="nothing to count"):
        sweep(shop(study="steady", warmup="2min", horizon=None, requests=10), {"batching.max_wait": [1.0, 5.0]}, replications=1)
