"""The section `workload` of a draft, and what its providers must know of the traffic: kinds of content, and what is said of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.documents.commented import Noted
from sbsim.documents.faults import one_of
from sbsim.drafts.answers import Answers, TraceFile
from sbsim.errors import ScenarioError
from sbsim.records import CONTENT_TYPES
from sbsim.units import format_duration, format_span, parse_rate
from sbsim.workload.traces import Trace, Wish, read_trace

_REQUESTS = 1500
"""Requests of a synthetic run: enough to tell settings apart, few enough for a recommendation within a minute on two cores."""
_MOST_ROWS = 5000
"""Rows of a trace that a draft replays, for the same reason."""
_SPANS_S = (600, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 2 * 86400, 7 * 86400)
_PRIORITIES = {"urgent": 0.1, "normal": 0.7, "background": 0.2}
_ASSUMED = "an assumption"


@dataclass(frozen=True)
class Kind:
    """One content type and engine of the traffic; `rows` of the trace ask for it (None for synthetic traffic)."""

    content_type: str
    engine: str | None
    rows: NDArray[np.bool_] | None = None


def recorded(file: TraceFile, answers: Answers) -> tuple[Trace, list[Kind]]:
    """The trace, and every kind of content that it asks for. Raises TraceError, ScenarioError."""
    defaults: dict[str, Any] = dict(file.defaults)
    for name, value in (("content_type", answers.content_type), ("engine", answers.engine)):
        if value is not None:
            defaults.setdefault(name, value)
    trace = read_trace(
        file.path, format=file.format, columns=file.columns, defaults=defaults, on_bad_row="skip" if file.skips_bad_rows else "error"
    )  # fmt: skip
    return trace, _kinds(trace)


def _kinds(trace: Trace) -> list[Kind]:
    """By number of requests, the most first."""
    by_kind: dict[tuple[str | None, str | None], list[int]] = {}
    for k, wish in enumerate(trace.wishes):
        by_kind.setdefault((wish.content_type, wish.engine), []).append(k)
    found = [(key, rows) for key, wishes in by_kind.items() if (rows := np.isin(trace.wish, wishes)).any()]
    found.sort(key=lambda pair: -int(pair[1].sum()))
    return [Kind(content_type or "", engine, rows) for (content_type, engine), rows in found]


def require_types(kinds: list[Kind], path: str) -> None:
    """Every kind of a trace says what it is. Raises ScenarioError."""
    if not all(kind.content_type for kind in kinds):
        raise ScenarioError(f"{path}: nothing says what kind of content its rows ask for; allowed: {one_of(CONTENT_TYPES)}; try --content-type image")


# -- a trace ---------------------------------------------------------------------------------------------------------------------
def trace_section(file: TraceFile, trace: Trace, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """`workload` of a recorded history. `defaults`: what the file does not say, with comments."""
    section: dict[str, Any] = {"source": "trace", "path": Noted(file.written, _counted(trace)), "format": file.format}
    if file.columns:
        section["columns"] = dict(file.columns)
    if defaults:
        section["defaults"] = dict(defaults)
    if trace.n > _MOST_ROWS:
        span_s = float(trace.arrived_at[_MOST_ROWS] - trace.arrived_at[0])
        note = f"the first {_MOST_ROWS:,} rows or so, for quick answers; take this line out to replay all {trace.n:,}"
        section["between"] = Noted(["0s", format_duration(max(1.0, round(span_s)))], note)
    if file.skips_bad_rows:
        section["on_bad_row"] = Noted("skip", f"{trace.n_skipped:,} bad rows are left out")
    return section


def _counted(trace: Trace) -> str:
    span_s = float(trace.arrived_at[-1] - trace.arrived_at[0])
    return f"{trace.n:,} requests within {format_span(max(1.0, span_s))}"


def states(trace: Trace, field: str, nothing: Any) -> bool:
    """Whether any row says a field of its wish otherwise than `nothing`."""
    used: list[Wish] = [trace.wishes[k] for k in np.unique(trace.wish).tolist()]
    return any(getattr(wish, field) != nothing for wish in used)


# -- laws ------------------------------------------------------------------------------------------------------------------------
def synthetic_section(answers: Answers, one: Mapping[str, Any]) -> dict[str, Any]:
    """`workload` of drawn traffic of one class."""
    rate = answers.rate or "20/min"
    contents = answers.contents or 2000
    section: dict[str, Any] = {"source": "synthetic"}
    section["arrivals"] = _said({"process": "poisson", "rate": rate}, answers.rate is not None, "how many requests come")
    section["catalogue"] = _said(
        {"contents": contents, "popularity": {"law": "zipf", "exponent": 0.8}},
        False,
        "distinct contents, some far more popular: reuse lives on them; take it out where nothing repeats",
    )
    section["classes"] = [{**one, "priority": Noted(_PRIORITIES, _ASSUMED)}]
    return section


def horizon(answers: Answers) -> Any:
    """How long a synthetic run lasts."""
    if answers.horizon is not None:
        return answers.horizon
    wanted_s = _REQUESTS / parse_rate(answers.rate or "20/min")
    span_s = next((span for span in _SPANS_S if span >= wanted_s), _SPANS_S[-1])
    return Noted(
        format_duration(span_s), f"some {round(span_s * parse_rate(answers.rate or '20/min')):,} requests: a recommendation takes about a minute"
    )


def _said(value: Any, is_given: bool, what: str) -> Noted:
    return Noted(value, what if is_given else f"{_ASSUMED}: {what}")
