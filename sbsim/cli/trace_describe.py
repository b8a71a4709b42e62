"""`sbsim trace describe`: what a file of recorded traffic holds, and how well a price list reproduces its bill, before anything is simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbsim.cli.options import Columns, Defaults, Json, Plot, Quiet, SkipBadRows, figure_kind, pairs

if TYPE_CHECKING:
    from sbsim.scenario import ProviderSpec
    from sbsim.workload import Bills, Description
    from sbsim.workload.describe import Histogram, Quantiles
    from sbsim.workload.traces import Trace

MOST_SHOWN = 8
"""Rows of a list that the table shows; --json has them all."""
_BAR = 30


def describe(
    path: Annotated[str, typer.Argument(metavar="FILE", help="A csv, jsonl or Parquet file; a folder for servegen.")],
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="generic, sbsim, azure-llm, gentd26, mooncake, servegen, openai-batch or litellm-spend-logs. Default: generic.",
        ),
    ] = None,
    columns: Columns = None,
    defaults: Defaults = None,
    prices: Annotated[
        str | None,
        typer.Option(
            "--prices", metavar="SCENARIO", help="Compare the recorded bill with the one at these prices: a scenario, or a file of providers."
        ),
    ] = None,
    plot: Plot = None,
    skip: SkipBadRows = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Describe recorded traffic: how much, how bursty, of what, how often the same, and what it cost.

    With --prices a scenario whose traffic is a trace also says how FILE is to be read, where the other options do not.

    \b
    Examples:
      sbsim trace describe AzureLLMInferenceTrace_conv.csv --format azure-llm
      sbsim trace describe requests.csv --column arrived_at=ts --column prompt=text --default content_type=image --plot traffic.svg
      sbsim trace describe spend.json --format litellm-spend-logs --prices my-scenario.yaml
      sbsim trace describe requests.parquet --skip-bad-rows --json
    """
    from sbsim.cli import console
    from sbsim.workload import bills, described
    from sbsim.workload.traces import read_trace

    kind = None if plot is None else figure_kind(plot)
    providers, reading = ((), {}) if prices is None else _prices(prices)
    given = {"format": format, "columns": pairs("--column", columns), "defaults": {**reading.pop("defaults", {}), **pairs("--default", defaults)}}
    if not (given["format"] or given["columns"]):
        given.update(reading)
    trace = read_trace(path, on_bad_row="skip" if skip else "error", **{**given, "format": given["format"] or "generic"})  # type: ignore[arg-type]
    found = described(trace)
    billed = None if prices is None else bills(trace, providers)
    warnings = [*found.warnings, *_warnings(prices, billed)]
    if plot is not None and kind is not None:
        _draw(plot, kind, trace, found)
    if json:
        console.print_json(to_document(found, billed, warnings))
        return
    console.warn(warnings, quiet=quiet)
    _show(found)
    if billed is not None:
        _show_bills(billed, path)
    if plot is not None:
        console.say()
        console.say(f"written: {plot}")


def to_document(described: Description, billed: Bills | None, warnings: list[str]) -> dict[str, Any]:
    """The description as the JSON document `sbsim.trace/1`; `billed` is there with --prices where any row states its cost."""
    document = {"schema": "sbsim.trace/1", **asdict(described), "warnings": warnings}
    if billed is not None:
        document["billed"] = {**asdict(billed), "difference": billed.difference}
    return document


def _prices(prices: str) -> tuple[tuple[ProviderSpec, ...], dict[str, Any]]:
    """The lanes of a scenario or a file of providers, and how a scenario on a trace reads it."""
    from sbsim.scenario import load, shipped
    from sbsim.scenario.deployment import load_providers, says_traffic

    if prices not in shipped() and not Path(prices).is_file():
        raise typer.BadParameter(
            f"--prices {prices}: no such file; allowed: a scenario, or a file with a list `providers`; shipped: {', '.join(shipped())}"
        )
    if prices not in shipped() and not says_traffic(prices):
        return load_providers(prices), {}
    scenario = load(prices)
    workload = scenario.workload
    reading = {"format": workload.format, "columns": workload.columns, "defaults": workload.defaults} if workload.source == "trace" else {}
    return scenario.providers, reading


def _warnings(prices: str | None, billed: Bills | None) -> tuple[str, ...]:
    if billed is not None:
        return billed.warnings
    return () if prices is None else ("no row states what it cost, so there is no bill to compare; try --column cost_usd=NAME",)


def _draw(path: Path, kind: str, trace: Trace, found: Description) -> None:
    from sbsim.report.traffic import draw_traffic
    from sbsim.search.files import write_files
    from sbsim.workload import repeats

    write_files({path: draw_traffic(trace, found, repeats(trace), kind)})


# -- tables ------------------------------------------------------------------------------------------------------------------
def _number(value: float | None) -> str:
    from sbsim.report.tables import NOTHING

    return NOTHING if value is None else f"{value:,.6g}"


def _span(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    from sbsim.report.traffic import time_unit

    unit, size = time_unit(seconds)
    return f"{seconds / size:,.4g} {unit}"


def _show(described: Description) -> None:
    from sbsim.cli import console

    console.say(f"{described.path} ({described.format})")
    console.say()
    console.print_table(["traffic", ""], _facts(described), right=(1,))
    if described.unused_columns:
        console.say()
        console.say(f"columns that nothing reads: {_listed(described.unused_columns)}; try --column FIELD=COLUMN")
    _show_over_time(described)
    _show_quantities({"gap_s": described.gaps_s, **described.sizes})
    for title, shares in (("class", described.classes), ("resolution", described.resolutions), ("style", described.styles)):
        _show_shares(title, shares)
    if described.recorded is not None:
        recorded = described.recorded
        _show_shares("ended", recorded.statuses)
        _show_shares("provider", recorded.providers)
        _show_quantities({"waited_s": recorded.waited_s, "took_s": recorded.took_s})


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return ", ".join(names[:MOST_SHOWN]) + more


def _facts(described: Description) -> list[list[str]]:
    from sbsim.report.tables import NOTHING

    facts = [
        ["requests", f"{described.n_rows:,}"],
        ["bad rows left out", f"{described.n_skipped_rows:,}"],
        ["begins at", described.starts_at or "(relative times)"],
        ["spans", _span(described.span_s)],
        ["requests per second", _number(described.rate_per_s)],
        ["CV of gaps (Poisson: 1)", _number(described.gap_cv)],
        ["fullest minute / mean minute", _number(described.peak_to_mean)],
        ["tenants", f"{described.n_tenants:,}"],
        ["distinct contents", f"{described.n_contents:,}"],
        ["exact repeats", NOTHING if described.exact_repeats is None else f"{described.exact_repeats:.1%}"],
    ]
    if described.prefix_hits is not None:
        facts.append(["blocks of prompts", f"{described.prefix_blocks:,}"])
        facts.append(["of them seen before", f"{described.prefix_hits:.2%}"])
    recorded = described.recorded
    if recorded is not None and recorded.n_costs:
        facts.append([f"billed (in {recorded.n_costs:,} rows)", f"${recorded.cost_usd:,.6g}"])
    if recorded is not None and recorded.cached is not None:
        facts.append(["answered by a cache", f"{recorded.cached:.1%}"])
    for name, value in (described.promised or {}).items():
        facts.append([f"promised: {name}", _number(value)])
    return facts


def _show_over_time(described: Description) -> None:
    from sbsim.cli import console
    from sbsim.report.traffic import sparkline

    edges, counts = described.arrivals.edges, described.arrivals.counts
    if len(counts) > 1:
        console.say()
        console.say(f"arrivals, a bar for {_span(edges[1] - edges[0])}, the highest {max(counts):,}:")
        console.say(sparkline(counts))
    if described.gaps is not None:
        console.say()
        console.print_table(["gap", "share", ""], _gap_rows(described.gaps), right=(1,))


def _gap_rows(gaps: Histogram) -> list[list[str]]:
    """How many gaps are how long, with a bar each."""
    whole, rows = sum(gaps.counts), []
    for count, low, high in zip(gaps.counts, gaps.edges, gaps.edges[1:], strict=False):
        share = count / whole
        rows.append([f"below {high:g} s" if low == 0 else f"{low:g} to {high:g} s", f"{share:.1%}", "█" * round(_BAR * share)])
    return rows


def _show_quantities(quantities: Mapping[str, Quantiles | None]) -> None:
    from sbsim.cli import console

    rows = [
        [name, *(_number(value) for value in (q.mean, q.minimum, q.p50, q.p90, q.p99, q.maximum))] for name, q in quantities.items() if q is not None
    ]
    if rows:
        console.say()
        console.print_table(["quantity", "mean", "min", "p50", "p90", "p99", "max"], rows, right=(1, 2, 3, 4, 5, 6))


def _show_shares(title: str, shares: Mapping[str, float]) -> None:
    from sbsim.cli import console

    if not shares:
        return
    listed = [[name, f"{share:.1%}"] for name, share in list(shares.items())[:MOST_SHOWN]]
    if len(shares) > MOST_SHOWN:
        listed.append([f"({len(shares) - MOST_SHOWN} more)", f"{sum(list(shares.values())[MOST_SHOWN:]):.1%}"])
    console.say()
    console.print_table([title, "share"], listed, right=(1,))


def _show_bills(billed: Bills, path: str) -> None:
    from sbsim.cli import console
    from sbsim.report.tables import NOTHING

    def usd(value: float) -> str:
        return f"{value:,.6f}"

    def apart(recorded: float, modelled: float) -> str:
        return NOTHING if recorded == 0 else f"{(modelled - recorded) / recorded:+.2%}"

    console.say()
    console.say(billed.line)
    console.say()
    rows = [[one.engine, f"{one.n_rows:,}", usd(one.recorded_usd), usd(one.modelled_usd), apart(one.recorded_usd, one.modelled_usd)]
            for one in billed.engines]  # fmt: skip
    console.print_table(["engine", "rows", "recorded USD", "modelled USD", "apart"], rows, right=(1, 2, 3, 4))
    if billed.residuals:
        console.say()
        console.say("the rows that differ most:")
        rows = [
            [
                one.place.removeprefix(path).lstrip(": ").removeprefix("row "), one.engine, one.status, usd(one.recorded_usd), usd(one.modelled_usd),
                f"{one.modelled_usd - one.recorded_usd:+,.6f}",
            ]
            for one in billed.residuals
        ]  # fmt: skip
        console.print_table(["line", "engine", "ended", "recorded USD", "modelled USD", "apart USD"], rows, right=(0, 3, 4, 5))
