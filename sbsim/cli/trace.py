"""`sbsim trace describe`: what a file of recorded traffic holds, before anything is simulated with it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from sbsim.cli import trace_cache
from sbsim.cli.options import Columns, Defaults, Json, Quiet, SkipBadRows, pairs

if TYPE_CHECKING:
    from sbsim.workload import Description

app = typer.Typer(rich_markup_mode=None)

MOST_SHOWN = 8
"""Rows of a list that the table shows; --json has them all."""


@app.callback()
def trace() -> None:
    """Look at recorded traffic.

    \b
    Examples:
      sbsim trace describe requests.csv
      sbsim trace cache requests.csv
    """


app.command("cache")(trace_cache.cache)


@app.command("describe")
def describe(
    path: Annotated[str, typer.Argument(metavar="FILE", help="A csv, jsonl or Parquet file.")],
    format: Annotated[str, typer.Option("--format", metavar="NAME", help="generic, azure-llm or gentd26.")] = "generic",
    columns: Columns = None,
    defaults: Defaults = None,
    skip: SkipBadRows = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Describe recorded traffic: how much, how bursty, of what, how often the same.

    \b
    Examples:
      sbsim trace describe AzureLLMInferenceTrace_conv.csv --format azure-llm
      sbsim trace describe requests.csv --column arrived_at=ts --column prompt=text --default content_type=image
      sbsim trace describe requests.parquet --skip-bad-rows --json
    """
    from sbsim.cli import console
    from sbsim.workload import describe as read_and_describe

    described = read_and_describe(
        path,
        format=format,
        columns=pairs("--column", columns),
        defaults=pairs("--default", defaults),
        on_bad_row="skip" if skip else "error",
    )
    if json:
        console.print_json({"schema": "sbsim.trace/1", **asdict(described)})
        return
    console.warn(described.warnings, quiet=quiet)
    _show(described)


def _span(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    unit, size = next(((unit, size) for unit, size in (("d", 86400), ("h", 3600), ("min", 60)) if seconds >= 2 * size), ("s", 1))
    return f"{seconds / size:,.4g} {unit}"


def _show(described: Description) -> None:
    from sbsim.cli import console
    from sbsim.report.tables import NOTHING

    def number(value: float | None) -> str:
        return NOTHING if value is None else f"{value:,.6g}"

    facts = [
        ["requests", f"{described.n_rows:,}"],
        ["bad rows left out", f"{described.n_skipped_rows:,}"],
        ["begins at", described.starts_at or "(relative times)"],
        ["spans", _span(described.span_s)],
        ["requests per second", number(described.rate_per_s)],
        ["CV of gaps (Poisson: 1)", number(described.gap_cv)],
        ["fullest minute / mean minute", number(described.peak_to_mean)],
        ["tenants", f"{described.n_tenants:,}"],
        ["distinct contents", f"{described.n_contents:,}"],
        ["exact repeats", NOTHING if described.exact_repeats is None else f"{described.exact_repeats:.1%}"],
    ]
    console.say(f"{described.path} ({described.format})")
    console.say()
    console.print_table(["traffic", ""], [list(row) for row in facts], right=(1,))
    quantities = {"gap_s": described.gaps_s, **described.sizes}
    rows = [
        [name, *(number(value) for value in (q.mean, q.minimum, q.p50, q.p90, q.p99, q.maximum))] for name, q in quantities.items() if q is not None
    ]
    console.say()
    console.print_table(["quantity", "mean", "min", "p50", "p90", "p99", "max"], rows, right=(1, 2, 3, 4, 5, 6))
    for title, shares in (("class", described.classes), ("resolution", described.resolutions), ("style", described.styles)):
        if shares:
            listed = [[name, f"{share:.1%}"] for name, share in list(shares.items())[:MOST_SHOWN]]
            if len(shares) > MOST_SHOWN:
                listed.append([f"({len(shares) - MOST_SHOWN} more)", f"{sum(list(shares.values())[MOST_SHOWN:]):.1%}"])
            console.say()
            console.print_table([title, "share"], [list(row) for row in listed], right=(1,))
