"""`sbsim sweep`: every point of a grid."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbsim.cli.options import Configs, Jobs, Json, Meta, Quiet, Scenario, Seed, Sets, load_scenario, n_jobs

if TYPE_CHECKING:
    from sbsim.search.sweep import Row, Sweep

MOST_SHOWN = 40
"""Rows of a larger grid stand in the file; the table shows the best of them."""


def sweep(
    scenario: Scenario,
    vary: Annotated[
        list[str] | None, typer.Option("--vary", metavar="PATH=VALUES", help="What varies: 1,5,25 or 1s:10min:8 or 1s:10min:8:log (repeatable).")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for sweep.parquet; an interrupted sweep resumes there.")] = None,
    sets: Sets = None,
    configs: Configs = None,
    seed: Seed = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    meta: Meta = False,
) -> None:
    """Simulate every point of a grid of settings, all with the same luck.

    Writes DIR/sweep.parquet: one row per point, every KPI's mean and half-width.

    \b
    Examples:
      sbsim sweep quickstart --vary batching.max_batch_size=1,2,4,8 --out out
      sbsim sweep quickstart --vary batching.max_wait=1s:2min:8:log --vary cache.ttl=10min,2h --out out --json
    """
    started_at = perf_counter()
    from sbsim.cli import console
    from sbsim.search.sweep import sweep as run_sweep

    loaded = load_scenario(scenario, sets, configs)
    console.warn(loaded.warnings, quiet=quiet)
    with console.progress(f"{loaded.name}: runs", quiet=quiet) as progress:
        done = run_sweep(loaded, vary or [], out=out, seed=seed, jobs=n_jobs(jobs), progress=progress)
    if not json:
        _show(done)
        return
    document = to_document(done)
    if meta:
        document["meta"] = {"elapsed_s": perf_counter() - started_at, "jobs": n_jobs(jobs)}
    console.print_json(document)


def to_document(done: Sweep) -> dict[str, Any]:
    """The sweep as the JSON document `sbsim.sweep/1`."""
    return {
        "schema": "sbsim.sweep/1",
        "scenario": done.scenario.name,
        "digest": done.scenario.digest,
        "seed": done.seed,
        "warmup_s": done.warmup_s,
        "axes": {axis.path: list(axis.values) for axis in done.axes},
        "rows": [
            {
                "values": dict(row.values),
                "replications": row.replications,
                "saturated": row.n_saturated > 0,
                "refused": row.refused or None,
                "kpis": {name: estimate.to_plain() for name, estimate in row.kpis.items()},
            }
            for row in done.rows
        ],
    }


def _show(done: Sweep) -> None:
    from sbsim.cli import console

    objective = done.scenario.objective
    names = list(dict.fromkeys([objective.minimise, *(constraint.kpi for constraint in objective.subject_to), "sla_compliance", "p95_latency_s"]))
    rows = done.rows
    if len(rows) > MOST_SHOWN:
        rows = sorted(rows, key=lambda row: _rank(row, objective.minimise))[:MOST_SHOWN]
        console.say(f"the {MOST_SHOWN} lowest {objective.minimise} of {len(done.rows)} points")
        console.say()
    table = [[*(_value(path, value) for path, value in row.values), *_cells(row, names)] for row in rows]
    console.print_table([*(axis.path for axis in done.axes), *names, ""], [list(row) for row in table], right=range(len(done.axes) + len(names)))
    if done.path is not None:
        console.say()
        console.say(f"written: {done.path}")


def _rank(row: Row, kpi: str) -> tuple[bool, float]:
    mean = row.kpis[kpi].mean if row.kpis else None
    return row.n_saturated > 0, float("inf") if mean is None else mean


def _cells(row: Row, names: list[str]) -> list[str]:
    from sbsim.report.tables import NOTHING, with_half_width

    if row.refused:
        return [NOTHING] * len(names) + [f"refused: {row.refused}"]
    return [*(with_half_width(row.kpis[name]) for name in names), "saturated" if row.n_saturated else ""]


def _value(path: str, value: object) -> str:
    from sbsim.cli.settings import written
    from sbsim.config import known_setting

    known = known_setting(path)
    return written(value, known.unit if known else "")
