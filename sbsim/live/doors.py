"""What is let in where users call: one message for whatever is not what it should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sbsim.documents.faults import shown
from sbsim.errors import ScenarioError

_TRY = {
    "ContentRequest": 'ContentRequest("r1", "image", prompt="a red fox")',
    "Batch": "one of those that build_optimal_batches() gives",
    "CacheManager": "CacheManager(memory_size=1000)",
    "BatchingConfig": 'BatchingConfig().with_values({"batching.max_wait": 5.0})',
    "SmartBatcher": "SmartBatcher(provider=CallableProvider(fn))",
    "mapping": '{"prompt": "a red fox", "duration": 8.0}',
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
