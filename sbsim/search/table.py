"""A sweep as a table of columns, and the table as a Parquet file: the same bytes for the same content. The only door to pyarrow in the search."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

from sbsim.measure import KPIS

if TYPE_CHECKING:
    from sbsim.search.sweep import Sweep


def table_of(sweep: Sweep) -> Any:
    """A pyarrow table, a row per point in grid order.

    Columns: each axis under its path; `replications`, `n_saturated`, `saturated` (any of them), `refused`; each KPI's mean under its name and its
    95 % half-width under `<name>_half_width` (null where they do not exist). The schema's metadata hold scenario, digest, seed and versions.
    """
    import pyarrow

    columns: dict[str, Any] = {axis.path: _column([dict(row.values)[axis.path] for row in sweep.rows]) for axis in sweep.axes}
    columns["replications"] = pyarrow.array([row.replications for row in sweep.rows], pyarrow.int64())
    columns["n_saturated"] = pyarrow.array([row.n_saturated for row in sweep.rows], pyarrow.int64())
    columns["saturated"] = pyarrow.array([row.n_saturated > 0 for row in sweep.rows], pyarrow.bool_())
    columns["refused"] = pyarrow.array([row.refused or None for row in sweep.rows], pyarrow.string())
    for kpi in KPIS:
        known = [row.kpis.get(kpi.name) for row in sweep.rows]
        columns[kpi.name] = pyarrow.array([None if one is None else one.mean for one in known], pyarrow.float64())
        columns[f"{kpi.name}_half_width"] = pyarrow.array([None if one is None else one.half_width for one in known], pyarrow.float64())
    return pyarrow.table(columns).replace_schema_metadata({"sbsim": json.dumps(_metadata(sweep))})


def parquet_of(sweep: Sweep) -> bytes:
    """The Parquet file of a sweep."""
    from pyarrow import parquet

    buffer = BytesIO()
    parquet.write_table(table_of(sweep), buffer, compression="zstd")
    return buffer.getvalue()


def _column(values: list[Any]) -> Any:
    """Values of one axis in a type that holds them all: whole numbers, numbers, booleans, else text."""
    import pyarrow

    present = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in present):
        return pyarrow.array(values, pyarrow.bool_())
    if all(isinstance(value, int) and not isinstance(value, bool) for value in present):
        return pyarrow.array(values, pyarrow.int64())
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in present):
        return pyarrow.array([None if value is None else float(value) for value in values], pyarrow.float64())
    return pyarrow.array([None if value is None else str(value) for value in values], pyarrow.string())


def _metadata(sweep: Sweep) -> dict[str, Any]:
    from sbsim import __version__

    return {
        "schema": "sbsim.sweep/1",
        "sbsim": __version__,
        "scenario": sweep.scenario.name,
        "digest": sweep.scenario.digest,
        "seed": sweep.seed,
        "warmup_s": sweep.warmup_s,
        "axes": {axis.path: list(axis.values) for axis in sweep.axes},
        "units": {kpi.name: kpi.unit for kpi in KPIS},
    }
