"""`sbsim init`: a first scenario, from flags, from questions where somebody sits at a terminal, or from a recorded trace."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbsim.cli.options import Columns, Defaults, Quiet, SkipBadRows, pairs, whole_number
from sbsim.cli.prices import PriceDay, price_day

if TYPE_CHECKING:
    from sbsim.drafts import Answers, TraceFile


def _count(text: str) -> int:
    return whole_number(text, 1, 10**9, 8)


def init(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to write; default: stdout.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="The scenario's name.")] = None,
    trace: Annotated[str | None, typer.Option("--from-trace", metavar="FILE", help="Replay this recorded traffic (csv, jsonl, Parquet).")] = None,
    format: Annotated[str, typer.Option("--format", metavar="NAME", help="How the trace is written, as for `sbsim trace describe`.")] = "generic",
    columns: Columns = None,
    defaults: Defaults = None,
    skip: SkipBadRows = False,
    content_type: Annotated[str | None, typer.Option("--content-type", metavar="TYPE", help="video, image, audio or text.")] = None,
    engine: Annotated[str | None, typer.Option("--engine", metavar="NAME", help="The model that is asked for.")] = None,
    rate: Annotated[str | None, typer.Option("--rate", metavar="RATE", help="Requests, such as 8/min.")] = None,
    horizon: Annotated[str | None, typer.Option("--horizon", metavar="TIME", help="Length of a run, such as 2h.")] = None,
    contents: Annotated[int | None, typer.Option("--contents", parser=_count, metavar="N", help="Distinct contents that are asked for.")] = None,
    resolution: Annotated[str | None, typer.Option("--resolution", metavar="SIZE", help="Such as 1920x1080, or 1080p.")] = None,
    duration: Annotated[str | None, typer.Option("--duration", metavar="TIME", help="Length of one content, such as 8s.")] = None,
    units_in: Annotated[float | None, typer.Option("--units-in", metavar="N", help="Tokens or characters in, per request.")] = None,
    units_out: Annotated[float | None, typer.Option("--units-out", metavar="N", help="Tokens or images out, per request.")] = None,
    prices: Annotated[
        list[str] | None, typer.Option("--price", metavar="[ENGINE=]litellm:NAME", help="An entry of the price file (repeatable, one per engine).")
    ] = None,
    price_file: Annotated[Path | None, typer.Option("--price-file", metavar="FILE", help="A LiteLLM price file, for --price.")] = None,
    as_of: PriceDay = None,
    charges: Annotated[list[str] | None, typer.Option("--charge", metavar="PER=DOLLARS", help="A price, such as second=0.10 (repeatable).")] = None,
    takes: Annotated[str | None, typer.Option("--takes", metavar="WHAT", help="What one call takes: one, variants or list.")] = None,
    max_items: Annotated[int | None, typer.Option("--max-items", parser=_count, metavar="N", help="Requests in a call at most.")] = None,
    latency: Annotated[
        str | None, typer.Option("--latency", metavar="LAW", help="Time of a call: 30s, or {law: lognormal, median: 45s, p90: 90s}.")
    ] = None,
    limits: Annotated[
        list[str] | None, typer.Option("--limit", metavar="LIMIT", help="50/min, concurrency=10, tokens=90000/min (repeatable).")
    ] = None,
    deadlines: Annotated[
        list[str] | None, typer.Option("--deadline", metavar="[PRIORITY=]TIME", help="Such as urgent=3min (repeatable; alone: of normal requests).")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: assume what is not given.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write a first scenario: commented, ready to run, every assumption called one.

    Whatever is not given is asked for at a terminal, and assumed elsewhere. Limits, settings and what may vary are chosen by the load, so that
    today's settings are not saturated where that is possible.

    \b
    Examples:
      sbsim init --content-type image --rate 30/min --takes list --out my.yaml
      sbsim init --price litellm:gemini/veo-3.1-fast-generate-preview --price-file prices.json --rate 8/min --limit 50/min
      sbsim init --from-trace requests.csv --column arrived_at=ts --column prompt=text --content-type image --out my.yaml
    """
    from sbsim.cli import console
    from sbsim.drafts import Answers, draft, read_charge, read_deadline, read_limit, read_price
    from sbsim.scenario.document import read_value

    _may_write(out, force)
    answers = Answers(
        name=name,
        trace=None if trace is None else _trace(trace, format, columns, defaults, skip, out),
        prices=tuple(read_price(text) for text in prices or ()),
        price_file=None if price_file is None else str(price_file),
        as_of=price_day(price_file, as_of) if price_file is not None and price_file.exists() else "",
        charges=tuple(read_charge(text) for text in charges or ()),
        content_type=_one_of("--content-type", content_type, ("video", "image", "audio", "text")),
        engine=engine,
        rate=rate,
        horizon=horizon,
        contents=contents,
        resolution=resolution,
        duration=duration,
        units_in=units_in,
        units_out=units_out,
        takes=_one_of("--takes", takes, ("one", "variants", "list")),
        max_items=max_items,
        latency=None if latency is None else read_value(latency, f"--latency {latency}"),
        limits=tuple(read_limit(text) for text in limits or ()),
        deadlines=dict(read_deadline(text) for text in deadlines or ()),
    )
    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        answers = _asked(answers)
    made = draft(answers)
    console.warn(made.warnings, quiet=quiet)
    if out is None:
        sys.stdout.write(console.plain(made.text))
        return
    _write(out, made.text, force)
    if not quiet:
        sys.stderr.write(f"written: {console.word(out)}; try sbsim show {console.word(out)}\n")


def _may_write(out: Path | None, force: bool) -> None:
    """Before any question is asked or file read."""
    if out is not None and out.exists() and not force:
        what = "is a directory; try a file in it" if out.is_dir() else "is there already and may be somebody's work; try another name, or --force"
        raise typer.BadParameter(f"--out {out}: {what}")


def _write(out: Path, text: str, force: bool) -> None:
    from sbsim.errors import OutputError

    try:
        with out.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror}") from None


def _trace(path: str, format: str, columns: list[str] | None, defaults: list[str] | None, skip: bool, out: Path | None) -> TraceFile:
    """The trace, named as the scenario must name it: from its own folder, so that it is found from anywhere."""
    from sbsim.drafts import TraceFile

    written = path if out is None or Path(path).is_absolute() else Path(os.path.relpath(path, out.parent)).as_posix()
    return TraceFile(path, written, format, pairs("--column", columns), pairs("--default", defaults), skip)


def _one_of(option: str, given: str | None, allowed: tuple[str, ...]) -> str | None:
    from sbsim.documents.faults import nearest, one_of

    if given is not None and given not in allowed:
        raise typer.BadParameter(f"{option} {given}: allowed: {one_of(allowed)}{nearest(given, allowed) or f'; try {allowed[0]}'}")
    return given


# -- questions -------------------------------------------------------------------------------------------------------------------
def _asked(answers: Answers) -> Answers:
    """The answers with those that were not given asked for at the terminal; Enter takes what is proposed."""
    from dataclasses import replace

    from sbsim.drafts import read_charge, read_deadline, read_limit

    given: dict[str, Any] = {}
    if answers.content_type is None and answers.trace is None and not answers.prices:
        given["content_type"] = _ask("What is generated: video, image, audio or text?", "image", ("video", "image", "audio", "text"))
    if answers.rate is None and answers.trace is None:
        given["rate"] = _ask("How many requests come?", "20/min")
    if answers.takes is None:
        given["takes"] = _ask("What does one call to the provider take: one request, variants of one, or a list?", "one", ("one", "variants", "list"))
    if not answers.prices and not answers.charges:
        charge = _ask("What does it cost, such as second=0.10, image=0.04 or token_out=0.000001? (Enter: assume)", "")
        given["charges"] = (read_charge(charge),) if charge else ()
    if not answers.limits:
        limit = _ask("What does the provider allow, such as 50/min or concurrency=10? (Enter: assume)", "")
        given["limits"] = (read_limit(limit),) if limit else ()
    if not answers.deadlines:
        deadline = _ask("Within what time must a normal request be answered, such as 5min? (Enter: assume)", "")
        given["deadlines"] = dict([read_deadline(deadline)]) if deadline else {}
    return replace(answers, **given)


def _ask(question: str, proposed: str, allowed: tuple[str, ...] = ()) -> str:
    answer = typer.prompt(question, default=proposed, show_default=bool(proposed), err=True).strip()
    while allowed and answer not in allowed:
        answer = typer.prompt(f"One of {', '.join(allowed)}, please", default=proposed, err=True).strip()
    return str(answer)
