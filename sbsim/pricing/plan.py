"""Plans: what the periods of a study cost beside the bills of their calls, and which calls each of them has.

A period costs its fee, and of the list prices of its calls what exceeds the amount included: fee + max(0, used - included). It knows no call and no
request; who pays is `measure`'s affair.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import NamedTuple

from sbsim.scenario import ProviderSpec


class Period(NamedTuple):
    """Calls sent in [opens_at, closes_at), seconds, share a fee and an included amount, whole nano-dollars."""

    opens_at: float
    closes_at: float
    fee_nano: int
    included_nano: int

    def owed_nano(self, used_nano: int) -> int:
        """What the period costs whose calls are worth so much by the price list."""
        return self.fee_nano + max(0, used_nano - self.included_nano)


def periods(spec: ProviderSpec, ends_at: float) -> list[Period]:
    """The periods of a provider's plans in a study of [0, ends_at) seconds, in order.

    The last period of a plan that another price, or the study's end, cuts short counts in proportion. What is sent after the study's end (retries,
    what was still waiting) belongs to the last period of the plan then in force.
    """
    found: list[Period] = []
    prices = spec.prices
    for k, (since, price) in enumerate(prices):
        plan = price.plan
        until = prices[k + 1][0] if k + 1 < len(prices) else inf
        last_at = min(until, ends_at)
        if plan is None or since >= last_at:
            continue
        fee, included = (Fraction(repr(float(usd))) * 10**9 for usd in (plan.fee, plan.included))
        n, opens_at = 0, since
        while opens_at < last_at:
            n += 1
            next_at = since + n * plan.per
            whole = next_at <= last_at
            part = Fraction(1) if whole else (Fraction(last_at) - Fraction(opens_at)) / Fraction(plan.per)
            found.append(Period(opens_at, next_at if next_at < last_at else until, round(fee * part), round(included * part)))
            opens_at = next_at
    return found
