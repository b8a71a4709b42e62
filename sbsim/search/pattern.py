"""Pattern search on the knobs' own grids: one dimension at a time, in steps of 3, 2 and 1, then along diagonals.

Owns the walk from one start (Hooke and Jeeves, "Direct search solution of numerical and statistical problems", J. ACM 8, 1961: look around, then go
on where it got better; on a lattice with categories as in Audet and Dennis, SIAM J. Optim. 11, 2001). It sees points and asks a race who is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from sbsim.search.race import Race
from sbsim.search.space import Point, Space

STEPS = (3, 2, 1)
"""Grid steps, coarse to fine."""


def pattern_search(race: Race, start: Point, visited: set[tuple[Point, int, int]], *, keep_words: bool = False) -> Point:
    """The best point found by walking from `start`.

    Parameters
    ----------
    visited : (point, dimension, step) looked at from earlier starts; a walk that joins an earlier one ends there. Added to.
    keep_words : change dimensions without order only when all others have settled. That costs more, and finds what is best for a word that looks poor
        at first.

    Raises
    ------
    BudgetSpent
        When the budget does not allow the next look; every point met is in the race.
    """
    space, point = race.space, start
    words = [axis for axis, dimension in enumerate(space.dimensions) if not dimension.is_ordered]
    axes = [axis for axis in range(len(space.dimensions)) if not (keep_words and axis in words)]
    while True:
        for step in STEPS:
            settled = _settle(race, point, axes, step, visited)
            if settled is None:
                return point
            point = settled
        moved = point
        for axis in words:
            moved = race.best_of(moved, space.neighbours(moved, axis, 1))
        if moved == point:
            moved = race.best_of(point, diagonal_neighbours(space, point))  # a constraint's edge blocks every single dimension
        if moved == point:
            return point
        point = moved


def diagonal_neighbours(space: Space, point: Point) -> list[Point]:
    """Points one grid step away on two ordered dimensions at once."""
    found: list[Point] = []
    ordered = [axis for axis, dimension in enumerate(space.dimensions) if dimension.is_ordered]
    for a, b in combinations(ordered, 2):
        for beside in space.neighbours(point, a, 1):
            found.extend(space.neighbours(beside, b, 1))
    return found


def _settle(race: Race, point: Point, axes: Sequence[int], step: int, visited: set[tuple[Point, int, int]]) -> Point | None:
    """Walk in steps of `step` until none of `axes` gets better; None when the walk comes to where an earlier one was."""
    k = n_still = 0
    while n_still < len(axes):
        axis = axes[k % len(axes)]
        if (point, axis, step) in visited:
            return None
        visited.add((point, axis, step))
        better = race.best_of(point, race.space.neighbours(point, axis, step))
        n_still = n_still + 1 if better == point else 0
        point = _go_on(race, point, better, axis)
        k += 1
    return point


def _go_on(race: Race, point: Point, better: Point, axis: int) -> Point:
    """Repeat the move from `point` to `better` for as long as it pays."""
    dimension = race.space.dimensions[axis]
    move = better[axis] - point[axis] if dimension.is_ordered else 0
    while move and 0 <= (position := better[axis] + move) < len(dimension.grid):
        further = race.best_of(better, [(*better[:axis], position, *better[axis + 1 :])])
        if further == better:
            break
        better = further
    return better
