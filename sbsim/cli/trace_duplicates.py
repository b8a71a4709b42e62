"""`sbsim trace duplicates`: what near-duplicates would save on recorded prompts, and which matches to look at first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbsim.cli.options import Columns, Defaults, Json, Quiet, SkipBadRows, pairs, whole_number

if TYPE_CHECKING:
    from sbsim.workload.reuse.duplicates import Match, Reuse
    from sbsim.workload.reuse.prompts import Prompts

THRESHOLDS = "0.5,0.6,0.7,0.75,0.8,0.85,0.9,0.95,1"
MOST_SHOWN = 10_000
_LOW = 0.7
"""Below this threshold the share of common words decides: on real prompts 0.5 finds 0.3 % more than 0.7 (measured at `LEAST_SHARED`)."""


def duplicates(
    path: Annotated[str, typer.Argument(metavar="FILE", help="A csv, jsonl or Parquet file with prompts, or a text file with one prompt a line.")],
    thresholds: Annotated[str, typer.Option("--thresholds", metavar="X,X,…", help="Likeness from which content is reused, 0.5 to 1.")] = THRESHOLDS,
    at: Annotated[str, typer.Option("--at", metavar="X", help="The threshold whose riskiest matches are shown.")] = "0.8",
    show: Annotated[str, typer.Option("--show", metavar="N", help="How many of them.")] = "10",
    format: Annotated[
        str | None, typer.Option("--format", metavar="NAME", help="A trace format, or lines. Default: lines for plain text, else generic.")
    ] = None,
    columns: Columns = None,
    defaults: Defaults = None,
    skip: SkipBadRows = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what share of requests near-duplicates would answer at each threshold, and the riskiest matches.

    A request is answered with content made for other words when everything but the prompt is equal and the prompts are alike enough. Matches that
    differ in numbers, negations or names come first, then the least alike: look at them before you choose a threshold.

    \b
    Examples:
      sbsim trace duplicates prompts.txt
      sbsim trace duplicates requests.csv --thresholds 0.7,0.8,0.9 --at 0.9 --show 20
      sbsim trace duplicates requests.csv --column prompt=text --json
    """
    from sbsim.cli import console
    from sbsim.workload.reuse.duplicates import Duplicates, reuse_by_threshold
    from sbsim.workload.reuse.prompts import read_prompts

    levels = [_threshold("--thresholds", text) for text in thresholds.split(",")]
    level, n_shown = _threshold("--at", at), whole_number(show, 0, MOST_SHOWN, 10, "--show")
    prompts = read_prompts(
        path,
        format=format,
        columns=pairs("--column", columns),
        defaults=pairs("--default", defaults),
        on_bad_row="skip" if skip else "error",
    )
    found = Duplicates(prompts)
    reuse, riskiest = reuse_by_threshold(found, levels), found.riskiest(level, n_shown)
    if json:
        console.print_json(to_document(prompts, reuse, level, riskiest))
        return
    console.warn(prompts.warnings, quiet=quiet)
    _show(prompts, reuse, level, riskiest)


def _threshold(option: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.5 <= value <= 1.0:
        raise typer.BadParameter(f"{option} {text}: not a number from 0.5 to 1; try 0.8")
    return value


def to_document(prompts: Prompts, reuse: list[Reuse], at: float, riskiest: list[Match]) -> dict[str, Any]:
    """The result as the JSON document `sbsim.trace.duplicates/1`."""
    from sbsim.components.near_duplicates import LEAST_SHARED

    return {
        "schema": "sbsim.trace.duplicates/1",
        "path": prompts.path,
        "format": prompts.format,
        "n_requests": prompts.n,
        "n_contents": len(prompts.prompts),
        "thresholds": [each._asdict() for each in reuse],
        "least_shared_words": LEAST_SHARED,
        "at": at,
        "riskiest": [match._asdict() for match in riskiest],
        "warnings": list(prompts.warnings),
    }


def _show(prompts: Prompts, reuse: list[Reuse], at: float, riskiest: list[Match]) -> None:
    from sbsim.cli import console
    from sbsim.components.near_duplicates import LEAST_SHARED

    console.say(f"{prompts.path} ({prompts.format}): {prompts.n:,} requests for {len(prompts.prompts):,} contents")
    console.say()
    console.print_table(
        ["threshold", "exact", "near", "reused", "matches", "differ in numbers, negations or names"],
        [
            [f"{each.threshold:g}", f"{each.exact:.1%}", f"{each.near:.1%}", f"{each.reused:.1%}", f"{each.n_matches:,}", f"{each.n_differing:,}"]
            for each in reuse
        ],
        right=range(6),
    )
    if min(each.threshold for each in reuse) < _LOW:
        console.say()
        console.say(
            f"prompts that share less than {LEAST_SHARED:.0%} of their words are never compared: below {_LOW:g} a lower threshold finds hardly more"
        )
    if not riskiest:
        return
    console.say()
    console.say(f"riskiest matches at {at:g}: what is asked for, and what would be given")
    for match in riskiest:
        notes = [f"{match.n_requests:,} requests" if match.n_requests > 1 else "1 request", *match.differs_in]
        console.say()
        console.say(f"{match.score:.3f}  {', '.join(notes)}")
        console.say(f"  asked  {console.word(match.prompt)}")
        console.say(f"  given  {console.word(match.given)}")
