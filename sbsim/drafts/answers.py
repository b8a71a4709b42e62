"""What somebody says who wants a scenario: flags read into values. None and empty mean that it was not said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sbsim.documents.faults import nearest, one_of
from sbsim.errors import ScenarioError
from sbsim.records import PRIORITIES
from sbsim.scenario.limits import STANDING, UNITS
from sbsim.scenario.price import PER
from sbsim.scenario.provider import Latency
from sbsim.units import parse_duration, parse_money, parse_rate

TAKES = ("one", "variants", "list")


@dataclass(frozen=True)
class TraceFile:
    """A file of recorded traffic, and how it is to be read; `written` is its path as the scenario names it."""

    path: str
    written: str
    format: str = "generic"
    columns: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    skips_bad_rows: bool = False


class PricedEngine(NamedTuple):
    """An entry of a price file, for one engine of the traffic or (None) for all that no other entry is for."""

    engine: str | None
    entry: str


@dataclass(frozen=True)
class Answers:
    """What was said.

    Attributes
    ----------
    prices : entries of `price_file`, true on the day `as_of`. charges : (per, dollars) of a price in place of a file's.
    rate, horizon, duration, latency : as a scenario says them ("8/min", "2h", "8s", "{law: lognormal, …}" read already).
    contents : distinct contents of a catalogue. limits : entries of a provider's `limits`. deadlines : priority -> duration as written.
    """

    name: str | None = None
    trace: TraceFile | None = None
    prices: tuple[PricedEngine, ...] = ()
    price_file: str | None = None
    as_of: str = ""
    charges: tuple[tuple[str, float], ...] = ()
    content_type: str | None = None
    engine: str | None = None
    rate: str | None = None
    horizon: str | None = None
    contents: int | None = None
    resolution: str | None = None
    duration: str | None = None
    units_in: float | None = None
    units_out: float | None = None
    takes: str | None = None
    max_items: int | None = None
    latency: Any = None
    limits: tuple[dict[str, Any], ...] = ()
    deadlines: Mapping[str, str] = field(default_factory=dict)


def read_price(text: str) -> PricedEngine:
    """`litellm:NAME`, or `ENGINE=litellm:NAME`. Raises ScenarioError."""
    engine, _, rest = text.rpartition("=litellm:")
    entry = rest if engine else text.removeprefix("litellm:")
    if not entry or (not engine and not text.startswith("litellm:")):
        raise ScenarioError(f"--price {text}: allowed: litellm:NAME, or ENGINE=litellm:NAME; try --price litellm:{entry or 'NAME'} --price-file FILE")
    return PricedEngine(engine or None, entry)


def read_charge(text: str) -> tuple[str, float]:
    """`second=0.10`: dollars per something. Raises ScenarioError."""
    per, equals, usd = text.partition("=")
    if per not in PER or not equals:
        raise ScenarioError(f"--charge {text}: allowed: PER=DOLLARS with one of {one_of(PER)}{nearest(per, PER) or '; try --charge image=0.04'}")
    return per, _positive(parse_money, usd, f"--charge {text}")


def read_limit(text: str) -> dict[str, Any]:
    """`concurrency=10`, `calls=50/60s`, or a rate of calls, `50/min`. Raises ScenarioError."""
    unit, equals, amount = text.partition("=")
    if not equals:
        unit, amount = "calls", text
    if unit not in UNITS:
        raise ScenarioError(f"--limit {text}: allowed: UNIT=N or UNIT=N/TIME with one of {one_of(UNITS)}{nearest(unit, UNITS)}")
    n, slash, time = amount.partition("/")
    if (unit in STANDING) == bool(slash):
        raise ScenarioError(f"--limit {text}: {unit} {'is held, not counted over a time' if slash else 'needs a time'}; try {_example(unit)}")
    number = _positive(float, n, f"--limit {text}")
    if number != int(number):
        raise ScenarioError(f"--limit {text}: {n} is not a whole number; try {_example(unit)}")
    if not slash:
        return {unit: int(number)}
    written = time if time[:1].isdigit() else f"1{time}"
    _positive(parse_duration, written, f"--limit {text}")
    return {unit: int(number), "per": written}


def read_deadline(text: str) -> tuple[str, str]:
    """`urgent=3min`, or the deadline of normal requests alone: (priority, duration). Raises ScenarioError."""
    priority, equals, time = text.partition("=")
    if not equals:
        priority, time = "normal", text
    if priority not in PRIORITIES:
        raise ScenarioError(f"--deadline {text}: allowed: PRIORITY=TIME with one of {one_of(PRIORITIES)}{nearest(priority, PRIORITIES)}")
    _positive(parse_duration, time, f"--deadline {text}")
    return priority, time


def latency_section(given: Any) -> Any:
    """`latency` of a provider, of a law or a time, or of its own keys."""
    return given if isinstance(given, Mapping) and "law" not in given else {"total": given}


def check(answers: Answers) -> None:
    """What answers must say of each other. Raises ScenarioError."""
    said = (("--rate", answers.rate, parse_rate), ("--horizon", answers.horizon, parse_duration), ("--duration", answers.duration, parse_duration))
    for flag, text, read in said:
        if text is not None:
            _positive(read, text, f"{flag} {text}")
    for flag, number in (("--units-in", answers.units_in), ("--units-out", answers.units_out)):
        if number is not None:
            _positive(float, f"{number:g}", f"{flag} {number:g}")
    if answers.latency is not None:
        Latency.from_mapping(latency_section(answers.latency), "--latency")
    if answers.prices and answers.price_file is None:
        raise ScenarioError("--price: needs the file that it names an entry of; try --price-file model_prices_and_context_window.json (LiteLLM's)")
    if answers.prices and answers.charges:
        raise ScenarioError("--charge: --price says what is charged already; try one of both")
    if answers.trace is not None:
        for flag, value in (("--rate", answers.rate), ("--horizon", answers.horizon), ("--contents", answers.contents)):
            if value is not None:
                raise ScenarioError(f"{flag}: the trace says that already; try removing it")
    if answers.max_items is not None and answers.takes in (None, "one"):
        raise ScenarioError("--max-items: a call that takes one request has no such bound; try --takes list")


def _example(unit: str) -> str:
    return f"--limit {unit}=10" if unit in STANDING else f"--limit {unit}=50/min"


def _positive(read: Callable[[str], float], text: str, where: str) -> float:
    try:
        value = float(read(text))
    except ValueError as error:
        message = f"{text!r} is not a number" if read is float else str(error)
        raise ScenarioError(f"{where}: {message}") from None
    if not 0 < value < float("inf"):
        raise ScenarioError(f"{where}: {text} must be above 0 and finite")
    return value
