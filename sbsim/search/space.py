"""What may be searched: knobs as dimensions, each a finite grid in natural units, and the lattice that they span.

A dimension owns the way from a knob's values (seconds, bytes, whole numbers, words) to positions on its grid and back; the algorithms see positions
only. It knows neither what a value does nor what it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import exp, floor, log, log10, prod
from typing import Any

import numpy as np

from sbsim.errors import ScenarioError

Value = int | float | str | bool | None
Point = tuple[int, ...]
"""A position on every dimension's grid."""
Values = tuple[tuple[str, Value], ...]
"""A candidate as (path, value) pairs: hashable, in the order of the space."""

MOST_INTEGERS = 64
"""Whole numbers up to this many are all on the grid; of more, N_STEPS + 1 spread ones are."""
N_STEPS = 24
"""Steps of a continuous knob's grid: on a log grid from 1 s to 10 min each is a factor of 1.3, finer than cost curves can be told apart."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One knob.

    Attributes
    ----------
    path : of the setting, such as "batching.max_wait".
    grid : its values in base units, distinct; ascending where `is_ordered`.
    is_ordered : whether neighbours on the grid are alike; if not (words), every value is a neighbour of every other.
    is_log : whether distance is measured in ratios.
    """

    path: str
    grid: tuple[Value, ...]
    is_ordered: bool = True
    is_log: bool = False

    def to_external(self, position: int) -> Value:
        """The value at `position` of the grid."""
        return self.grid[position]

    def to_internal(self, value: Value) -> int:
        """The position whose value is nearest to `value` (the lower of two equally near).

        Raises
        ------
        ValueError
            When the values have no order and this is none of them.
        """
        for position, known in enumerate(self.grid):
            if known == value and isinstance(known, bool) == isinstance(value, bool):
                return position
        if not self.is_ordered or not _is_number(value):
            raise ValueError(f"{self.path}: {value!r} is not one of {', '.join(map(repr, self.grid))}")
        at = self._scale(value)
        return min(range(len(self.grid)), key=lambda position: (abs(self._scale(self.grid[position]) - at), position))

    def neighbours(self, position: int, step: int) -> list[int]:
        """Positions to look at from `position`: `step` grid steps down and up (the grid's end where it is nearer), or all others without order."""
        if not self.is_ordered:
            return [other for other in range(len(self.grid)) if other != position]
        around = (max(position - step, 0), min(position + step, len(self.grid) - 1))
        return [other for other in around if other != position]

    def including(self, value: Value) -> Dimension:
        """This dimension with `value` on its grid, where that lies within its range."""
        if not self.is_ordered or not _is_number(value) or value in self.grid:
            return self
        numbers: list[Any] = list(self.grid)
        if not numbers[0] < value < numbers[-1]:
            return self
        return Dimension(self.path, tuple(sorted([*numbers, value])), True, self.is_log)

    def _scale(self, value: Any) -> float:
        return log(max(value, 1e-300)) if self.is_log else float(value)


def integers(path: str, low: int, high: int, *, is_log: bool = False) -> Dimension:
    """Whole numbers from `low` to `high`: all of them, or of more than MOST_INTEGERS a spread choice that keeps both ends."""
    _check_range(path, low, high, is_log)
    if high - low < MOST_INTEGERS:
        return Dimension(path, tuple(range(low, high + 1)), True, is_log)
    spread = {round(value) for value in _spaced(low, high, is_log)}
    return Dimension(path, tuple(sorted({low, high} | {n for n in spread if low < n < high})), True, is_log)


def reals(path: str, low: float, high: float, *, is_log: bool = False) -> Dimension:
    """Real numbers from `low` to `high` on a grid of N_STEPS steps, equal in difference or (`is_log`) in ratio, rounded to a tenth of a step."""
    _check_range(path, low, high, is_log)
    between = _spaced(low, high, is_log)
    return Dimension(path, tuple(sorted({float(low), float(high)} | {value for value in between if low < value < high})), True, is_log)


def choices(path: str, values: Iterable[Value]) -> Dimension:
    """The given values alone: ordered where all are numbers, else without order. Repetitions are dropped."""
    distinct = tuple(dict.fromkeys(values))
    if not distinct:
        raise ScenarioError(f"search.{path}: choices: empty; give at least one")
    if all(_is_number(value) for value in distinct):
        numbers: list[Any] = list(distinct)
        return Dimension(path, tuple(sorted(numbers)))
    return Dimension(path, distinct, is_ordered=False)


@dataclass(frozen=True, slots=True)
class Space:
    """The lattice of all dimensions' grids.

    Attributes
    ----------
    settle : the one way to write a candidate: of points whose settings do the same it gives equal values.
    """

    dimensions: tuple[Dimension, ...]
    settle: Callable[[Values], Values] = field(default=lambda values: values, compare=False)

    @property
    def size(self) -> int:
        """Number of points."""
        return prod(len(dimension.grid) for dimension in self.dimensions)

    def to_external(self, point: Point) -> Values:
        """The settings at `point`, settled."""
        return self.settle(
            tuple((dimension.path, dimension.to_external(position)) for dimension, position in zip(self.dimensions, point, strict=True))
        )

    def to_internal(self, values: Mapping[str, Value]) -> Point | None:
        """The point nearest to `values`, or None where one of them is foreign to a dimension without order."""
        try:
            return tuple(dimension.to_internal(values[dimension.path]) for dimension in self.dimensions)
        except ValueError:
            return None

    def points(self) -> Iterator[Point]:
        """Every point, the last dimension fastest."""
        grids = [range(len(dimension.grid)) for dimension in self.dimensions]
        shape = tuple(len(grid) for grid in grids)
        return (tuple(int(i) for i in np.unravel_index(n, shape)) for n in range(self.size))

    def neighbours(self, point: Point, axis: int, step: int) -> list[Point]:
        """The points that differ from `point` on dimension `axis` alone, `step` grid steps away (all others without order)."""
        around = self.dimensions[axis].neighbours(point[axis], step)
        return [(*point[:axis], position, *point[axis + 1 :]) for position in around]

    def sobol(self, n: int, seed: int) -> list[Point]:
        """Up to `n` distinct points, evenly spread: a scrambled Sobol sequence (Owen 1998), points met before left out."""
        from scipy.stats import qmc  # 0.6 s to import

        sequence = qmc.Sobol(len(self.dimensions), rng=np.random.Generator(np.random.Philox(seed)))
        sizes = np.array([len(dimension.grid) for dimension in self.dimensions])
        found: dict[Point, None] = {}
        for _ in range(64):  # a small lattice is soon used up
            unit = sequence.random(1 << max(3, (n - 1).bit_length()))
            for row in np.minimum((unit * sizes).astype(int), sizes - 1).tolist():
                found.setdefault(tuple(row))
            if len(found) >= min(n, self.size):
                break
        return list(found)[:n]


def _check_range(path: str, low: float, high: float, is_log: bool) -> None:
    if low > high:
        raise ScenarioError(f"search.{path}: low {low!r} must be <= high {high!r}; try exchanging them")
    if is_log and low <= 0:
        raise ScenarioError(f"search.{path}: low {low!r} must be > 0 where log: true; try a small positive number, or log: false")


def _spaced(low: float, high: float, is_log: bool) -> set[float]:
    """The values between the ends of N_STEPS steps, rounded: 13.1 s is a setting, 13.0948273 s is noise."""
    if low == high:
        return set()
    ratio = exp(log(high / low) / N_STEPS) if is_log else 1.0
    values = [low * ratio**k if is_log else low + (high - low) * k / N_STEPS for k in range(1, N_STEPS)]
    steps = [value * (ratio - 1) if is_log else (high - low) / N_STEPS for value in values]
    return {round(value, 1 - floor(log10(step))) for value, step in zip(values, steps, strict=True)}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
