"""`--vary`: what a sweep varies, as text: `path=1,5,25` or `path=1s:10min:8:log`.

Owns that little language. Values stay as files write them; the scenario reads them like any other value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import log10
from typing import Any, NamedTuple

from sbsim.config import known_setting
from sbsim.documents.yaml12 import read_scalar
from sbsim.errors import ScenarioError
from sbsim.scenario import Scenario, is_whole
from sbsim.units import parse_duration, parse_money, parse_rate, parse_size

MOST_POINTS = 1_000_000
"""A grid beyond this is a slip of the pen."""


class Axis(NamedTuple):
    """One thing that varies: a path within the scenario, and its values in order, distinct."""

    path: str
    values: tuple[Any, ...]


def parse_axis(text: str) -> Axis:
    """The axis that a flag describes.

    `PATH=A,B,C` lists values; `PATH=LOW:HIGH:N` spreads N values evenly, `PATH=LOW:HIGH:N:log` in equal ratios. Whole-number settings are rounded.

    Raises
    ------
    ScenarioError
        When the text is none of these.
    """
    path, equals, given = text.partition("=")
    path, given = path.strip(), given.strip()
    if not equals or not path or not given:
        raise _refusal(text, "is not PATH=VALUES")
    values = _spread(text, path, given.split(":")) if _is_range(given) else [_scalar(text, each) for each in given.split(",")]
    return Axis(path.removeprefix("config."), tuple(dict.fromkeys(values)))


def axes_of(vary: Sequence[str] | Mapping[str, Sequence[Any]], scenario: Scenario) -> tuple[Axis, ...]:
    """The axes of a sweep, each value tried on the scenario and turned to base units.

    Parameters
    ----------
    vary : texts as `parse_axis` reads them, or path -> values.

    Raises
    ------
    ScenarioError
        For a path or value that the scenario refuses, a path given twice, no axis at all, or more than MOST_POINTS points.
    """
    axes = (
        [Axis(path.removeprefix("config."), tuple(values)) for path, values in vary.items()] if isinstance(vary, Mapping) else map(parse_axis, vary)
    )
    read = [Axis(axis.path, tuple(dict.fromkeys(_tried(scenario, axis.path, value) for value in axis.values))) for axis in axes]
    paths = [axis.path for axis in read]
    if not read or not all(axis.values for axis in read):
        raise ScenarioError("--vary: there is nothing to vary; try --vary batching.max_batch_size=1,5,25")
    for k, path in enumerate(paths):
        if path in paths[:k]:
            raise ScenarioError(f"--vary: {path} is given twice; try one list of all its values")
    size = 1
    for axis in read:
        size *= len(axis.values)
    if size > MOST_POINTS:
        raise ScenarioError(f"--vary: the grid has {size} points; at most {MOST_POINTS} are run; try fewer values, or `sbsim recommend`")
    return tuple(read)


def grid(axes: Sequence[Axis]) -> list[tuple[tuple[str, Any], ...]]:
    """Every point of the grid as (path, value) pairs, the last axis fastest."""
    return [tuple(zip((axis.path for axis in axes), values, strict=True)) for values in product(*(axis.values for axis in axes))]


def _tried(scenario: Scenario, path: str, value: Any) -> Any:
    """The value in base units, as the scenario reads it; what it does not show in one piece stays as it was given."""
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise ScenarioError(f"--vary {path}: {value!r} is not a single value; try varying one of its parts by its own path")
    read = scenario.with_values({path: value}).get(path)
    return read if read is None or isinstance(read, (bool, int, float, str)) else value


def _is_range(given: str) -> bool:
    return given.count(":") >= 2 and "," not in given


def _spread(text: str, path: str, parts: list[str]) -> list[Any]:
    if len(parts) > 4 or (len(parts) == 4 and parts[3] != "log"):
        raise _refusal(text, "is not LOW:HIGH:N or LOW:HIGH:N:log")
    low, high = (_quantity(text, path, part) for part in parts[:2])
    if not parts[2].strip().isdecimal() or not 2 <= int(parts[2]) <= MOST_POINTS:
        raise _refusal(text, f"asks for {parts[2]!r} values; it must be a whole number from 2 to {MOST_POINTS}")
    if not low < high:
        raise _refusal(text, f"goes from {low:g} to {high:g}; the first must be below the second")
    n, is_log = int(parts[2]), len(parts) == 4
    if is_log and low <= 0:
        raise _refusal(text, f"begins at {low:g}, and equal ratios never come from there; it must be > 0")
    return [_at(low, high, k / (n - 1), is_log, is_whole(path)) for k in range(n)]


def _at(low: float, high: float, share: float, is_log: bool, whole: bool) -> float | int:
    """A value between the ends, which are met exactly; six significant digits are more than any setting needs."""
    value = low if share == 0 else high if share == 1 else low * 10 ** (share * log10(high / low)) if is_log else low + share * (high - low)
    if whole:
        return round(value)
    return value if share in (0, 1) else float(f"{value:.6g}")


def _quantity(text: str, path: str, part: str) -> float:
    """A number, or a quantity in the unit of the setting."""
    value = _scalar(text, part)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    known = known_setting(path.removeprefix("config."))
    try:
        if known is not None:
            value = known.read(value)
        else:
            value = next(read for parse in (parse_duration, parse_rate, parse_money, parse_size) if (read := _try(parse, value)) is not None)
    except (ValueError, StopIteration):
        value = None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _refusal(text, f"{part.strip()!r} is not a quantity")
    return float(value)


def _try(parse: Any, value: Any) -> float | None:
    try:
        return float(parse(value))
    except ValueError:
        return None


def _scalar(text: str, part: str) -> Any:
    try:
        return read_scalar(part.strip())
    except ValueError as error:
        raise _refusal(text, str(error)) from None


def _refusal(text: str, why: str) -> ScenarioError:
    return ScenarioError(f"--vary {text}: {why}; try batching.max_batch_size=1,5,25 or batching.max_wait=1s:10min:8:log")
