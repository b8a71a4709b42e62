"""`sbsim explain`: where the savings come from."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from sbsim.cli.claims import claims as show_claims
from sbsim.cli.options import Configs, Jobs, Json, Meta, Plot, Quiet, Seed, Sets, figure_kind, load_scenario, n_jobs

if TYPE_CHECKING:
    from sbsim.search.explain import Explanation


def explain(
    scenario: Annotated[
        str | None, typer.Argument(metavar="SCENARIO", help="A YAML file, or the name of a shipped scenario (with --claims not needed).")
    ] = None,
    ablation: Annotated[bool, typer.Option("--ablation", help="Also switch each mechanism off in turn: what is it worth beside the others?")] = False,
    claims: Annotated[
        bool, typer.Option("--claims", help="Instead: what is promised of batching layers, on SCENARIO, or on every shipped claims/ scenario.")
    ] = False,
    trace: Annotated[Path | None, typer.Option("--trace", metavar="FILE", help="Traffic for claims/ scenarios shipped without data.")] = None,
    plot: Plot = None,
    sets: Sets = None,
    configs: Configs = None,
    seed: Seed = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    meta: Meta = False,
) -> None:
    """Show where the savings come from, cause by cause.

    Every request's saving against the price list has one cause, and in every replication the causes add up to savings_usd to the nano-dollar.
    --claims asks another question: which promises of batching layers hold on a workload.

    \b
    Examples:
      sbsim explain quickstart
      sbsim explain quickstart --config out/recommended.yaml --plot savings.svg
      sbsim explain my-scenario.yaml --ablation --json
      sbsim explain --claims --trace prompts.csv
    """
    if claims:
        if ablation or plot is not None:
            raise typer.BadParameter("--claims goes without --ablation and --plot; try two commands")
        show_claims(scenario, trace, sets, configs, seed, jobs, json, quiet, meta)
        return
    if scenario is None:
        raise typer.BadParameter("SCENARIO is missing: a YAML file or the name of a shipped scenario; try sbsim explain quickstart")
    if trace is not None:
        raise typer.BadParameter(f"--trace {trace}: goes with --claims only; try --set workload.path={trace}")
    started_at = perf_counter()
    from sbsim.cli import console
    from sbsim.search.explain import explain as explain_study

    kind = None if plot is None else figure_kind(plot)
    loaded = load_scenario(scenario, sets, configs)
    with console.progress(f"{loaded.name}: replications", quiet=quiet) as progress:
        explained = explain_study(loaded, seed=seed, ablation=ablation, jobs=n_jobs(jobs), progress=progress)
    if plot is not None and kind is not None:
        from sbsim.report.waterfall import draw_waterfall
        from sbsim.search.files import write_files

        write_files({plot: draw_waterfall(explained, kind)})
    console.warn(explained.study.warnings, quiet=quiet)
    if json:
        document = explained.to_plain()
        if meta:
            document["meta"] = {"elapsed_s": perf_counter() - started_at, "jobs": n_jobs(jobs)}
        console.print_json(document)
        return
    _show(explained)
    if plot is not None:
        console.say()
        console.say(f"written: {plot}")


def _show(explained: Explanation) -> None:
    from sbsim.cli import console
    from sbsim.report.waterfall import COLUMNS, EFFECT_COLUMNS, effect_rows, waterfall_rows
    from sbsim.search.explain import ABLATION, LEDGER

    study = explained.study
    console.say(f"{study.scenario.name}: {len(study.replications)} replications, seed {study.seed}; half-widths (95 %) are over {study.over}")
    console.say()
    console.print_table(list(COLUMNS), waterfall_rows(explained), right=(1, 2, 3))
    console.say()
    console.say(f"The ledger: {LEDGER}.")
    if explained.effects is not None:
        console.say()
        console.print_table(list(EFFECT_COLUMNS), list(effect_rows(explained)), right=(1, 2, 3))
        console.say()
        console.say(f"The ablation answers {ABLATION}.")
