"""What `--vary` means."""

from __future__ import annotations

import pytest

from sbsim.errors import ScenarioError
from sbsim.scenario import Scenario
from sbsim.search.axes import Axis, axes_of, grid, parse_axis
from tests.traffic import synthetic

SCENARIO: Scenario = synthetic(requests=10)


@pytest.mark.parametrize(
    ("text", "path", "values"),
    [
        ("batching.max_batch_size=1,5,25", "batching.max_batch_size", (1, 5, 25)),
        ("batching.max_batch_size=1:9:3", "batching.max_batch_size", (1, 5, 9)),
        ("batching.max_batch_size=1:1000:4:log", "batching.max_batch_size", (1, 10, 100, 1000)),
        ("config.batching.max_wait=1s:16min:3:log", "batching.max_wait", (1.0, 30.9839, 960.0)),
        ("batching.max_wait=0s,30s,2min", "batching.max_wait", (0.0, 30.0, 120.0)),
        ("batching.max_wait = 0 : 1 : 3", "batching.max_wait", (0.0, 0.5, 1.0)),
        ("rate_limit.max_requests=none,10", "rate_limit.max_requests", (None, 10)),
        ("batching.coalesce=true,false", "batching.coalesce", (True, False)),
        ("queue.policy=fifo,score,fifo", "queue.policy", ("fifo", "score")),
        ("cache.memory_bytes=1MB:4MB:2", "cache.memory_bytes", (1e6, 4e6)),
        ("workload.arrivals.rate=60/min,2", "workload.arrivals.rate", (1.0, 2.0)),
        ("workload.arrivals.rate=60/min:120/min:2", "workload.arrivals.rate", (1.0, 2.0)),
        ("seed=1:3:3", "seed", (1, 2, 3)),
        ("providers[video-lane].latency.total=1s,2s", "providers[video-lane].latency.total", ("1s", "2s")),
    ],
)
def test_lists_and_ranges(text: str, path: str, values: tuple[object, ...]) -> None:
    """Lists as they stand, ranges even in difference or ratio with exact ends; in base units as the scenario reads them, repetitions dropped."""
    (axis,) = axes_of([text], SCENARIO)
    assert axis == Axis(path, values)
    assert [type(value) for value in axis.values] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("vary", "words"),
    [
        (["batching.max_batch_size"], ["PATH=VALUES", "try"]),
        (["=1,2"], ["PATH=VALUES"]),
        (["batching.max_wait=1s:2s"], ["1s:2s"]),
        (["batching.max_wait=1s:2s:x"], ["'x'", "whole number"]),
        (["batching.max_wait=1s:2s:1"], ["'1'"]),
        (["batching.max_wait=2s:1s:3"], ["2", "1", "below"]),
        (["batching.max_wait=0s:1s:3:log"], ["> 0"]),
        (["batching.max_wait=1s:2s:3:lin"], ["log"]),
        (["batching.max_wait=soon:2s:3"], ["soon"]),
        (["batching.max_wiat=1s"], ["max_wiat", "max_wait"]),
        (["batching.max_batch_size=0,1"], ["max_batch_size", "0"]),
        (["batching.max_wait=1s", "config.batching.max_wait=2s"], ["twice"]),
        ([], ["nothing to vary", "--vary"]),
        ({"batching.max_wait": []}, ["nothing to vary"]),
        ({"search": [{"a": 1}]}, ["single value"]),
        (["batching.max_wait=1s:2s:2000", "cache.ttl=1s:2s:2000"], ["4000000"]),
    ],
)
def test_what_means_nothing_is_refused(vary: list[str], words: list[str]) -> None:
    """One message with what was given and what to try."""
    with pytest.raises(ScenarioError) as refused:
        axes_of(vary, SCENARIO)
    assert all(word in str(refused.value) for word in words)


def test_the_last_axis_is_the_fastest() -> None:
    """Rows come in the order of nested loops."""
    assert [tuple(dict(point).values()) for point in grid([Axis("a", (1, 2)), Axis("b", ("x", "y"))])] == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]
    assert parse_axis("a.b=1").values == (1,)
