"""The price list of a provider: rates and their conditions, tiers, and what is billed for a call that ended so. Dollars throughout."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from sbsim.documents.faults import FieldError, nearest, one_of, shown
from sbsim.documents.fields import Choice, Duration, Kind, Money, Number, PositiveCount, PositiveDuration, PositiveNumber, Text
from sbsim.documents.model import Model, field
from sbsim.scenario.kinds import read_resolution, read_style_value
from sbsim.units import parse_duration

PER = (
    "call", "item", "second", "input_second", "image_in", "image", "megapixel", "character", "token_in", "token_cached", "token_out", "gpu_second",
    "setup",
)  # fmt: skip
STATUSES = ("ok", "moderated", "failed", "timed_out", "cancelled")
BILLED: Mapping[str, str] = {"ok": "full", "moderated": "none", "failed": "none", "timed_out": "full", "cancelled": "full"}
"""What is billed for a call that ended so, where the price does not say."""


@dataclass(frozen=True)
class When(Kind):
    """Conditions of a rate: field of the content -> value, or list of values; `duration` in seconds, other names are style parameters."""

    def read(self, given: Any) -> Any:
        if not isinstance(given, Mapping):
            raise FieldError(f"{shown(given)} is not a mapping; try {{resolution: 1920x1080}}")
        return {key: self._values(key, value) for key, value in given.items()}

    def _values(self, key: Any, value: Any) -> Any:
        if not isinstance(key, str):
            raise FieldError(f"{shown(key)} is not the name of a field; try resolution", key)
        if isinstance(value, (list, tuple)) and value:
            return tuple(self._value(key, each) for each in value)
        return self._value(key, value)

    @staticmethod
    def _value(key: str, value: Any) -> Any:
        try:
            if key == "duration":
                return parse_duration(value)
            return read_resolution(value) if key == "resolution" else read_style_value(value)
        except ValueError as error:
            raise FieldError(str(error), key) from None

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": ["string", "number", "array"]}}


class Rate(Model):
    """Dollars per something."""

    per: Annotated[str, Choice(PER)] = Field(description=one_of(PER))
    usd: Money = Field(description="Dollars.")
    when: Annotated[dict[str, Any], When()] = field({}, "Which contents it is for; for each `per` the first that fits counts.")


class Tier(Model):
    """A discount on calls of many items; it holds for all of them."""

    from_: PositiveCount = Field(alias="from", description="Items in the call at least.")
    factor: Number = Field(description="Multiplier of the items' prices.")


class Plan(Model):
    """A fee that includes an amount.

    Periods follow each other from the instant on at which the price holds (the start of the run), whether anything is sent or not; a call belongs to
    the period in which it is sent. A period costs the fee, and of the bills of its calls what exceeds `included`. A period that the study's end (or
    another price) cuts short counts in proportion, fee and included alike, so that an hour of a monthly plan bears an hour's part of it.
    """

    fee: Money = Field(description="Dollars per period.")
    per: PositiveDuration = Field(description="Seconds of a period.")
    included: Money = field(0.0, "Dollars of bills, by the price list, that a period's fee includes.")


@dataclass(frozen=True)
class Billed(Kind):
    """Status of an ended call -> what is billed; what is left out takes the default."""

    def read(self, given: Any) -> Any:
        if not isinstance(given, Mapping):
            raise FieldError(f"{shown(given)} is not a mapping; try {{moderated: none, timed_out: full}}")
        billed = dict(BILLED)
        for status, share in given.items():
            if status not in STATUSES:
                raise FieldError(f"unknown status; allowed: {one_of(STATUSES)}{nearest(status, STATUSES)}", status)
            try:
                billed[status] = Choice(("full", "input", "elapsed", "none")).read("none" if share is None else share)
            except ValueError as error:
                raise FieldError(str(error), status) from None
        return billed

    def schema(self) -> dict[str, Any]:
        share = {"enum": ["full", "input", "elapsed", "none", None]}
        return {"type": "object", "properties": dict.fromkeys(STATUSES, share), "additionalProperties": False}


class Price(Model):
    """The price list."""

    rates: tuple[Rate, ...] = field((), "Rates of different `per` add up.")
    same_as: Annotated[str | None, Text("the name of a provider", or_none=True)] = field(None, "Provider whose price is meant, but for its plan.")
    minimum: Money = field(0.0, "Dollars of a call at least.")
    quantum: Duration = field(0.0, "Seconds in whose steps an item's seconds are billed, rounded up.")
    tiers: tuple[Tier, ...] = field((), "Discounts by items in the call.")
    plan: Plan | None = field(None, "A fee that includes an amount.")
    factor: PositiveNumber = field(1.0, "Multiplier of the whole bill.")
    billed: Annotated[dict[str, str], Billed()] = field(dict(BILLED), "What is billed for a call that ended so.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.same_as is not None and self.rates:
            raise FieldError(f"the rates are those of {self.same_as!r} already; try removing rates, or same_as", "rates")
        starts = [tier.from_ for tier in self.tiers]
        for k, start in enumerate(starts):
            if start in starts[:k]:
                raise FieldError(f"a tier from {start} items is given twice; try removing one", "tiers", k, "from")
        return self
