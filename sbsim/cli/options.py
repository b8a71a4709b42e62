"""Options that several commands share, and what they load. Imports no more than typer needs to write help."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sbsim.scenario import Scenario as ScenarioModel

MOST_JOBS = 4096


def whole_number(text: str, low: int, high: int, example: int, option: str = "") -> int:
    """The number that an option gives; typer's own message does not say what was given. `option` where typer does not know which one is read."""
    if not text.strip().isdecimal() or not low <= int(text) <= high:
        raise typer.BadParameter(f"{option and f'{option}: '}{text!r} is not a whole number from {low} to {high}; try {example}")
    return int(text)


def _seed(text: str) -> int:
    return whole_number(text, 0, 2**63 - 1, 7)


def _processes(text: str) -> int:
    return whole_number(text, 1, MOST_JOBS, 2)


Scenario = Annotated[str, typer.Argument(metavar="SCENARIO", help="A YAML file, or the name of a shipped scenario.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change one value of the scenario, such as batching.max_wait=10s (repeatable)."),
]
Configs = Annotated[
    list[Path] | None,
    typer.Option("--config", metavar="FILE", help="Settings in place of the scenario's: yaml, json, toml or env (repeatable, the later one wins)."),
]

Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="FIELD=COLUMN",
        help="Where a field stands in the file (repeatable): arrived_at, prompt, content_type, engine, resolution, duration, priority, tenant, "
        "cost_usd, status, started_at, finished_at …; an unknown one lists them all.",
    ),
]
Defaults = Annotated[
    list[str] | None, typer.Option("--default", metavar="FIELD=VALUE", help="What the file does not say, for every row (repeatable).")
]
SkipBadRows = Annotated[bool, typer.Option("--skip-bad-rows", help="Leave bad rows out and count them, instead of refusing the file.")]

Seed = Annotated[int | None, typer.Option("--seed", parser=_seed, metavar="N", help="Root seed, in place of the scenario's.")]
Jobs = Annotated[
    int | None, typer.Option("--jobs", parser=_processes, metavar="N", help="Processes to use; the result is the same. Default: one per core.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no warnings.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw it: png, svg or pdf, by the name's ending.")]
Meta = Annotated[bool, typer.Option("--meta", help='Add timings to the JSON document, under "meta".')]


def pairs(option: str, given: list[str] | None) -> dict[str, str]:
    """FIELD=VALUE options as a mapping."""
    found = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise typer.BadParameter(
                f"{option} {text}: not FIELD=VALUE; try {option} {'arrived_at=ts' if option == '--column' else 'content_type=image'}"
            )
        found[name] = value
    return found


def figure_kind(path: Path) -> str:
    """The kind of figure that a file's name asks for; what cannot be written is refused before minutes of work are spent on it."""
    from sbsim.errors import OutputError
    from sbsim.report.figures import FORMATS

    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise typer.BadParameter(f"--plot {path}: the name must end in {', '.join(f'.{each}' for each in FORMATS)}; try {path.with_suffix('.png')}")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: cannot be written: there is no folder {path.parent}; try another place")
    return kind


def load_scenario(name: str, sets: list[str] | None, configs: list[Path] | None) -> ScenarioModel:
    """The scenario with everything the command line changes in it; what it minimises and asks for are KPIs that there are."""
    from sbsim.measure import find_kpi
    from sbsim.scenario import load

    loaded = load(name, sets=sets or [], configs=configs or [])
    spelling = "minimize" if "minimize" in (loaded.document.get("objective") or {}) else "minimise"
    find_kpi(loaded.objective.minimise, where=loaded.where("objective", spelling))
    for k, constraint in enumerate(loaded.objective.subject_to):
        find_kpi(constraint.kpi, where=loaded.where("objective", "subject_to", k))
    return loaded


def n_jobs(jobs: int | None) -> int:
    """Processes to use: as many as asked for, else one per core that we may use."""
    if jobs is not None:
        return jobs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
