"""Knobs in base units: the settings, or other quantities of a scenario, that a search may vary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sbsim.config import SETTINGS, Setting
from sbsim.documents.faults import FieldError, nearest, one_of, shown
from sbsim.documents.fields import Quantity
from sbsim.documents.paths import parse_path
from sbsim.errors import ScenarioError
from sbsim.laws import plain_number
from sbsim.scenario.study import Knob


def read_knobs(given: Mapping[str, Knob], keys: Iterable[str]) -> dict[str, Knob]:
    """Knobs by path (a setting's without `config.`), their values in base units. Raises FieldError.

    `keys` are the top-level keys of a scenario, which other paths begin with.
    """
    knobs: dict[str, Knob] = {}
    for path, knob in given.items():
        bare = path.removeprefix("config.")
        try:
            if bare in knobs:
                raise FieldError("this knob is given twice; try removing one")
            knobs[bare] = _read(knob, _reader_of(bare, keys), bare)
        except ValueError as error:
            raise FieldError(str(error), "search", path, *getattr(error, "path", ())) from None
    return knobs


def is_whole(path: str) -> bool:
    """Whether the values of the setting at `path` are whole numbers."""
    known = SETTINGS.get(path)
    return known is not None and isinstance(known.kind, Quantity) and known.kind.what == "count"


def _reader_of(path: str, keys: Iterable[str]) -> Setting | None:
    known = SETTINGS.get(path)
    if known is not None:
        return known
    try:
        first = parse_path(path)[0]
    except ScenarioError as error:
        raise FieldError(str(error)) from None
    if first not in keys or path in keys or path.startswith("config"):
        raise FieldError(f"no such setting; allowed: {one_of(SETTINGS)}, or a path within the scenario{nearest(path, SETTINGS)}")
    return None


def _read(knob: Knob, known: Setting | None, path: str) -> Knob:
    if knob.choices is not None:
        return knob.model_copy(update={"choices": tuple(_value(each, known, "choices", k) for k, each in enumerate(knob.choices))})
    low, high = _value(knob.low, known, "low"), _value(knob.high, known, "high")
    for key, value in (("low", low), ("high", high)):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise FieldError(f"{shown(value)} is not a number, so nothing lies between; try {{choices: [ … ]}}", key)
    if low >= high:
        raise FieldError(
            f"{low:g} must be below high, {high:g}; try {{low: {high:g}, high: {low:g}}}" if low > high else f"low and high are both {low:g}", "low"
        )
    if knob.log and low <= 0:
        raise FieldError(f"a logarithmic knob cannot begin at {low:g}; try a low above 0, or log: false", "low")
    return knob.model_copy(update={"low": low, "high": high})


def _value(given: Any, known: Setting | None, *path: str | int) -> Any:
    try:
        if known is None:
            return plain_number(given) if path[0] != "choices" else given
        value = known.read(given)
    except ValueError as error:
        raise FieldError(str(error), *path, *getattr(error, "path", ())) from None
    reason = known.missing_part(value)
    if reason is not None:
        raise FieldError(reason, *path)
    return value
