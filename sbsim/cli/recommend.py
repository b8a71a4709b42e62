"""`sbsim recommend`: the settings that cost least within the constraints."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from sbsim.cli.options import Configs, Jobs, Json, Meta, Plot, Quiet, Scenario, Seed, Sets, figure_kind, load_scenario, n_jobs, whole_number

if TYPE_CHECKING:
    from sbsim.recommendation import Recommendation
    from sbsim.scenario import Scenario as ScenarioModel

SHOWN = (
    "total_cost_usd", "provider_cost_usd", "penalty_cost_usd", "sla_compliance", "mean_latency_s", "p95_latency_s", "cache_hit_ratio", "n_calls",
    "average_call_size",
)  # fmt: skip
"""KPIs beside those of objective and constraints."""


def _evaluations(text: str) -> int:
    from sbsim.recommendation.inquiry import FEWEST_EVALUATIONS

    return whole_number(text, FEWEST_EVALUATIONS, 10**6, 150)


def recommend(
    scenario: Scenario,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for recommended.yaml, recommended.env, evidence.json.")] = None,
    evaluations: Annotated[
        int | None, typer.Option("--evaluations", parser=_evaluations, metavar="N", help="Runs that the search may spend. Default: 150.")
    ] = None,
    plot: Plot = None,
    sets: Sets = None,
    configs: Configs = None,
    seed: Seed = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    meta: Meta = False,
) -> None:
    """Search the settings that cost least within the constraints, and say how sure that is.

    The scenario's `search` names the settings to vary, its `config` is what runs today. The verdict is deploy, keep or infeasible (exit code 1); it
    rests on seeds that the search has not seen. An interrupted search goes on where it stopped when it is started again with the same DIR.

    \b
    Examples:
      sbsim recommend quickstart --out out --plot candidates.png
      sbsim recommend azure-hour --set workload.path=AzureLLMInferenceTrace_conv.csv --out out
      sbsim recommend my-scenario.yaml --evaluations 400 --seed 3 --json
    """
    started_at = perf_counter()
    from sbsim.cli import console
    from sbsim.export import recommend as search_and_write
    from sbsim.recommendation import EVALUATIONS, INFEASIBLE

    if plot is not None:
        figure_kind(plot)
    loaded = load_scenario(scenario, sets, configs)
    console.warn([*loaded.warnings, *_of_the_bill(loaded)], quiet=quiet)
    with console.progress(f"{loaded.name}: evaluations", quiet=quiet) as progress:
        answer = search_and_write(loaded, out=out, seed=seed, evaluations=evaluations or EVALUATIONS, jobs=n_jobs(jobs), progress=progress)
    if plot is not None:
        from sbsim.report import plot_candidates, save

        save(plot_candidates(answer.evidence), plot)
    if json:
        document = answer.to_plain()
        if meta:
            document["meta"] = {"elapsed_s": perf_counter() - started_at, "jobs": n_jobs(jobs)}
        console.print_json(document)
    else:
        _show(answer, [*([] if out is None else _written_files(out)), *([] if plot is None else [plot])])
    if answer.verdict == INFEASIBLE:
        raise typer.Exit(1)


def _of_the_bill(scenario: ScenarioModel) -> tuple[str, ...]:
    """What a reader should know before believing what is saved: how far the prices are from the bill that a trace recorded."""
    from sbsim.workload import bills_of

    billed = bills_of(scenario)
    return () if billed is None else billed.warnings


def _show(answer: Recommendation, written: list[Path]) -> None:
    from sbsim.cli import console

    console.say(answer.notes[0])
    if answer.changes:
        console.say()
        rows = [[path, _written(path, old), _written(path, new)] for path, (old, new) in answer.changes.items()]
        console.print_table(["setting", "today", "recommended"], [list(row) for row in rows], right=(1, 2))
    console.say()
    _show_kpis(answer)
    console.say()
    for note in answer.notes[1:]:
        if note not in answer.scenario.warnings:
            console.say(f"- {note}")
    for alert in answer.alerts:
        console.say(f"- alert: {alert}")
    if written:
        console.say()
        console.say(f"written: {', '.join(str(path) for path in written)}")


def _show_kpis(answer: Recommendation) -> None:
    from sbsim.cli import console
    from sbsim.measure import KPI_BY_NAME
    from sbsim.report.tables import NOTHING, with_half_width

    objective = answer.scenario.objective
    names = dict.fromkeys([objective.minimise, *SHOWN[:3], *(constraint.kpi for constraint in objective.subject_to), *SHOWN[3:]])
    today, then = answer.baseline_kpis, answer.recommended.kpis
    columns = ["KPI (mean ± 95 %)", "today", "recommended", "unit"]
    rows = [[name, *(with_half_width(kpis[name]) if kpis else NOTHING for kpis in (today, then)), KPI_BY_NAME[name].unit] for name in names]
    console.print_table(columns, [list(row) for row in rows], right=(1, 2))
    console.say()
    console.say(f"reported on {answer.reported_on}; half-widths are over {answer.over}")


def _written_files(out: Path) -> list[Path]:
    from sbsim.export import FILES

    return [out / name for name in FILES if (out / name).is_file()]


def _written(path: str, value: object) -> str:
    from sbsim.cli.settings import written
    from sbsim.config import find_setting

    return written(value, find_setting(path).unit)
