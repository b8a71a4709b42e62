"""Providers of a draft: what is charged (by a price file, by flags, as the trace's bills show, or assumed), how calls go, how long they take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sbsim.documents.commented import Noted, plain
from sbsim.documents.faults import nearest, one_of
from sbsim.drafts.answers import Answers, PricedEngine, latency_section
from sbsim.drafts.outcomes import fitted_failures, fitted_latency, fitted_price
from sbsim.drafts.traffic import Kind
from sbsim.errors import ScenarioError
from sbsim.pricelists import Conversion, PriceFile, convert
from sbsim.workload.traces import Trace

_ASSUMED = "an assumption"
_CHARGES: Mapping[str, tuple[tuple[str, float], ...]] = {
    "video": (("second", 0.10),),
    "image": (("image", 0.04),),
    "audio": (("character", 0.000015),),
    "text": (("token_in", 0.00000015), ("token_out", 0.0000006)),
}
_LATENCIES: Mapping[str, Any] = {
    "video": {"total": {"law": "lognormal", "median": "45s", "p90": "90s"}},
    "image": {"total": {"law": "lognormal", "median": "12s", "p90": "25s"}},
    "audio": {"total": {"law": "lognormal", "median": "2s", "p90": "5s"}},
    "text": {"setup": "0.5s", "per_unit": "0.02s", "noise": {"law": "lognormal", "cv": 0.3}},
}
_SHARED_LATENCIES: Mapping[str, Any] = {
    "video": {"setup": "40s", "per_item": "10s", "noise": {"law": "lognormal", "cv": 0.3}},
    "image": {"setup": "10s", "per_item": "2s", "noise": {"law": "lognormal", "cv": 0.3}},
    "audio": {"setup": "1s", "per_item": "1s", "noise": {"law": "lognormal", "cv": 0.3}},
    "text": {"setup": "0.5s", "per_item": "0.1s", "per_unit": "0.02s", "noise": {"law": "lognormal", "cv": 0.3}},
}
"""Of calls that take several requests: the set-up is theirs together."""
_MAX_ITEMS = 8


@dataclass(frozen=True)
class Lane:
    """A provider entry in the making.

    Attributes
    ----------
    entry : the entry, with comments; its limits are left open where `has_limits` is false. batch : a batch lane beside it, or None.
    charged : every `per` of its rates. styles, resolutions : values that its prices are for.
    warnings : sentences for the reader.
    """

    entry: dict[str, Any]
    batch: dict[str, Any] | None
    charged: frozenset[str]
    styles: Mapping[str, tuple[Any, ...]]
    resolutions: tuple[str, ...]
    has_limits: bool
    warnings: tuple[str, ...]


def lanes_of(kinds: Sequence[Kind], answers: Answers, file: PriceFile | None, trace: Trace | None) -> list[Lane]:
    """A provider per content type, or per engine where prices are given by engine. Raises ScenarioError."""
    by_engine = {priced.engine: priced for priced in answers.prices if priced.engine is not None}
    unknown = [engine for engine in by_engine if engine not in {kind.engine for kind in kinds}]
    if unknown:
        engines = sorted({str(kind.engine) for kind in kinds})
        raise ScenarioError(f"--price {unknown[0]}=…: no request asks for this engine; allowed: {one_of(engines)}{nearest(unknown[0], engines)}")
    wanted = list(kinds) if by_engine else _by_type(kinds)
    converted = {priced: convert(file, priced.entry, answers.as_of) for priced in answers.prices} if file is not None else {}
    names: set[str] = set()
    lanes = []
    for kind in wanted:
        lane = _lane(kind, answers, _conversion(kind, answers, by_engine, converted), trace)
        name = _unique(str(lane.entry["name"]), names)
        lanes.append(replace(lane, entry={**lane.entry, "name": name}))
    unused = [priced.entry for priced, conversion in converted.items() if not any(_is_of(kind, conversion) for kind in wanted)]
    if unused:
        types = one_of(sorted({kind.content_type for kind in kinds}))
        raise ScenarioError(
            f"--price litellm:{unused[0]}: its content is not asked for: the traffic is {types}; try an entry for that, or --content-type"
        )
    return lanes


def _by_type(kinds: Sequence[Kind]) -> list[Kind]:
    """Kinds of one content type together; the engine stays where there is one only."""
    merged: dict[str, Kind] = {}
    for kind in kinds:
        known = merged.get(kind.content_type)
        if known is None:
            merged[kind.content_type] = kind
        else:
            rows = None if known.rows is None or kind.rows is None else known.rows | kind.rows
            merged[kind.content_type] = Kind(kind.content_type, None, rows)
    return list(merged.values())


def _conversion(
    kind: Kind, answers: Answers, by_engine: Mapping[str, PricedEngine], converted: Mapping[PricedEngine, Conversion]
) -> Conversion | None:
    """The price-file entry that is for this kind."""
    if kind.engine is not None and kind.engine in by_engine:
        return converted[by_engine[kind.engine]]
    return next((each for priced, each in converted.items() if priced.engine is None and _is_of(kind, each)), None)


def _is_of(kind: Kind, conversion: Conversion) -> bool:
    return bool(plain(conversion.provider)["serves"]["content_type"] == kind.content_type)


def _stated_limits(limits: Any) -> list[Any]:
    """The limits that a price file states: those that are no calls at once, which it never says."""
    listed = limits.value if isinstance(limits, Noted) else limits
    return [limit for limit in listed if "concurrency" not in plain(limit)]


def _unique(name: str, taken: set[str]) -> str:
    unique, k = name, 2
    while unique in taken:
        unique, k = f"{name}-{k}", k + 1
    taken.add(unique)
    return unique


def _lane(kind: Kind, answers: Answers, conversion: Conversion | None, trace: Trace | None) -> Lane:
    entry = _entry(kind, answers) if conversion is None else dict(conversion.provider)
    serves = {**entry["serves"], "content_type": kind.content_type}
    if kind.engine is None:
        serves.pop("engine", None)
    else:
        serves["engine"] = kind.engine
    entry["serves"] = serves
    if conversion is None:
        entry["price"] = _price(kind, answers, trace)
    resolutions = conversion.resolutions if conversion else ()
    if resolutions and trace is not None and not _all_served(kind, trace, resolutions):
        resolutions = ()
        serves.pop("resolutions", None)
        entry["price"] = _with_dearest(entry["price"])
    entry["api"] = _api(kind, answers)
    failures = fitted_failures(trace, kind.rows) if trace is not None and kind.rows is not None else None
    if failures is not None and conversion is None:
        entry["failures"] = Noted(failures.shares, f"as {failures.n:,} recorded requests ended; what retries made good is not among them")
    latency = _latency(kind, answers, trace)
    if latency is not None:
        entry["latency"] = latency
    limits = [dict(limit) for limit in answers.limits] or (_stated_limits(entry["limits"]) if conversion else [])
    if limits:
        entry["limits"] = limits
    rates = plain(entry["price"])["rates"]
    return Lane(
        entry=entry,
        batch=_batch(conversion, serves),
        charged=frozenset(rate["per"] for rate in rates),
        styles=conversion.styles if conversion else {},
        resolutions=resolutions,
        has_limits=bool(limits),
        warnings=conversion.warnings if conversion else (),
    )


def _entry(kind: Kind, answers: Answers) -> dict[str, Any]:
    """An entry without a price list of others; keys in the order of reading."""
    return {
        "name": f"{kind.content_type}-api",
        "serves": {"content_type": kind.content_type, "engine": kind.engine},
        "api": None,
        "price": None,
        "latency": None,
        "limits": None,
        "failures": Noted({"call_error": 0.01}, _ASSUMED),
    }


def _batch(conversion: Conversion | None, serves: Mapping[str, Any]) -> dict[str, Any] | None:
    """The batch lane of a price list, for the same content as its real-time lane."""
    return None if conversion is None or conversion.batch is None else {**conversion.batch, "serves": dict(serves)}


# -- price -----------------------------------------------------------------------------------------------------------------------
def _price(kind: Kind, answers: Answers, trace: Trace | None) -> Any:
    if answers.charges:
        return {"rates": [{"per": per, "usd": usd} for per, usd in answers.charges]}
    fitted = fitted_price(trace, kind.rows, kind.content_type) if trace is not None and kind.rows is not None else None
    if fitted is not None:
        note = f"fitted to {fitted.n:,} recorded bills, off by {fitted.error:.2%} of them; compare it with the provider's price list"
        return Noted({"rates": list(fitted.rates)}, above=(note,))
    rates = [{"per": per, "usd": usd} for per, usd in _CHARGES[kind.content_type]]
    return Noted({"rates": rates}, above=(f"{_ASSUMED}: no price was given; try --price litellm:NAME --price-file FILE, or --charge PER=DOLLARS",))


def _all_served(kind: Kind, trace: Trace, resolutions: Sequence[str]) -> bool:
    """Whether every resolution that the rows of a kind state has a price."""
    rows = slice(None) if kind.rows is None else kind.rows
    stated = {trace.wishes[k].resolution for k in np.unique(trace.wish[rows]).tolist()}
    return stated == {None} or stated <= set(resolutions)


def _with_dearest(price: Any) -> Any:
    """The price with a rate for what no other fits: the dearest, once per `per`; else it would be free."""
    noted = price if isinstance(price, Noted) else Noted(price)
    rates = list(noted.value["rates"])
    values = [plain(rate) for rate in rates]
    for per in dict.fromkeys(rate["per"] for rate in values):
        same = [rate for rate in values if rate["per"] == per]
        if all("when" in rate for rate in same):
            dearest = {"per": per, "usd": max(rate["usd"] for rate in same)}
            rates.append(Noted(dearest, "an assumption: the trace asks for resolutions that the price list does not have"))
    return replace(noted, value={**noted.value, "rates": rates})


# -- calls -----------------------------------------------------------------------------------------------------------------------
def _api(kind: Kind, answers: Answers) -> Any:
    takes = answers.takes or "one"
    api: dict[str, Any] = {"style": "job" if kind.content_type == "video" else "sync", "takes": takes}
    if takes != "one":
        api["max_items"] = answers.max_items or _MAX_ITEMS
    if api["style"] == "job":
        api["poll"] = "20s"
    api.update(idempotency="none", cancel="never")
    given = "as given; " if answers.takes else f"{_ASSUMED}: one request a call; "
    return Noted(api, f"{given}takes: one, variants (of one prompt) or list")


def _latency(kind: Kind, answers: Answers, trace: Trace | None) -> Any:
    if answers.latency is not None:
        return latency_section(answers.latency)
    fitted = fitted_latency(trace, kind.rows) if trace is not None and kind.rows is not None else None
    if fitted is not None:
        note = f"fitted to {fitted.n:,} recorded calls; its quantiles from 5 to 95 % are off by {fitted.error:.0%} of the median at most"
        return Noted({"total": fitted.law}, note)
    shared = answers.takes in ("list", "variants")
    return Noted((_SHARED_LATENCIES if shared else _LATENCIES)[kind.content_type], _ASSUMED)
