"""Laws of the tables that readers see."""

from __future__ import annotations

import pytest

from sbsim.errors import ScenarioError
from sbsim.measure import KPIS, NO_ESTIMATE, Estimate, estimates, paired_estimates
from sbsim.report.tables import (
    KPI_COLUMNS,
    SECTIONS,
    comparison_columns,
    comparison_rows,
    definition_rows,
    figures,
    kpi_rows,
    markdown,
)


def replications(**values: list[float | None]) -> list[dict[str, float | None]]:
    """KPI values by replication: these, and 1 for all others."""
    n = len(next(iter(values.values())))
    return [{kpi.name: values[kpi.name][k] if kpi.name in values else 1.0 for kpi in KPIS} for k in range(n)]


@pytest.mark.parametrize(
    ("estimate", "shown"),
    [
        (Estimate(1234.5678, 12.3, 5), ("1,235", "12")),
        (Estimate(0.123456, 0.00123, 5), ("0.1235", "0.0012")),
        (Estimate(1234567.0, 45678.0, 5), ("1,234,567", "45,678")),
        (Estimate(42.0, 0.0, 5), ("42", "0")),
        (Estimate(0.1234567, None, 1), ("0.123457", "-")),
        (Estimate(-0.0004, 0.5, 5), ("0.00", "0.50")),
        (Estimate(1e-15, 1e-15, 5), ("0.000000000", "0.000000000")),
        (NO_ESTIMATE, ("-", "-")),
    ],
)
def test_figures_show_two_digits_of_the_half_width(estimate: Estimate, shown: tuple[str, str]) -> None:
    """No more digits than the half-width supports, and no minus before nothing."""
    assert figures(estimate) == shown


def test_usual_rows_leave_out_what_does_not_exist_and_every_row_does_not() -> None:
    """A KPI without a value is noise in the usual table and a fact in the whole one."""
    kpis = estimates(replications(total_cost_usd=[2.0, 4.0], budget_utilisation=[None, None]))
    usual, every = kpi_rows(kpis), kpi_rows(kpis, every=True)
    assert [row[0] for row in every if row] == [kpi.name for kpi in KPIS]
    assert [row[0] for row in usual if row] == [name for names in SECTIONS.values() for name in names if name != "budget_utilisation"]
    assert usual.count(None) == len(SECTIONS) - 1
    assert next(row for row in every if row and row[0] == "budget_utilisation") == ["budget_utilisation", "-", "-", "fraction"]
    assert {len(row) for row in every if row} == {len(KPI_COLUMNS)}


def test_comparison_shows_both_and_their_signed_difference() -> None:
    """By default only what differs; named KPIs always."""
    a, b = replications(total_cost_usd=[10.0, 12.0, 11.0]), replications(total_cost_usd=[8.0, 10.5, 9.0])
    kpis, others, differences = estimates(a), estimates(b), paired_estimates(b, a)
    rows = [row for row in comparison_rows(kpis, others, differences) if row]
    assert [row[0] for row in rows] == ["total_cost_usd", "cost_per_request_usd"]
    assert rows[0][:4] == ["total_cost_usd", "11.0", "9.2", "-1.83"]
    assert ["total_cost_usd", "9.2", "11.0", "+1.83", "0.72", "dollars"] in comparison_rows(others, kpis, paired_estimates(a, b))
    assert comparison_rows(kpis, others, differences, ["n_calls"]) == [["n_calls", "1", "1", "0", "0", "calls"]]
    assert len(rows[0]) == len(comparison_columns("baseline", "recommended"))
    with pytest.raises(ScenarioError, match="n_callz"):
        comparison_rows(kpis, others, differences, ["n_callz"])


def test_definitions_cover_the_table_and_say_what_a_kpi_waits_for() -> None:
    """Documentation is made of the table: every KPI once, with its note."""
    rows = {row[0]: row[2] for row in definition_rows()}
    assert list(rows) == [kpi.name for kpi in KPIS]
    assert "part 3" in rows["cache_hit_ratio_redis"]
    text = markdown(("KPI", "unit"), [["a|b", "s"], None, ["c", "s"]])
    assert text == "| KPI | unit |\n| --- | --- |\n| a\\|b | s |\n| c | s |\n"
