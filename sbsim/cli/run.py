"""`sbsim run`: one scenario, simulated as it stands."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbsim.cli.options import Configs, Jobs, Json, Meta, Quiet, Scenario, Seed, Sets, load_scenario, n_jobs

if TYPE_CHECKING:
    from sbsim.simulation.study import Study

SECTIONS = {
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
"""What the table shows unless `--all` asks for every KPI."""


def run(
    scenario: Scenario,
    sets: Sets = None,
    configs: Configs = None,
    seed: Seed = None,
    jobs: Jobs = None,
    json: Json = False,
    every: Annotated[bool, typer.Option("--all", help="Show every KPI, not only the usual ones.")] = False,
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
      sbsim run quickstart --overload
    """
    started_at = perf_counter()
    from sbsim.cli import console
    from sbsim.simulation.study import simulate

    loaded = load_scenario(scenario, sets, configs)
    if overload:
        from sbsim.simulation.study import squeezed

        loaded, factor = squeezed(loaded, seed=seed)
        console.warn([f"traffic {factor:g} times as fast, so that it saturates: only capacity_per_s is a result"], quiet=quiet)
    with console.progress(f"{loaded.name}: replications", quiet=quiet) as progress:
        study = simulate(loaded, seed=seed, jobs=n_jobs(jobs), progress=progress)
    console.warn(study.warnings, quiet=quiet)
    if not json:
        _show(study, every)
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
    }


def _show(study: Study, every: bool) -> None:
    from sbsim.cli import console
    from sbsim.cli.figures import NOTHING, figures
    from sbsim.measure import KPI_BY_NAME

    console.say(f"{study.scenario.name}: {len(study.replications)} replications, seed {study.seed}; half-widths (95 %) are over {study.over}")
    console.say()
    rows: list[list[str] | None] = []
    for names in [tuple(study.kpis)] if every else list(SECTIONS.values()):
        shown = [[name, *figures(study.kpis[name]), KPI_BY_NAME[name].unit] for name in names]
        rows.extend(row for row in shown if every or row[1] != NOTHING)
        rows.append(None)
    console.print_table(["KPI", "mean", "± 95 %", "unit"], rows, right=(1, 2))
    for alert in study.alerts:
        console.say(f"alert: {alert}")
