"""What a file of traffic holds, in numbers: how much, how bursty, of what, how often the same, how large.

Knows traces; no scenario and no price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.records import PRIORITIES
from sbsim.workload.identity import identities
from sbsim.workload.traces import STATUSES, Outcomes, Trace, read_trace

_BIN_S = 60.0
_MOST_BINS = 60
_WIDTHS_S = (0.001, 0.01, 0.1, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
"""Round lengths of a bin of time."""


@dataclass(frozen=True)
class Quantiles:
    """A quantity over all rows: quantiles are order statistics ceil(p n)."""

    mean: float
    minimum: float
    p50: float
    p90: float
    p99: float
    maximum: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Quantiles:
        """Of one value or more, shape (n,)."""
        ordered = np.sort(values)

        def rank(p: float) -> float:
            return float(ordered[max(0, int(np.ceil(p * ordered.size)) - 1)])

        return cls(float(values.mean()), float(ordered[0]), rank(0.5), rank(0.9), rank(0.99), float(ordered[-1]))


@dataclass(frozen=True)
class Histogram:
    """How many values lie from each edge up to the next; one count less than edges."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @classmethod
    def of_time(cls, arrived_at: NDArray[np.float64]) -> Histogram:
        """Arrivals in bins of a round length, seconds from the first one."""
        span = float(arrived_at[-1] - arrived_at[0])
        width = next((width for width in _WIDTHS_S if span < _MOST_BINS * width), float(np.ceil(span / _MOST_BINS / 86400) * 86400))
        place = ((arrived_at - arrived_at[0]) // width).astype(np.int64)
        counts = np.bincount(place)
        return cls(tuple((np.arange(counts.size + 1) * width).tolist()), tuple(counts.tolist()))

    @classmethod
    def of_gaps(cls, gaps: NDArray[np.float64]) -> Histogram:
        """Gaps by powers of ten; those below a millisecond, or below the least of them, first."""
        positive = gaps[gaps > 0]
        low = high = -3
        if positive.size:
            low, high = max(low, int(np.floor(np.log10(positive.min())))), int(np.floor(np.log10(positive.max()))) + 1
        edges = np.array([0.0, *(10.0**power for power in range(low, max(low, high) + 1))])
        counts = np.bincount(np.searchsorted(edges, gaps, side="right") - 1, minlength=edges.size - 1)
        first = int(counts[0] == 0)
        return cls(tuple(edges[first:].tolist()), tuple(counts[first : edges.size - 1].tolist()))


@dataclass(frozen=True)
class Recorded:
    """What rows say of how they went.

    Attributes
    ----------
    n_costs, cost_usd : rows that state a bill, and dollars in all. cached : share of rows answered by an own cache, of those that say so.
    statuses : share of rows by how they ended, of those that say so. providers : share of rows by provider, likewise.
    waited_s, took_s : seconds from arrival to start, and to end.
    """

    n_costs: int
    cost_usd: float
    cached: float | None
    statuses: dict[str, float]
    providers: dict[str, float]
    waited_s: Quantiles | None
    took_s: Quantiles | None

    @classmethod
    def of(cls, outcomes: Outcomes) -> Recorded:
        """Of the outcomes of a trace."""
        known, cached = outcomes.cost_usd[~np.isnan(outcomes.cost_usd)], outcomes.cached[outcomes.cached >= 0]
        waited, took = (column[~np.isnan(column)] for column in (outcomes.waited_s, outcomes.took_s))
        return cls(
            known.size,
            float(known.sum()),
            float(cached.mean()) if cached.size else None,
            _named_shares(outcomes.status, STATUSES),
            _named_shares(outcomes.provider, outcomes.providers),
            Quantiles.of(waited) if waited.size else None,
            Quantiles.of(took) if took.size else None,
        )


@dataclass(frozen=True)
class Description:
    """A trace in numbers.

    Attributes
    ----------
    n_rows : requests in it. n_skipped_rows : bad rows left out. n_out_of_order : rows that stood after a later one.
    starts_at : calendar time of the first row in UTC, ISO 8601, or None for relative times. span_s : seconds from the first row to the last.
    rate_per_s : requests per second, n_rows / span_s; None without a span. gaps_s : seconds between consecutive arrivals; None for a single row.
    gap_cv : standard deviation of the gaps over their mean: 1 for a Poisson process, more for bursts. n_ties : gaps of 0 s.
    peak_to_mean : the fullest minute (of those counted from the first row) over the mean of all minutes, the last one included as far as it goes;
    at least 1, also where the fullest one would have been the last, which is cut short.
    classes : share of rows by "content type engine". priorities : share by name. styles, resolutions : rows by value, the most frequent first.
    n_tenants, n_jobs : distinct ones. n_contents : distinct contents by what rows say; rows that do not say it count one each.
    exact_repeats : share of rows that ask for what an earlier row asked for and may be given the same; None where no row says what it asks for.
    prefix_blocks : blocks of prompts (mooncake), None where no row names any; prefix_hits : share of them that stood in an earlier row, which is what
    a prefix cache without bounds would hit.
    sizes : quantiles of every quantity that rows state: duration_s, units_in, units_out, n_images, input_s, deadline_s.
    arrivals : how many came in each of up to 60 equal bins of time. gaps : how many gaps of each length, None for a single row.
    recorded : what rows say of how they went, None where they say nothing. promised : of drawn traffic, what its laws promise: rates per second over
    all clients, CV over all their windows.
    unused_columns : columns of the file that nothing reads. warnings : sentences for the reader.
    """

    path: str
    format: str
    n_rows: int
    n_skipped_rows: int
    n_out_of_order: int
    starts_at: str | None
    span_s: float
    rate_per_s: float | None
    gaps_s: Quantiles | None
    gap_cv: float | None
    n_ties: int
    peak_to_mean: float | None
    classes: dict[str, float]
    priorities: dict[str, float]
    resolutions: dict[str, float]
    styles: dict[str, float]
    n_tenants: int
    n_jobs: int
    n_contents: int
    exact_repeats: float | None
    prefix_blocks: int | None
    prefix_hits: float | None
    sizes: dict[str, Quantiles]
    arrivals: Histogram
    gaps: Histogram | None
    recorded: Recorded | None
    promised: dict[str, float] | None
    unused_columns: tuple[str, ...]
    warnings: tuple[str, ...]


def describe(
    path: str,
    *,
    format: str = "generic",
    columns: Mapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    speedup: float = 1.0,
    between: tuple[float, float] | None = None,
    on_bad_row: str = "error",
) -> Description:
    """The trace in a file, described; parameters and errors as of `traces.read_trace`."""
    trace = read_trace(path, format=format, columns=columns, defaults=defaults, speedup=speedup, between=between, on_bad_row=on_bad_row)
    return described(trace)


def described(trace: Trace) -> Description:
    """A trace in numbers."""
    gaps = np.diff(trace.arrived_at)
    span = float(trace.arrived_at[-1] - trace.arrived_at[0])
    mean_gap = float(gaps.mean()) if gaps.size else 0.0
    n_contents, repeats = _contents(trace)
    n_blocks, prefix_hits = _prefixes(trace)
    wishes = trace.wishes
    return Description(
        path=trace.path,
        format=trace.format,
        n_rows=trace.n,
        n_skipped_rows=trace.n_skipped,
        n_out_of_order=trace.n_out_of_order,
        starts_at=None if trace.starts_at_ns is None else _stamp(trace.starts_at_ns),
        span_s=span,
        rate_per_s=trace.n / span if span > 0 else None,
        gaps_s=Quantiles.of(gaps) if gaps.size else None,
        gap_cv=float(gaps.std()) / mean_gap if mean_gap > 0 else None,
        n_ties=int(np.count_nonzero(gaps == 0.0)),
        peak_to_mean=_peak_to_mean(trace.arrived_at, span),
        classes=_shares(trace, [" ".join(filter(None, (wish.content_type, wish.engine))) or "not said" for wish in wishes]),
        priorities={name: float(np.mean(trace.priority == k)) for name, k in PRIORITIES.items()},
        resolutions=_shares(trace, [wish.resolution or "" for wish in wishes]),
        styles=_shares(trace, [", ".join(f"{name}: {value}" for name, value in wish.style) for wish in wishes]),
        n_tenants=len({wishes[k].tenant for k in np.unique(trace.wish).tolist()}),
        n_jobs=0 if trace.job is None else int(np.count_nonzero(np.unique(trace.job) >= 0)),
        n_contents=n_contents,
        exact_repeats=repeats,
        prefix_blocks=n_blocks,
        prefix_hits=prefix_hits,
        sizes=_sizes(trace),
        arrivals=Histogram.of_time(trace.arrived_at),
        gaps=Histogram.of_gaps(gaps) if gaps.size else None,
        recorded=None if trace.outcomes is None else Recorded.of(trace.outcomes),
        promised=None if trace.promised is None else dict(trace.promised),
        unused_columns=trace.unused,
        warnings=tuple(trace.warnings()),
    )


def _stamp(nanoseconds: int) -> str:
    text = str(np.datetime64(nanoseconds, "ns")).rstrip("0").rstrip(".")
    return f"{text}Z"


def _peak_to_mean(arrived_at: NDArray[np.float64], span: float) -> float | None:
    if span <= 0:
        return None
    counts = np.unique(((arrived_at - arrived_at[0]) // _BIN_S).astype(np.int64), return_counts=True)[1]
    return max(1.0, float(counts.max()) / (arrived_at.size * _BIN_S / max(span, _BIN_S)))


def _contents(trace: Trace) -> tuple[int, float | None]:
    """(distinct contents, share of rows that repeat one), by fingerprint."""
    if not any(wish.has_identity for wish in trace.wishes):
        return trace.n, None
    known = identities(trace)
    known = known[known >= 0]
    n_distinct = np.unique(known).size
    return trace.n - known.size + n_distinct, (known.size - n_distinct) / trace.n


def repeats(trace: Trace) -> NDArray[np.bool_] | None:
    """Whether each row asks for what an earlier row asked for and may be given the same, shape (n,); None where no row says what it asks for."""
    if not any(wish.has_identity for wish in trace.wishes):
        return None
    known = identities(trace)
    is_first = np.zeros(trace.n, dtype=bool)
    is_first[np.unique(known, return_index=True)[1]] = True
    return ~is_first & (known >= 0)


def _prefixes(trace: Trace) -> tuple[int | None, float | None]:
    """(blocks, share of them that an earlier row had): a block's name stands for the whole prompt up to its end."""
    seen: set[str] = set()
    n = n_hits = 0
    for wish in trace.wish.tolist() if any(wish.blocks for wish in trace.wishes) else ():
        blocks = trace.wishes[wish].blocks
        n += len(blocks)
        n_hits += sum(block in seen for block in blocks)
        seen.update(blocks)
    return (n, n_hits / n) if n else (None, None)


def _named_shares(index: NDArray[Any], names: Sequence[str]) -> dict[str, float]:
    """Share by name of the rows that say it (an index of 0 or more), the most frequent first."""
    known = index[index >= 0]
    counts = np.bincount(known, minlength=len(names)) if known.size else np.zeros(len(names))
    ranked = sorted(zip(names, counts.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return {name: count / known.size for name, count in ranked if count}


def _shares(trace: Trace, labels: list[str]) -> dict[str, float]:
    """Share of rows by the label of their wish, the most frequent first; nothing where no wish has one."""
    if not any(labels):
        return {}
    numbers: dict[str, int] = {}
    index = np.array([numbers.setdefault(label, len(numbers)) for label in labels])
    counts = np.bincount(index[trace.wish], minlength=len(numbers))
    ranked = sorted(zip(numbers, counts.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return {label or "not said": count / trace.n for label, count in ranked if count}


def _sizes(trace: Trace) -> dict[str, Quantiles]:
    """Quantiles of every quantity that is not the same default in all rows."""
    sizes = {}
    for name, plain in (("duration_s", 0.0), ("units_in", 0.0), ("units_out", 1.0), ("n_images", 0.0), ("input_s", 0.0)):
        values = np.array([getattr(wish, name) for wish in trace.wishes], dtype=np.float64)[trace.wish]
        if np.any(values != plain):
            sizes[name] = Quantiles.of(values)
    if trace.deadline_s is not None and not np.isnan(trace.deadline_s).all():
        sizes["deadline_s"] = Quantiles.of(trace.deadline_s[~np.isnan(trace.deadline_s)])
    return sizes
