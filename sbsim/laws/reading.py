"""Laws as scenarios write them. A wrong one is refused with the key at fault and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from sbsim.laws.continuous import Continuous, Gamma, Lognormal, Uniform, Weibull
from sbsim.laws.discrete import Constant, Empirical
from sbsim.laws.fitting import LawError, fit
from sbsim.laws.law import Law
from sbsim.laws.popularity import Popularity

Read = Callable[[object], float]

_LEAST_MASS = 1e-12
"""A truncation that keeps less than this of a law leaves too few digits of u to draw from."""

_KEYS: Mapping[str, tuple[str, ...]] = {
    "constant": ("value",),
    "exponential": ("mean",),
    "uniform": ("low", "high"),
    "lognormal": ("mean", "median", "cv", "p90"),
    "gamma": ("mean", "median", "cv", "p90"),
    "weibull": ("mean", "median", "cv", "p90"),
    "empirical": ("values", "weights"),
}


@dataclass(frozen=True)
class _Reader:
    """How the quantities of one law are read."""

    read: Read
    is_positive: bool
    unit: str
    example: str

    def quantity(self, given: object, *path: str | int, is_positive: bool = False) -> float:
        """A quantity of at least (`is_positive`: above) 0."""
        try:
            value = self.read(given)
        except ValueError as error:
            raise LawError(_with_advice(str(error), self.example), *path, *getattr(error, "path", ())) from None
        if value < 0 or (is_positive and value == 0):
            raise LawError(f"{given!r} must be {'>' if is_positive else '>='} 0{self.unit and f' {self.unit}'}; try {self.example}", *path)
        return value


_PLAIN = _Reader(lambda given: plain_number(given), False, "", "1")


def parse_law(given: object, read: Read, *, is_positive: bool = False, unit: str = "", example: str = "1") -> Law:
    """The law that a scenario states.

    Parameters
    ----------
    given : a bare quantity (constant), or a mapping such as {"law": "lognormal", "median": "45s", "p90": "90s", "max": "10min"}.
    read : reads every quantity in it (`units.parse_duration`, `plain_number`, …); cv and weights are plain numbers.
    is_positive : whether a value of 0 is refused. unit, example : of the quantity, for messages.

    Raises
    ------
    LawError
        When it means nothing; the message says what is allowed, `path` names the key.
    """
    reader = _Reader(read, is_positive, unit, example)
    if not isinstance(given, Mapping):
        return Constant(value=reader.quantity(given, is_positive=is_positive))
    kind = _kind(given, _KEYS, "{law: lognormal, median: 45s, p90: 90s}")
    _only_known_keys(given, ("law", *_KEYS[kind], "min", "max"), kind)
    low = reader.quantity(given["min"], "min") if _is_given(given, "min") else 0.0
    high = reader.quantity(given["max"], "max", is_positive=True) if _is_given(given, "max") else math.inf
    if low > high:
        raise LawError(f"min {given['min']!r} is above max {given['max']!r}; try exchanging them", "min")
    law = _READERS[kind](given, reader)
    return law if (low, high) == (0.0, math.inf) else _truncated(law, low, high, "min" if _is_given(given, "min") else "max")


def _read_constant(given: Mapping[Any, Any], reader: _Reader) -> Law:
    return Constant(value=reader.quantity(_required(given, "value"), "value", is_positive=reader.is_positive))


def _read_exponential(given: Mapping[Any, Any], reader: _Reader) -> Law:
    return Weibull(scale=reader.quantity(_required(given, "mean"), "mean", is_positive=True))


def _read_uniform(given: Mapping[Any, Any], reader: _Reader) -> Law:
    low = reader.quantity(_required(given, "low"), "low")
    high = reader.quantity(_required(given, "high"), "high", is_positive=reader.is_positive)
    if low > high:
        raise LawError(f"low {given['low']!r} is above high {given['high']!r}; try exchanging them", "low")
    return Constant(value=low) if low == high else Uniform(start=low, end=high)


def _read_fitted(given: Mapping[Any, Any], reader: _Reader) -> Law:
    centre, spread = _one_of(given, "mean", "median"), _one_of(given, "cv", "p90")
    middle = reader.quantity(given[centre], centre, is_positive=True)
    width = _PLAIN.quantity(given["cv"], "cv") if spread == "cv" else reader.quantity(given["p90"], "p90", is_positive=True)
    if spread == "p90" and centre == "median" and width < middle:
        raise LawError(f"p90 {given['p90']!r} is below the median {given['median']!r}; try exchanging them", "p90")
    if width == (0.0 if spread == "cv" else middle):
        return Constant(value=middle)
    scale, shape = fit(given["law"], centre, middle, spread, width)
    if given["law"] == "lognormal":
        return Lognormal(median=scale, sigma=1 / shape)
    return (Gamma if given["law"] == "gamma" else Weibull)(scale=scale, shape=shape)


def _read_empirical(given: Mapping[Any, Any], reader: _Reader) -> Law:
    values = _listed(given, "values", _required(given, "values"))
    weights = _listed(given, "weights", given.get("weights", [1] * len(values)))
    if len(values) != len(weights):
        raise LawError(f"{len(weights)} weights for {len(values)} values; try one each, or none for equal weights", "weights")
    together: dict[float, float] = {}
    for k, (value, weight) in enumerate(zip(values, weights, strict=True)):
        quantity = reader.quantity(value, "values", k, is_positive=reader.is_positive)
        together[quantity] = together.get(quantity, 0.0) + _PLAIN.quantity(weight, "weights", k)
    return _empirical(together, "weights")


def _empirical(together: Mapping[float, float], key: str) -> Empirical:
    whole = math.fsum(together.values())
    if not 0 < whole < math.inf:
        raise LawError("nothing is left to draw: the weights add up to 0; try weights above 0, or a wider min and max", key)
    kept = sorted((value, weight / whole) for value, weight in together.items() if weight > 0)
    return Empirical(values=tuple(value for value, _ in kept), probabilities=tuple(p for _, p in kept))


_READERS: Mapping[str, Callable[[Mapping[Any, Any], _Reader], Law]] = {
    "constant": _read_constant,
    "exponential": _read_exponential,
    "uniform": _read_uniform,
    "lognormal": _read_fitted,
    "gamma": _read_fitted,
    "weibull": _read_fitted,
    "empirical": _read_empirical,
}


def _truncated(law: Law, low: float, high: float, key: str) -> Law:
    if isinstance(law, Continuous):
        cut = replace(law, minimum=low, maximum=high)
        if cut.kept < _LEAST_MASS:
            raise LawError(f"min and max leave (almost) nothing of the law: a probability of {cut.kept:.2g}; try a wider min and max", key)
        return cut
    if isinstance(law, Empirical):
        return _empirical({v: p for v, p in zip(law.values, law.probabilities, strict=True) if low <= v <= high}, key)
    if not low <= law.low <= high:
        raise LawError(f"the constant value {law.low:g} is not within min and max; try leaving them out", key)
    return law


def plain_number(given: object) -> float:
    """A finite number as it stands. Raises ValueError for text, booleans, NaN and infinities."""
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise ValueError(f"{given!r} is not a number")
    try:
        value = float(given)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"{str(given)[:20]} is not a finite number")
    return value


def _with_advice(message: str, example: str) -> str:
    return message if "; try " in message else f"{message}; try {example}"


def _is_given(given: Mapping[Any, Any], key: str) -> bool:
    return key in given and given[key] is not None and given[key] != "none"


def _required(given: Mapping[Any, Any], key: str) -> Any:
    if key not in given:
        others = ", ".join(str(known) for known in given if known != "law") or "nothing else"
        raise LawError(f"a law of kind {given['law']} needs {key}; given: {others}; try {{law: {given['law']}, {key}: …}}")
    return given[key]


def _one_of(given: Mapping[Any, Any], first: str, second: str) -> str:
    if (first in given) == (second in given):
        raise LawError(f"a law of kind {given['law']} needs {first} or {second}, {'not both' if first in given else 'and has neither'}; try {second}")
    return first if first in given else second


def _listed(given: Mapping[Any, Any], key: str, value: object) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)) or not value:
        raise LawError(f"{value!r} is not a list of one or more; try [4s, 6s, 8s] or [0.3, 0.3, 0.4]", key)
    return value


def _kind(given: Mapping[Any, Any], kinds: Mapping[str, Any], example: str) -> str:
    kind = given.get("law")
    if isinstance(kind, str) and kind in kinds:
        return kind
    if "law" not in given:
        raise LawError(f"a law needs the key `law`, one of {', '.join(kinds)}; try {example}")
    near = get_close_matches(str(kind), kinds, 1)
    raise LawError(f"{kind!r} is not one of {', '.join(kinds)}; try {near[0] if near else example}", "law")


def _only_known_keys(given: Mapping[Any, Any], allowed: Sequence[str], kind: str) -> None:
    for key in given:
        if key not in allowed:
            near = get_close_matches(str(key), allowed, 1)
            raise LawError(f"unknown key of a {kind} law; allowed: {', '.join(allowed)}; try {near[0] if near else 'removing it'}", str(key))


def parse_popularity(given: object) -> Popularity:
    """The popularity that a scenario states: {"law": "zipf", "exponent": 0.9} or {"law": "uniform"}. Raises LawError."""
    if not isinstance(given, Mapping):
        raise LawError(f"{given!r} is not a popularity; try {{law: zipf, exponent: 0.9}} or {{law: uniform}}")
    keys = {"zipf": ("law", "exponent"), "uniform": ("law",)}
    kind = _kind(given, keys, "{law: zipf, exponent: 0.9}")
    _only_known_keys(given, keys[kind], kind)
    return Popularity(0.0 if kind == "uniform" else _PLAIN.quantity(_required(given, "exponent"), "exponent"))
