"""What a budget does to work that waits: who is held up by it, and who is turned away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sbsim.runlog import RunLog
from sbsim.scenario import Scenario
from sbsim.simulation import run
from tests.unit.test_pipeline_configure import Bench, lane, sent, the_call


def spent(
    tmp_path: Path,
    rows: str,
    budget: dict[str, Any],
    *,
    latency_s: float = 1,
    drain: str = "10h",
    late: str = "serve",
    order: str = "score",
    **rate_limit: Any,
) -> RunLog:
    """The log of calls of one item at 30 cents for requests given as lines of "instant,prompt,priority"; normal ones have a minute."""
    (tmp_path / "arrivals.csv").write_text("arrived_at,prompt,priority\n" + rows)
    return run(
        Scenario.from_mapping(
            {
                "version": 1,
                "name": "spent",
                "drain_limit": drain,
                "sla": {"normal": {"deadline": "60s"}},
                "workload": {"source": "trace", "path": str(tmp_path / "arrivals.csv"), "defaults": {"content_type": "image", "engine": "e"}},
                "providers": [
                    {
                        "name": "p",
                        "serves": {"content_type": "image"},
                        "price": {"rates": [{"per": "image", "usd": 0.3}]},
                        "latency": {"total": latency_s},
                    }
                ],
                "config": {
                    "batching": {"max_batch_size": 1, "max_wait": 0},
                    "rate_limit": {"max_requests": None, "batch_pacing_interval": 0, "concurrency": None, "guard": 0, **rate_limit},
                    "cache": {"memory_size": 0},
                    "queue": {"on_deadline": late, "policy": order},
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


def test_who_was_held_is_counted_whatever_becomes_of_him(tmp_path: Path) -> None:
    """Dropped at the deadline while held; held until urgent work took the only slot for the rest of the run: both were held by the budget."""
    log = spent(tmp_path, "0,a,normal\n10,b,normal\n20,c,normal\n", {"limit": 0.3, "window": "1h"}, late="drop")
    assert log.counters["n_dropped"] == 2
    assert log.held_by_budget.tolist() == [1, 2]
    kept = {"limit": 0.6, "window": "1h", "reserve_urgent": 0.5}
    log = spent(tmp_path, "0,a,normal\n2.5,b,normal\n3,c,urgent\n", kept, latency_s=2, drain="1s", concurrency=1)
    assert log.sent_at[2] == 3.0
    assert log.held_by_budget.tolist() == [1]


def test_urgent_work_that_passes_does_not_end_the_hold_of_the_others(tmp_path: Path) -> None:
    """One is held for what is kept, urgent work takes that, and who comes to the queue after it and sees the end of the run there was held too."""
    kept = {"limit": 0.6, "window": "1h", "reserve_urgent": 0.5}
    log = spent(tmp_path, "0,a,normal\n1,b,normal\n2,c,urgent\n3,d,normal\n", kept, latency_s=10, drain="1s", order="fifo")
    assert log.sent_at[2] == 2.0
    assert log.held_by_budget.tolist() == [1, 3]


def test_a_budget_that_is_switched_off_holds_nobody_any_more() -> None:
    """One call is held until the budget goes; the next waits for the only slot, and nobody says that it is held."""
    bench = Bench(lane(limits=[]), batching__max_batch_size=1, budget__limit=1.0, budget__window=3600.0, rate_limit__concurrency=1)
    bench.pipeline.remember_held()
    bench.answer(5.0, the_call(bench.submit(0.0, "a")), contents=["x"])
    assert not bench.submit(6.0, "b")
    assert sent(bench.set(7.0, budget__limit=None)) == [1]
    assert not bench.submit(9.0, "c")
    assert bench.pipeline.dispatcher.held_by_budget(10.0) == {1}


def test_pace_alone_turns_nobody_away(tmp_path: Path) -> None:
    """A call that is only early for the pace is not held by the budget; with `on_spent: refuse` it waits, one without room in a window goes."""
    paced = {"limit": 1000, "window": "1h", "pacing": True, "on_spent": "refuse"}
    log = spent(tmp_path, "0,a,normal\n1,b,normal\n", paced)
    assert (log.counters["n_refused"], log.sent_at[0]) == (0, 0.0)
    assert log.held_by_budget.tolist() == []
    assert log.sent_at[1] == 3600 * 0.3 / 1000
    assert spent(tmp_path, "0,a,normal\n1,b,normal\n", {**paced, "limit": 0.5}).counters["n_refused"] == 1
