"""Packings where set-ups make batches differ, by simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983) over a given number of batches.

Batches may hold more than their capacity on the way, at a price; a packing is found when none does and the set-ups cost little enough. With ten or
more items in a batch there are far more packings than patterns that a relaxation can tell apart, and dives miss those that fill every batch: of
the published set-up instances with 75 to 200 such items, at 5 s each, they ended at 144 and 164 where 136 and 157 are found here in about a second.
With three or four items in a batch it is the other way round (annealing alone, at 2 s and with an overload of 2, missed 33 of 147 proven
optima, most of that kind), so that both take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import exp
from random import Random

from sbsim.packing.bounds import class_batches, fewest_batches
from sbsim.packing.effort import Effort
from sbsim.packing.instances import Pattern, Types

HOT, COLD = 0.1, 0.004
"""Temperatures at the beginning and the end, as shares of what a batch costs."""
OVERLOAD = 6.0
"""What a batch's capacity too much costs, in batches: of ten hard set-up instances, 3 s each, 6 missed no proven optimum, 4 and 8 one each."""
FEWEST_MOVES = 40_000
"""Moves of a run at least; with half of it, runs ended 0.3 instead of 0.2 % above the best known on the same ten."""
MOVES_AN_ITEM = 200
"""Moves of a run for each item."""
FIRST = 0.25
"""Length of the runs of the first round over all numbers of batches, which sees to what is easy."""
GROWTH = 1.3
"""How much longer the runs of each round are than those of the one before, from the third on."""
BLOCK = 500
"""Moves between two looks at temperature and effort."""
MOVE_WORK = 0.002
"""Units of effort of a move; measured 2026-11-28."""
STEP_WORK = 1.0
"""Units of effort that a run takes beside its moves."""
SHIFTS, SWAPS = 0.35, 0.5
"""Shares of moves that shift an item or swap two; the others move all of a class in a batch."""
CLASS_SHIFTS = 0.05
"""Share of moves that move all of a class in a batch and bring no other back."""
TO_ITS_CLASS = 0.7
"""Share of shifts that go to a batch of the item's class, where it opens none."""


class Annealing:
    """Tries to find a cheaper packing again and again, always in the same way.

    Parameters
    ----------
    types : what is to be packed; `suits` says whether this can. effort : charged for every move.
    """

    def __init__(self, types: Types, effort: Effort) -> None:
        self._types = types
        self._effort = effort
        self._random = Random(0)
        self._n_moves = max(FEWEST_MOVES, MOVES_AN_ITEM * types.n_items)
        self._fewest = fewest_batches(types)
        self._least_setups = sum(m * types.tariff.setups[c] for c, m in class_batches(types).items())
        self._numbers: Iterator[int] = iter(())
        self._n_rounds = 0

    @staticmethod
    def suits(types: Types) -> bool:
        """Whether batches differ by set-ups, their cost is linear and one sum is all that limits them."""
        is_linear = types.is_monotone and types.tariff.minimum <= types.tariff.fee and not any(types.charges)
        return types.has_setups and is_linear and not types.conflicts and len(types.dimensions) == 1

    def step(self, packed: Sequence[Pattern]) -> list[Pattern] | None:
        """One run, into the next number of batches in turn that a cheaper packing can have: such a packing or None."""
        cost, fee = sum(self._types.cost(pattern) for pattern in packed), self._types.tariff.fee
        self._effort.spend(STEP_WORK)
        number = self._next_number(cost)
        if not number:  # a round is over: from now on longer runs
            self._n_rounds += 1
            self._numbers = iter(range(self._fewest, min(len(packed) + 1, self._types.n_items) + 1))
            number = self._next_number(cost)
        if not number:
            return None
        length = FIRST if self._n_rounds == 1 else GROWTH ** (self._n_rounds - 2)
        walk = _Walk(self._types, self._gathered(packed, number), number, self._random)
        is_found = walk.run(int(length * self._n_moves), cost - fee * number, self._effort)
        return walk.packed if is_found else None

    @property
    def n_rounds(self) -> int:
        """Rounds over all numbers of batches that were begun."""
        return self._n_rounds

    def _next_number(self, cost: int) -> int:
        """The next number of batches whose fees and least set-ups leave room below `cost`; 0 at the end of a round."""
        return next((m for m in self._numbers if m * self._types.tariff.fee + self._least_setups < cost), 0)

    def _gathered(self, packed: Sequence[Pattern], number: int) -> list[int]:
        """The batch of each item (types in order, expanded): as packed, those of the emptiest batches thrown into any of the others."""
        weights = self._types.dimensions[0].weights
        fullest_first = sorted(packed, key=lambda pattern: -sum(k * weights[t] for t, k in pattern))
        places: list[list[int]] = [[] for _ in range(self._types.n)]
        for b, pattern in enumerate(fullest_first):
            for t, k in pattern:
                places[t].extend(b if b < number else self._random.randrange(number) for _ in range(k))
        return [b for of_type in places for b in of_type]


class _Walk:
    """One run: which batch each item is in, and what that makes of the batches.

    Parameters
    ----------
    where : the batch of each item, types in order; changed in place. number : of batches.
    """

    def __init__(self, types: Types, where: list[int], number: int, luck: Random) -> None:
        dimension, tariff = types.dimensions[0], types.tariff
        self._where = where
        self._number = number
        self._luck = luck
        self._types_of = [t for t, n in enumerate(types.counts) for _ in range(n)]
        self._weights = [dimension.weights[t] for t in self._types_of]
        self._classes = [types.classes[t] for t in self._types_of]
        self._by_class = [[i for i, mine in enumerate(self._classes) if mine == c] for c in range(types.n_classes)]
        self._capacity, self._setup_weights, self._setup_costs = dimension.capacity, dimension.setup_weights, tariff.setups
        self._price = max(tariff.fee, *tariff.setups) or 1  # what temperatures and overloads are measured in
        self._held = [[0] * types.n_classes for _ in range(number)]  # items of each class in each batch
        self._loads = [0] * number
        for i, b in enumerate(where):
            self._held[b][self._classes[i]] += 1
            self._loads[b] += self._weights[i]
        opened = [(b, c) for b, held in enumerate(self._held) for c, n in enumerate(held) if n]
        for b, c in opened:
            self._loads[b] += self._setup_weights[c]
        self._setups = sum(self._setup_costs[c] for _, c in opened)
        self._overload = sum(max(0, load - self._capacity) for load in self._loads)

    def run(self, n_moves: int, below: int, effort: Effort) -> bool:
        """Anneal for so many moves, or until no batch is too full and the set-ups cost less than `below`; whether they do."""
        hot = HOT * self._price
        for start in range(0, n_moves, BLOCK):
            if effort.is_over():
                return False
            effort.spend(BLOCK * MOVE_WORK)
            if self._walk(min(BLOCK, n_moves - start), below, hot * (COLD / HOT) ** (start / n_moves)):
                return True
        return False

    @property
    def packed(self) -> list[Pattern]:
        """The batches that hold anything."""
        numbers: list[dict[int, int]] = [{} for _ in range(self._number)]
        for t, b in zip(self._types_of, self._where, strict=True):
            numbers[b][t] = numbers[b].get(t, 0) + 1
        return [tuple(sorted(held.items())) for held in numbers if held]

    def _walk(self, n_moves: int, below: int, temperature: float) -> bool:
        """Moves at one temperature, those that make it worse with Metropolis's chance."""
        draw, loads, capacity, where = self._luck.random, self._loads, self._capacity, self._where
        each_too_much = OVERLOAD * self._price / capacity
        for _ in range(n_moves):
            if not self._overload and self._setups < below:
                return True
            there, back, a, b = self._move(draw)
            if a == b:
                continue
            less, more, setups = self._exchange(there, back, a, b)
            load_a, load_b = loads[a] - less, loads[b] + more
            overload = max(load_a - capacity, 0) + max(load_b - capacity, 0) - max(loads[a] - capacity, 0) - max(loads[b] - capacity, 0)
            worse = setups + each_too_much * overload
            if worse <= 0 or draw() < exp(-worse / temperature):
                for items, source, target in ((there, a, b), (back, b, a)):
                    for i in items:
                        self._held[source][self._classes[i]] -= 1
                        self._held[target][self._classes[i]] += 1
                        where[i] = target
                loads[a], loads[b] = load_a, load_b
                self._overload += overload
                self._setups += setups
        return not self._overload and self._setups < below

    def _move(self, draw: Callable[[], float]) -> tuple[Sequence[int], Sequence[int], int, int]:
        """A move at random: items of one class that go from a batch to another, items of one class that come back, and the two batches."""
        where, classes = self._where, self._classes
        kind, i = draw(), int(draw() * len(where))
        c, a = classes[i], where[i]
        if kind < SHIFTS:
            mates = self._by_class[c]
            b = where[mates[int(draw() * len(mates))]] if draw() < TO_ITS_CLASS else int(draw() * self._number)
            return (i,), (), a, b
        j = int(draw() * len(where))
        d, b = classes[j], where[j]
        if kind < SHIFTS + SWAPS:
            return (i,), (j,), a, b
        if c == d or a == b:
            return (), (), a, a
        there = [k for k in self._by_class[c] if where[k] == a]
        return there, ([k for k in self._by_class[d] if where[k] == b] if kind < 1 - CLASS_SHIFTS else ()), a, b

    def _exchange(self, there: Sequence[int], back: Sequence[int], a: int, b: int) -> tuple[int, int, int]:
        """What a move takes from the load of batch `a`, adds to that of `b`, and adds to the cost of set-ups."""
        less, more, setups = self._passing(there, a, b)
        if not back:
            return less, more, setups
        if self._classes[there[0]] == self._classes[back[0]]:
            less = self._weights[there[0]] - self._weights[back[0]]  # only single items of one class are exchanged: set-ups stay
            return less, less, 0
        back_more, back_less, back_setups = self._passing(back, b, a)
        return less - back_less, more - back_more, setups + back_setups

    def _passing(self, items: Sequence[int], source: int, target: int) -> tuple[int, int, int]:
        """What items of one class take from the load of their batch, add to that of another, and add to the cost of set-ups."""
        c = self._classes[items[0]]
        weight = self._weights[items[0]] if len(items) == 1 else sum([self._weights[i] for i in items])
        closes, opens = self._held[source][c] == len(items), not self._held[target][c]
        setup = self._setup_weights[c]
        return weight + closes * setup, weight + opens * setup, (opens - closes) * self._setup_costs[c]
