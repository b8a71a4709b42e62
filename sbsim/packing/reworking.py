"""Better packings from good ones: take some batches apart, pack their items anew by column generation and a dive, keep what is cheaper.

The part that is taken apart begins with a batch and goes on with those that share most classes with it or waste most; its relaxation says first
whether anything can be gained there at all. A neighbourhood search (Shaw 1998) whose moves are the exact method on a smaller problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from sbsim.packing.columns import Columns, widest
from sbsim.packing.diving import dive
from sbsim.packing.instances import Pattern

FEWEST = 3
"""Batches taken apart at least."""
ROUNDS = 8
"""Rounds of pricing for the part that was taken apart."""


class Reworking:
    """Tries to improve packings again and again, always in the same way.

    Parameters
    ----------
    columns : the linear programs.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._types = columns.types
        self._random = Random(0)
        self._turns = 0

    def step(self, packed: Sequence[Pattern]) -> list[Pattern] | None:
        """One try: a cheaper packing or None."""
        self._turns += 1
        apart = self._choose(packed)
        counts = [0] * self._types.n
        for k in apart:
            for t, n in packed[k]:
                counts[t] += n
        cost = sum(self._types.cost(packed[k]) for k in apart)
        uses = widest(self._types, counts, cost)
        relaxed = self._columns.relax(counts, uses, most_rounds=ROUNDS)
        found = None if relaxed is None else dive(self._columns, counts, relaxed, uses, below=cost, turn=self._turns % 4)
        if found is None:
            return None
        return [pattern for k, pattern in enumerate(packed) if k not in apart] + found

    def _choose(self, packed: Sequence[Pattern]) -> set[int]:
        """Indices of the batches to take apart: one, and those that share most classes with it, with some luck."""
        n, draw = len(packed), self._random
        size = draw.randint(min(FEWEST, n), min(n, max(FEWEST, 4 + self._turns // 10)))
        first = draw.randrange(n)
        mine = self._types.classes_of(packed[first])
        likeness = [(len(mine & self._types.classes_of(pattern)) + 2 * draw.random(), k) for k, pattern in enumerate(packed) if k != first]
        return {first, *(k for _, k in sorted(likeness, reverse=True)[: size - 1])}
