"""What stands behind the streams of seeds."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from sbsim.errors import ScenarioError
from sbsim.search.evaluations import Task
from sbsim.search.trial import Trial, baseline_of, cut, parts_of, seeds_of, shortened, space_of, trace_digest
from sbsim.simulation import replicate
from sbsim.workload import prepare
from tests.shop import shop, traced


def test_an_evaluation_is_a_replication_of_the_scenario_with_those_settings() -> None:
    """Its KPIs are those of `replicate` on the stream's seed."""
    scenario = shop(horizon="3min")
    trial = Trial(parts_of(scenario), seeds_of(5), 0.0)
    values = (("batching.max_batch_size", 4), ("batching.max_wait", 9.0))
    outcome = trial(Task(values, "selection", 2))
    (known,) = replicate(scenario.with_values(dict(values)), seed=seeds_of(5)["selection"], replications=1, first=2, warmup_s=0.0)
    assert outcome.kpis == known.kpis
    assert {type(value) for value in outcome.kpis.values()} <= {int, float, type(None)}


def test_streams_are_disjoint() -> None:
    """No two streams share a seed or meet the same traffic, and another root seed has others."""
    scenario = shop()
    seeds = seeds_of(5)
    assert len({*seeds.values(), *seeds_of(6).values(), 5, 6}) == 2 * len(seeds) + 2
    arrivals = [prepare(scenario, seed, 0).arrived_at[:20] for seed in seeds.values()]
    assert not any(np.array_equal(a, b) for a, b in combinations(arrivals, 2))


@pytest.mark.parametrize("change", [{}, {"speedup": 3.0}, {"between": [100, 500]}, {"between": [100, 500], "speedup": 0.5}])
def test_a_trace_is_cut_in_time_and_loses_nothing(tmp_path: Path, change: dict[str, object]) -> None:
    """Searched on the first two thirds of the time, reported on the rest: together every request, none twice."""
    base = traced(tmp_path)
    scenario = base.with_values({f"workload.{key}": value for key, value in change.items()}) if change else base
    searched, reported = cut(scenario)
    whole, first, last = (prepare(one, 0, 0) for one in (scenario, searched, reported))
    assert first.n + last.n == whole.n
    assert first.n == pytest.approx(2 / 3 * whole.n, abs=1.5)
    start = whole.arrived_at[first.n]
    np.testing.assert_allclose(last.arrived_at, whole.arrived_at[first.n :] - start + last.arrived_at[0], atol=1e-6)
    assert last.prompt(0) == whole.prompt(int(whole.content_index[first.n]))


@pytest.mark.parametrize("change", [{"requests": 100}, {"horizon": 150.0}])
def test_a_trace_that_is_not_replayed_to_its_end_is_cut_where_it_ends(tmp_path: Path, change: dict[str, object]) -> None:
    """A horizon or a number of requests bounds both parts: the rest of the file is in neither."""
    scenario = traced(tmp_path).with_values(change)
    searched, reported = cut(scenario)
    assert prepare(searched, 0, 0).n + prepare(reported, 0, 0).n == prepare(scenario, 0, 0).n


def test_a_trace_with_relative_times_that_begin_late(tmp_path: Path) -> None:
    """`between` counts from the first arrival, wherever the file's own zero is."""
    scenario = traced(tmp_path)
    path = Path(scenario.workload.path or "")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *(f"{int(ts) + 1000},{prompt}" for ts, prompt in (line.split(",") for line in lines[1:]))]))
    searched, reported = cut(scenario)
    assert prepare(searched, 0, 0).n + prepare(reported, 0, 0).n == 360
    assert prepare(searched, 0, 0).n == pytest.approx(240, abs=1.5)


def test_the_digest_of_a_trace_is_of_its_content(tmp_path: Path) -> None:
    """Synthetic traffic has none; one changed byte changes it."""
    assert trace_digest(shop()) is None
    scenario = traced(tmp_path)
    before = trace_digest(scenario)
    path = Path(scenario.workload.path or "")
    path.write_text(path.read_text().replace("picture 0", "picture x"))
    assert before != trace_digest(scenario)


def test_the_space_of_a_scenario() -> None:
    """Whole numbers where the setting is one, choices as given, today's values on the grid."""
    space = space_of(
        shop(
            search={
                "batching.max_batch_size": {"low": 1, "high": 8},
                "batching.max_wait": {"low": 1, "high": 60},
                "cache.ttl": {"choices": ["1h", "none"]},
            }
        )
    )
    size, wait, ttl = space.dimensions
    assert size.grid == tuple(range(1, 9))
    assert 5.0 in wait.grid
    assert (ttl.grid, ttl.is_ordered) == ((3600.0, None), False)
    assert baseline_of(shop(), space_of(shop())) == (("batching.max_batch_size", 2), ("batching.max_wait", 5.0))


@pytest.mark.parametrize(
    ("search", "words"),
    [({}, ["search", "batching.max_wait"]), ({"workload.arrivals.rate": {"low": 1, "high": 2}}, ["workload.arrivals.rate", "sweep --vary"])],
)
def test_what_cannot_be_recommended_is_refused(search: dict[str, object], words: list[str]) -> None:
    """No knobs, or knobs that nobody could deploy, with what to try."""
    with pytest.raises(ScenarioError) as refused:
        space_of(shop(search=search))
    assert all(word in str(refused.value) for word in words)


def test_a_shorter_run_counts_something() -> None:
    """Where a share of the requests ends within the warm-up, the whole of them is played rather than nothing counted."""
    scenario = shop(study="steady", warmup="2min", horizon=None, requests=1000)
    trial = Trial({"search": scenario}, {"search": 1}, 120.0)
    outcome = trial(Task((), "search", 0, 0.05))
    assert outcome == trial(Task((), "search", 0))
    assert outcome.kpis["n_requests"] > 0


def test_a_shorter_horizon_keeps_rate_and_warm_up() -> None:
    """A quarter of the counted time after the whole warm-up, at the same rate: the first arrivals are the very same."""
    scenario = shop(study="steady", warmup="2min", requests=200)
    short = shortened(scenario, 0.25, 120.0)
    assert (short.horizon, short.requests) == (120 + 0.25 * 480, 50)
    whole, part = prepare(scenario, 1, 0), prepare(short, 1, 0)
    np.testing.assert_array_equal(part.arrived_at, whole.arrived_at[: part.n])
