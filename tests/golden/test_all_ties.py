"""A scenario in which every event is a tie, worked out by hand: what comes first at one instant decides everything that is seen here.

One provider takes lists and answers after 2 s; we keep one call in flight and two calls in 4 s, size 2, wait 2 s, TTL 4 s.

    t = 0   A, B arrive: the group is full, call 1 leaves
    t = 2   call 1 is answered first, so A (request 2) is a hit; C opens a group, due at 4
    t = 4   D arrives at the very instant at which C's group is due, and still joins: full, call 2 leaves (call 1 left the window of 4 s just now);
            E opens a group, due at 6
    t = 6   call 2 is answered first; A has been kept for 4 s and is dead now: a miss, which joins E at its due instant: call 3 leaves; C is a hit
    t = 8   call 3 is answered; F opens a group, due at 10
    t = 10  C is dead now: it joins F at its due instant, call 4 leaves; G opens a group, due at 12
    t = 12  call 4 is answered, and only then does the wake find G's group: the slot is free, call 5 leaves
    t = 14  call 5 is answered
"""

from __future__ import annotations

import pytest

from sbsim.records import MEMORY, SERVED
from sbsim.scenario import Scenario
from tests.parity.virtual import lived, simulated

ARRIVALS = ((0, "A"), (0, "B"), (2, "A"), (2, "C"), (4, "D"), (4, "E"), (6, "A"), (6, "C"), (8, "F"), (10, "C"), (10, "G"))
DONE_AT = [2, 2, 2, 6, 6, 8, 8, 6, 12, 12, 14]
HOW = [SERVED, SERVED, MEMORY, SERVED, SERVED, SERVED, SERVED, MEMORY, SERVED, SERVED, SERVED]
SENT_AT = [0, 4, 6, 10, 12]
N_ITEMS = [2, 2, 2, 2, 1]


@pytest.fixture
def scenario(tmp_path):
    trace = tmp_path / "ties.csv"
    trace.write_text("arrived_at,prompt\n" + "".join(f"{at},{prompt}\n" for at, prompt in ARRIVALS))
    return Scenario.from_mapping(
        {
            "version": 1,
            "name": "all-ties",
            "workload": {"source": "trace", "path": str(trace), "format": "generic", "defaults": {"content_type": "image", "engine": "e"}},
            "providers": [
                {
                    "name": "p",
                    "serves": {"content_type": "image", "engine": "e"},
                    "api": {"takes": "list"},
                    "price": {"rates": [{"per": "item", "usd": 1}]},
                    "latency": {"total": 2},
                }
            ],
            "config": {
                "batching": {"max_batch_size": 2, "max_wait": 2},
                "rate_limit": {"max_requests": 2, "time_window": 4, "concurrency": 1, "batch_pacing_interval": 0, "guard": 0},
                "cache": {"ttl": 4},
                "queue": {"policy": "fifo", "initial_service_s": 1},
            },
        }
    )


@pytest.mark.parametrize("driver", [simulated, lived])
def test_what_comes_first_at_one_instant(scenario, driver):
    """Answers, then arrivals, then wakes, under both drivers, as worked out by hand."""
    _, log, pipeline = driver(scenario)
    assert log.done_at.tolist() == DONE_AT
    assert log.how.tolist() == HOW
    assert log.calls["sent_at"].tolist() == SENT_AT
    assert log.calls["n_items"].tolist() == N_ITEMS
    assert pipeline.n_pending == 0
