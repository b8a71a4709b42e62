"""What a bill would fall by without this or that rate: the parts of a price that company, a GPU meter or a discount can change.

Each part is the difference of two bills, by the list as it is and by one that lacks a rate, so that the parts of a content's price add up to it in
whole nano-dollars. It knows price lists and contents; no call that was made, no history.
"""

from __future__ import annotations

from typing import NamedTuple

from sbsim.pricing.book import PriceBook
from sbsim.records import Facts
from sbsim.scenario import Price, ProviderSpec

_ONCE_PER_CALL = ("call", "setup")


class Alone(NamedTuple):
    """The bill of a call of one content alone, whole nano-dollars.

    `bill_nano` is all of it, `gpu_nano` its expected GPU seconds; `listed_nano` is the item at list price, before tiers and factor, without GPU
    seconds, call fee, set-up and minimum.
    """

    bill_nano: int
    gpu_nano: int
    listed_nano: int


class Breakdown:
    """One price list of a lane, taken apart.

    Parameters
    ----------
    spec : the provider entry, of which `latency` foretells GPU seconds. price : the list, the entry's own or one that it changes to.

    Attributes
    ----------
    has_gpu : whether GPU seconds are charged. has_fixed : whether anything is charged once per call: fee, set-up, minimum.
    scale : what an item of a call of one pays for each nano-dollar of its list price.
    """

    def __init__(self, spec: ProviderSpec, price: Price) -> None:
        def book(**changes: object) -> PriceBook:
            return PriceBook(spec.model_copy(update={"price": price.model_copy(update=changes), "changes": ()}))

        items = tuple(rate for rate in price.rates if rate.per not in _ONCE_PER_CALL)
        unmetered = tuple(rate for rate in items if rate.per != "gpu_second")
        self.has_gpu = len(unmetered) < len(items)
        self.has_fixed = len(items) < len(price.rates) or price.minimum > 0
        self._whole = book()
        self._items = book(rates=items, minimum=0.0)
        self._unmetered = book(rates=unmetered, minimum=0.0)
        self._factor = price.factor
        self._tiers = sorted((tier.from_, tier.factor) for tier in price.tiers)
        self.scale = self._factor * self._tier(1)
        self._known: dict[Facts, Alone] = {}

    def alone(self, facts: Facts) -> Alone:
        """What a content costs in a call of its own."""
        known = self._known.get(facts)
        if known is None:
            gpu_nano = self._items.alone_nano(facts) - self._unmetered.alone_nano(facts)
            known = self._known[facts] = Alone(self._whole.alone_nano(facts), gpu_nano, self._unmetered.item_nano(facts))
        return known

    def discount(self, n_items: int) -> float:
        """What an item of a call of `n_items` is spared of each nano-dollar of its list price, against a call of one, by the tiers."""
        return self._factor * (self._tier(1) - self._tier(n_items))

    def _tier(self, n_items: int) -> float:
        reached = [factor for start, factor in self._tiers if start <= n_items]
        return reached[-1] if reached else 1.0
