"""Kinds of fields that only scenarios have: laws, weights, profiles, and lists that may also be written as something shorter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from sbsim.documents.faults import FieldError, nearest, shown
from sbsim.documents.fields import Kind, Quantity, is_none
from sbsim.laws import Law, LawError, Popularity, parse_law, parse_popularity, plain_number
from sbsim.records import PRIORITIES
from sbsim.units import parse_duration


def _whole(given: object) -> float:
    value = plain_number(given)
    if value != int(value):
        raise ValueError(f"{given!r} is not a whole number; try {round(value)}")
    return value


_LAW_READERS: Mapping[str, Callable[[object], float]] = {"duration": parse_duration, "number": plain_number, "count": _whole}


@dataclass(frozen=True)
class LawOf(Kind):
    """A law of some quantity; a bare quantity is a constant.

    Parameters
    ----------
    what : "duration" (seconds), "number", or "count" (single values are whole). is_positive : 0 is no value. is_noise : a factor, rescaled to mean 1.
    """

    what: str
    is_positive: bool = False
    is_noise: bool = False

    def read(self, given: Any) -> Any:
        if isinstance(given, Law):
            return given
        if is_none(given):
            raise FieldError(f"none is not allowed here; try {self._example}")
        if self.is_noise and isinstance(given, Mapping) and not {"mean", "median"} & set(given):
            given = {"mean": 1, **given} if given.get("law") in ("exponential", "lognormal", "gamma", "weibull") else given
        try:
            law = parse_law(given, self._reader(given), is_positive=self.is_positive, unit=self._unit, example=self._example)
            return law.unit_mean() if self.is_noise else law
        except LawError as error:
            raise FieldError(str(error), *error.path) from None
        except ValueError as error:  # no mean to rescale
            raise FieldError(f"{error}; try {self._example}") from None

    def _reader(self, given: Any) -> Callable[[object], float]:
        is_a_point = not isinstance(given, Mapping) or given.get("law") in ("constant", "empirical")
        return _LAW_READERS["number" if self.what == "count" and not is_a_point else self.what]

    @property
    def _unit(self) -> str:
        return "s" if self.what == "duration" else ""

    @property
    def _example(self) -> str:
        return "{law: lognormal, cv: 0.2}" if self.is_noise else '"8s"' if self.what == "duration" else "1"

    def schema(self) -> dict[str, Any]:
        quantity = {"type": ["number", "string"]} if self.what == "duration" else {"type": "number"}
        return {"anyOf": [quantity, _law_schema(quantity)], **({"x-unit": self._unit} if self._unit else {})}


def _law_schema(quantity: Mapping[str, Any]) -> dict[str, Any]:
    names = ("value", "mean", "median", "p90", "low", "high", "min", "max")
    kinds = ["constant", "exponential", "uniform", "lognormal", "gamma", "weibull", "empirical"]
    return {
        "type": "object",
        "properties": {
            "law": {"enum": kinds},
            **dict.fromkeys(names, quantity),
            "cv": {"type": "number", "minimum": 0},
            "values": {"type": "array", "items": quantity, "minItems": 1},
            "weights": {"type": "array", "items": {"type": "number", "minimum": 0}},
        },
        "required": ["law"],
        "additionalProperties": False,
    }


@dataclass(frozen=True)
class PopularityKind(Kind):
    """How requests are spread over contents or tenants."""

    def read(self, given: Any) -> Any:
        return given if isinstance(given, Popularity) else parse_popularity(given)

    def schema(self) -> dict[str, Any]:
        properties = {"law": {"enum": ["zipf", "uniform"]}, "exponent": {"type": "number", "minimum": 0}}
        return {"type": "object", "properties": properties, "required": ["law"], "additionalProperties": False}


def read_resolution(given: Any) -> str:
    """A size such as "1920x1080" or a name such as "1080p"."""
    if isinstance(given, str) and given.strip() and given.isprintable():
        return given
    raise FieldError(f'{shown(given)} is not a resolution; try "1920x1080" or "1080p"')


def read_priority(given: Any) -> int:
    """1, 2, 3 or a name -> the number."""
    if isinstance(given, str) and given in PRIORITIES:
        return PRIORITIES[given]
    if not isinstance(given, (bool, float)) and given in PRIORITIES.values():
        return int(given)
    raise FieldError(
        f"{shown(given)} is not 1 (urgent), 2 (normal), 3 (background) or one of these names{nearest(given, PRIORITIES) or '; try normal'}"
    )


def read_style_value(given: Any) -> Any:
    """Text or a number."""
    if isinstance(given, bool) or not isinstance(given, (str, int, float)) or given == "":
        raise FieldError(f"{shown(given)} is neither text nor a number; try quoting it")
    return given if isinstance(given, str) else plain_number(given) if isinstance(given, float) else given


@dataclass(frozen=True)
class Weights(Kind):
    """Values with relative weights, given as a mapping value -> weight or as the one value; kept as shares that add up to 1.

    `are_shares`: weights that add up to less than 1 are refused, since somebody has left out the rest.
    """

    value: Callable[[Any], Any]
    what: str
    are_shares: bool = False

    def read(self, given: Any) -> Any:
        if is_none(given) and self.value is read_resolution:
            return None
        if not isinstance(given, Mapping):
            return {self.value(given): 1.0}
        weights: dict[Any, float] = {}
        for key, weight in given.items():
            value = self._keyed(key)
            if value in weights:
                raise FieldError(f"{self.what} {shown(value)} is given twice", key)
            weights[value] = self._weight(key, weight)
        whole = sum(weights.values())
        if whole <= 0:
            raise FieldError(f"the weights add up to {whole:g}; at least one must be > 0; try {{{next(iter(weights), 'name')}: 1}}")
        if self.are_shares and whole < 1 - 1e-9:
            raise FieldError(f"the shares add up to {whole:g}, not 1; try giving the rest, {1 - whole:g}, too")
        return {value: weight / whole for value, weight in weights.items() if weight > 0}

    def _keyed(self, key: Any) -> Any:
        try:
            return self.value(key)
        except ValueError as error:
            raise FieldError(str(error), key) from None

    def _weight(self, key: Any, weight: Any) -> float:
        try:
            return Quantity("number").read(weight)  # type: ignore[no-any-return]
        except ValueError as error:
            raise FieldError(str(error), key) from None

    def schema(self) -> dict[str, Any]:
        weights = {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}, "minProperties": 1}
        return {"anyOf": [{"type": ["string", "number"]}, weights]}


@dataclass(frozen=True)
class Styles(Kind):
    """Style parameters: name -> value, or name -> {value: weight}."""

    def read(self, given: Any) -> Any:
        if not isinstance(given, Mapping):
            raise FieldError(f"{shown(given)} is not a mapping; try {{style: {{cinematic: 0.5, playful: 0.5}}}}")
        styles: dict[str, dict[Any, float]] = {}
        for name, weights in given.items():
            if not isinstance(name, str) or not name.strip():
                raise FieldError(f"{shown(name)} is not the name of a style parameter; try quoting it", name)
            try:
                styles[name] = Weights(read_style_value, "value").read(weights)
            except FieldError as error:
                raise FieldError(str(error), name, *error.path) from None
        return styles

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": Weights(read_style_value, "value").schema()}


@dataclass(frozen=True)
class Profile(Kind):
    """Multiplier of the arrival rate, {0h: 0.5, 4h: 1.5}: linear between its points, constant outside; kept as ((seconds, factor), …)."""

    def read(self, given: Any) -> Any:
        if not isinstance(given, Mapping) or not given:
            raise FieldError(f"{shown(given)} is not a profile; try {{0h: 0.5, 4h: 1.5, 8h: 0.7}}")
        points: dict[float, float] = {}
        for time, factor in given.items():
            try:
                at = Quantity("duration").read(time)
                if at in points:
                    raise FieldError("this time is given twice; try removing one")
                points[at] = Quantity("number").read(factor)
            except ValueError as error:
                raise FieldError(str(error), time) from None
        if max(points.values()) <= 0:
            raise FieldError("every factor is 0: nothing would ever arrive; at least one must be > 0; try {0h: 1}")
        return tuple(sorted(points.items()))

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}, "minProperties": 1}


@dataclass(frozen=True)
class ListOf(Kind):
    """A list whose entries are read one by one.

    Parameters
    ----------
    entry : reads one. example : a list as one would write it. n : its length where that is fixed. is_bare : one entry may stand without brackets.
    """

    entry: Callable[[Any], Any]
    example: str
    n: int | None = None
    or_none: bool = False
    is_bare: bool = False

    def read(self, given: Any) -> Any:
        if is_none(given) and self.or_none:
            return None
        if self.is_bare and not isinstance(given, (list, tuple)):
            given = [given]
        if not isinstance(given, (list, tuple)) or not given:
            raise FieldError(f"{shown(given)} is not a list of one or more; try {self.example}")
        if self.n is not None and len(given) != self.n:
            raise FieldError(f"{shown(list(given))} has {len(given)} entries; it must have {self.n}; try {self.example}")
        values = []
        for k, each in enumerate(given):
            try:
                values.append(self.entry(each))
            except ValueError as error:
                raise FieldError(str(error), k, *getattr(error, "path", ())) from None
        return tuple(values)

    def schema(self) -> dict[str, Any]:
        listed: dict[str, Any] = {"type": "array", "items": {"type": ["string", "number", "object"]}, "minItems": self.n or 1}
        if self.n is not None:
            listed["maxItems"] = self.n
        kinds = [listed, *([{"type": ["string", "number"]}] if self.is_bare else []), *([{"type": "null"}] if self.or_none else [])]
        return listed if len(kinds) == 1 else {"anyOf": kinds}


@dataclass(frozen=True)
class Day(Kind):
    """A calendar day, 2026-11-23."""

    def read(self, given: Any) -> Any:
        if is_none(given):
            return None
        try:
            if isinstance(given, date):  # TOML has dates
                return given.isoformat()
            return date.fromisoformat(given).isoformat()
        except (TypeError, ValueError):
            raise FieldError(f'{shown(given)} is not a day; try "2026-11-23"') from None

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "null"], "format": "date"}


_duration = Quantity("duration").read
_positive_duration = Quantity("duration", is_open=True).read
_positive_rate = Quantity("rate").read

DurationLaw = Annotated[Law, LawOf("duration", is_positive=True)]
AnyDurationLaw = Annotated[Law, LawOf("duration")]
UnitsLaw = Annotated[Law, LawOf("number")]
CountLaw = Annotated[Law, LawOf("count", is_positive=True)]
NoiseLaw = Annotated[Law, LawOf("number", is_noise=True)]
Popular = Annotated[Popularity, PopularityKind()]
Resolutions = Annotated[tuple[str, ...] | None, ListOf(read_resolution, "[1280x720, 1920x1080]", or_none=True, is_bare=True)]
Durations = Annotated[tuple[float, ...] | None, ListOf(_duration, "[4s, 6s, 8s]", or_none=True, is_bare=True)]
Rates = Annotated[tuple[float, ...] | None, ListOf(_positive_rate, "[2/s, 10/s]", or_none=True)]
Dwells = Annotated[tuple[float, ...] | None, ListOf(_positive_duration, "[10min, 1min]", or_none=True, is_bare=True)]
Between = Annotated[tuple[float, float] | None, ListOf(_duration, "[0h, 2h]", n=2, or_none=True)]
