"""The ledger's waterfall: what lies between the price list and the bill, by cause, exact to the nano-dollar.

    individual cost - total cost  =  sum over the causes          (whole nano-dollars, in every replication)

Owns the causes, their order and their arithmetic. Knows the counted columns, the scenario's price lists and what a bill is made of; no interval.

Every counted request is looked at once. It was delivered without a call of its own (a hit, a join): its individual cost is saved, by that. Or nothing
was delivered: its individual cost was not spent, and what that is worth says `penalties`. Or a call that it pays for brought it: its individual cost
is turned into its share of that call's bill by one change at a time, and each change is a cause:

    alone on the cheapest real-time lane, at the list that held when it arrived      the individual cost
      -> alone on the lane that was used, at the list that held then                 `batch_lane` or `routing`
      -> alone on it, at the list that held when the call was sent                   `price_changes`
      -> as metered: GPU seconds, then units, as billed                              `gpu_time`, `usage`
      -> at the price tier of the call's size                                        `price_tiers`
      -> fee, set-up and minimum shared with the other items of the call             `call_fee_and_setup`

The order is a choice, as with any waterfall (lane before company: the saving of a batch API is reckoned on a request alone). What counted requests
pay beside those shares is `billed_failures`, and what plans make of all that, `plans`. Tiers, penalties and wrong reuses count as the KPIs of those
names do.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np

from sbsim.measure.counted import Counted, Floats, Ints
from sbsim.pricing.breakdown import Breakdown
from sbsim.records import CANCELLED, CDN, FAILED, JOINED, MEMORY, NEAR, PENDING, REDIS, REFUSED, SERVED


class Cause(NamedTuple):
    """A step of the waterfall: its name in JSON, how a table calls it, and what exactly it is. Positive amounts are saved, negative ones spent."""

    name: str
    label: str
    definition: str


CAUSES: tuple[Cause, ...] = (
    Cause("exact_hits", "exact hits in memory", "Individual cost of requests answered from the memory tier by their exact content."),
    Cause("near_duplicates", "near-duplicates", "Individual cost of requests answered with content of the same meaning; `false_reuse` takes back "
        "what was wrong in that."),
    Cause("coalesced", "coalesced", "Individual cost of requests that joined work under way, or whose own work was overtaken by another's."),
    Cause("redis_hits", "redis tier", "Individual cost of requests answered by the redis tier."),
    Cause("cdn_hits", "cdn tier", "Individual cost of requests answered by the cdn tier."),
    Cause("call_fee_and_setup", "call fee and set-up", "Call fee, set-up and top-up to the minimum: of a call alone, less the request's share of "
        "them in the call that brought it. The odd nano-dollars of sharing are here, or in `gpu_time` where nothing is charged once per call."),
    Cause("gpu_time", "GPU time", "GPU seconds that a call alone is expected to take, less the request's share of those that were billed."),
    Cause("usage", "usage", "Units as asked for, less units as billed, where no GPU seconds are charged: fewer came, or `billed.ok` charges less."),
    Cause("price_tiers", "price tiers", "What the tier of the call's size takes off the item's price, against a call of one."),
    Cause("price_changes", "price changes", "Price alone on the lane used when the request arrived, less the price when the call was sent."),
    Cause("plans", "plans", "Shares of calls by the price list, less what is owed for them under a plan: its fee, and use beyond it."),
    Cause("batch_lane", "batch API", "Price alone on the cheapest real-time lane, less the price alone on the batch API that was used."),
    Cause("routing", "routing", "Price alone on the cheapest lane, less the price alone on the lane used: negative where a faster or healthier one "
        "was taken."),
    Cause("not_delivered", "not delivered", "Individual cost of requests that failed, were refused or cancelled, or are unfinished: not spent, and "
        "nothing was bought."),
    Cause("billed_failures", "billed failures", "Bills of attempts that brought the request nothing, and second bills of what had come already."),
    Cause("tier_cost", "rent and fees of tiers", "As tier_cost_usd."),
    Cause("penalties", "penalties", "As penalty_cost_usd: late deliveries, and `lost` of what was not delivered."),
    Cause("false_reuse", "false reuse", "As false_reuse_cost_usd."),
)  # fmt: skip
"""Every cause, in the order in which they are shown."""

_SAVED_WHOLE: Mapping[str, tuple[int, ...]] = {
    "exact_hits": (MEMORY,),
    "near_duplicates": (NEAR,),
    "coalesced": (JOINED,),
    "redis_hits": (REDIS,),
    "cdn_hits": (CDN,),
    "not_delivered": (PENDING, FAILED, REFUSED, CANCELLED),
}
"""Causes to which a request goes by how it ended, with all of its individual cost."""


class Waterfall(NamedTuple):
    """One replication's, in whole nano-dollars: individual - total = sum of `causes`, which are in the order of `CAUSES`."""

    individual_nano: int
    causes: dict[str, int]
    total_nano: int


def waterfall(c: Counted) -> Waterfall:
    """From the individual cost of the counted requests to their total cost, by cause.

    Example: two requests for one picture, $0.04 a picture and $0.01 a call; the second hits. Individual cost: 2 x $0.05. `exact_hits` saves $0.05.
    The first call timed out, was billed $0.05 and tried again: `billed_failures` are -$0.05. Total: $0.10, and 0.05 - 0.05 = 0.10 - 0.10.
    With another picture in the call, which pays $0.04 + $0.005, `call_fee_and_setup` would save $0.005 for each of the two.
    """
    causes = {cause.name: 0 for cause in CAUSES}
    for name, ways in _SAVED_WHOLE.items():
        causes[name] = int(c.individual_nano[np.isin(c.how, ways)].sum())
    served, rows = _paid_deliveries(c)
    causes["coalesced"] += int(c.individual_nano[c.how == SERVED].sum()) - int(c.individual_nano[served].sum())
    for name, amount in _of_deliveries(c, served, rows).items():
        causes[name] += amount
    listed, owed = (int(nano[c.is_counted_item].sum()) for nano in (c.listed_nano, c.item_nano))
    causes |= {"billed_failures": int(c.listed_nano[rows].sum()) - listed, "plans": listed - owed}
    penalties, false_reuse = int(c.late_nano.sum()) + int(c.lost_nano.sum()), int(c.false_reuse_nano.sum())
    causes |= {"tier_cost": -c.tier_nano, "penalties": -penalties, "false_reuse": -false_reuse}
    return Waterfall(int(c.individual_nano.sum()), causes, owed + c.tier_nano + penalties + false_reuse)


def _paid_deliveries(c: Counted) -> tuple[Ints, Ints]:
    """(counted requests that a call brought which they pay for, as positions in C; the item row of each in that call)."""
    log = c.log
    rows = np.flatnonzero(c.is_counted_item)
    payer = log.item_payer[rows] - c.first
    rows = rows[(c.how[payer] == SERVED) & (c.call[payer] == log.item_call[rows])]
    return log.item_payer[rows] - c.first, rows


def _of_deliveries(c: Counted, served: Ints, rows: Ints) -> dict[str, int]:
    """Nano-dollars by cause that lie between the individual costs of requests and the item rows (both (k,)) that brought them."""
    log = c.log
    call = log.item_call[rows]
    lists = _PriceLists(c)
    lane, sent_at = log.calls["lane"][call], log.calls["sent_at"][call]
    content = log.item_content[rows]
    held = lists.held(lane, sent_at)
    on_arrival = lists.alone(lists.held(lane, c.arrived_at[served]), content)[:, 0]
    bill, gpu, listed = lists.alone(held, content).T
    part = log.item_part_nano[rows]
    scale = np.array([one.scale for one in lists.breakdowns], dtype=np.float64)[held]
    has_gpu, has_fixed = lists.flags[held].T
    metered = np.rint(scale * (part - listed)).astype(np.int64)
    tiers = np.rint(lists.discounts(held, log.calls["n_items"][call]) * part).astype(np.int64)
    gpu_time, usage = np.where(has_gpu, gpu - metered, 0), np.where(has_gpu, 0, -metered)
    individual = c.individual_nano[served]
    is_batch = lists.is_batch[lane] & ~lists.is_batch[lists.cheapest(c.traffic.content_index[served + c.first])]
    chosen = individual - on_arrival
    shared = bill - c.listed_nano[rows] - gpu_time - usage - tiers  # fixed parts, and the odd nano-dollars of sharing
    is_odd = has_gpu & ~has_fixed
    columns = {
        "batch_lane": chosen[is_batch],
        "routing": chosen[~is_batch],
        "price_changes": on_arrival - bill,
        "gpu_time": gpu_time + np.where(is_odd, shared, 0),
        "usage": usage,
        "price_tiers": tiers,
        "call_fee_and_setup": np.where(is_odd, 0, shared),
    }
    return {name: int(column.sum()) for name, column in columns.items()}


class _PriceLists:
    """Every list of every lane, numbered: those of a lane in order of time, after those of the lanes before it.

    `breakdowns` holds them by number, `flags` (lists, 2) whether each charges GPU seconds, and anything once per call; `is_batch` says of each lane
    whether it is a batch API.
    """

    def __init__(self, c: Counted) -> None:
        providers = c.scenario.providers
        self.breakdowns = [Breakdown(spec, price) for spec in providers for _, price in spec.prices]
        self.flags = np.array([(one.has_gpu, one.has_fixed) for one in self.breakdowns], dtype=np.bool_).reshape(-1, 2)
        self.is_batch = np.array([spec.api.style == "batch" for spec in providers], dtype=np.bool_)
        self._contents = c.traffic.contents
        self._since = [np.array([since for since, _ in spec.prices[1:]]) for spec in providers]
        self._first: Ints = np.cumsum([0, *(len(spec.prices) for spec in providers[:-1])])

    def held(self, lane: Ints, at: Floats) -> Ints:
        """The lists that held on the lanes at these instants."""
        number: Ints = self._first[lane]
        for one, since in enumerate(self._since):
            if len(since):
                mine = lane == one
                number[mine] += np.searchsorted(since, at[mine], side="right")
        return number

    def alone(self, number: Ints, content: Ints) -> Ints:
        """(k, 3): bill alone, GPU part of it, list price, of each content on each list; each pair is priced once."""
        width = len(self._contents)
        pairs, where = np.unique(number * width + content, return_inverse=True)
        priced = (self.breakdowns[pair // width].alone(self._contents[pair % width].facts) for pair in pairs.tolist())
        return np.fromiter(chain.from_iterable(priced), dtype=np.int64, count=3 * len(pairs)).reshape(-1, 3)[where]

    def discounts(self, number: Ints, n_items: Ints) -> Floats:
        """(k,) what the tier of a call of so many items takes off each nano-dollar."""
        width = int(n_items.max(initial=0)) + 1
        pairs, where = np.unique(number * width + n_items, return_inverse=True)
        found = [self.breakdowns[pair // width].discount(pair % width) for pair in pairs.tolist()]
        return np.array(found, dtype=np.float64)[where]

    def cheapest(self, content: Ints) -> Ints:
        """The lane by which each content's individual cost is reckoned."""
        serials, where = np.unique(content, return_inverse=True)
        return np.array([self._contents[serial].offers[0].lane for serial in serials.tolist()], dtype=np.int64)[where]
