"""Kinds of fields: how each is read from a file, which values it allows, and how the published schema describes it.

A kind stands in a model's annotation, `wait: Annotated[float, Quantity("duration")]`, so that the declaration of a field is the one place that knows
its unit, bounds and wording. Bounds are of meaning, never of taste. A boolean is never a number, and text is a number nowhere.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from sbsim.documents.faults import FieldError, nearest, one_of, shown
from sbsim.laws import plain_number
from sbsim.units import parse_duration, parse_money, parse_rate, parse_size

MAX_COUNT = 10**12
"""Counts are whole numbers up to here: far above anything that can be simulated, far below where floats lose units."""
MAX_USD = 1e9
"""Ledgers count nano-dollars in 64 bits, which end at 9.2 billion dollars."""
_TOPS = {"fraction": 1.0, "count": MAX_COUNT, "money": MAX_USD}


class Kind(ABC):
    """How a field is read. As an annotation it replaces pydantic's own validation and schema."""

    unit: str = ""

    @abstractmethod
    def read(self, given: Any) -> Any:
        """The value in base units. Raises ValueError (with `path` where a part is at fault)."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**self.schema(), **({"x-unit": self.unit} if self.unit else {})}


_READERS: Mapping[str, tuple[Callable[[object], float], str, str]] = {  # reader, base unit, example
    "duration": (parse_duration, "s", '"8s"'),
    "money": (parse_money, "USD", "0.10"),
    "rate": (parse_rate, "per second", '"30/min"'),
    "size": (parse_size, "bytes", '"20MB"'),
    "number": (plain_number, "", "1"),
    "fraction": (plain_number, "", "0.5"),
    "count": (plain_number, "", "1"),
}


_WORDS = {"duration": "duration", "money": "price in dollars", "rate": "rate", "size": "size"}


def is_none(given: object) -> bool:
    """Whether a value says "no such limit": null, or the word none."""
    return given is None or given == "none"


@dataclass(frozen=True)
class Quantity(Kind):
    """A number with a unit.

    Parameters
    ----------
    what : "duration" (seconds), "money" (dollars), "rate" (per second), "size" (bytes), "number", "fraction" or "count" (whole).
    low, high : bounds in base units; `is_open`: `low` itself is not allowed. or_none : `none` is allowed and means no such limit.
    """

    what: str
    low: float = 0.0
    high: float = math.inf
    is_open: bool = False
    or_none: bool = False

    def read(self, given: Any) -> Any:
        if is_none(given):
            if self.or_none:
                return None
            raise FieldError(f"none is not allowed here; {self.allowed}; try {self.example}")
        if isinstance(given, bool):
            raise FieldError(f"{shown(given)} is not a {_WORDS.get(self.what, 'number')}; {self.allowed}; try {self.example}")
        try:
            value: float = _READERS[self.what][0](given)
        except ValueError as error:
            message = str(error)
            raise FieldError(message if "; try " in message else f"{message}; {self.allowed}; try {self.example}") from None
        if self.what == "count" and isinstance(given, int):
            value = given  # as it stands: a float holds 53 bits of a seed
        if not self.low <= value <= self.top or (self.is_open and value == self.low):
            raise FieldError(f"{shown(given)} {self.allowed}; try {self.example}")
        if self.what != "count":
            return value
        if value != int(value):
            raise FieldError(f"{shown(given)} is not a whole number; {self.allowed}; try {round(value)}")
        return int(value)

    @property
    def unit(self) -> str:  # type: ignore[override]  # of its reader
        return _READERS[self.what][1]

    @property
    def top(self) -> float:
        """The upper bound."""
        return self.high if self.high < math.inf else _TOPS.get(self.what, math.inf)

    @property
    def example(self) -> str:
        """A value that is allowed, as one would write it."""
        example = _READERS[self.what][2]
        return example if self.low <= 1 <= self.top or self.what == "fraction" else f"{self.low:g}"

    @property
    def allowed(self) -> str:
        """The bounds in words."""
        unit = f" {self.unit}" if self.unit else ""
        lower = f"{'>' if self.is_open else '>='} {self.low:g}"
        return f"must be {lower}{unit}" + ("" if self.top == math.inf else f" and <= {self.top:g}{unit}")

    def schema(self) -> dict[str, Any]:
        number: dict[str, Any] = {"type": "integer" if self.what == "count" else "number"}
        number["exclusiveMinimum" if self.is_open else "minimum"] = self.low
        if self.top < math.inf:
            number["maximum"] = self.top
        kinds = [number, {"type": "string"}] if self.what in ("duration", "money", "rate", "size") else [number]
        kinds += [{"enum": [None, "none"]}] if self.or_none else []
        return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, given: Any) -> Any:
        if isinstance(given, str) and given in self.words:
            return given
        raise FieldError(f"{shown(given)} is not one of {one_of(self.words)}{nearest(given, self.words) or f'; try {self.words[0]}'}")

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class Flag(Kind):
    """true or false, and nothing that looks like it."""

    def read(self, given: Any) -> Any:
        if isinstance(given, bool):
            return given
        meant = "true" if given in ("yes", "on", 1) else "false"
        raise FieldError(f"{shown(given)} is not true or false; try {meant}")

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Text(Kind):
    """Words, never empty; on one line unless `is_long`."""

    what: str = "text"
    or_none: bool = False
    example: str = '"a name"'
    is_long: bool = False

    def read(self, given: Any) -> Any:
        if is_none(given) and self.or_none:
            return None
        if not isinstance(given, str):
            quoted = f"; try quoting it: {str(given)!r}" if isinstance(given, (int, float)) else ""
            raise FieldError(f"{shown(given)} is not {self.what}{quoted or f'; try {self.example}'}")
        if not given.strip() or not (self.is_long or given.isprintable()):
            raise FieldError(
                f"{shown(given)} is not {self.what}: it {'is empty' if not given.strip() else 'holds control characters'}; try {self.example}"
            )
        return given

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "null"] if self.or_none else "string", "minLength": 1}


Duration = Annotated[float, Quantity("duration")]
PositiveDuration = Annotated[float, Quantity("duration", is_open=True)]
Money = Annotated[float, Quantity("money")]
Rate = Annotated[float, Quantity("rate", is_open=True)]
Size = Annotated[float, Quantity("size")]
Number = Annotated[float, Quantity("number")]
PositiveNumber = Annotated[float, Quantity("number", is_open=True)]
Fraction = Annotated[float, Quantity("fraction")]
Count = Annotated[int, Quantity("count")]
PositiveCount = Annotated[int, Quantity("count", low=1)]
OptionalDuration = Annotated[float | None, Quantity("duration", or_none=True)]
OptionalCount = Annotated[int | None, Quantity("count", low=1, or_none=True)]
OptionalMoney = Annotated[float | None, Quantity("money", or_none=True)]
Boolean = Annotated[bool, Flag()]
Name = Annotated[str, Text("a name")]
