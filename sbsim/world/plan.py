"""A plan as its provider accounts for it: a fee for every period, and of the period's bills what the fee does not include.

The provider's own arithmetic, from its own record of what it billed; `pricing.plan` does ours. Instants in seconds, money in whole nano-dollars.
"""

from __future__ import annotations

from fractions import Fraction

from sbsim.scenario import Plan


class PlanAccount:
    """Bills under one plan, by the instant of their calls.

    Parameters
    ----------
    plan : fee and included dollars per period. since : the instant from which it holds.
    """

    def __init__(self, plan: Plan, since: float) -> None:
        self._plan = plan
        self._since = since
        self._bills: list[tuple[float, int]] = []

    def book(self, sent_at: float, nano: int) -> None:
        """A call that was sent then is billed so much (more, or less where a bill is taken back)."""
        self._bills.append((sent_at, nano))

    def due(self, until: float, study_ends_at: float) -> int:
        """What the plan adds to the bills (less than 0: takes off them) if it holds until then, in a study that ends so: a later bill belongs to the
        last period."""
        ends_at, opens_at, k, total = min(until, study_ends_at), self._since, 0, 0
        while opens_at < ends_at:
            k += 1
            closes_at = self._since + k * self._plan.per
            is_last = closes_at >= ends_at
            share = Fraction(1)
            if closes_at > ends_at:
                share = (Fraction(ends_at) - Fraction(opens_at)) / Fraction(self._plan.per)
            used = sum(nano for at, nano in self._bills if opens_at <= at and (is_last or at < closes_at))
            total += _nano(self._plan.fee, share) - min(used, _nano(self._plan.included, share))
            opens_at = closes_at
        return total


def _nano(usd: float, share: Fraction) -> int:
    return round(Fraction(repr(float(usd))) * share * 10**9)
