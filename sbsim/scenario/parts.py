"""What a scenario may say already but not yet use: each refused with the part of the project that brings it to life, never ignored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sbsim.documents.faults import FieldError
from sbsim.documents.origin import Path
from sbsim.scenario.traffic import FORMATS, Workload

if TYPE_CHECKING:
    from sbsim.scenario.scenario import Scenario

FORMATS_NOW = tuple(name for name in FORMATS if name != "journal")

Later = tuple[Path, str, int, str]
"""Where, what, the part, what to try until then."""


def require_available(scenario: Scenario) -> None:
    """Refuses the first thing that a later part brings. Raises FieldError."""
    for path, what, part, instead in _used(scenario):
        raise FieldError(f"{what} comes with part {part}; try {instead}", *path)


def _used(scenario: Scenario) -> Iterator[Later]:
    yield from _used_by_workload(scenario.workload)
    if scenario.robust is not None:
        yield ("robust",), "a robust search", 6, "removing it"
    if scenario.indifference_usd is not None:
        yield ("indifference_usd",), "a zone of indifference of one's own", 6, "removing it (0.5 % of the baseline's total)"


def _used_by_workload(workload: Workload) -> Iterator[Later]:
    if workload.source == "sql":
        yield ("workload", "source"), "traffic from a database", 5, "source: trace with a csv, jsonl or parquet file"
    if workload.format not in FORMATS_NOW:
        yield ("workload", "format"), f"the format {workload.format}", 5, f"one of {', '.join(FORMATS_NOW)}"
    if workload.resample is not None:
        yield ("workload", "resample"), "resampling a trace", 6, "removing it"
