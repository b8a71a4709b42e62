"""What a batch costs, in whole numbers of one unit of money: a description that bounds, pricing and solvers can reason about.

    factor(n) = that of the last tier with from <= n
    cost of a batch of n items = max(minimum, fee + set-up of every class in it + factor(n) x sum of the items' charges)

which is a provider's bill (`sbsim.pricing`), with what the caller expects of failures and GPU seconds added to fee and charges. With charges of 0 and
one tier it is the objective of bin packing (a fee of 1) and of bin packing with set-ups. Knows no sizes and no limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Tariff:
    """The price of a batch; every amount is a whole number of `unit`, factors are whole numbers too (a unit small enough makes them so).

    Parameters
    ----------
    fee : of every batch, >= 0.
    setups : of each class, >= 0, paid once in every batch that holds an item of it.
    tiers : (items at least, factor on the charges), ascending in items, the first at 1.
    minimum : what a batch costs at least.
    unit : what 1 stands for, in dollars (or in whatever the instance counts).
    """

    fee: int = 1
    setups: tuple[int, ...] = (0,)
    tiers: tuple[tuple[int, int], ...] = ((1, 1),)
    minimum: int = 0
    unit: Fraction = Fraction(1)

    def factor(self, n_items: int) -> int:
        """What the charges of a batch of so many items are multiplied by."""
        reached = self.tiers[0][1]
        for start, factor in self.tiers:
            if start > n_items:
                break
            reached = factor
        return reached

    def steps(self, most_items: int) -> list[tuple[int, int, int]]:
        """Ranges of the number of items with one factor each, (at least, at most, factor), up to `most_items`."""
        ends = [start - 1 for start, _ in self.tiers[1:]] + [most_items]
        return [(start, min(end, most_items), factor) for (start, factor), end in zip(self.tiers, ends, strict=True) if start <= most_items]

    def cost(self, n_items: int, setups: int, charges: int) -> int:
        """What a batch costs; `setups` and `charges` are the sums over its classes and its items."""
        return max(self.minimum, self.fee + setups + self.factor(n_items) * charges)
