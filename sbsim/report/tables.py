"""Estimates as rows of text: what the command line and reports show of a study, of two studies side by side, and of the KPI table itself.

Pure functions from values to cells. It knows the KPI table and units for reading; it knows no terminal, no file and no run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, log10

from sbsim.measure import KPI_BY_NAME, KPIS, Estimate, find_kpi

NOTHING = "-"
"""Shown where a number does not exist: a ratio over 0, a half-width of one replication."""

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
    "load": ("n_retries", "n_rate_limited", "attempt_error_rate", "provider_utilisation", "budget_utilisation", "throughput_per_s"),
}  # fmt: skip
"""The usual KPIs by section, in the order of reading."""

KPI_COLUMNS = ("KPI", "mean", "± 95 %", "unit")
DEFINITION_COLUMNS = ("KPI", "unit", "definition")

Row = list[str]


def figures(estimate: Estimate) -> tuple[str, str]:
    """Mean and half-width with the same decimals: those that show two digits of the half-width."""
    if estimate.mean is None:
        return NOTHING, NOTHING
    decimals = _decimals(estimate)
    return _text(estimate.mean, decimals), NOTHING if estimate.half_width is None else _text(estimate.half_width, decimals)


def kpi_rows(kpis: Mapping[str, Estimate], *, every: bool = False) -> list[Row | None]:
    """Rows of `KPI_COLUMNS`; None where a section ends.

    The usual KPIs that exist, or with `every` all of the table, those without a value included.
    """
    rows: list[Row | None] = []
    for names in (tuple(kpi.name for kpi in KPIS),) if every else SECTIONS.values():
        shown = [[name, *figures(kpis[name]), KPI_BY_NAME[name].unit] for name in names]
        rows.extend(row for row in shown if every or row[1] != NOTHING)
        rows.append(None)
    return rows[:-1]


def comparison_columns(a: str, b: str) -> tuple[str, ...]:
    """Heads of `comparison_rows`, with the names of the two candidates."""
    return ("KPI", a, b, f"{b} - {a}", "± 95 %", "unit")


def comparison_rows(
    a: Mapping[str, Estimate], b: Mapping[str, Estimate], differences: Mapping[str, Estimate], names: Sequence[str] | None = None
) -> list[Row | None]:
    """Rows of `comparison_columns`: two candidates and their paired difference (`measure.paired_estimates(b, a)`); None where a section ends.

    Parameters
    ----------
    names : the KPIs wanted; by default the usual ones on which the two differ or are not sure to agree.

    Raises
    ------
    ScenarioError
        When one of `names` is not a KPI.
    """
    sections = SECTIONS.values() if names is None else (tuple(find_kpi(name).name for name in names),)
    rows: list[Row | None] = []
    for section in sections:
        before = len(rows)
        for name in section:
            difference = differences[name]
            if names is None and (difference.mean is None or (difference.mean == 0 and not difference.half_width)):
                continue
            mean, half_width = figures(difference)
            rows.append([name, figures(a[name])[0], figures(b[name])[0], _signed(mean), half_width, KPI_BY_NAME[name].unit])
        if len(rows) > before:
            rows.append(None)
    return rows[:-1]


def definition_rows() -> list[Row]:
    """Rows of `DEFINITION_COLUMNS`: the whole KPI table, what a KPI still waits for said after its definition."""
    return [[kpi.name, kpi.unit, f"{kpi.definition} ({kpi.note})" if kpi.note else kpi.definition] for kpi in KPIS]


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str] | None]) -> str:
    """A Markdown table of these rows (section ends left out), as documentation shows it."""
    lines = [columns, ["---"] * len(columns), *(row for row in rows if row is not None)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _text(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text  # no "-0.00"


def _signed(text: str) -> str:
    return text if text.startswith("-") or not text.strip("0.,") else f"+{text}"


def _decimals(estimate: Estimate) -> int:
    """Decimals that show two digits of the half-width, or six digits of a mean without one (none of a whole number); 9 (a nano-dollar) at most."""
    if estimate.half_width:
        return min(9, max(0, 1 - floor(log10(estimate.half_width))))
    if estimate.mean is None or estimate.mean == int(estimate.mean):
        return 0
    return min(9, max(0, 5 - floor(log10(abs(estimate.mean)))))
