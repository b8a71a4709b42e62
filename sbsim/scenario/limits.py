"""What a provider limits. Written `{calls: 50, per: 60s}`: the unit is the key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from sbsim.config.sections import time_of_day_s
from sbsim.documents.faults import FieldError, nearest, one_of, shown
from sbsim.documents.fields import Boolean, Choice, Kind, PositiveDuration, PositiveNumber, Quantity, is_none
from sbsim.documents.model import Model, field

UNITS = ("calls", "items", "tokens", "content_seconds", "concurrency", "outstanding")
STANDING = ("concurrency", "outstanding")
"""Units that are held, not counted over a time."""
_OTHERS = ("per", "kind", "burst", "on_excess", "known", "resets")
_DAY_S = 86400.0


def _what(unit: str) -> str:
    """Tokens and seconds may be fractions; the others are counted."""
    return "number" if unit in ("tokens", "content_seconds") else "count"


@dataclass(frozen=True)
class TimeOfDay(Kind):
    """ "00:00 UTC", kept as seconds after midnight."""

    unit: str = "s"

    def read(self, given: Any) -> Any:
        if is_none(given):
            return None
        if isinstance(given, float):  # read before
            return given
        if not isinstance(given, str):
            raise FieldError(f'{shown(given)} is not a time of day in UTC; try "00:00 UTC"')
        return time_of_day_s(given)

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "null"], "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9] UTC$"}


@dataclass(frozen=True)
class Amount(Kind):
    """A number that was read already, by the rules of its unit."""

    def read(self, given: Any) -> Any:
        return given

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "exclusiveMinimum": 0}


class Limit(Model):
    """At most `n` of `unit` in any `per` seconds (`calls`, `items`, `tokens`, `content_seconds`), or at once (`concurrency`, `outstanding`)."""

    unit: Annotated[str, Choice(UNITS)] = Field(description="calls | items | tokens | content_seconds | concurrency | outstanding")
    n: Annotated[float, Amount()] = Field(description="How many; whole but for tokens and content_seconds.")
    per: PositiveDuration = field(0.0, "Seconds over which it is counted; 0 for concurrency and outstanding.")
    kind: Annotated[str, Choice(("sliding", "fixed", "bucket"))] = field("sliding", "How it is counted.")
    burst: PositiveNumber | None = field(None, "What a bucket holds when full.")
    on_excess: Annotated[str, Choice(("reject", "queue"))] = field("reject", "What happens to a call beyond it.")
    known: Boolean = field(True, "Whether our own limiter knows it.")
    resets: Annotated[float | None, TimeOfDay()] = field(None, 'Time of day at which a fixed window begins anew, "00:00 UTC".')

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        written = handler.resolve_ref_schema(handler(core_schema))
        properties = {key: value for key, value in written["properties"].items() if key in _OTHERS}
        for unit in UNITS:
            properties[unit] = {"type": "integer" if _what(unit) == "count" else "number", "exclusiveMinimum": 0}
        written.update(properties=properties, oneOf=[{"required": [unit]} for unit in UNITS])
        del written["required"]
        return written

    @model_validator(mode="before")
    @classmethod
    def _unit_is_the_key(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        units = [key for key in given if key in UNITS]
        for key in given:
            if key not in UNITS and key not in _OTHERS:
                raise FieldError(f"unknown key; allowed: {one_of((*UNITS, *_OTHERS))}{nearest(key, (*UNITS, *_OTHERS))}", key)
        if len(units) != 1:
            raise FieldError(f"a limit is on exactly one of {one_of(UNITS)}; given: {one_of(units) or 'none'}; try {{calls: 50, per: 60s}}")
        unit = units[0]
        try:
            n = Quantity(_what(unit), is_open=True).read(given[unit])
        except ValueError as error:
            raise FieldError(str(error), unit) from None
        return {"unit": unit, "n": n, **{key: value for key, value in given.items() if key != unit}}

    @model_validator(mode="after")
    def _fits_its_unit(self) -> Self:
        if self.unit in STANDING:
            for key in ("per", "burst", "resets"):
                if key in self.model_fields_set:
                    raise FieldError(f"a limit on {self.unit} has no {key}; try removing it", key)
            if self.kind != "sliding":
                raise FieldError(f"a limit on {self.unit} has no kind; try removing it", "kind")
            return self
        if not self.per:
            raise FieldError(f"a limit on {self.unit} needs a time; missing: per; try per: 60s")
        if (self.kind == "bucket") != (self.burst is not None):
            reason = f"a {self.kind} limit has no burst; try kind: bucket" if self.burst is not None else "a bucket needs a burst; try burst: 10"
            raise FieldError(reason, "burst" if self.burst is not None else "kind")
        if self.resets is not None and self.kind != "fixed":
            raise FieldError(f"a {self.kind} limit does not reset at a time of day; try kind: fixed", "resets")
        if self.resets is not None and _DAY_S % self.per:
            raise FieldError(f"{self.per:g} s do not divide a day, so no time of day always begins a window; try per: 24h", "per")
        return self
