"""Knobs in base units: the settings, or other quantities of a scenario, that a search may vary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sbsim.config import SETTINGS, Config, Setting, known_setting
from sbsim.documents.faults import FieldError, nearest, one_of, shown
from sbsim.documents.fields import Quantity
from sbsim.documents.paths import parse_path
from sbsim.errors import ScenarioError
from sbsim.scenario.study import Knob

Read = Callable[[Any], Any]
"""From a value as files give it to one in base units; raises ValueError."""


def read_knobs(given: Mapping[str, Knob], keys: Iterable[str], config: Config) -> dict[str, Knob]:
    """Knobs by path (a setting's without `config.`); those of settings in base units. Raises FieldError.

    `keys` are the top-level keys of a scenario, which other paths begin with; `config` is the baseline, which has every part that is varied.
    """
    knobs: dict[str, Knob] = {}
    for path, knob in given.items():
        bare = path.removeprefix("config.")
        try:
            if bare in knobs:
                raise FieldError("this knob is given twice; try removing one")
            known = known_setting(bare)
            if known is None:
                _leads_into_a_scenario(bare, keys)
            else:
                _is_one_value(known, bare)
                config.get(bare)
            knobs[bare] = knob if known is None else in_base_units(knob, _reader(known))
        except ValueError as error:
            raise FieldError(str(error), "search", path, *getattr(error, "path", ())) from None
    return knobs


def in_base_units(knob: Knob, read: Read) -> Knob:
    """The knob with its values read, which are then known to be numbers in order, or choices that mean something. Raises FieldError."""
    if knob.choices is not None:
        return knob.model_copy(update={"choices": tuple(_value(each, read, "choices", k) for k, each in enumerate(knob.choices))})
    low, high = _value(knob.low, read, "low"), _value(knob.high, read, "high")
    for key, value in (("low", low), ("high", high)):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise FieldError(f"{shown(value)} is not a number, so nothing lies between; try {{choices: [ … ]}}", key)
    if low == high:
        raise FieldError(f"low and high are both {low:g}; try a greater high", "low")
    if low > high:
        raise FieldError(f"{low:g} must be below high, {high:g}; try {{low: {high:g}, high: {low:g}}}", "low")
    if knob.log and low <= 0:
        raise FieldError(f"a logarithmic knob cannot begin at {low:g}; try a low above 0, or log: false", "low")
    return knob.model_copy(update={"low": low, "high": high})


def is_whole(path: str) -> bool:
    """Whether the values of the setting at `path` are whole numbers."""
    known = known_setting(path)
    return known is not None and isinstance(known.kind, Quantity) and known.kind.what == "count"


def _reader(known: Setting) -> Read:
    def read(given: Any) -> Any:
        value = known.read(given)
        reason = known.missing_part(value)
        if reason is not None:
            raise FieldError(reason)
        return value

    return read


def _value(given: Any, read: Read, *path: str | int) -> Any:
    try:
        return read(given)
    except ValueError as error:
        raise FieldError(str(error), *path, *getattr(error, "path", ())) from None


def _is_one_value(known: Setting, path: str) -> None:
    """Refuses a whole list, of which nobody could say how far a candidate is from another."""
    if isinstance(known.default, tuple):
        raise FieldError(f"a whole list is no knob; allowed: one value within an entry; try {path}[0].limit")


def _leads_into_a_scenario(path: str, keys: Iterable[str]) -> None:
    try:
        steps = parse_path(path)
    except ScenarioError as error:
        raise FieldError(str(error)) from None
    if steps[0] not in keys or steps[0] in ("config", "search"):
        raise FieldError(f"no such setting; allowed: {one_of(SETTINGS)}, or a path within the scenario{nearest(path, SETTINGS)}")
