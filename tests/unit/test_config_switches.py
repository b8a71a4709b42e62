"""Settings that do nothing while their switch is off: the table is true, and a search does not spend on them."""

from __future__ import annotations

from typing import Any

import pytest

from sbsim.config import SETTINGS, SWITCHES, is_inert
from sbsim.scenario import Scenario, load
from sbsim.search.trial import baseline_of, space_of
from sbsim.simulation import replicate
from tests.shop import shop

CROWDED = load("kitchen-sink").with_values({"horizon": "25min", "drain_limit": "1h"})
"""Every mechanism on."""
ALONE = {"batching.max_batch_size": 1, "controller.enabled": False}
EMPTY = {"cache.memory_size": 0}
NO_TIERS = {"cache.redis_url": None, "cache.cdn_url": None}
NO_BUDGET = {"budget.limit": None, "budget.windows": ()}
STATIC = {"controller.enabled": False}
CASES: dict[str, tuple[dict[str, Any], tuple[Any, Any]]] = {
    "batching.similarity_threshold": (ALONE, (0.0, 1.0)),
    "batching.sizing": (ALONE, ("fixed", "aimd")),
    "batching.late_join": (ALONE, (True, False)),
    "batching.formation": ({"batching.late_join": False}, ("greedy", "optimal")),
    "batching.formation_effort": ({"batching.formation": "greedy"}, (0.1, 10.0)),
    "rate_limit.time_window": ({"rate_limit.max_requests": None}, (10.0, 600.0)),
    "cache.memory_bytes": (EMPTY, (10.0, None)),
    "cache.ttl": (EMPTY | NO_TIERS, (1.0, None)),
    "cache.policy": (EMPTY, ("lru", "gdsf")),
    "cache.near_duplicates": (EMPTY | STATIC, (True, False)),
    "cache.near_duplicate_threshold": ({"cache.near_duplicates": False} | STATIC, (0.5, 1.0)),
    "cache.near_duplicate_entries": ({"cache.near_duplicates": False}, (1, 10000)),
    "cache.redis_ttl": (NO_TIERS, (1.0, 3600.0)),
    "cache.cdn_ttl": (NO_TIERS, (1.0, 3600.0)),
    "cache.fetch_timeout": (NO_TIERS, (0.0, 10.0)),
    "queue.ageing": ({"queue.policy": "strict"}, (1.0, 36000.0)),
    "budget.window": ({"budget.limit": None}, (60.0, 86400.0)),
    "budget.resets": ({"budget.limit": None}, ("rolling", "00:00 UTC")),
    "budget.kind": ({"budget.limit": None}, ("hard", "soft")),
    "budget.reserve_urgent": (NO_BUDGET, (0.0, 0.9)),
    "budget.reserve_quantile": ({"budget.limit": 1.0, "budget.windows": ()}, (0.1, 1.0)),
    "budget.pacing": (NO_BUDGET, (False, True)),
    "budget.on_spent": (NO_BUDGET, ("wait", "refuse")),
    "retry.base": ({"retry.max_attempts": 1}, (0.0, 60.0)),
    "retry.cap": ({"retry.max_attempts": 1}, (0.0, 60.0)),
    "controller.interval": (STATIC, (10.0, 600.0)),
    "controller.max_late": (STATIC, (0.0, 1.0)),
    "controller.min_batch_size": (STATIC, (1, 8)),
    "controller.max_batch_size": (STATIC, (1, 100)),
    "controller.min_wait": (STATIC, (0.0, 30.0)),
    "controller.max_wait": (STATIC, (20.0, 300.0)),
    "controller.min_similarity_threshold": (STATIC, (0.0, 1.0)),
    "controller.max_similarity_threshold": (STATIC, (0.5, 1.0)),
    "controller.min_near_duplicate_threshold": (STATIC, (0.5, 0.9)),
    "controller.max_near_duplicate_threshold": (STATIC, (0.8, 1.0)),
}
"""By setting: what switches it off, and two values far apart."""


def kpis(scenario: Scenario, settings: dict[str, Any]) -> str:
    (one,) = replicate(scenario.with_values(settings), replications=1, warmup_s=0.0)
    return repr(one.kpis)


def test_every_row_of_the_table_is_tried() -> None:
    """No setting is called inert without a case below, and all are settings."""
    assert CASES.keys() == SWITCHES.keys() <= SETTINGS.keys()


@pytest.mark.parametrize("path", CASES)
def test_with_its_switch_off_a_setting_changes_nothing(path: str) -> None:
    """A run with everything on but the switch gives the same KPIs to the last bit, whatever the setting says."""
    off, (one, other) = CASES[path]
    assert is_inert(path, CROWDED.with_values(off).config)
    assert kpis(CROWDED, {**off, path: one}) == kpis(CROWDED, {**off, path: other})


@pytest.mark.parametrize(
    ("path", "on"),
    [
        ("batching.sizing", {"batching.max_batch_size": 4, "controller.enabled": False}),
        ("cache.ttl", {"cache.memory_size": 0, "cache.redis_ttl": None}),
        ("cache.policy", {"cache.memory_size": 10}),
        ("cache.ttl", NO_TIERS | {"cache.memory_bytes": 0}),
        ("cache.policy", {"cache.memory_size": 10, "cache.memory_bytes": 0}),
        ("cache.near_duplicate_threshold", STATIC | {"cache.memory_bytes": 0}),
        ("cache.near_duplicates", {}),
        ("cache.near_duplicate_threshold", STATIC),
        ("cache.redis_ttl", {"cache.memory_size": 0}),
        ("queue.ageing", {"queue.policy": "score", "rate_limit.concurrency": 1}),
        ("budget.kind", {"budget.limit": 1.0, "budget.reserve_quantile": 0.0}),
        ("budget.pacing", {"budget.limit": 1.0}),
        ("budget.on_spent", {"budget.limit": 0.5}),
        ("budget.reserve_quantile", {"budget.limit": 0.5, "budget.kind": "soft"}),
        ("retry.base", {"retry.max_attempts": 4}),
        ("controller.interval", {}),
    ],
)
def test_with_its_switch_on_it_may_change_something(path: str, on: dict[str, Any]) -> None:
    """The traffic above is such that these settings show where they are alive: the test before this one can fail."""
    one, other = CASES[path][1]
    assert not is_inert(path, CROWDED.with_values(on).config)
    assert kpis(CROWDED, {**on, path: one}) != kpis(CROWDED, {**on, path: other})


def test_a_search_has_one_candidate_for_what_behaves_alike() -> None:
    """Where the switch is off every value of the knob is today's: half of the points are one candidate, and it differs in the switch alone."""
    scenario = shop(
        search={"cache.near_duplicates": {"choices": [True, False]}, "cache.near_duplicate_threshold": {"low": 0.5, "high": 1.0}},
        config={"cache": {"near_duplicates": True, "near_duplicate_threshold": 0.9}},
    )
    space = space_of(scenario)
    candidates = {space.to_external(point) for point in space.points()}
    assert len(candidates) == len(space.dimensions[1].grid) + 1 < space.size
    (off,) = (values for values in candidates if not dict(values)["cache.near_duplicates"])
    assert scenario.config.changes(scenario.with_values(dict(off)).config).keys() == {"cache.near_duplicates"}
    assert baseline_of(scenario, space) in candidates


def test_switches_of_switches() -> None:
    """Without a memory tier near-duplicates and their threshold both stay as they are today."""
    search = {
        "cache.memory_size": {"choices": [0, 100]},
        "cache.near_duplicates": {"choices": [True, False]},
        "cache.near_duplicate_threshold": {"choices": [0.8, 0.9]},
    }
    space = space_of(shop(search=search))
    without = {values for point in space.points() if dict(values := space.to_external(point))["cache.memory_size"] == 0}
    assert without == {(("cache.memory_size", 0), ("cache.near_duplicates", False), ("cache.near_duplicate_threshold", 0.8))}
