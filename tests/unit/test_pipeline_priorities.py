"""What the queue does to the order of priorities, counted."""

from __future__ import annotations

import numpy as np
import pytest

from sbsim.measure import mean_estimate
from sbsim.report.tables import priority_line, with_half_width
from sbsim.scenario import Scenario
from sbsim.simulation import run


def crowded(**queue):
    """A lane that is busy nearly all the time, with work of all priorities."""
    return Scenario.from_mapping(
        {
            "version": 1,
            "name": "crowded",
            "requests": 1500,
            "study": "terminating",
            "workload": {
                "source": "synthetic",
                "arrivals": {"process": "poisson", "rate": 0.95},
                "classes": [{"name": "a", "content_type": "image", "engine": "e", "priority": {"urgent": 0.3, "normal": 0.4, "background": 0.3}}],
            },
            "providers": [
                {
                    "name": "p",
                    "serves": {"content_type": "image"},
                    "price": {"rates": [{"per": "item", "usd": 0.04}]},
                    "latency": {"total": {"law": "exponential", "mean": 1.0}},
                    "limits": [{"concurrency": 1}],
                }
            ],
            "config": {"batching": {"max_batch_size": 1, "max_wait": 0}, "rate_limit": {"batch_pacing_interval": 0}, "queue": queue},
        }
    )


@pytest.mark.parametrize(("policy", "inverts"), [("strict", False), ("score", True), ("fifo", True)])
def test_inversions_are_counted_where_age_may_outweigh_urgency(policy, inverts):
    """Strict priority never sends less urgent work first; age and order of arrival do, and the run says how often."""
    counters = run(crowded(policy=policy, ageing="5s"), seed=1).log.counters
    assert (counters["n_inversions"] > 0) == inverts


def test_starving_is_counted():
    """Under strict priority background work waits longer than `queue.ageing`; under score with the same ageing less of it does."""
    strict = run(crowded(policy="strict", ageing="30s"), seed=1).log
    score = run(crowded(policy="score", ageing="30s"), seed=1).log
    assert strict.counters["n_starved"] > 0
    waited = score.sent_at - score.ready_at
    assert score.counters["n_starved"] == (waited > 30.0).sum()
    longest = {log.counters["n_starved"]: (log.sent_at - log.ready_at).max() for log in (strict, score)}
    assert longest[strict.counters["n_starved"]] > longest[score.counters["n_starved"]]


def test_what_is_never_sent_starves_too():
    """Work that is still ready when the run stops has starved when it was so for longer than `queue.ageing`, though it never left."""
    made = crowded(policy="strict", ageing="30s").with_values({"providers[0].latency.total": "2s", "drain_limit": "20s"})
    finished = run(made, seed=1)
    log, stop_at = finished.log, finished.prepared.horizon_at + 20
    waited = log.sent_at - log.ready_at
    never_sent = log.ready_at[np.isnan(log.sent_at) & ~np.isnan(log.ready_at)]
    n_unsent = (stop_at > never_sent + 30.0).sum()
    assert 0 < n_unsent < len(never_sent)
    assert log.counters["n_starved"] == (waited > 30.0).sum() + n_unsent


def test_what_priorities_met_is_said_by_the_run():
    """The text names inversions and starved calls as means over the replications, with their half-widths, and is silent where there were none."""
    counters = [run(crowded(policy="score", ageing="30s"), seed=1, replication=k).log.counters for k in range(3)]
    inversions, starved = (with_half_width(mean_estimate([float(one[name]) for one in counters])) for name in ("n_inversions", "n_starved"))
    line = priority_line(counters, 30.0)
    assert line == f"calls a run that left before more urgent work: {inversions}; that were ready for longer than queue.ageing (30s): {starved}"
    quiet = [{"n_inversions": 0, "n_starved": 0}] * 3
    assert priority_line(quiet, 30.0) == ""
    assert priority_line(quiet, 30.0, every=True).endswith("(30s): 0 ± 0")
