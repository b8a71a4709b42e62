"""Column generation: the cheapest fractional mix of patterns, and the bound that it proves.

The master problem (cover every type by patterns at least cost) is solved over a pool of patterns that grows by those worth more than they cost at the
master's dual values (Gilmore and Gomory 1961). After the best pattern its items are taken away and the rest is priced again, so that a round brings
a family of disjoint patterns: 14 rounds where single patterns took 69 to 107 (uniform instances, n = 120 and 500).

How many batches there are, and how many hold each class, may be kept within limits (`Uses`): their rows only change what a batch and a class are
worth to the pricing, so a search that branches on them needs no other pricing.

A bound is exact arithmetic, whatever the solver's rounding was: duals are rounded to whole numbers, the best pattern is computed for those, and what
it exceeds its cost by is taken off: from the whole (Lagrange) or as a ratio (Farley 1990).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil, gcd, inf
from random import Random
from typing import NamedTuple, Protocol

from sbsim.packing.bounds import class_batches, fewest_batches
from sbsim.packing.effort import Effort
from sbsim.packing.instances import Pattern, Types
from sbsim.packing.patterns import Priced, Values
from sbsim.packing.solvers import Master

VALUE_BITS = 48
"""Bits of a whole packing's cost in the scale of values: what a table adds up stays below 2**61."""
FAMILY = 12
"""Disjoint patterns that one round of pricing brings at most."""
NEAR = 4
"""Patterns for each type that a relaxation hands on."""
SHAKE = 0.003
"""A cost is raised by this share at most where luck is asked for."""
FRUGALITY = 0.05
"""A set-up that takes a whole batch's room costs this share of a batch's fee more where luck is asked for: of mixes that cost the same,
those with few set-ups leave room."""
NOISE = 1e-6
"""A share of a pattern below this is the solver's rounding."""

Uses = tuple[tuple[int, int], ...]
"""(at least, at most) of the number of batches, then of the batches that hold each class."""


class Pricer(Protocol):
    """Finds the pattern that is worth most."""

    is_exact: bool
    """Whether what `price` says is a ceiling on every pattern; else `ceiling` has to be asked."""

    def price(self, values: Values, counts: Sequence[int], *, is_coarse: bool) -> Priced: ...

    def ceiling(self, values: Values, counts: Sequence[int]) -> int: ...

    def work(self, n_types: int, *, is_coarse: bool) -> float: ...


class Relaxation(NamedTuple):
    """The master problem's end: cost, how often each pattern that is used is used, patterns that it would use next, a bound (not rounded up)."""

    cost: float
    used: list[tuple[float, Pattern]]
    near: list[Pattern]
    bound: Fraction


class Columns:
    """Patterns of one set of types, and the linear programs over them.

    Parameters
    ----------
    types : what is to be packed. pricer : finds patterns. packed : a packing; its patterns and its cost are where it starts from.
    effort : charged for everything done here.

    Attributes
    ----------
    scale : whole numbers of worth that a cost of 1 stands for. pool : every pattern that was found, and its cost.
    """

    def __init__(self, types: Types, pricer: Pricer, packed: Iterable[Pattern], effort: Effort) -> None:
        self.types = types
        self.effort = effort
        self._pricer = pricer
        self.pool: dict[Pattern, int] = {}
        packed = list(packed)
        self.add(packed)
        self.add(((t, 1),) for t in range(types.n))
        self._dearest = max(1, sum(types.cost(pattern) for pattern in packed))
        self.scale = 1 << max(0, VALUE_BITS - self._dearest.bit_length())
        self._frugality = [0.0] * types.n_classes  # what set-ups cost more, in proportion to the room they take, where luck is asked for
        for dimension in types.dimensions:
            for c, weight in enumerate(dimension.setup_weights):
                self._frugality[c] += FRUGALITY * types.tariff.fee * weight / max(1, dimension.capacity)
        self._typical = max(self.pool.values()) or 1  # the master counts in this, so that its tolerances mean the same for every tariff

    def add(self, patterns: Iterable[Pattern]) -> None:
        """Let these patterns be used."""
        for pattern in patterns:
            if pattern not in self.pool:
                self.pool[pattern] = self.types.cost(pattern)

    def relax(
        self,
        counts: Sequence[int],
        uses: Uses | None = None,
        *,
        pool: Iterable[Pattern] | None = None,
        goal: int | None = None,
        most_rounds: int | None = None,
        luck: Random | None = None,
    ) -> Relaxation | None:
        """Solve the master problem for `counts` of each type within `uses`; None when the solver or the effort gave out before the first answer.

        pool : patterns to start from; all that are known where it is None. goal : stop as soon as the bound shows that no packing costs less.
        most_rounds : of pricing; None to go on until there is nothing to gain. luck : shakes the costs a little, so that another one of the cheapest
        mixes is found.
        """
        columns, master = self._master(counts, uses, self.pool if pool is None else pool, luck)
        known = set(columns)
        bound, values = Fraction(0), None
        is_coarse, turn = True, 0
        while True:
            self.effort.spend(0.1 + len(columns) * (len(counts) * 1e-5 + 1e-3))
            if not master.solve():
                return None
            values = self._values(master.duals, uses, luck)
            if turn == most_rounds or self.effort.is_over():
                break
            turn += 1
            found, ceiling = self._family(values, counts, is_coarse=is_coarse)
            if not is_coarse and self._pricer.is_exact:
                bound = max(bound, self.bound(values, counts, uses, ceiling))
                if self.rounded_up(bound) >= min(goal or inf, master.cost * self._typical * (1 - 1e-9)):
                    break
            new = [pattern for pattern in found if pattern not in known]
            if not new:
                if not is_coarse:
                    break
                is_coarse = False
            for pattern in new:
                known.add(pattern)
                columns.append(pattern)
                self.add([pattern])
                master.add(self._coefficients(pattern, uses), self._weighed(pattern, self.pool[pattern], luck))
        if not self._pricer.is_exact and most_rounds is None:
            bound = self.bound(values, counts, uses, self._pricer.ceiling(values, counts))
        return self._answer(master, columns, bound)

    def _answer(self, master: Master, columns: Sequence[Pattern], bound: Fraction) -> Relaxation:
        shares, reduced = master.shares[-len(columns) :], master.reduced_costs[-len(columns) :]  # the first columns of the master are slack
        near = sorted(range(len(columns)), key=reduced.__getitem__)[: NEAR * self.types.n]
        used = [(share, column) for share, column in zip(shares, columns, strict=True) if share > NOISE]
        slack = sum(master.shares[: -len(columns)])
        cost = sum(share * self._cost(pattern) for share, pattern in used) + (2 * self._dearest * slack if slack > NOISE else 0.0)
        return Relaxation(cost, used, [columns[k] for k in near], bound)

    def _master(self, counts: Sequence[int], uses: Uses | None, pool: Iterable[Pattern], luck: Random | None) -> tuple[list[Pattern], Master]:
        """The pool's patterns, each cut down to what is left of its types, and the master problem over them."""
        rows: list[tuple[float, float]] = [(n, inf if self.types.is_monotone else n) for n in counts]
        rows.extend(uses or ())
        master = Master(rows)
        for row in range(len(counts), len(rows)):  # what a limit lacks can be bought for more than a whole packing costs
            master.add([(row, 1)], 2 * self._dearest / self._typical)
            master.add([(row, -1)], 2 * self._dearest / self._typical)
        costs: dict[Pattern, int] = {}
        for pattern in [*pool, *(((t, 1),) for t, n in enumerate(counts) if n)]:
            cut = tuple([(t, min(k, counts[t])) for t, k in pattern if counts[t]])
            if cut and cut not in costs:
                costs[cut] = self._cost(cut)
        for pattern, cost in costs.items():
            master.add(self._coefficients(pattern, uses), self._weighed(pattern, cost, luck))
        return list(costs), master

    def _cost(self, pattern: Pattern) -> int:
        known = self.pool.get(pattern)
        return self.types.cost(pattern) if known is None else known

    def _coefficients(self, pattern: Pattern, uses: Uses | None) -> list[tuple[int, int]]:
        if uses is None:
            return list(pattern)
        n = self.types.n
        return [*pattern, (n, 1), *((n + 1 + c, 1) for c in sorted(self.types.classes_of(pattern)))]

    def _weighed(self, pattern: Pattern, cost: int, luck: Random | None) -> float:
        """A pattern's cost in the master: as it is, or with `luck` raised by a little that is drawn and a little for the room that set-ups take."""
        if luck is None:
            return cost / self._typical
        return (cost * (1 + SHAKE * luck.random()) + sum(self._frugality[c] for c in self.types.classes_of(pattern))) / self._typical

    def _values(self, duals: Sequence[float], uses: Uses | None, luck: Random | None) -> Values:
        """Dual values as whole numbers. Any whole numbers give a true bound, as long as limits of no effect are worth nothing."""
        n, factor = self.types.n, self.scale * self._typical
        items = [int(dual * factor) for dual in duals[:n]]
        if self.types.is_monotone:
            items = [max(0, value) for value in items]
        extra = [int(dual * factor) for dual in duals[n:]] if uses else [0] * (1 + self.types.n_classes)
        classes = extra[1:]
        if luck is not None:
            classes = [worth - int(more * self.scale) for worth, more in zip(classes, self._frugality, strict=True)]
        return Values(items, extra[0], classes, self.scale)

    def _family(self, values: Values, counts: Sequence[int], *, is_coarse: bool) -> tuple[list[Pattern], int]:
        """Patterns with no item in common that are worth more than they cost, and the ceiling on what any is worth."""
        left = list(counts)
        found: list[Pattern] = []
        ceiling = 0
        for turn in range(FAMILY):
            coarse = is_coarse or turn > 0  # the first settles, the others are only company
            priced = self._pricer.price(values, left, is_coarse=coarse)
            self.effort.spend(self._pricer.work(sum(1 for n in left if n), is_coarse=coarse))
            if turn == 0:
                ceiling = priced.ceiling
            if priced.pattern is None:
                break
            found.append(priced.pattern)
            for t, k in priced.pattern:
                left[t] -= k
        return found, ceiling

    def bound(self, values: Values, counts: Sequence[int], uses: Uses | None, excess: int) -> Fraction:
        """The bound of values of which no pattern is worth more than its cost and `excess`."""
        total = sum(value * n for value, n in zip(values.items, counts, strict=True))
        if uses is not None:
            total += sum(worth * (low if worth > 0 else high) for worth, (low, high) in zip((values.batch, *values.classes), uses, strict=True))
        fee, excess = self.types.tariff.fee, max(0, excess)
        most = sum(counts) if uses is None else uses[0][1]
        bound = Fraction(total - excess * most, self.scale)
        if uses is None and fee and total > 0:
            bound = max(bound, Fraction(total * fee, self.scale * fee + excess))
        return max(bound, Fraction(0))

    def rounded_up(self, bound: Fraction) -> int:
        """The least cost of a packing that is not below `bound`: costs are multiples of what all amounts of the tariff share."""
        tariff = self.types.tariff
        unit = gcd(tariff.fee, tariff.minimum, *tariff.setups, *(f * c for _, f in tariff.tiers for c in self.types.charges)) or 1
        return ceil(bound / unit) * unit


def widest(types: Types, counts: Sequence[int], best: int) -> Uses | None:
    """The limits that every packing of `counts` of each type better than `best` keeps; None where classes make no difference."""
    if not types.has_setups:
        return None
    fewest, least, tariff = fewest_batches(types, counts), class_batches(types, counts), types.tariff
    fixed = fewest * tariff.fee + sum(m * tariff.setups[c] for c, m in least.items())
    most = min(sum(counts), fewest + max(0, best - 1 - fixed) // tariff.fee if tariff.fee else sum(counts))
    sizes = [sum(counts[t] for t in types.by_class.get(c, ())) for c in range(types.n_classes)]
    return ((fewest, most), *((least.get(c, 0), min(most, size)) for c, size in enumerate(sizes)))
