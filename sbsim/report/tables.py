"""Estimates as text: numbers with the digits that their half-width supports, and a study as rows of a table.

Pure functions from values to cells. It knows the KPI table and units for reading; it knows no terminal, no file and no run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, log10
from typing import Any

from sbsim.measure import KPI_BY_NAME, KPIS, Estimate, mean_estimate
from sbsim.units import format_duration

NOTHING = "-"
"""Shown where a number does not exist: a ratio over 0, a half-width of one replication."""

_NO_SPREAD = 5e-10
"""Half-widths below half a nano-dollar are the rounding of floats: all replications agree."""

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "requests": ("n_requests", "n_delivered", "n_failed", "n_refused", "n_pending"),
    "money": (
        "total_cost_usd", "provider_cost_usd", "penalty_cost_usd", "cost_per_request_usd", "individual_cost_usd", "savings_usd", "savings_fraction",
    ),
    "reuse and batching": (
        "cache_hit_ratio", "coalesced_ratio", "n_calls", "average_batch_size", "average_call_size", "batching_efficiency", "api_call_reduction",
    ),
    "time": (
        "sla_compliance", "sla_compliance_urgent", "sla_compliance_normal", "sla_compliance_background", "mean_latency_s", "p50_latency_s",
        "p95_latency_s", "p99_latency_s", "p95_latency_s_urgent", "mean_wait_s", "p95_wait_s",
    ),
    "load": ("n_retries", "n_rate_limited", "attempt_error_rate", "provider_utilisation", "budget_utilisation", "throughput_per_s", "capacity_per_s"),
}  # fmt: skip
"""The usual KPIs by section, in the order of reading."""

CAPACITY: Mapping[str, tuple[str, ...]] = {
    "capacity": ("capacity_per_s", "provider_utilisation", "n_rate_limited", "attempt_error_rate"),
    "calls": ("average_batch_size", "average_call_size", "cache_hit_ratio", "coalesced_ratio"),
}
"""What means something in traffic that was squeezed until it saturated: neither its costs nor its waiting times."""

KPI_COLUMNS = ("KPI", "mean", "± 95 %", "unit")
BUDGET_COLUMNS = ("budget", "fullest", "exhausted", "half by", "exceeded", "by at most")

Row = list[str]


def figures(estimate: Estimate) -> tuple[str, str]:
    """Mean and half-width with the same decimals: those that show two digits of the half-width."""
    if estimate.mean is None:
        return NOTHING, NOTHING
    if estimate.half_width is not None and estimate.half_width < _NO_SPREAD:
        return _text(estimate.mean, _decimals(Estimate(estimate.mean, 0.0, estimate.n))), "0"
    decimals = _decimals(estimate)
    return _text(estimate.mean, decimals), NOTHING if estimate.half_width is None else _text(estimate.half_width, decimals)


def with_half_width(estimate: Estimate) -> str:
    """`12.34 ± 0.56`, or the mean alone where it has no half-width."""
    mean, half_width = figures(estimate)
    return mean if half_width == NOTHING else f"{mean} ± {half_width}"


def kpi_rows(kpis: Mapping[str, Estimate], sections: Mapping[str, tuple[str, ...]] = SECTIONS, *, every: bool = False) -> list[Row | None]:
    """Rows of `KPI_COLUMNS`; None where a section ends.

    The KPIs of `sections` that exist, or with `every` all of the table, those without a value included.
    """
    rows: list[Row | None] = []
    for names in (tuple(kpi.name for kpi in KPIS),) if every else sections.values():
        shown = [[name, *figures(kpis[name]), KPI_BY_NAME[name].unit] for name in names]
        rows.extend(row for row in shown if every or row[1] != NOTHING)
        rows.append(None)
    return rows[:-1]


def budget_rows(budget: Mapping[str, Any]) -> list[Row]:
    """Rows of `BUDGET_COLUMNS`: every window of a study's budget (`Study.budget`).

    `exhausted` is the share of replications in which a window had no room for a call that wanted to go; by `half by` half of them had come to that.
    """
    rows = []
    for window in budget["windows"]:
        when = "rolling" if window["resets"] == "rolling" else f"from {window['resets']}"
        name = f"${window['limit_usd']:g} per {format_duration(window['window_s'])}, {when}, {window['kind']}"
        used, ended, over = window["utilisation"]["mean"], window["exhausted"], window["overshoot"]
        rows.append([
            name, NOTHING if used is None else f"{used:.1%}", f"{ended['share']:.0%}",
            NOTHING if ended["p50_at_s"] is None else format_duration(float(f"{ended['p50_at_s']:.3g}")),
            f"{over['probability']:.0%}", f"${over['worst_usd']:.4g}",
        ])  # fmt: skip
    return rows


def urgent_line(budget: Mapping[str, Any]) -> str:
    """What the budget meant for urgent requests, in a sentence."""
    held, turned_away = (with_half_width(Estimate(**budget[f"n_urgent_{what}"])) for what in ("held", "turned_away"))
    return f"urgent requests that the budget held up: {held}; that it turned away: {turned_away}"


def turned_away_line(budget: Mapping[str, Any]) -> str:
    """Whom the budget turned away for good, and why, in a sentence; empty where it turned nobody away."""
    if not budget["n_turned_away"]["mean"]:
        return ""
    every, never, unbounded = (with_half_width(Estimate(**budget[f"n_{what}"])) for what in ("turned_away", "never_affordable", "unbounded"))
    return f"requests that the budget turned away: {every}; no room for them even in an empty window: {never}; nothing bounds their cost: {unbounded}"


def priority_line(counters: Sequence[Mapping[str, int]], ageing_s: float, *, every: bool = False) -> str:
    """How often the queue set priorities aside, on average over the replications' counters, in a sentence.

    Empty where it never did, unless `every` line is wanted.
    """
    inversions, starved = (mean_estimate([float(one[name]) for one in counters]) for name in ("n_inversions", "n_starved"))
    if not (inversions.mean or starved.mean or every):
        return ""
    passed, aged = with_half_width(inversions), with_half_width(starved)
    return (
        f"calls a run that left before more urgent work: {passed}; that were ready for longer than queue.ageing ({format_duration(ageing_s)}): {aged}"
    )


def near_duplicate_line(near: Mapping[str, Any] | None) -> str:
    """How much reuse in other words was wrong, and may be, in a sentence; empty where there was none or nobody knows."""
    if near is None or near["n_wrong"] is None:
        return ""
    least, most = near["coverage"]
    at_most = f"{near['wrong_share_at_most']:.2%} (95 %, approximate: such bounds held in {least:.1%} to {most:.0%} of trials)"
    return f"near-duplicates: {near['n_wrong']:,} of {near['n_hits']:,} reuses were wrong; their share is at most {at_most}"


def _text(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text  # no "-0.00"


def _decimals(estimate: Estimate) -> int:
    """Decimals that show two digits of the half-width, or six digits of a mean without one (none of a whole number); 9 (a nano-dollar) at most."""
    if estimate.half_width:
        return min(9, max(0, 1 - floor(log10(estimate.half_width))))
    if estimate.mean is None or estimate.mean == int(estimate.mean):
        return 0
    return min(9, max(0, 5 - floor(log10(abs(estimate.mean)))))
