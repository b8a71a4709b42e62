"""`sbsim trace cache`: how often caches of several sizes and policies would miss on recorded traffic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbsim.cli.options import Columns, Defaults, Json, Plot, Quiet, SkipBadRows, figure_kind, pairs, whole_number

if TYPE_CHECKING:
    from sbsim.workload.reuse.accesses import Accesses
    from sbsim.workload.reuse.miss_ratios import Curve

MOST_ENTRIES = 10**12


def cache(
    path: Annotated[str, typer.Argument(metavar="FILE", help="A csv, jsonl or Parquet file, or a text file with one key a line.")],
    sizes: Annotated[
        str | None, typer.Option("--sizes", metavar="N,N,…", help="Entries of the cache. Default: 1 % to 50 % of the distinct contents.")
    ] = None,
    policies: Annotated[
        list[str] | None,
        typer.Option("--policy", metavar="NAME,…", help="lru, lfu, sieve, w_tinylfu, gdsf, belady, unlimited (repeatable). Default: all."),
    ] = None,
    ttl: Annotated[str | None, typer.Option("--ttl", metavar="DURATION", help="How long an entry lives, such as 1h. Default: for ever.")] = None,
    plot: Plot = None,
    format: Annotated[
        str | None, typer.Option("--format", metavar="NAME", help="A trace format, or lines. Default: lines for plain text, else generic.")
    ] = None,
    columns: Columns = None,
    defaults: Defaults = None,
    skip: SkipBadRows = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show the miss ratio of every cache policy at several sizes, and what no policy can beat.

    What is missed is there at once. `belady` evicts what is asked for again last, which nobody can know in production; `unlimited` evicts nothing.

    \b
    Examples:
      sbsim trace cache requests.csv --sizes 250,500,1000,2000
      sbsim trace cache requests.csv --policy lru,sieve,belady --ttl 1h --plot miss-ratios.png
      sbsim trace cache keys.txt --sizes 1000 --json
    """
    from sbsim.cli import console
    from sbsim.workload.reuse.accesses import read_accesses
    from sbsim.workload.reuse.miss_ratios import EVERY_POLICY, default_sizes, miss_ratio_curves

    entries = None if sizes is None else [whole_number(each, 1, MOST_ENTRIES, 1000, "--sizes") for each in sizes.split(",")]
    ttl_s = None if ttl is None else _seconds(ttl)
    accesses = read_accesses(
        path,
        format=format,
        columns=pairs("--column", columns),
        defaults=pairs("--default", defaults),
        on_bad_row="skip" if skip else "error",
    )
    wanted = tuple(dict.fromkeys(name.strip() for each in policies or () for name in each.split(","))) or EVERY_POLICY
    curves = miss_ratio_curves(accesses, entries or default_sizes(accesses), wanted, ttl_s)
    if plot is not None:
        _draw(plot, curves)
    if json:
        console.print_json(to_document(accesses, curves, ttl_s))
        return
    console.warn(accesses.warnings, quiet=quiet)
    _show(accesses, curves)
    if plot is not None:
        console.say()
        console.say(f"written: {plot}")


def _seconds(ttl: str) -> float | None:
    from sbsim.units import parse_duration

    try:
        seconds = parse_duration(ttl) if ttl.lower() != "none" else None
    except ValueError as error:
        raise typer.BadParameter(f"--ttl {ttl}: {error}") from None
    if seconds is not None and seconds <= 0:
        raise typer.BadParameter(f"--ttl {ttl}: must be > 0 s; try 1h, or leaving it out")
    return seconds


def to_document(accesses: Accesses, curves: list[Curve], ttl_s: float | None) -> dict[str, Any]:
    """The curves as the JSON document `sbsim.trace.cache/1`."""
    return {
        "schema": "sbsim.trace.cache/1",
        "path": accesses.path,
        "format": accesses.format,
        "n_requests": accesses.n,
        "n_contents": accesses.n_contents,
        "ttl_s": ttl_s,
        "sizes": [point.size for point in curves[0].points],
        "curves": {curve.policy: [point._asdict() for point in curve.points] for curve in curves},
        "warnings": list(accesses.warnings),
    }


def _draw(path: Path, curves: list[Curve]) -> None:
    from sbsim.report.miss_ratios import draw_miss_ratios
    from sbsim.search.files import write_files

    write_files({path: draw_miss_ratios(curves, figure_kind(path))})


def _show(accesses: Accesses, curves: list[Curve]) -> None:
    from sbsim.cli import console

    console.say(f"{accesses.path} ({accesses.format}): {accesses.n:,} requests for {accesses.n_contents:,} contents")
    console.say()
    console.say("miss ratio by entries")
    console.say()
    rows = [
        [f"{points[0].size:,}", *(f"{point.miss_ratio:.4f}" for point in points)] for points in zip(*(curve.points for curve in curves), strict=True)
    ]
    console.print_table(["entries", *(curve.policy for curve in curves)], rows, right=range(len(curves) + 1))
