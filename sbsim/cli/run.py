"""`sbsim run`: one scenario, simulated as it stands."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbsim.cli.options import Configs, Jobs, Json, Meta, Plot, Quiet, Scenario, Seed, Sets, figure_kind, load_scenario, n_jobs

if TYPE_CHECKING:
    from sbsim.simulation.study import Study


def run(
    scenario: Scenario,
    sets: Sets = None,
    configs: Configs = None,
    seed: Seed = None,
    jobs: Jobs = None,
    json: Json = False,
    every: Annotated[bool, typer.Option("--all", help="Show every KPI, not only the usual ones.")] = False,
    plot: Plot = None,
    overload: Annotated[bool, typer.Option("--overload", help="Squeeze the traffic until it saturates: what the lanes take at most.")] = False,
    quiet: Quiet = False,
    meta: Meta = False,
) -> None:
    """Simulate a scenario and estimate its KPIs.

    Costs, waiting times and reuse, each with the half-width of its 95 % confidence interval over the scenario's replications.

    \b
    Examples:
      sbsim run quickstart
      sbsim run quickstart --set batching.max_batch_size=8 --set batching.max_wait=20s
      sbsim run my-scenario.yaml --config out/recommended.yaml --seed 12 --json
      sbsim run quickstart --plot run.png
      sbsim run quickstart --overload
    """
    started_at = perf_counter()
    from sbsim.cli import console
    from sbsim.simulation.study import simulate

    if plot is not None:
        figure_kind(plot)
    loaded = load_scenario(scenario, sets, configs)
    if overload:
        from sbsim.simulation.study import squeezed

        loaded, factor = squeezed(loaded, seed=seed)
        console.warn([f"traffic {factor:g} times as fast, so that it saturates: only capacity_per_s is a result"], quiet=quiet)
    with console.progress(f"{loaded.name}: replications", quiet=quiet) as progress:
        study = simulate(loaded, seed=seed, jobs=n_jobs(jobs), progress=progress)
    console.warn(study.warnings, quiet=quiet)
    if plot is not None:
        from sbsim.report import plot_history, save

        save(plot_history(study.history()), plot)
    if not json:
        if overload:
            _show_capacity(study, every)
        else:
            _show(study, every)
        if plot is not None:
            console.say()
            console.say(f"written: {plot} (the first replication)")
        return
    document = to_document(study)
    if meta:
        document["meta"] = {"elapsed_s": perf_counter() - started_at, "jobs": n_jobs(jobs)}
    console.print_json(document)


def to_document(study: Study) -> dict[str, Any]:
    """The study as the JSON document `sbsim.run/1`."""
    return {
        "schema": "sbsim.run/1",
        "scenario": study.scenario.name,
        "digest": study.scenario.digest,
        "seed": study.seed,
        "replications": len(study.replications),
        "over": study.over,
        "warmup_s": study.warmup_s,
        "saturated": study.saturated,
        "incomplete": study.incomplete,
        "alerts": study.alerts,
        "warnings": study.warnings,
        "kpis": {name: estimate.to_plain() for name, estimate in study.kpis.items()},
        "counters": study.counters,
        **({} if study.budget is None else {"budget": study.budget}),
        **({} if study.formation is None else {"formation": study.formation}),
        **({} if study.near_duplicates is None else {"near_duplicates": study.near_duplicates}),
    }


def _show_capacity(study: Study, every: bool) -> None:
    from sbsim.cli import console
    from sbsim.report.tables import CAPACITY, KPI_COLUMNS, kpi_rows

    console.say(
        f"{study.scenario.name}, saturated: {len(study.replications)} replications, seed {study.seed}; half-widths (95 %) are over {study.over}"
    )
    console.say()
    console.print_table(list(KPI_COLUMNS), kpi_rows(study.kpis, CAPACITY, every=every), right=(1, 2))


def _show(study: Study, every: bool) -> None:
    from sbsim.cli import console
    from sbsim.report.tables import (
        BUDGET_COLUMNS,
        KPI_COLUMNS,
        budget_rows,
        kpi_rows,
        near_duplicate_line,
        priority_line,
        turned_away_line,
        urgent_line,
    )

    console.say(f"{study.scenario.name}: {len(study.replications)} replications, seed {study.seed}; half-widths (95 %) are over {study.over}")
    console.say()
    console.print_table(list(KPI_COLUMNS), kpi_rows(study.kpis, every=every), right=(1, 2))
    formed = study.formation
    if formed is not None and formed["n_cuts"]:
        greedy, gap = formed["greedy_usd"], formed["formation_gap_usd"]
        saved = greedy - formed["formed_usd"]
        share, most = (part / greedy if greedy else 0.0 for part in (saved, gap))
        left = f"greedy formation left ${saved:,.2f} ({share:.1%}) on the table, and ${gap:,.2f} ({most:.1%}) at most, over all replications"
        console.say()
        console.say(f"formation: {formed['n_cuts']:,} cuts, {formed['n_remembered']:,} remembered, {formed['n_solved']:,} solved; {left}")
    ageing_s = study.scenario.config.queue.ageing
    for line in (
        priority_line([one.counters for one in study.replications], ageing_s, every=every),
        near_duplicate_line(study.near_duplicates),
    ):
        if line:
            console.say()
            console.say(line)
    if study.budget is not None:
        console.say()
        console.print_table(list(BUDGET_COLUMNS), budget_rows(study.budget), right=(1, 2, 3, 4, 5))
        for line in (turned_away_line(study.budget), urgent_line(study.budget)):
            if line:
                console.say(line)
    for alert in study.alerts:
        console.say(f"alert: {alert}")
