"""What a budget does to work that waits: who is held up by it, and who is turned away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sbsim.runlog import RunLog
from sbsim.scenario import Scenario
from sbsim.simulation import run


def spent(tmp_path: Path, rows: str, budget: dict[str, Any], **rate_limit: Any) -> RunLog:
    """The log of calls of one item at 30 cents, one second each, for requests given as lines of "instant,prompt,priority"."""
    (tmp_path / "arrivals.csv").write_text("arrived_at,prompt,priority\n" + rows)
    return run(
        Scenario.from_mapping(
            {
                "version": 1,
                "name": "spent",
                "drain_limit": "10h",
                "workload": {"source": "trace", "path": str(tmp_path / "arrivals.csv"), "defaults": {"content_type": "image", "engine": "e"}},
                "providers": [
                    {
                        "name": "p",
                        "serves": {"content_type": "image"},
                        "price": {"rates": [{"per": "image", "usd": 0.3}]},
                        "latency": {"total": 1},
                    }
                ],
                "config": {
                    "batching": {"max_batch_size": 1, "max_wait": 0},
                    "rate_limit": {"max_requests": None, "batch_pacing_interval": 0, "concurrency": None, "guard": 0, **rate_limit},
                    "cache": {"memory_size": 0},
                    "budget": budget,
                },
            }
        ),
        seed=0,
    ).log


def test_whoever_waits_behind_what_the_budget_holds_is_held_too(tmp_path: Path) -> None:
    """Two of five fit into the hour: the head of the queue and those behind it are held up; who comes when there is room again is not."""
    log = spent(tmp_path, "".join(f"0,p{k},urgent\n" for k in range(4)) + "10,p4,urgent\n7300,p5,urgent\n", {"limit": 0.6, "window": "1h"})
    assert log.sent_at.tolist() == [0.0, 0.0, 3600.0, 3600.0, 7200.0, 7300.0]
    assert log.held_by_budget.tolist() == [2, 3, 4]


def test_urgent_work_that_the_reserve_lets_through_at_once_was_not_held(tmp_path: Path) -> None:
    """Normal work is held for what is kept back, urgent work passes it; when that is spent too, urgent work is held."""
    rows = "0,a,normal\n1,b,normal\n2,c,urgent\n3,d,urgent\n"
    log = spent(tmp_path, rows, {"limit": 0.6, "window": "1h", "reserve_urgent": 0.5})
    assert log.sent_at.tolist() == [0.0, 7200.0, 2.0, 3600.0]
    assert log.held_by_budget.tolist() == [1, 3]


def test_what_a_slot_keeps_waiting_is_not_held_by_the_budget(tmp_path: Path) -> None:
    """Two calls wait for the only slot, and the budget has room for all of them."""
    log = spent(tmp_path, "0,a,normal\n0,b,normal\n0,c,normal\n", {"limit": 6, "window": "1h"}, concurrency=1)
    assert log.sent_at.tolist() == [0.0, 1.0, 2.0]
    assert log.held_by_budget.tolist() == []


def test_pace_alone_turns_nobody_away(tmp_path: Path) -> None:
    """With `on_spent: refuse` a call is refused where a window has no room for it; one that is only early for the pace waits."""
    paced = {"limit": 1000, "window": "1h", "pacing": True, "on_spent": "refuse"}
    log = spent(tmp_path, "0,a,normal\n1,b,normal\n", paced)
    assert (log.counters["n_refused"], log.sent_at[0]) == (0, 0.0)
    assert log.sent_at[1] == 3600 * 0.3 / 1000
    assert spent(tmp_path, "0,a,normal\n1,b,normal\n", {**paced, "limit": 0.5}).counters["n_refused"] == 1
