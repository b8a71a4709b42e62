"""Laws of the tables that readers see."""

from __future__ import annotations

import pytest

from sbsim.measure import KPIS, NO_ESTIMATE, Estimate, estimates
from sbsim.report.tables import KPI_COLUMNS, SECTIONS, figures, kpi_rows, with_half_width


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
        (Estimate(1e-15, 1e-15, 5), ("0.000000000", "0")),
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


def test_a_number_with_its_half_width_is_one_cell() -> None:
    """Mean ± half-width, the mean alone without one, a dash without either."""
    assert with_half_width(Estimate(12.344, 0.56, 5)) == "12.34 ± 0.56"
    assert with_half_width(Estimate(3.0, None, 1)) == "3"
    assert with_half_width(NO_ESTIMATE) == "-"
