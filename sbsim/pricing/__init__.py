"""Prices: what a provider's list makes of contents and calls, and who pays which share of a call's bill.

The bill of a call of n items, in dollars::

    factor x max(minimum, call fee + set-ups + tier(n) x (sum over items of sum over rates of rate x quantity + GPU seconds x rate))

- For each `per` the first rate whose `when` fits the content counts. Quantities: item 1; second and input_second in steps of `quantum`, rounded up;
  image_in input images; character, token_in `units_in`; image, token_out `units_out`; megapixel `units_out` pictures of the resolution;
  token_cached 0 (nothing that is asked for says which of its tokens a provider has cached).
- tier(n) is the factor of the last tier with from <= n, 1 before the first, and applies to all units.
- set-ups: the set-up rate once per distinct (engine, style). Where `when` makes fee, set-up or GPU rate differ between the items of a call, the
  dearest counts.
- Where prices change, a call is billed by the price that holds when it is sent. A plan is no part of a call's bill: see `plan`.
- `billed` says how much of it an ended item costs: full; input (the rates on input); elapsed (GPU seconds); none. Fee, set-ups and minimum are owed
  as soon as one item is billed in full, GPU seconds as soon as one is billed in full or elapsed. A 429, and a call of which nothing was begun, cost
  nothing; nor does an item that a batch API did not finish, whatever `billed` says.
- Money is exact: each number counts as the decimal that its text shows (0.1 is one tenth); the sum is rounded once, to nano-dollars, ties to even.

Nothing here knows a clock, a draw or a history, and the modelled providers never import it: they keep a ledger of their own, computed in their own
way, so that a mistake on either side shows.
"""

from __future__ import annotations

from sbsim.pricing.attribution import split, split_many
from sbsim.pricing.book import PriceBook, cheapest, kinds_of
from sbsim.pricing.contents import tokens
from sbsim.pricing.failing import CallCosts, ExpectedCost, Rates, call_costs
from sbsim.pricing.plan import Period, periods

__all__ = [
    "CallCosts", "ExpectedCost", "Period", "PriceBook", "Rates", "call_costs", "cheapest", "kinds_of", "periods", "split", "split_many", "tokens",
]  # fmt: skip
