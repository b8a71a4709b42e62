"""Providers: what each serves, at which price, how fast, within which limits, and how it fails. All attributes are in base units."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from sbsim.documents.faults import FieldError, one_of, shown
from sbsim.documents.fields import (
    Boolean,
    Choice,
    Duration,
    Fraction,
    Kind,
    Name,
    PositiveCount,
    PositiveDuration,
    Quantity,
    Text,
    is_none,
)
from sbsim.documents.model import Model, field, read_list, section
from sbsim.records import CONTENT_TYPES, Facts
from sbsim.scenario.kinds import Day, DurationLaw, Durations, NoiseLaw, Resolutions
from sbsim.scenario.limits import Limit
from sbsim.scenario.price import Price
from sbsim.units import parse_size

ANY = "any"
"""Content type of a lane that takes whatever it is given: a function of the user's own, never an entry of a file."""
PositiveSize = Annotated[float | None, Quantity("size", is_open=True, or_none=True)]
DAY_S = 86400.0
_LINE_BYTES = 1024.0
_UNIT_BYTES = 4.0


class Serves(Model):
    """What a lane can be asked for."""

    content_type: Annotated[str, Choice(CONTENT_TYPES)] = Field(description="video | image | audio | text")
    engine: Annotated[str | None, Text("the name of an engine", or_none=True)] = field(None, "The model; left out: any.")
    resolutions: Resolutions = field(None, "Sizes or names; left out: any.")
    durations: Durations = field(None, "Seconds of content; left out: any.")


class Api(Model):
    """How a lane is spoken to."""

    style: Annotated[str, Choice(("sync", "job", "batch"))] = field(
        "sync", "sync: the answer is the result; job: it is polled for; batch: so is a file of requests, done within hours."
    )
    takes: Annotated[str, Choice(("one", "variants", "list", "file"))] = field("one", "Which requests may travel in one call.")
    max_items: Annotated[int | None, Quantity("count", low=1, or_none=True)] = field(None, "Items in a call at most.")
    max_bytes: PositiveSize = field(None, "Bytes of a file at most.")
    one_engine_per_call: Boolean = field(False, "Whether all items of a file must ask for one engine.")
    poll: PositiveDuration = field(0.0, "Seconds between two looks at a job; 0 where nothing is polled.")
    idempotency: Annotated[str, Choice(("none", "key", "lookup"))] = field(
        "none", "Whether a call sent twice is made once: never, by its key, or by looking it up first."
    )
    cancel: Annotated[str, Choice(("never", "running", "partial"))] = field(
        "never", "What can be cancelled; partial: what a batch API has finished by then is delivered and billed, the rest is not."
    )

    @model_validator(mode="after")
    def _fits_its_style(self) -> Self:
        if self.style == "sync" and self.poll:
            raise FieldError("a sync API is not polled; try style: job, or removing it", "poll")
        if self.style != "sync" and not self.poll:
            raise FieldError(f"a {self.style} API is polled; missing: poll; try poll: 20s")
        if self.takes == "one" and self.max_items not in (None, 1):
            raise FieldError(f"{self.max_items} items do not fit a call that takes one; try takes: list", "max_items")
        if self.takes != "file" and self.max_bytes is not None:
            raise FieldError(f"only a file has max_bytes, and this API takes {self.takes}; try removing it", "max_bytes")
        if self.style != "batch" and self.cancel == "partial":
            raise FieldError(f"only a batch API is cancelled in part, and this one is {self.style}; try running", "cancel")
        return self


def line_bytes(facts: Facts) -> float:
    """Bytes that a content's line takes in a file of requests, at most about.

    An assumption, since a scenario knows no prompts: 1 KiB for what every line says (id, method, options, urls of inputs) and 4 bytes per unit in,
    which is the longest character of UTF-8 and about a token of English.
    """
    return _LINE_BYTES + _UNIT_BYTES * facts.units_in


@dataclass(frozen=True)
class Volume(Kind):
    """Bytes of a content: flat (`2MB`), or per second of it (`1.5MB/s`); kept as (bytes, bytes per second)."""

    def read(self, given: Any) -> Any:
        if isinstance(given, tuple):  # read before
            return given
        match = re.fullmatch(r"\s*(.+?)\s*/\s*s(?:ec)?\s*", given) if isinstance(given, str) else None
        try:
            n = parse_size(match[1] if match else given)
        except ValueError as error:
            raise FieldError(f'{error}, or "1.5MB/s" for bytes per second of content') from None
        if n < 0:
            raise FieldError(f'{shown(given)} must be >= 0 bytes; try "2MB" or "1.5MB/s"')
        return (0.0, n) if match else (n, 0.0)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]}


class Result(Model):
    """What comes back."""

    as_: Annotated[str, Choice(("inline", "url"))] = field("inline", "inline, or a url to fetch it from.", alias="as")
    expires: Annotated[float, Quantity("duration", is_open=True)] = field(math.inf, "Seconds that a result can be fetched.")
    bytes: Annotated[tuple[float, float], Volume()] = field((0.0, 0.0), "Bytes per content, or per second of content.")

    @model_validator(mode="before")
    @classmethod
    def _none_is_for_ever(cls, given: Any) -> Any:
        return {k: v for k, v in given.items() if k != "expires" or not is_none(v)} if isinstance(given, Mapping) else given

    def n_bytes(self, duration_s: float) -> float:
        """Bytes of a content of `duration_s` seconds."""
        return self.bytes[0] + self.bytes[1] * duration_s


_PARTS = ("setup", "per_item", "per_second", "per_unit", "parallel_items", "noise")


class Latency(Model):
    """How long a call takes: (setup + max(longest item, sum / parallel_items)) x noise, or `total`."""

    total: DurationLaw | None = field(None, "Seconds of a call, whatever it carries.")
    setup: Duration = field(0.0, "Seconds before the first item.")
    per_item: Duration = field(0.0, "Seconds per item.")
    per_second: Duration = field(0.0, "Seconds per second of content.")
    per_unit: Duration = field(0.0, "Seconds per unit out.")
    parallel_items: PositiveCount = field(1, "Items worked on at once.")
    noise: NoiseLaw | None = field(None, "Factor of mean 1, drawn once per call.")
    refusal: Duration = field(0.1, "Seconds until a call that is not taken is answered.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in _PARTS if name in self.model_fields_set]
        if self.total is not None and given:
            raise FieldError(f"total says how long a call takes; {one_of(given)} would say it again; try removing one of both", given[0])
        return self


class Outage(Model):
    """A time in which every call sent is refused."""

    at: Duration = Field(description="Seconds from the start.")
    for_: PositiveDuration = Field(alias="for", description="Seconds that it lasts.")


class RandomOutages(Model):
    """Outages that come by chance."""

    every: DurationLaw = Field(description="Seconds between the end of one and the start of the next.")
    for_: DurationLaw = Field(alias="for", description="Seconds that one lasts.")


@dataclass(frozen=True)
class Outages(Kind):
    """A list of outages at fixed times, or a mapping for random ones."""

    def read(self, given: Any) -> Any:
        if isinstance(given, RandomOutages):
            return given
        if isinstance(given, Mapping):
            return RandomOutages.model_validate(given)
        return read_list(Outage, given, "[{at: 2h, for: 10min}]")

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "array", "items": Outage.model_json_schema()}, _inlined(RandomOutages.model_json_schema())]}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "$defs"}


class Failures(Model):
    """How a lane fails: shares of calls, items or contents."""

    call_error: Fraction = field(0.0, "Share of calls answered with a transient error.")
    item_error: Fraction = field(0.0, "Share of items of an answered call that fail, each time anew.")
    moderated: Fraction = field(0.0, "Share of contents that are always refused.")
    poison: Fraction = field(0.0, "Share of contents that make every call they are in fail.")
    outages: Annotated[tuple[Outage, ...] | RandomOutages, Outages()] = field((), "Times in which every call is refused.")


class ColdStart(Model):
    """What the first call after a pause costs."""

    time: Duration = Field(description="Seconds that it takes longer.")
    idle_after: Duration = Field(description="Seconds without a call after which it is cold.")
    billed: Boolean = field(False, "Whether the time is billed.")


class Change(Model):
    """New terms from an instant on; what it does not name stays."""

    at: Duration = Field(description="Seconds from the start.")
    price: Price | None = field(None, "The price from then on.")
    limits: tuple[Limit, ...] | None = field(None, "The limits from then on.")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.price is None and self.limits is None:
            raise FieldError("nothing changes; missing: price or limits; try limits: [{calls: 10, per: 60s}]")
        return self


class ProviderSpec(Model):
    """A lane: one way to have content made."""

    name: Name = Field(description="Its name.")
    as_of: Annotated[str | None, Day()] = field(None, "Day on which the facts below were true.")
    serves: Serves = Field(description="What it can be asked for.")
    api: Api = section(Api, "How it is spoken to.")
    price: Price = Field(description="The price list.")
    result: Result = section(Result, "What comes back.")
    latency: Latency = section(Latency, "How long a call takes.")
    turnaround: DurationLaw | None = field(None, "Seconds from upload to result of a batch API.")
    expires_after: PositiveDuration | None = field(
        None, "Seconds after which a batch API gives up: what is unfinished comes back expired, what is finished is billed; default 24 h."
    )
    limits: tuple[Limit, ...] = field((), "What it limits.")
    failures: Failures = section(Failures, "How it fails.")
    cold_start: ColdStart | None = field(None, "What the first call after a pause costs.")
    changes: tuple[Change, ...] = field((), "New terms over time, in order.")

    @model_validator(mode="after")
    def _fits_its_api(self) -> Self:
        for key in ("turnaround", "expires_after"):
            if self.api.style != "batch" and getattr(self, key) is not None:
                raise FieldError(f"only a batch API has {key}, and this one is {self.api.style}; try removing it", key)
        if self.api.style == "batch" and self.cold_start is not None:
            raise FieldError("the turnaround of a batch API says how long it takes, cold or warm; try removing it", "cold_start")
        return self

    @model_validator(mode="after")
    def _changes_come_in_order(self) -> Self:
        for k, (before, change) in enumerate(pairwise(self.changes), 1):
            if change.at <= before.at:
                raise FieldError(f"{change.at:g} s is not after changes[{k - 1}].at, {before.at:g} s; try putting them in order", "changes", k, "at")
        return self

    @property
    def prices(self) -> tuple[tuple[float, Price], ...]:
        """(instant from which it holds, seconds; price), in order; the first from 0 on."""
        return ((0.0, self.price), *((change.at, change.price) for change in self.changes if change.price is not None))

    @property
    def limits_over_time(self) -> tuple[tuple[float, tuple[Limit, ...]], ...]:
        """(instant from which they hold, seconds; limits), in order; the first from 0 on."""
        return ((0.0, self.limits), *((change.at, change.limits) for change in self.changes if change.limits is not None))

    @property
    def life_s(self) -> float:
        """Seconds after which a batch API gives up a file."""
        return DAY_S if self.expires_after is None else self.expires_after
