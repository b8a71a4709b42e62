"""`sbsim prices`: what models cost by somebody else's price list, and how a scenario says it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbsim.cli.options import Json, Quiet

if TYPE_CHECKING:
    from sbsim.pricelists import Conversion, Entry, PriceFile
    from sbsim.pricelists.quotes import Quote

PriceDay = Annotated[
    str | None, typer.Option("--as-of", metavar="DAY", help="Day on which the file's prices were true, 2026-11-23. Default: the file's own date.")
]


_FIRST_DAY = "2023-07-01"
"""Price files of this kind are younger."""


def prices(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A LiteLLM price file: model_prices_and_context_window.json, or a part of it.")],
    search: Annotated[str, typer.Option("--search", metavar="TEXT", help="Only entries whose name or vendor holds these words.")] = "",
    mode: Annotated[str, typer.Option("--mode", metavar="MODE", help="Only entries of this mode, such as video_generation.")] = "",
    name: Annotated[str | None, typer.Option("--convert", metavar="NAME", help="Print this entry as a provider of a scenario.")] = None,
    as_of: PriceDay = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List the prices of a LiteLLM price file, search them, and convert one into a provider of a scenario.

    A conversion states the price with its date and source; what the file does not say (API, latency, limits) is filled in, and called an assumption.

    \b
    Examples:
      sbsim prices model_prices_and_context_window.json --search veo
      sbsim prices model_prices_and_context_window.json --mode audio_speech --json
      sbsim prices model_prices_and_context_window.json --convert gemini/veo-3.1-fast-generate-preview
    """
    from sbsim.cli import console
    from sbsim.pricelists import convert, read_price_file

    if name is not None and (search or mode):
        raise typer.BadParameter("--convert names one entry; --search and --mode list several; try one of both")
    listed = read_price_file(file)
    day = price_day(file, as_of, is_stated=name is not None)
    if name is not None:
        _show_conversion(convert(listed, name, day), json, quiet)
        return
    found = listed.search(search, mode)
    if json:
        console.print_json({"schema": "sbsim.prices/1", "file": str(file), "as_of": day, "entries": [_plain(entry, day) for entry in found]})
        return
    console.warn(_remarks(listed, found, search), quiet=quiet)
    console.print_table(["entry", "mode", "dollars"], [[entry.name, entry.mode, _in_words(entry, day)] for entry in found])


def price_day(file: Path, given: str | None, *, is_stated: bool = True) -> str:
    """The day of a file's prices: as given, else the day on which the file was last changed. `is_stated`: it will stand in a scenario."""
    from datetime import UTC, date, datetime

    if given is not None:
        try:
            return date.fromisoformat(given).isoformat()
        except ValueError:
            raise typer.BadParameter(f"--as-of {given}: not a day; try --as-of 2026-11-23") from None
    day = datetime.fromtimestamp(file.stat().st_mtime, UTC).date().isoformat()
    if is_stated and day < _FIRST_DAY:
        raise typer.BadParameter(f"{file}: its own date, {day}, is older than any such file (an unpacked archive?); try --as-of 2026-11-23")
    return day


def _show_conversion(conversion: Conversion, json: bool, quiet: bool) -> None:
    import sys

    from sbsim.cli import console
    from sbsim.documents.commented import commented_yaml, plain

    console.warn(conversion.warnings, quiet=quiet)
    if json:
        batch = None if conversion.batch is None else plain(conversion.batch)
        console.print_json(
            {"schema": "sbsim.prices/1", "provider": plain(conversion.provider), "batch": batch, "warnings": list(conversion.warnings)}
        )
    else:
        sys.stdout.write(console.plain(commented_yaml({"providers": conversion.lanes})))


def _remarks(listed: PriceFile, found: list[Entry], search: str) -> list[str]:
    said = []
    if listed.n_left_out:
        said.append(f"{listed.path}: {listed.n_left_out} entries are no mappings of fields and were left out")
    if not found:
        said.append(f"{listed.path}: none of its {len(listed.entries)} entries holds {search!r}; try fewer words")
    return said


def _plain(entry: Entry, day: str) -> dict[str, Any]:
    from sbsim.pricelists.quotes import quotes

    return {
        "name": entry.name,
        "mode": entry.mode,
        "vendor": entry.vendor,
        "rates": [_rate(quote) for quote in quotes(entry)],
        "batch_rates": [_rate(quote) for quote in quotes(entry, batches=True)],
        "limits": dict(entry.limits),
        "is_dead": entry.is_dead(day),
        "ends_on": entry.ends_on,
        "odd_fields": list(entry.odd),
        "source": entry.source,
    }


def _rate(quote: Quote) -> dict[str, Any]:
    when = {key: list(value) if isinstance(value, tuple) else value for key, value in quote.when.items()}
    return {"per": quote.per, "usd": quote.usd, "when": when, "field": quote.field}


def _in_words(entry: Entry, day: str) -> str:
    """`0.1 a second (1080p 0.12, 4k 0.3)`, and whether the model is still there."""
    from sbsim.pricelists.quotes import quotes

    by_unit: dict[str, list[Quote]] = {}
    for quote in quotes(entry):
        by_unit.setdefault(quote.per, []).append(quote)
    said = [_unit_in_words(per, rates) for per, rates in by_unit.items()] or ["no price"]
    if quotes(entry, batches=True):
        said.append("batch prices")
    if entry.is_dead(day):
        said.append("shut down")
    return "; ".join(said)


def _unit_in_words(per: str, rates: list[Quote]) -> str:
    flat = [quote for quote in rates if not quote.when]
    sized = [f"{_word(quote)} {quote.usd:g}" for quote in rates if quote.when]
    unit = per.replace("_", " ")
    if not flat:
        return f"per {unit}: {', '.join(sized)}"
    return f"{flat[0].usd:g} per {unit}" + (f" ({', '.join(sized)})" if sized else "")


def _word(quote: Quote) -> str:
    value = next(iter(quote.when.values()))
    return str(value[0] if isinstance(value, tuple) else value)
