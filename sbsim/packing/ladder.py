"""The ladder: from bounds and greedy packings to column generation, up to the first rung that proves that nothing is cheaper.

bounds and greedy -> (up to ten items) all subsets -> (nearly full batches) exact cover by full patterns -> column generation with dives, branching on
numbers and annealing where there are set-ups, and reworking of the best packing -> an integer program over the patterns found -> CP-SAT's assignment.

The answer always carries the best bound. It depends on the instance and the units of effort alone, unless a clock stopped it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Literal

from sbsim.packing.bounds import cost_bound, fewest_batches
from sbsim.packing.branching import Branching
from sbsim.packing.columns import Columns, Pricer
from sbsim.packing.covers import full_cover, is_tight
from sbsim.packing.effort import Effort
from sbsim.packing.greedy import portfolio
from sbsim.packing.instances import Instance, Pattern, Types
from sbsim.packing.patterns import CELL_UNITS, MOST_CELLS, Knapsack
from sbsim.packing.selection import Selection
from sbsim.packing.solvers import assignment, cheapest_cover
from sbsim.packing.subsets import MOST_ITEMS, cheapest_partition, units

Method = Literal["auto", "greedy", "columns", "assignment"]
METHODS: tuple[Method, ...] = ("auto", "greedy", "columns", "assignment")
MOST_NUMBERS = 600
"""Numbers (types x batches) up to which CP-SAT's assignment model is worth a try."""
MOST_NUMBERS_WITH_SETUPS = 100
"""The same where there are set-ups: column generation branches on those, and needs the effort more."""
ASSIGNMENT_UNITS = 100.0
"""Units without which CP-SAT's assignment is not begun: with less it ends before it has found anything."""
SHARE = 0.7
"""Part of the effort that column generation may take where CP-SAT's assignment can still follow."""
MOST_NODES = 200
"""Branch and bound nodes of the integer program over patterns."""
MASTER_UNITS = 2.0
"""Units that column generation takes before its first answer."""
PRICINGS = 20
"""Times that the effort should suffice for a whole table: column generation needs some rounds."""
LEAST_CELLS = 2_000
"""Cells of a table however little the effort; fewer say nothing."""
COVER_UNITS = 10.0
"""Units that the integer program takes at least: 8 to 25 ms for 50 to 150 patterns, measured 2026-11-28."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Batches of item indices, what they cost and what any packing costs at least, both in dollars (or what the instance counts).

    `rung` is the rung of the ladder that the last improvement or proof came from.
    """

    batches: list[list[int]]
    cost: Fraction
    bound: Fraction
    is_timed_out: bool
    rung: str

    @property
    def is_optimal(self) -> bool:
        """Whether it is proven that no packing is cheaper."""
        return self.bound >= self.cost

    @property
    def gap(self) -> float:
        """How much cheaper a packing could be at most, as a share of this one's cost."""
        return float((self.cost - self.bound) / self.cost) if self.cost > 0 else 0.0


def pack(instance: Instance, effort: Effort | None = None, method: Method = "auto") -> Packed:
    """Pack an instance.

    Parameters
    ----------
    instance : items, limits and tariff.
    effort : work that it may take, beyond bounds and greedy packings, which are always made; without any, none but that.
    method : auto climbs the ladder; greedy stops after its first rung; columns and assignment skip the other rungs between.

    Returns
    -------
    Packed
        Never costs more than the best greedy packing; its bound never exceeds the cost of any packing.
    """
    return finished(instance, solve(instance.types, effort or Effort(0.0), method))


@dataclass(slots=True)
class Climb:
    """What a climb has so far, in the tariff's unit and without the types' constant."""

    types: Types
    effort: Effort
    packed: list[Pattern]
    bound: int
    rung: str
    is_higher: bool = False  # whether more than bounds and greedy packings was tried, with or without success

    @property
    def cost(self) -> int:
        """Cost of the best packing."""
        return sum(self.types.cost(pattern) for pattern in self.packed)

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to win."""
        return self.bound >= self.cost or self.effort.is_over()

    def improve(self, packed: list[Pattern] | None, bound: int, rung: str) -> None:
        """Take what a rung found, if it is better."""
        if packed is not None and sum(self.types.cost(pattern) for pattern in packed) < self.cost:
            self.packed, self.rung = packed, rung
        if bound > self.bound:
            self.bound, self.rung = bound, rung


def finished(instance: Instance, climb: Climb) -> Packed:
    """The answer for an instance, from a climb for types like its own."""
    climb.effort.is_over()  # so that it is known whether a solver was the last to be stopped by a clock
    unit = instance.tariff.unit
    batches = instance.types.batches(climb.packed)
    cost = instance.cost(batches) * unit
    bound = min(cost, (climb.bound + instance.types.constant) * unit)
    return Packed(batches, cost, bound, climb.effort.is_timed_out and bound < cost, climb.rung)


def solve(types: Types, effort: Effort, method: Method = "auto", most_looks: float = inf) -> Climb:
    """Climb the ladder for merged items; `most_looks` limits how many greedy packings are made."""
    if len(types.parts) > 1:
        return _in_parts(types, effort, method, most_looks)
    n_least = fewest_batches(types)
    bound = cost_bound(types, n_least)
    packings = list[list[Pattern]]()
    for packed in portfolio(types, n_least, most_looks):
        packings.append(packed)
        if sum(types.cost(pattern) for pattern in packed) <= bound:
            break
    best = min(packings, key=lambda packed: sum(types.cost(pattern) for pattern in packed), default=[])
    climb = Climb(types, effort, best, bound, "greedy")
    if method == "greedy" or climb.is_done:
        return climb
    climb.is_higher = True
    if method == "auto" and types.n_items <= MOST_ITEMS and not effort.is_over(units(types.n_items)):
        effort.spend(units(types.n_items))
        packed = cheapest_partition(types)
        climb.improve(packed, sum(types.cost(pattern) for pattern in packed), "subsets")
    if method == "auto" and not climb.is_done and is_tight(types, n_least):
        covered, is_impossible = full_cover(types, n_least, effort)
        climb.improve(covered, cost_bound(types, n_least + is_impossible), "cover")
    if method in ("auto", "columns") and not climb.is_done:
        _columns(climb, packings)
    if method in ("auto", "assignment") and not climb.is_done:
        _assignment(climb)
    return climb


def _in_parts(types: Types, effort: Effort, method: Method, most_looks: float) -> Climb:
    """Each part by itself, with its share of the effort by its number of items; the parts' bounds add up."""
    whole = Climb(types, effort, [], 0, "greedy")
    n_left = types.n_items
    for mine in types.parts:
        part = types.only(mine)
        budget = effort.part(part.n_items / n_left)
        before = budget.units
        climb = solve(part, budget, method, most_looks / len(types.parts))
        effort.spend(before - budget.units)
        effort.is_timed_out |= budget.is_timed_out
        n_left -= part.n_items
        whole.packed.extend(tuple((mine[t], k) for t, k in pattern) for pattern in climb.packed)
        whole.bound += climb.bound
        whole.rung = climb.rung if climb.rung != "greedy" else whole.rung
        whole.is_higher |= climb.is_higher
    return whole


def _columns(climb: Climb, packings: list[list[Pattern]]) -> None:
    types, effort = climb.types, climb.effort
    part = effort.part(SHARE if _is_assignable(climb) else 1.0)
    before = part.units
    prices = pricer(types, part)
    if part.is_over(MASTER_UNITS + prices.work(types.n, is_coarse=True)):
        return
    part.spend(MASTER_UNITS)
    columns = Columns(types, prices, climb.packed, part)
    for packed in packings:
        columns.add(packed)
    branching = Branching(columns, climb.packed, climb.bound)
    branching.run()
    effort.spend(before - part.units)
    effort.is_timed_out |= part.is_timed_out
    climb.improve(branching.packed, branching.bound, "columns")
    if climb.is_done:
        return
    patterns = list(columns.pool)
    costs = [float(columns.pool[pattern]) for pattern in patterns]
    if effort.is_over(COVER_UNITS):
        return
    effort.spend(COVER_UNITS + 0.1 * len(patterns))
    covered = cheapest_cover(patterns, costs, types.counts, is_exact=not types.is_monotone, most_nodes=MOST_NODES, seconds=effort.seconds_left).shares
    if covered is not None:
        chosen = [pattern for pattern, n in zip(patterns, covered, strict=True) for _ in range(n)]
        climb.improve(_trimmed(types, chosen), climb.bound, "integer program")


def pricer(types: Types, effort: Effort) -> Pricer:
    """A table, unless there are conflicts, or several dimensions of which it would be too coarse a picture; little effort has to do with that."""
    most_cells = int(min(MOST_CELLS, max(LEAST_CELLS, effort.units / (PRICINGS * CELL_UNITS * types.n))))
    knapsack = Knapsack(types, most_cells)
    if types.conflicts or (types.n_sums > 1 and not knapsack.is_exact and most_cells == MOST_CELLS):
        return Selection(types, knapsack, effort)
    return knapsack


def _is_assignable(climb: Climb) -> bool:
    """Whether CP-SAT's assignment is small enough to be worth a try, and the tariff linear."""
    types = climb.types
    if climb.effort.is_over(ASSIGNMENT_UNITS):
        return False
    most = MOST_NUMBERS_WITH_SETUPS if types.has_setups else MOST_NUMBERS
    return types.is_monotone and types.tariff.minimum <= types.tariff.fee and types.n * len(climb.packed) <= most


def _assignment(climb: Climb) -> None:
    if not _is_assignable(climb):
        return
    types, effort = climb.types, climb.effort
    found, bound, work = assignment(types, climb.packed, climb.bound, work=min(effort.units / 1000, 1e6), seconds=effort.seconds_left)
    effort.spend(1000 * work)
    fits = found is not None and all(types.fits(pattern) for pattern in found)
    climb.improve(found if fits else None, bound, "assignment")


def _trimmed(types: Types, patterns: list[Pattern]) -> list[Pattern]:
    """The same batches without what is in them too often."""
    left = list(types.counts)
    packed = []
    for pattern in patterns:
        cut = tuple((t, min(k, left[t])) for t, k in pattern if left[t])
        for t, k in cut:
            left[t] -= k
        if cut:
            packed.append(cut)
    assert not any(left)
    return packed
