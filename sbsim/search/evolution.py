"""Differential evolution on the lattice, for budgets that allow it: scipy's, over positions, one whole generation side by side.

Owns the translation between scipy's minimiser and a race, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.search.objective import Standing
from sbsim.search.race import BudgetSpent, Race
from sbsim.search.space import Point

FEWEST_GENERATIONS = 8
"""With fewer, it does no better than chance."""
_SMALLEST_POPULATION = 15


def population_size(race: Race) -> int:
    """Points in a generation."""
    return max(_SMALLEST_POPULATION, 5 * len(race.space.dimensions))


def pays(race: Race) -> bool:
    """Whether what is left of the budget allows enough generations."""
    return race.room >= FEWEST_GENERATIONS * population_size(race)


def evolve(race: Race, start: Sequence[Point], seed: int) -> None:
    """Evolve a population that begins with `start` (topped up with a Sobol sequence) until the budget is spent; its points are in the race then.

    A generation may cost less than its size: points met before are remembered. After ten times as many generations as would fit the budget if
    everything were new there is nothing left to find.
    """
    from scipy.optimize import differential_evolution  # 0.3 s to import

    n = population_size(race)
    population = list(dict.fromkeys([*start, *race.space.sobol(2 * n, seed)]))[:n]
    bounds = [(0, len(dimension.grid) - 1) for dimension in race.space.dimensions]
    if len(population) < 5:
        return  # scipy wants five; a space that small has been tried out already

    def energies(positions: NDArray[np.float64]) -> NDArray[np.float64]:
        points = [tuple(map(int, column)) for column in np.rint(positions).T.reshape(-1, len(bounds))]
        race.try_out(points)
        found = np.array([energy(race.first(race.space.to_external(point))) for point in points])
        return found if positions.ndim > 1 else found[0]

    minimise: Any = differential_evolution  # its stubs know no vectorised functions
    try:
        minimise(
            energies, bounds, init=np.array(population, dtype=float), integrality=[True] * len(bounds), maxiter=10 * floor(race.room / n),
            tol=0, atol=0, polish=False, updating="deferred", vectorized=True, rng=np.random.Generator(np.random.Philox(seed)),
        )  # fmt: skip
    except BudgetSpent:
        return


def energy(standing: Standing) -> float:
    """A standing as one number of the same order, as scipy wants it: who may be chosen, then who misses a constraint, then who is saturated."""
    if standing.is_eligible:
        return max(min(standing.cost, 1e29), -1e29)
    missed = standing.violation / (1 + standing.violation)
    cost = standing.cost / (1e9 + abs(standing.cost)) if isfinite(standing.cost) else 1.0
    return (3e30 if standing.is_saturated else 1e30) * (1 + missed + 1e-9 * cost)
