"""Branch and price on how many batches there are and how many of them hold each class; at every node a dive looks for a better packing.

Where set-ups make batches differ, the relaxation likes to use half a batch of a class, and its bound is 2 to 3 % low. The numbers of batches are
whole, so the nodes below and above a fractional one share out all packings. Without set-ups there is nothing to branch on: the root is the only
node, and dives that begin differently are all that is left to try. Between dives the best packing is reworked and, where that suits, annealed.
"""

from __future__ import annotations

from fractions import Fraction
from heapq import heappop, heappush
from math import floor

from sbsim.packing.annealing import Annealing
from sbsim.packing.columns import Columns, Relaxation, Uses, widest
from sbsim.packing.diving import dive
from sbsim.packing.instances import Pattern
from sbsim.packing.reworking import Reworking

WHOLE = 1e-4
"""How far from a whole number a number of batches may be and still count as one."""
MOST_DIVES = 40
"""Dives where there is nothing left to branch on and batches are alike; where classes make them differ, as many as the effort allows."""

BEGINNING = 0.15
"""Part of the effort that annealing may take before the first relaxation, save for the run in which it is reached."""


class Branching:
    """A best-first search; `best` (cost) and `packed` hold the best packing so far, `bound` what was proven.

    Parameters
    ----------
    columns : the linear programs. packed : a packing to begin with. bound : a bound on the cost known already.
    """

    def __init__(self, columns: Columns, packed: list[Pattern], bound: int) -> None:
        self.columns = columns
        self.types = columns.types
        self.packed = packed
        self.best = sum(columns.types.cost(pattern) for pattern in packed)
        self.bound = bound
        self._heap: list[tuple[int, int, Uses | None, Relaxation]] = []
        self._n_nodes = 0
        self._leaves: list[tuple[int, Uses | None, Relaxation]] = []
        self._reworking = Reworking(columns)
        self._annealing = Annealing(self.types, columns.effort) if Annealing.suits(self.types) else None

    def run(self) -> None:
        """Search until the best packing is proven or the effort is over; with nothing left to branch on, for a number of dives."""
        self._begin()
        if self._is_done:
            return
        self._open(widest(self.types, self.types.counts, self.best), self.bound)
        self._settle()
        n_dives = 0
        while not self._is_done and (self._heap or (self._leaves and (self.types.has_setups or n_dives < MOST_DIVES))):
            uses, relaxed = self._heap[0][2:] if self._heap else self._leaves[0][1:]
            before = self.columns.effort.spent
            limits = _within(uses, widest(self.types, self.types.counts, self.best))
            packed = dive(self.columns, self.types.counts, relaxed, limits, below=self.best, turn=n_dives)
            self.improve(packed)
            n_dives += 1
            if not self._is_done:
                self._improve_for(self.columns.effort.spent - before)
            if self._heap and not self._is_done:
                low, _, uses, relaxed = heappop(self._heap)
                self._split(low, uses, relaxed)
            self._settle()

    def _begin(self) -> None:
        """Where annealing suits, a round of it: what it finds at once needs no relaxation, and keeps the numbers of batches within closer limits."""
        effort = self.columns.effort
        part, before = effort.part(BEGINNING), effort.spent
        while self._annealing and self._annealing.n_rounds <= 1 and not (self._is_done or part.is_over(effort.spent - before)):
            self.improve(self._annealing.step(self.packed))

    def _improve_for(self, units: float) -> None:
        """Spend as much on improving the best packing in each other way as a dive took."""
        effort = self.columns.effort
        ways: list[Reworking | Annealing] = [self._reworking, self._annealing] if self._annealing else [self._reworking]
        for way in ways:
            until = effort.spent + units
            while effort.spent < until and not self._is_done:
                self.improve(way.step(self.packed))

    @property
    def _is_done(self) -> bool:
        return self.is_proven or self.columns.effort.is_over()

    @property
    def is_proven(self) -> bool:
        """Whether no packing costs less than the best."""
        return self.bound >= self.best

    def improve(self, packed: list[Pattern] | None) -> None:
        """Take a packing if there is one and it is better."""
        if packed is None:
            return
        cost = sum(self.types.cost(pattern) for pattern in packed)
        if cost < self.best:
            self.best, self.packed = cost, packed
            self._settle()

    def _open(self, uses: Uses | None, at_least: int) -> None:
        """Solve a node and keep it unless nothing better than the best can be in it; `at_least` bounds it already."""
        if uses is not None and any(least > most for least, most in uses):
            return
        relaxed = self.columns.relax(self.types.counts, uses, goal=self.best)
        self._n_nodes += 1
        if relaxed is None:
            heappush(self._heap, (at_least, self._n_nodes, uses, Relaxation(float(at_least), [], [], Fraction(at_least))))
            return
        low = max(at_least, self.columns.rounded_up(relaxed.bound))
        if low < self.best:
            heappush(self._heap, (low, self._n_nodes, uses, relaxed))

    def _settle(self) -> None:
        """Bring the bound up to date: the least of all nodes that are left."""
        if not self._n_nodes:
            return
        lows = [low for low, *_ in self._heap] + [low for low, *_ in self._leaves]
        self.bound = max(self.bound, min([*lows, self.best]))

    def _split(self, low: int, uses: Uses | None, relaxed: Relaxation) -> None:
        """Open the two nodes beside the most fractional number of batches; without one, the node is a leaf."""
        if uses is not None and relaxed.used:
            sums = [0.0] * len(uses)
            for share, pattern in relaxed.used:
                sums[0] += share
                for c in self.types.classes_of(pattern):
                    sums[1 + c] += share
            part = [(abs(value - floor(value) - 0.5), k) for k, value in enumerate(sums)]
            distance, k = min(part[:1] if part[0][0] < 0.5 - WHOLE else part)
            if distance < 0.5 - WHOLE:
                (least, most), at = uses[k], floor(sums[k])
                self._open((*uses[:k], (least, min(most, at)), *uses[k + 1 :]), low)
                self._open((*uses[:k], (max(least, at + 1), most), *uses[k + 1 :]), low)
                return
        self._leaves.append((low, uses, relaxed))
        self._leaves.sort(key=lambda leaf: leaf[0])


def _within(uses: Uses | None, others: Uses | None) -> Uses | None:
    """Both limits at once: a better packing found since a node was opened leaves fewer batches to it."""
    if uses is None or others is None:
        return uses
    both = [(max(low, lower), min(high, higher)) for (low, high), (lower, higher) in zip(uses, others, strict=True)]
    return tuple((low, max(low, high)) for low, high in both)
