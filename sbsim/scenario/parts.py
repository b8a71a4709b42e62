"""What a scenario may say already but not yet use: each refused with the part of the project that brings it to life, never ignored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sbsim.documents.faults import FieldError
from sbsim.documents.origin import Path
from sbsim.scenario.provider import ProviderSpec, RandomOutages
from sbsim.scenario.traffic import FORMATS, RECORDED, Workload

if TYPE_CHECKING:
    from sbsim.scenario.scenario import Scenario

FORMATS_NOW = ("generic", "azure-llm", "gentd26")
_FORMAT_PARTS = {name: 5 if name == "journal" else 2 for name in FORMATS if name not in FORMATS_NOW}

Later = tuple[Path, str, int, str]
"""Where, what, the part, what to try until then."""


def require_available(scenario: Scenario) -> None:
    """Refuses the first thing that a later part brings. Raises FieldError."""
    for path, what, part, instead in _used(scenario):
        raise FieldError(f"{what} comes with part {part}; try {instead}", *path)


def require_available_provider(provider: ProviderSpec) -> None:
    """The same for one provider. Raises FieldError."""
    for path, what, part, instead in _used_by_provider(provider):
        raise FieldError(f"{what} comes with part {part}; try {instead}", *path)


def _used(scenario: Scenario) -> Iterator[Later]:
    yield from _used_by_workload(scenario.workload)
    for k, provider in enumerate(scenario.providers):
        for path, what, part, instead in _used_by_provider(provider):
            yield ("providers", k, *path), what, part, instead
    if scenario.instances.n > 1:
        yield ("instances",), f"a batcher of {scenario.instances.n} instances", 3, "instances: 1"
    for name in ("redis", "cdn"):
        if getattr(scenario.tiers, name) is not None:
            yield ("tiers", name), f"the {name} tier", 3, "removing it"
    if scenario.robust is not None:
        yield ("robust",), "a robust search", 6, "removing it"
    if scenario.indifference_usd is not None:
        yield ("indifference_usd",), "a zone of indifference of one's own", 6, "removing it (0.5 % of the baseline's total)"


def _used_by_workload(workload: Workload) -> Iterator[Later]:
    if workload.source == "sql":
        yield ("workload", "source"), "traffic from a database", 2, "source: trace with a csv, jsonl or parquet file"
    if workload.format not in FORMATS_NOW:
        yield ("workload", "format"), f"the format {workload.format}", _FORMAT_PARTS[workload.format], f"one of {', '.join(FORMATS_NOW)}"
    for name in workload.columns:
        if name in RECORDED:
            yield ("workload", "columns", name), "reading what happened to a recorded request", 2, "removing it"
    if workload.resample is not None:
        yield ("workload", "resample"), "resampling a trace", 6, "removing it"


def _used_by_provider(provider: ProviderSpec) -> Iterator[Later]:
    if provider.api.style == "batch":
        yield ("api", "style"), "a batch API", 3, "style: job"
    if provider.api.takes == "file":
        yield ("api", "takes"), "a call that takes a file", 3, "takes: list"
    if provider.price.plan is not None:
        yield ("price", "plan"), "a plan with a fee", 3, "removing it"
    if provider.cold_start is not None:
        yield ("cold_start",), "a cold start", 3, "removing it"
    if provider.changes:
        yield ("changes",), "a change of terms", 3, "removing it"
    if provider.failures.poison > 0:
        yield ("failures", "poison"), "poison", 3, "poison: 0"
    if isinstance(provider.failures.outages, RandomOutages):
        yield ("failures", "outages"), "outages that come by chance", 3, "[{at: 2h, for: 10min}]"
