"""What is let in where users call: one message for whatever is not what it should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

from sbsim.documents.faults import shown
from sbsim.errors import ScenarioError
from sbsim.records import PRIORITIES
from sbsim.units import parse_duration

_TRY = {
    "ContentRequest": 'ContentRequest("r1", "image", prompt="a red fox")',
    "Batch": "one of those that build_optimal_batches() gives",
    "CacheManager": "CacheManager(memory_size=1000)",
    "BatchingConfig": 'BatchingConfig().with_values({"batching.max_wait": 5.0})',
    "SmartBatcher": "SmartBatcher(provider=CallableProvider(fn))",
    "path": '"recommended.yaml"',
    "mapping": '{"prompt": "a red fox", "duration": 8.0}',
    "tier": "…",
    "limit": '{"calls": 50, "per": "60s"}',
    "function": "CallableProvider(lambda request: …)",
}


def misplaced(where: str, given: object, wanted: str) -> ScenarioError:
    """The error for `given` where a `wanted` (a name of the table above) belongs."""
    attempt = _TRY[wanted]
    if wanted == "ContentRequest" and isinstance(given, Mapping):
        attempt = "ContentRequest(**fields), or SmartBatchingIntegration(batcher).process_video_requests([…]), which takes mappings"
    return ScenarioError(f"{where}: {shown(given)} is no {wanted}; try {attempt}")


def listed(where: str, given: Any, wanted: str) -> list[Any]:
    """What is in a list, or in anything else that gives one `wanted` after the other. Raises ScenarioError when it is none."""
    if not isinstance(given, Iterable) or isinstance(given, (str, bytes, Mapping)):
        raise ScenarioError(f"{where}: {shown(given)} is no list; allowed: a list of {wanted}s; try [{_TRY[wanted]}]")
    return list(given)


def count(where: str, given: Any, attempt: int) -> int:
    """A whole number, 0 or more. Raises ScenarioError when it is none."""
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise ScenarioError(f"{where}: {shown(given)} is not a whole number, 0 or more; try {attempt}")
    return given


def seconds(where: str, given: Any) -> float:
    """Seconds, 0 or more, or a duration as settings have it ("3min"). Raises ScenarioError when it is none."""
    try:
        found = parse_duration(given)
    except ValueError as error:
        raise ScenarioError(f"{where}: {error}") from None
    if found < 0:
        raise ScenarioError(f"{where}: {shown(given)} must be >= 0 s; try 30.0")
    return found


def promises(where: str, given: Any) -> dict[int, float]:
    """Seconds from arrival by priority, 1 to 3, each of which may stand for itself by name. Raises ScenarioError when they mean nothing."""
    if not isinstance(given, Mapping):
        raise ScenarioError(f"{where}: {shown(given)} is no mapping of priorities; try {{1: 180.0}}")
    found = {}
    for name, wanted in given.items():
        priority: Any = PRIORITIES.get(name) if isinstance(name, str) else name
        if isinstance(name, bool) or priority not in PRIORITIES.values():
            raise ScenarioError(f"{where}: {shown(name)} is not 1 (urgent), 2 (normal), 3 (background) or one of these names; try {{1: 180.0}}")
        if wanted is not None and wanted != inf:  # else nothing is promised
            found[int(priority)] = seconds(f"{where}[{name!r}]", wanted)
    return found
