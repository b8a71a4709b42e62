"""Patterns of a batch by dynamic programming: the one that is worth most at given values of the items, and a ceiling on what any is worth.

The knapsack is solved exactly in whole numbers over all limits at once (sizes, durations, number of items), class by class, so that a set-up is paid
when the first item of its class goes in (Gilmore and Gomory 1961, 1963; set-ups: Chajakis and Guignard 1994). Where a table would be too large,
sizes are rounded to a grid: up for patterns, which then fit all the more, and down for ceilings, which then hold all the more. Conflicts are not
seen here: a pattern may break them, a ceiling holds without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from sbsim.packing.instances import Dimension, Pattern, Types

MOST_CELLS = 200_000
"""Cells of a table at most: about 0.2 ms for each item that is looked at."""
CELL_UNITS = 8e-6
"""Units of effort that a cell costs for each type, whose items go in as one, two, four and so on; measured 2026-11-28."""
COARSE_CELLS = 1_500
"""Cells of the coarse table along one dimension: the cost of a numpy call then, rather than of the cells."""
COARSE_AREA = 20_000
"""Cells of the coarse table of several dimensions."""
FEWEST_CELLS = 50
"""Cells of a dimension at least, where it has more: coarser than that, a pattern of a few items would be nonsense."""
_NOTHING = -(1 << 61)
"""Value of a cell that cannot be reached; no sum of values brings it near 0."""
_CLASS, _OPENING = -1, -2
"""Stand for a type in the trace: after the last and before the first type of a class."""


Step = tuple[int, int, int]
"""(at least, at most) of the number of items in a batch, and the factor on charges there."""


class Values(NamedTuple):
    """What packing earns, in whole numbers on one scale.

    `items` : one item of each type. `batch`, `classes` : what a batch, and each class in it, are worth beside what they cost. `scale` : what a cost
    of 1 weighs.
    """

    items: Sequence[int]
    batch: int
    classes: Sequence[int]
    scale: int


class Priced(NamedTuple):
    """The pattern that is worth most above its cost, if any is worth more than it costs, and a ceiling on (worth - cost) of any pattern."""

    pattern: Pattern | None
    ceiling: int


class Knapsack:
    """Tables for one set of types: a fine one that settles, and where that is large a coarse one whose patterns come twenty times as fast.

    Parameters
    ----------
    types : what is to be packed. most_cells : size of a table beyond which it becomes coarse.

    Attributes
    ----------
    is_exact : whether the fine table has a cell for every sum, so that what it finds is the best there is.
    """

    def __init__(self, types: Types, most_cells: int = MOST_CELLS) -> None:
        has_tiers = not types.is_monotone
        self._steps: list[Step | None] = list(types.tariff.steps(types.most_items)) if has_tiers else [None]
        dimensions = list(types.dimensions)
        if not dimensions or (has_tiers and not types.is_count(len(dimensions) - 1)):
            dimensions.append(Dimension((1,) * types.n, types.most_items, (0,) * types.n_classes))
        fine = _grid(dimensions, most_cells)
        self.is_exact = all(most == dimension.capacity for most, dimension in zip(fine, dimensions, strict=True))
        self._inner = _Table(types, [_up(dimension, most) for dimension, most in zip(dimensions, fine, strict=True)])
        self._outer = self._inner if self.is_exact else _Table(types, [_down(d, most) for d, most in zip(dimensions, fine, strict=True)])
        sums = [dimension for d, dimension in enumerate(types.dimensions) if not types.is_count(d)]
        self._uncounted = None
        if sums and not has_tiers and len(sums) < len(dimensions):
            cells = _grid(sums, most_cells)
            if all(most == dimension.capacity for most, dimension in zip(cells, sums, strict=True)):
                self._uncounted = _Table(types, sums)
        self._coarse = self._uncounted or self._inner
        coarse = _grid(sums, COARSE_CELLS if len(sums) == 1 else COARSE_AREA)
        if sums and not has_tiers and 2 * prod(most + 1 for most in coarse) < self._coarse.cells:
            self._coarse = _Table(types, [_up(d, most) for d, most in zip(sums, coarse, strict=True)])
        self._types = types

    def price(self, values: Values, counts: Sequence[int], *, is_coarse: bool) -> Priced:
        """The pattern within `counts` of each type that is worth most above its cost; among fewer patterns where `is_coarse`."""
        first = self._coarse if is_coarse else self._uncounted
        if first is not None and first is not self._inner:
            priced = first.best(values, counts, None, is_traced=True)
            if priced.pattern is None or sum(k for _, k in priced.pattern) <= self._types.most_items:
                return priced  # the best without a limit on the number of items, and within it
            if is_coarse:
                return priced._replace(pattern=_shortened(priced.pattern, values, self._types.most_items))
        best = Priced(None, _NOTHING)
        for step in self._steps:
            priced = self._inner.best(values, counts, step, is_traced=True)
            if priced.ceiling > best.ceiling:
                best = priced
        return best

    def ceiling(self, values: Values, counts: Sequence[int]) -> int:
        """More than no pattern within `counts` is worth above its cost, on whatever grid the patterns are found."""
        return max(self._outer.best(values, counts, step, is_traced=False).ceiling for step in self._steps)

    def work(self, n_types: int, *, is_coarse: bool) -> float:
        """Units of effort that one pricing of so many types takes."""
        table = self._coarse if is_coarse else self._uncounted or self._inner
        n_steps = 1 if table is self._uncounted else len(self._steps)
        return n_steps * n_types * (0.015 + table.cells * CELL_UNITS)


class _Table:
    """One table: weights of the types in cells of each dimension."""

    def __init__(self, types: Types, dimensions: Sequence[Dimension]) -> None:
        self._types = types
        self._shape = tuple(dimension.capacity + 1 for dimension in dimensions)
        self.cells = prod(self._shape)
        self._weights = [tuple(dimension.weights[t] for dimension in dimensions) for t in range(types.n)]
        self._setup_weights = [tuple(dimension.setup_weights[c] for dimension in dimensions) for c in range(types.n_classes)]
        self._fitting = [
            min((cap // w for w, cap in zip(weights, (s - 1 for s in self._shape), strict=True) if w), default=types.n_items)
            for weights in self._weights
        ]
        self._blocks = list(_blocks(types))
        self._slices: dict[tuple[int, ...], tuple[Any, Any]] = {}

    def best(self, values: Values, counts: Sequence[int], step: Step | None, *, is_traced: bool) -> Priced:
        """The pattern that is worth most, of those with a number of items within `step` (at least, at most, factor on charges) where one is given."""
        types = self._types
        worths = list(values.items)
        if step is not None:
            worths = [worth - values.scale * step[2] * charge for worth, charge in zip(worths, types.charges, strict=True)]
        openings = [worth - values.scale * setup for worth, setup in zip(values.classes, types.tariff.setups, strict=True)]
        table, trace = self._filled(worths, openings, counts, is_counted=step is not None, is_traced=is_traced)
        end = tuple(size - 1 for size in self._shape)
        if step is not None:
            line = table[(*end[:-1], slice(step[0], step[1] + 1))]
            end = (*end[:-1], step[0] + int(np.argmax(line)))
        worth = int(table[end]) + values.batch - values.scale * types.tariff.fee
        return Priced(self._traced(trace, end) if is_traced and worth > 0 else None, worth)

    def _filled(
        self, worths: Sequence[int], openings: Sequence[int], counts: Sequence[int], *, is_counted: bool, is_traced: bool
    ) -> tuple[Any, list[Any]]:
        """The table of the most that can be had within each cell, and the decisions that led there; `is_counted`: with exactly so many items."""
        types = self._types
        if is_counted:
            table = np.full(self._shape, _NOTHING, dtype=np.int64)
            table[..., 0] = 0
        else:
            table = np.zeros(self._shape, dtype=np.int64)
        trace: list[Any] = []
        for c, first, last in self._blocks:
            is_worth = is_counted or openings[c] > 0
            chosen = [t for t in range(first, last) if counts[t] and (is_worth or worths[t] > 0)]
            if not chosen:
                continue
            if not types.has_setups:
                self._fill(table, None, chosen, worths, counts, trace if is_traced else None)
                continue
            low, high = self._shift(self._setup_weights[c])
            opened = np.full(self._shape, _NOTHING, dtype=np.int64)
            opened[high] = table[low] + openings[c]
            trace.append((_OPENING, 0, self._setup_weights[c], None, None))
            if openings[c] <= 0:  # opened for nothing, a class loses: no need to see to it that an item is in
                inside = opened
                self._fill(inside, None, chosen, worths, counts, trace if is_traced else None)
            else:
                inside = np.full(self._shape, _NOTHING, dtype=np.int64)
                self._fill(inside, opened, chosen, worths, counts, trace if is_traced else None)
            if is_traced:
                trace.append((_CLASS, 0, (), inside > table, None))
            table = np.maximum(table, inside)
        return table, trace

    def _fill(self, table: Any, opened: Any, chosen: Sequence[int], worths: Sequence[int], counts: Sequence[int], trace: list[Any] | None) -> None:
        """Let items of the types `chosen` into the table in place, the first of them coming from `opened` where a class is begun."""
        for t in chosen:
            for k in _chunks(min(counts[t], self._fitting[t])):
                shift = self._weights[t] if k == 1 else tuple(k * w for w in self._weights[t])
                low, high = self._shift(shift)
                more, there = table[low], table[high]
                is_first = None
                if opened is not None:
                    if trace is not None:
                        is_first = opened[low] >= more
                    more = np.maximum(more, opened[low])
                more = more + k * worths[t]
                if trace is not None:
                    trace.append((t, k, shift, more > there, is_first))
                np.maximum(more, there, out=there)

    def _shift(self, weights: tuple[int, ...]) -> tuple[Any, Any]:
        """Where something of these weights comes from and goes to."""
        known = self._slices.get(weights)
        if known is None:
            low = tuple(slice(0, size - w) for size, w in zip(self._shape, weights, strict=True))
            known = self._slices[weights] = low, tuple(slice(w, None) for w in weights)
        return known

    def _traced(self, trace: Sequence[Any], end: tuple[int, ...]) -> Pattern:
        """The pattern behind a cell, read backwards from the last decision."""
        taken: dict[int, int] = {}
        cell, is_open, is_begun = end, not self._types.has_setups, False
        for t, k, shift, is_better, is_first in reversed(trace):
            if t == _CLASS:
                is_open, is_begun = bool(is_better[cell]), False
            elif t == _OPENING:
                if is_open:
                    cell = tuple(c - w for c, w in zip(cell, shift, strict=True))
            elif is_open and not is_begun:
                before = tuple(c - w for c, w in zip(cell, shift, strict=True))
                if min(before) >= 0 and is_better[before]:
                    taken[t] = taken.get(t, 0) + k
                    cell = before
                    is_begun = is_first is not None and bool(is_first[cell])
        return tuple(sorted(taken.items()))


def _shortened(pattern: Pattern, values: Values, most: int) -> Pattern:
    """What is worth most of a pattern, so many items of it."""
    kept = []
    for t, k in sorted(pattern, key=lambda held: (-values.items[held[0]], held[0])):
        if most > 0:
            kept.append((t, min(k, most)))
            most -= k
    return tuple(sorted(kept))


def _blocks(types: Types) -> Iterator[tuple[int, int, int]]:
    """(class, first type, past the last) of every class, in order."""
    if not types.has_setups:
        yield 0, 0, types.n
        return
    first = 0
    for t in range(1, types.n + 1):
        if t == types.n or types.classes[t] != types.classes[first]:
            yield types.classes[first], first, t
            first = t


def _chunks(count: int) -> Iterator[int]:
    """1, 2, 4, … and a rest: numbers whose sums over all choices are 0 to `count`."""
    k = 1
    while count > 0:
        yield min(k, count)
        count -= k
        k *= 2


def _grid(dimensions: Sequence[Dimension], most_cells: int) -> list[int]:
    """Cells of each dimension: its capacity, unless together they are too many; then the largest are made coarse, numbers of items never."""
    cells = [dimension.capacity for dimension in dimensions]
    sums = [d for d, dimension in enumerate(dimensions) if any(dimension.setup_weights) or set(dimension.weights) != {1}]
    room = most_cells // prod(most + 1 for d, most in enumerate(cells) if d not in sums)
    for k, d in enumerate(sorted(sums, key=cells.__getitem__)):  # what a small one leaves free is the others' to use
        side = max(FEWEST_CELLS, int(max(room, 1) ** (1 / (len(sums) - k))) - 1)
        cells[d] = min(cells[d], side)
        room //= cells[d] + 1
    return cells


def _up(dimension: Dimension, cells: int) -> Dimension:
    if cells == dimension.capacity:
        return dimension
    return Dimension(
        tuple(-(-w * cells // dimension.capacity) for w in dimension.weights),
        cells,
        tuple(-(-w * cells // dimension.capacity) for w in dimension.setup_weights),
    )


def _down(dimension: Dimension, cells: int) -> Dimension:
    return Dimension(
        tuple(w * cells // dimension.capacity for w in dimension.weights),
        cells,
        tuple(w * cells // dimension.capacity for w in dimension.setup_weights),
    )
