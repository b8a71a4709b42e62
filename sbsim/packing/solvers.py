"""The only door to OR-Tools and HiGHS: a linear master problem over patterns, exact covers by patterns, and packing by constraint programming.

Everything runs on one thread with fixed seeds under deterministic limits, and under a limit on seconds only where the effort has a clock. The solvers
are imported when first used (0.15 to 0.75 s each).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, inf
from typing import Any, NamedTuple

from sbsim.packing.instances import Pattern, Types
from sbsim.packing.patterns import Priced, Step, Values

MOST_WEIGHT_BITS = 40
"""Bits of a weight that CP-SAT is given: sums stay within its 64. Larger ones are rounded down, so bounds hold and what it finds is checked."""
_IMPOSSIBLE = 2
"""HiGHS's status, as scipy numbers it, of a problem without a solution."""
_ROUNDING = 1 << 10
"""CP-SAT reports an objective as a float: of whole numbers up to 2**60 it may be off by this."""
_NEVER = -(1 << 61)


def load() -> None:
    """Import every solver now, so that nobody's time limit pays for it."""
    import scipy.optimize  # noqa: F401


class Master:
    """A linear program of least cost over columns that are added one by one (GLOP), warm between two solves.

    Parameters
    ----------
    rows : (at least, at most) of each row's sum; infinite bounds are allowed.
    """

    def __init__(self, rows: Sequence[tuple[float, float]]) -> None:
        from ortools.linear_solver import pywraplp

        self._solver: Any = pywraplp.Solver.CreateSolver("GLOP")
        self._rows = [self._solver.Constraint(float(low), float(high)) for low, high in rows]
        self._objective = self._solver.Objective()
        self._objective.SetMinimization()
        self._columns: list[Any] = []
        self._optimal = pywraplp.Solver.OPTIMAL

    def add(self, coefficients: Iterable[tuple[int, int]], cost: float) -> None:
        """One more column: (row, coefficient) and the cost of each time that it is used, which is 0 or more."""
        column = self._solver.NumVar(0.0, inf, "")
        self._objective.SetCoefficient(column, float(cost))
        for row, coefficient in coefficients:
            self._rows[row].SetCoefficient(column, float(coefficient))
        self._columns.append(column)

    def solve(self) -> bool:
        """Find the optimum; False where no use of the columns keeps the rows, or the solver gave up."""
        return bool(self._solver.Solve() == self._optimal)

    @property
    def cost(self) -> float:
        """Cost of the optimum that was found, as are the three lists that follow."""
        return float(self._objective.Value())

    @property
    def duals(self) -> list[float]:
        """Dual value of each row."""
        return [row.dual_value() for row in self._rows]

    @property
    def shares(self) -> list[float]:
        """How often each column is used."""
        return [column.solution_value() for column in self._columns]

    @property
    def reduced_costs(self) -> list[float]:
        """What a use of each column would add to the cost."""
        return [column.reduced_cost() for column in self._columns]


class Cover(NamedTuple):
    """How often each column is used (None when no cover was found), and whether it was shown that there is none."""

    shares: list[int] | None
    is_impossible: bool


def cheapest_cover(
    columns: Sequence[Pattern], costs: Sequence[float], demands: Sequence[int], *, is_exact: bool, most_nodes: int, seconds: float
) -> Cover:
    """Use columns so often that every row's sum is its demand (or more, unless `is_exact`), at least cost, by HiGHS.

    most_nodes : of branch and bound. seconds : inf for no limit on time.
    """
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csc_array

    if not columns:
        return Cover(None, any(demands))
    pointers = np.cumsum([0, *(len(column) for column in columns)])
    rows = np.array([row for column in columns for row, _ in column], dtype=np.int64)
    values = np.array([float(value) for column in columns for _, value in column])
    matrix = csc_array((values, rows, pointers), shape=(len(demands), len(columns)))
    wanted = np.array(demands, dtype=float)
    options: Any = {"node_limit": most_nodes, "mip_rel_gap": 0.0}
    if seconds < inf:
        options["time_limit"] = max(seconds, 0.01)
    found = milp(
        np.array(costs),
        integrality=np.ones(len(columns), dtype=np.int64),
        bounds=Bounds(0, inf),
        constraints=LinearConstraint(matrix, wanted, wanted if is_exact else inf),
        options=options,
    )
    return Cover(None if found.x is None else [round(x) for x in found.x], found.status == _IMPOSSIBLE)


def best_pattern(types: Types, values: Values, counts: Sequence[int], step: Step, *, work: float, seconds: float) -> tuple[Priced, float]:
    """The pattern within `counts` of each type that is worth most above its cost, by CP-SAT: any limits and conflicts at once; and the work it took.

    step : (at least, at most) of the number of items, and the factor on charges there. work : deterministic seconds at most. seconds : inf for no
    limit on time. The ceiling holds whether or not the search was finished.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    taken = {t: model.new_int_var(0, n, "") for t, n in enumerate(counts) if n}
    opened = _limited(model, types, taken)
    model.add_linear_constraint(sum(taken.values()), step[0], min(step[1], types.most_items))
    worth = sum((values.items[t] - values.scale * step[2] * types.charges[t]) * number for t, number in taken.items())
    worth += sum((values.classes[c] - values.scale * types.tariff.setups[c]) * is_open for c, is_open in opened.items())
    model.maximize(worth)
    solver = _cp_solver(work, seconds)
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return Priced(None, _NEVER), solver.response_proto.deterministic_time
    always = values.batch - values.scale * types.tariff.fee
    ceiling = ceil(solver.best_objective_bound) + always
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Priced(None, ceiling), solver.response_proto.deterministic_time
    pattern = tuple((t, solver.value(number)) for t, number in taken.items() if solver.value(number))
    if status == cp_model.OPTIMAL:
        ceiling = round(solver.objective_value) + always + _ROUNDING
    is_worth = solver.objective_value + always > 0 and types.fits(pattern)
    return Priced(pattern if is_worth else None, ceiling), solver.response_proto.deterministic_time


def assignment(types: Types, packed: Sequence[Pattern], bound: int, *, work: float, seconds: float) -> tuple[list[Pattern] | None, int, float]:
    """Pack by CP-SAT with a number for every type in every batch: (a packing or None, a bound on the cost, the work it took).

    packed : a packing, which is the hint and gives the number of batches that are offered. bound : on the cost, known already.
    work : deterministic seconds at most. seconds : inf for no limit on time. Only for tariffs of one tier without a minimum that matters.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    most, tariff = len(packed), types.tariff
    is_used = [model.new_bool_var("") for _ in range(most)]
    numbers = [{t: model.new_int_var(0, n, "") for t, n in enumerate(types.counts)} for _ in range(most)]
    cost: Any = 0
    for b in range(most):
        opened = _limited(model, types, numbers[b])
        for is_open in opened.values():
            model.add_implication(is_open, is_used[b])
        model.add(sum(numbers[b].values()) <= types.most_items * is_used[b])
        cost += tariff.fee * is_used[b] + sum(tariff.setups[c] * is_open for c, is_open in opened.items())
        if b:
            model.add_implication(is_used[b], is_used[b - 1])
            model.add(sum(numbers[b].values()) <= sum(numbers[b - 1].values()))  # batches are alike: the fuller ones come first
    for t, n in enumerate(types.counts):
        model.add(sum(number[t] for number in numbers) == n)
    model.add(cost >= bound)
    model.minimize(cost)
    by_number = sorted(packed, key=lambda pattern: -sum(k for _, k in pattern))
    for b, pattern in enumerate(by_number):
        held = dict(pattern)
        for t, number in numbers[b].items():
            model.add_hint(number, held.get(t, 0))
    solver = _cp_solver(work, seconds)
    status = solver.solve(model)
    found = None
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        found = [tuple((t, solver.value(n)) for t, n in number.items() if solver.value(n)) for number in numbers]
    least = max(bound, ceil(solver.best_objective_bound - 1e-6)) if status != cp_model.UNKNOWN else bound
    return None if found is None else [pattern for pattern in found if pattern], least, solver.response_proto.deterministic_time


def _limited(model: Any, types: Types, numbers: Mapping[int, Any]) -> dict[int, Any]:
    """Let `numbers` of each type be one batch that keeps every limit; the result says of each class whether it is in the batch."""
    holds = {t: model.new_bool_var("") for t in numbers} if types.has_setups or types.conflicts else {}
    for t, is_held in holds.items():
        model.add(numbers[t] <= types.counts[t] * is_held)
        model.add(numbers[t] >= is_held)
    opened = {c: model.new_bool_var("") for c in sorted({types.classes[t] for t in holds})} if types.has_setups else {}
    for c, is_open in opened.items():
        mine = [holds[t] for t in holds if types.classes[t] == c]
        model.add_max_equality(is_open, mine)
    for dimension in types.dimensions:
        shift = max(0, dimension.capacity.bit_length() - MOST_WEIGHT_BITS)
        used = sum((dimension.weights[t] >> shift) * number for t, number in numbers.items())
        setups = sum((dimension.setup_weights[c] >> shift) * is_open for c, is_open in opened.items())
        model.add(used + setups <= dimension.capacity >> shift)
    if types.conflicts:
        for group in _groups_apart(types, list(holds)):
            model.add_at_most_one([holds[t] for t in group])
    return opened


def _groups_apart(types: Types, held: Sequence[int]) -> list[list[int]]:
    """Groups of types of which no two may meet, that together hold every conflict: stronger for a solver than pairs."""
    left = {(t, u) for t in held for u in held if t < u and types.conflicts[t] >> u & 1}
    groups = []
    for pair in sorted(left):
        if pair not in left:
            continue
        group = list(pair)
        for t in held:
            if t not in group and all(types.conflicts[u] >> t & 1 for u in group):
                group.append(t)
        group.sort()
        left -= {(t, u) for k, t in enumerate(group) for u in group[k + 1 :]}
        groups.append(group)
    return groups


def _cp_solver(work: float, seconds: float) -> Any:
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = work
    if seconds < inf:
        solver.parameters.max_time_in_seconds = max(seconds, 0.01)
    return solver
