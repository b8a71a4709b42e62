"""What recorded outcomes say of a provider: how long its calls took, and what it charged for what.

A law is one of three families through the recorded median and 90th percentile (`laws.fitting`), the one whose other quantiles lie nearest. A price is
the one quantity, of those that requests state, to which the recorded bills are most nearly proportional.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.laws import LawError, parse_law
from sbsim.units import parse_duration
from sbsim.workload.traces import STATUSES, Trace, Wish

_FEWEST = 20
"""Recorded calls that a law or a price needs."""
_FAMILIES = ("lognormal", "gamma", "weibull")
_PROBED = np.linspace(0.05, 0.95, 19)
_MOST_VALUES, _MOST_FIELDS = 12, 3
"""A field with more values than this tells rows apart, not prices; so do more fields together."""
_EXACT = 0.005
"""A bill that is reproduced as well as this needs no further conditions."""
_FAILURES: Mapping[str, tuple[str, ...]] = {"call_error": ("failed", "timed_out"), "moderated": ("moderated",)}
"""A provider's failures by the recorded ends that show them; what was cancelled or turned away by a limit was no failure of its own."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FittedLatency:
    """`law` as a scenario says it, made of `n` calls; `error` is its largest gap to their quantiles from 5 to 95 %, as a share of the median."""

    law: Any
    n: int
    error: float


@dataclass(frozen=True)
class FittedPrice:
    """`rates` as a scenario says them, made of `n` bills of which they are off by the share `error`: sum of differences over sum of bills."""

    rates: tuple[dict[str, Any], ...]
    n: int
    error: float


@dataclass(frozen=True)
class FittedFailures:
    """`shares` as a scenario's `failures` says them, made of `n` requests that say how they ended."""

    shares: dict[str, float]
    n: int


def fitted_latency(trace: Trace, rows: NDArray[np.bool_]) -> FittedLatency | None:
    """How long the answered calls among `rows` took, from their start where the trace says it; None where too few say it."""
    outcomes = trace.outcomes
    if outcomes is None:
        return None
    took = outcomes.took_s - np.where(np.isnan(outcomes.waited_s), 0.0, outcomes.waited_s)
    seconds = took[rows & _answered(trace) & ~np.isnan(took) & (took > 0)]
    if seconds.size < _FEWEST:
        return None
    median, p90 = (float(f"{value:.4g}") for value in np.quantile(seconds, [0.5, 0.9]))
    candidates = [{"law": family, "median": f"{median:g}s", "p90": f"{p90:g}s"} for family in _FAMILIES]
    judged = [(error, law) for law in candidates if (error := _error(law, seconds, median)) is not None]
    if not judged:
        return FittedLatency(f"{median:g}s", seconds.size, abs(p90 - median) / median)
    error, law = min(judged, key=lambda pair: pair[0])
    return FittedLatency(law, seconds.size, error)


def fitted_failures(trace: Trace, rows: NDArray[np.bool_]) -> FittedFailures | None:
    """How often a provider failed the requests among `rows` that it was asked for; None where too few say how they ended."""
    outcomes = trace.outcomes
    if outcomes is None:
        return None
    ended = outcomes.status[rows & (outcomes.status >= 0) & (outcomes.cached != 1)]
    if ended.size < _FEWEST:
        return None
    counts = np.bincount(ended, minlength=len(STATUSES))
    shares = {name: sum(int(counts[STATUSES.index(word)]) for word in words) / ended.size for name, words in _FAILURES.items()}
    return FittedFailures({name: float(f"{share:.3g}") for name, share in shares.items() if share or name == "call_error"}, ended.size)


def _error(law: Mapping[str, Any], seconds: Floats, median: float) -> float | None:
    """Largest gap between the law's quantiles and the recorded ones over the median; None where the family has no such law."""
    try:
        fitted = parse_law(law, parse_duration)
    except LawError:
        return None
    return float(np.max(np.abs(fitted.quantile(_PROBED) - np.quantile(seconds, _PROBED)))) / median


def fitted_price(trace: Trace, rows: NDArray[np.bool_], content_type: str) -> FittedPrice | None:
    """What the answered requests among `rows` were charged for; None where too few bills are recorded."""
    outcomes = trace.outcomes
    if outcomes is None:
        return None
    billed = np.flatnonzero(rows & _answered(trace) & (outcomes.cost_usd > 0))  # nan is not above 0
    if billed.size < _FEWEST:
        return None
    bills = outcomes.cost_usd[billed]
    wishes = [trace.wishes[k] for k in trace.wish[billed].tolist()]
    best: tuple[float, tuple[dict[str, Any], ...]] | None = None
    for groups in _groupings(wishes):
        for per, amounts in _quantities(wishes, content_type):
            rates, error = _proportional(per, amounts, bills, groups)
            if best is None or error < best[0] - _EXACT:
                best = error, rates
    if content_type == "text":
        tokens = _by_tokens(wishes, bills)
        if tokens is not None and (best is None or tokens[1] < best[0] - _EXACT):
            best = tokens[1], tokens[0]
    assert best is not None  # an item is always counted
    return FittedPrice(best[1], billed.size, best[0])


def _answered(trace: Trace) -> NDArray[np.bool_]:
    """Rows that a provider answered with content, as far as the trace says."""
    outcomes = trace.outcomes
    assert outcomes is not None
    ok: NDArray[np.bool_] = np.isin(outcomes.status, (-1, STATUSES.index("ok"))) & (outcomes.cached != 1)
    return ok


def _quantities(wishes: list[Wish], content_type: str) -> Iterator[tuple[str, Floats]]:
    """(per, amount of each request) of everything that could be charged for: what all requests state."""
    yield "item", np.ones(len(wishes))
    stated = {
        "second": [wish.duration_s for wish in wishes],
        "input_second": [wish.input_s for wish in wishes],
        "character" if content_type == "audio" else "token_in": [wish.units_in for wish in wishes],
        "image" if content_type == "image" else "token_out": [wish.units_out for wish in wishes],
    }
    for per, amounts in stated.items():
        values = np.array(amounts, dtype=np.float64)
        if (values > 0).all() and values.min() < values.max():
            yield per, values


Condition = tuple[tuple[str, Any], ...]
"""(field, value) pairs that a rate's `when` can state."""


def _groupings(wishes: list[Wish]) -> Iterator[list[Condition]]:
    """What prices may depend on, the fewest fields first: for each choice of fields, every request's values of them."""
    said = [{"engine": wish.engine, "resolution": wish.resolution, **dict(wish.style)} for wish in wishes]
    fields = [name for name in dict.fromkeys(name for each in said for name in each) if 1 < len({each.get(name) for each in said}) <= _MOST_VALUES]
    for n in range(min(len(fields), _MOST_FIELDS) + 1):
        for chosen in combinations(fields, n):
            yield [tuple((name, each[name]) for name in chosen if each.get(name) is not None) for each in said]


def _proportional(per: str, amounts: Floats, bills: Floats, groups: list[Condition]) -> tuple[tuple[dict[str, Any], ...], float]:
    """Rates by group, each the median of bill over amount, and the share of the bills by which they are off."""
    members: dict[Condition, list[int]] = {}
    for k, group in enumerate(groups):
        members.setdefault(group, []).append(k)
    rates: list[dict[str, Any]] = []
    off = 0.0
    for group, inside in members.items():
        usd = float(f"{np.median(bills[inside] / amounts[inside]):.6g}")
        off += float(np.abs(bills[inside] - usd * amounts[inside]).sum())
        rates.append({"per": per, "usd": usd, **({"when": dict(group)} if group else {})})
    rates.sort(key=lambda rate: (-len(rate.get("when", ())), repr(rate.get("when"))))  # who says less comes last: the first rate that fits counts
    return tuple(rates), off / float(bills.sum())


def _by_tokens(wishes: list[Wish], bills: Floats) -> tuple[tuple[dict[str, Any], ...], float] | None:
    """Rates on tokens in and out by least squares through 0; None where they do not tell the two apart."""
    amounts = np.array([[wish.units_in, wish.units_out] for wish in wishes], dtype=np.float64)
    solution, _, rank, _ = np.linalg.lstsq(amounts, bills, rcond=None)
    if rank < 2 or (solution <= 0).any():
        return None
    usd = [float(f"{value:.6g}") for value in solution]
    error = float(np.abs(bills - amounts @ np.array(usd)).sum() / bills.sum())
    return ({"per": "token_in", "usd": usd[0]}, {"per": "token_out", "usd": usd[1]}), error
