"""`sbsim explain --claims`: what is promised of batching layers, on the shipped workloads or on one's own."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from sbsim.cli.options import load_scenario, n_jobs

if TYPE_CHECKING:
    from sbsim.claims import Answer
    from sbsim.scenario import Scenario

WITHOUT_DATA = "shipped without data; its file says where they are and how to bring them: --trace FILE"


def claims(
    name: str | None, trace: Path | None, sets: list[str] | None, configs: list[Path] | None, seed: int | None, jobs: int | None,
    json: bool, quiet: bool, meta: bool,
) -> None:  # fmt: skip
    """Try every claim on the scenario of that name, or on each shipped one; options as of the command."""
    started_at = perf_counter()
    from sbsim.claims import Answer, shipped_workloads, tried
    from sbsim.cli import console

    names = [name] if name is not None else shipped_workloads()
    scenarios = {each: _loaded(each, trace, sets, configs) for each in names}
    has_data = {each: one for each, one in scenarios.items() if name is not None or one.workload.source != "trace" or one.workload.path is not None}
    left_out = {each: WITHOUT_DATA for each in names if each not in has_data}
    trials = []
    for each, scenario in has_data.items():
        with console.progress(f"{each}: studies", quiet=quiet) as progress:
            trials.append(tried(scenario, seed=seed, jobs=n_jobs(jobs), progress=progress))
    answer = Answer(trials, left_out)
    console.warn([f"{each}: {why}" for each, why in left_out.items()], quiet=quiet)
    if not json:
        _show(answer)
        return
    document = answer.to_plain()
    if meta:
        document["meta"] = {"elapsed_s": perf_counter() - started_at, "jobs": n_jobs(jobs)}
    console.print_json(document)


def _loaded(name: str, trace: Path | None, sets: list[str] | None, configs: list[Path] | None) -> Scenario:
    """The scenario, with the trace where its traffic is one."""
    scenario = load_scenario(name, sets, configs)
    if trace is None or scenario.workload.source != "trace":
        return scenario
    return load_scenario(name, [*(sets or ()), f"workload.path={trace}"], configs)


def _show(answer: Answer) -> None:
    from sbsim.claims import CLAIMS
    from sbsim.cli import console
    from sbsim.report.claims import COLUMNS, claim_rows

    console.print_table(list(COLUMNS), claim_rows(answer), right=(3, 4))
    console.say()
    for claim in CLAIMS:
        console.say(f"- {answer.sentence(claim)}")
    console.say()
    console.say(
        "A claim holds on a workload where the whole 95 % interval lies at or above the least that was promised, and holds not where it lies below. "
        "--json says how each was measured."
    )
