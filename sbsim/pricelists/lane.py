"""From an entry of a price file to a provider entry of a scenario: its price with date and source, and a stub of what the file does not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from sbsim.documents.commented import Noted, wrapped
from sbsim.errors import ScenarioError
from sbsim.pricelists.file import Entry, PriceFile
from sbsim.pricelists.quotes import BATCHES, CONTENT_TYPES, Quote, purpose, quotes, unused

_ASSUMED = "an assumption: the price file does not say"
_LATENCIES: Mapping[str, dict[str, Any]] = {
    "video": {"total": {"law": "lognormal", "median": "45s", "p90": "90s"}},
    "image": {"total": {"law": "lognormal", "median": "12s", "p90": "25s"}},
    "speech": {"total": {"law": "lognormal", "median": "2s", "p90": "5s"}},
    "transcription": {"total": {"law": "lognormal", "median": "3s", "p90": "8s"}},
    "text": {"setup": "0.5s", "per_unit": "0.02s", "noise": {"law": "lognormal", "cv": 0.3}},
}
_TURNAROUND = {"law": "lognormal", "median": "7min", "p90": "1h"}
"""Of 230 thousand batches on OpenRouter, as published: median 7 min, 90 % within 1 h, within 24 h of submission."""
_SAME = 0.02
"""Batch prices are rounded in the file: two factors that differ by less are one."""


@dataclass(frozen=True)
class Conversion:
    """A provider entry, and where there are batch prices one more for the batch API.

    Attributes
    ----------
    provider, batch : entries of `providers` with comments (`documents.commented`); `batch` is None where the file has no batch price.
    styles : style parameter -> values that prices are for. resolutions : sizes that prices are for, none where any is served.
    warnings : sentences for the reader.
    """

    provider: dict[str, Any]
    batch: dict[str, Any] | None
    styles: Mapping[str, tuple[Any, ...]]
    resolutions: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def lanes(self) -> list[dict[str, Any]]:
        """The list `providers`."""
        return [self.provider] if self.batch is None else [self.provider, self.batch]


def convert(file: PriceFile, name: str, as_of: str) -> Conversion:
    """The provider entry of a model.

    Parameters
    ----------
    file : the price file. name : of an entry, or of a model that has entries by quality and size (they become one list of rates with `when`).
    as_of : the day on which the file's prices were true, 2026-11-23.

    Raises
    ------
    ScenarioError
        When there is no such entry, or nothing in it has a price.
    """
    found = file.find(name)
    sized = [entry for entry in found if entry.parsed.is_sized and quotes(entry)]
    listed = sized or found[:1]
    rates = [_sized(quote, entry) for entry in listed for quote in quotes(entry)]
    if not rates:
        odd = f" ({', '.join(found[0].odd)}: no numbers)" if found[0].odd else ""
        raise ScenarioError(f"{file.path}: {name}: it has no price above 0 that could be charged{odd}; try --search for another entry of the model")
    rates.sort(key=lambda quote: -len(quote.when))  # what is said more closely comes first; the file's order otherwise
    kind = purpose(found[0])
    resolutions = _resolutions(rates)
    provider = _provider(name, kind, as_of, resolutions)
    notes = [f"{file.path}: LiteLLM price file, entry {name}", *_sources(listed)]
    provider["price"] = Noted({"rates": [_rate(quote) for quote in rates] + _dearest(rates)}, above=tuple(_lines(notes + _left_out(found, rates))))
    _take_limits(provider, found[0])
    batch = _batch(provider, found[0], rates, is_sized=bool(sized))
    return Conversion(provider, batch, _styles(rates), resolutions, tuple(_warnings(file, found, as_of)))


def _provider(name: str, kind: str, as_of: str, resolutions: tuple[str, ...]) -> dict[str, Any]:
    model = "".join(each if each.isprintable() else "-" for each in name.rstrip("/").rsplit("/", 1)[-1]).strip() or "model"
    serves: dict[str, Any] = {"content_type": CONTENT_TYPES[kind], "engine": model}
    if resolutions:
        serves["resolutions"] = list(resolutions)
    api = {"style": "job", "takes": "one", "poll": "20s"} if kind == "video" else {"style": "sync", "takes": "one"}
    return {
        "name": model,
        "as_of": Noted(as_of, "the prices; the rest has no source and is assumed"),
        "serves": serves,
        "api": Noted(api, f"{_ASSUMED}; list or variants where several requests fit one call"),
        "price": None,
        "latency": Noted(_LATENCIES[kind], _ASSUMED),
        "limits": Noted([{"concurrency": 10}], _ASSUMED),
        "failures": Noted({"call_error": 0.01}, _ASSUMED),
    }


def _take_limits(provider: dict[str, Any], entry: Entry) -> None:
    """The file's requests and tokens per minute, where it has them."""
    words = {"rpm": "calls", "tpm": "tokens"}
    n_calls = entry.limits.get("rpm")
    if n_calls is not None and provider["api"].value["style"] == "job":  # polls count too: four jobs at once must fit
        provider["api"].value["poll"] = f"{max(20, ceil(4 * 61 / n_calls))}s"
    limits = [Noted({words[field]: int(n), "per": "60s"}, f"{field} in the price file") for field, n in entry.limits.items()]
    if limits:
        provider["limits"] = [*limits, Noted({"concurrency": 10}, _ASSUMED)]


def _sized(quote: Quote, entry: Entry) -> Quote:
    """The rate of an entry for a quality or size holds for them alone."""
    return quote._replace(when={**quote.when, **entry.parsed.when}) if entry.parsed.is_sized and quote.per != "token_in" else quote


def _rate(quote: Quote) -> Any:
    rate: dict[str, Any] = {"per": quote.per, "usd": quote.usd}
    if quote.when:
        rate["when"] = {key: list(value) if isinstance(value, tuple) and len(value) > 1 else _single(value) for key, value in quote.when.items()}
    return Noted(rate, quote.field)


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value


def _dearest(rates: Sequence[Quote]) -> list[Any]:
    """A rate for contents that no condition on style fits, or they would cost nothing: the dearest, once per `per`."""
    fallbacks = []
    for per in dict.fromkeys(quote.per for quote in rates):
        same = [quote for quote in rates if quote.per == per]
        if all(set(quote.when) - {"resolution"} for quote in same):
            rate = {"per": per, "usd": max(quote.usd for quote in same)}
            fallbacks.append(Noted(rate, "an assumption: whoever says no quality or steps pays the dearest"))
    return fallbacks


def _resolutions(rates: Sequence[Quote]) -> tuple[str, ...]:
    """Every resolution with a price, where there is no price for the others."""
    for per in dict.fromkeys(quote.per for quote in rates):
        same = [quote for quote in rates if quote.per == per]
        if all("resolution" in quote.when for quote in same):
            named = [quote.when["resolution"] for quote in same]
            return tuple(dict.fromkeys(word for value in named for word in (value if isinstance(value, tuple) else (str(value),))))
    return ()


def _styles(rates: Sequence[Quote]) -> dict[str, tuple[Any, ...]]:
    styles: dict[str, dict[Any, None]] = {}
    for quote in rates:
        for key, value in quote.when.items():
            if key != "resolution":
                styles.setdefault(key, {})[value] = None
    return {key: tuple(values) for key, values in styles.items()}


# -- the batch lane --------------------------------------------------------------------------------------------------------------
def _batch(provider: Mapping[str, Any], entry: Entry, rates: Sequence[Quote], *, is_sized: bool) -> dict[str, Any] | None:
    """The lane of the batch API; None where the entry has no batch price of what its rates charge, nor of anything else in proportion.

    `is_sized`: the rates are those of other entries, by quality and size, so that this one's batch prices say no more than a proportion.
    """
    stated = {field.removesuffix(BATCHES): usd for field, usd in entry.prices.items() if field.endswith(BATCHES) and usd > 0}
    factors = [usd / entry.prices[field] for field, usd in stated.items() if entry.prices.get(field, 0.0) > 0]
    common = factors[0] if factors and max(factors) - min(factors) < _SAME else None
    own = {} if is_sized else {quote.field: usd for quote in quotes(entry, batches=True) if (usd := stated.get(quote.field)) is not None}
    if common is None and not own:
        return None
    api = {"style": "batch", "takes": "file", "max_items": 50000, "poll": "60s", "idempotency": "lookup", "cancel": "partial"}
    return {
        "name": f"{provider['name']}-batch",
        "as_of": provider["as_of"],
        "serves": provider["serves"],
        "api": Noted(api, _ASSUMED),
        "price": {"rates": [_batch_rate(quote, own, common) for quote in rates]} if own else _in_proportion(str(provider["name"]), common),
        "turnaround": Noted(_TURNAROUND, "an assumption: as published of another provider's batches"),
        "expires_after": Noted("24h", _ASSUMED),
        "failures": provider["failures"],
    }


def _in_proportion(name: str, common: float | None) -> Any:
    """The real-time price times what the file's batch prices of other things are of theirs."""
    assert common is not None
    return Noted({"same_as": name, "factor": round(common, 2)}, "an assumption: the file states batch prices of tokens only, and they are that much")


def _batch_rate(quote: Quote, own: Mapping[str, float], common: float | None) -> Any:
    usd = own.get(quote.field)
    if usd is not None:
        return _rate(quote._replace(usd=usd, field=f"{quote.field}{BATCHES}"))
    if common is None:
        return Noted(_rate(quote).value, f"{quote.field}: the file states no batch price of it")
    factor = round(common, 2)
    rate = _rate(quote._replace(usd=float(f"{quote.usd * factor:.12g}"))).value
    return Noted(rate, f"an assumption: {quote.field} x {factor:g}, as the file's other batch prices are")


# -- comments --------------------------------------------------------------------------------------------------------------------
def _sources(entries: Sequence[Entry]) -> list[str]:
    sources = list(dict.fromkeys(entry.source for entry in entries if entry.source))
    remarks = list(dict.fromkeys(entry.remark for entry in entries if entry.remark))
    return [f"its source: {each}" for each in sources[:3]] + [f"its remark: {each}" for each in remarks[:3]]


def _left_out(found: Sequence[Entry], rates: Sequence[Quote]) -> list[str]:
    """What the file says and no rate charges."""
    fields = {field: usd for entry in found for field, usd in unused(entry, rates).items()}
    shown = [f"{field} {usd:g}" for field, usd in fields.items() if not field.endswith(BATCHES)]
    odd = [field for entry in found for field in entry.odd]
    said = [f"not charged here (the same in another unit, or what requests do not say): {', '.join(shown)}"] if shown else []
    return said + ([f"no numbers, so not read: {', '.join(dict.fromkeys(odd))}"] if odd else [])


def _lines(notes: Sequence[str]) -> list[str]:
    return [line for note in notes for line in wrapped(note, 130)]


def _warnings(file: PriceFile, found: Sequence[Entry], as_of: str) -> list[str]:
    entry = found[0]
    said = []
    if entry.is_dead(as_of):
        when = f"on {entry.ends_on}" if entry.ends_on and entry.ends_on <= as_of else "in 2026"
        said.append(f"{file.path}: {entry.name} was shut down {when}: its price is history, good for old traffic only")
    elif entry.ends_on:
        said.append(f"{file.path}: {entry.name} will be shut down on {entry.ends_on}")
    return said
