"""One lane's price book: offers for contents, bills for calls, and the most that a call can cost. It knows no clock, no draw and no history."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Sequence
from fractions import Fraction
from math import inf
from typing import Any

from sbsim.pricing.contents import NANO, ONE, ContentPrice, PriceList, at_most, fixed, ratio, rounded, tokens, units_out
from sbsim.records import Content, Facts, Item, Offer, Outcome
from sbsim.scenario import ProviderSpec

_LINE_S = 1e6
"""GPU seconds at which a line is read off: so many that rounding to a nano-dollar is nothing."""
_KEPT = 8192
"""Sets of kinds whose price is kept."""
_METER_STEP_S = 1e-6
"""GPU seconds are metered to the microsecond: a report may exceed what ran by at most this."""
_NEVER_BILLED = ("rate_limited", "not_sent")
_UNFINISHED = ("expired", "cancelled")
"""Items that a batch API had not finished when it gave up or was told to stop; it charges nothing for them."""


class _Known:
    """What the book remembers of a content: its price, what of it a call sums up, and the whole of a call of it alone.

    `nano` is the item's part in nano-dollars; `call_parts` is fee and set-up of a call of it alone in 10^-60 dollars; `alone_nano` and `fixed_nano`
    are that call's bill and fixed part, without GPU time.
    """

    __slots__ = ("alone_nano", "call_parts", "exact", "fixed_nano", "gpu", "nano", "price")

    def __init__(self, price: ContentPrice, alone: tuple[int, int]) -> None:
        self.price = price
        self.exact = price.exact
        self.gpu = price.gpu
        self.call_parts = price.fee + price.setup
        self.nano = rounded(price.exact, NANO)
        self.alone_nano, self.fixed_nano = alone


class PriceBook:
    """One lane's price book; the formula stands at the head of this room (`sbsim.pricing`).

    Parameters
    ----------
    spec : the provider entry: its `price`, and of `latency`, `cold_start` and `api` what foretells and bounds GPU seconds. Where its `changes` name
    other prices, this is the book of the first; `at` finds the others.
    """

    def __init__(self, spec: ProviderSpec) -> None:
        price = spec.price
        self.name = spec.name
        self._changes_at = tuple(change.at for change in spec.changes if change.price is not None)
        self._later = tuple(
            PriceBook(spec.model_copy(update={"price": change.price, "changes": ()})) for change in spec.changes if change.price is not None
        )
        self._list = PriceList(spec)
        self._latency = spec.latency
        self._cold_s = spec.cold_start.time if spec.cold_start is not None and spec.cold_start.billed else 0.0
        self._is_cancellable = spec.api.cancel == "running"
        self._minimum = fixed(price.minimum or 0.0) * ONE
        self._factor = ratio(price.factor)
        self._tiers = sorted((tier.from_, ratio(tier.factor)) for tier in price.tiers)
        self._billed = price.billed
        self._has_call_parts = self._list.has("call", "setup")
        self._is_uniform = self._list.is_uniform
        self._has_gpu = self._list.has("gpu_second")
        self._is_ok_full = self._billed["ok"] == "full"
        self._known: dict[Facts, _Known] = {}
        self._kinds: dict[Hashable, _Known] = {}  # the same by `Content.kind`
        self._fixed_nano: dict[int, int] = {0: 0}
        self._quotes: dict[Hashable, tuple[int, float]] = {}
        self._mosts: dict[Hashable, tuple[float, int | None]] = {}  # with the time-out that it was reckoned with

    def at(self, sent_at: float) -> PriceBook:
        """The book by which a call is billed that is sent at this instant, seconds."""
        return self if not self._changes_at or sent_at < self._changes_at[0] else self._later[bisect_right(self._changes_at, sent_at) - 1]

    @property
    def changes_at(self) -> tuple[float, ...]:
        """The instants from which other prices hold, seconds, ascending."""
        return self._changes_at

    # -- one content -------------------------------------------------------------------------------------------------------
    def item_nano(self, facts: Facts) -> int:
        """Nano-dollars of one item at list price: rates x quantities, before tiers and factor, without fee, set-up and GPU seconds."""
        return self._know(facts).nano

    def input_nano(self, facts: Facts) -> int:
        """Nano-dollars of `item_nano` that pay for input."""
        return rounded(self._know(facts).price.exact_input, NANO)

    def most_nano(self, facts: Facts) -> int | None:
        """Nano-dollars that an item adds at most to a call's bill, its own set-up included; GPU seconds are left to `most`.

        None when nothing bounds what it can cost: a rate on tokens out without `max_units_out`, or a rate on GPU seconds where neither
        `api.cancel: running` nor a bounded law of latency ends them.
        """
        if not self._is_bounded(facts):
            return None
        price = self._know(at_most(facts)).price
        tier_up, tier_down = max((self._tier(n) for n in (1, *(start for start, _ in self._tiers))), key=lambda tier: Fraction(*tier))
        factor_up, factor_down = self._factor
        return -(-factor_up * (price.setup * tier_down + price.exact * tier_up) // (NANO * tier_down * factor_down))

    def offer(self, lane: int, facts: Facts) -> Offer:
        """What this book, as lane number `lane`, asks for a content; see `records.Offer`."""
        return Offer(lane, self.item_nano(facts), self.input_nano(facts), self.most_nano(facts), tokens(facts))

    def alone_nano(self, facts: Facts) -> int:
        """Nano-dollars of a call of this content alone: fee, set-up, minimum and the *expected* GPU seconds included."""
        known = self._know(facts)
        if not known.price.gpu:
            return known.alone_nano
        return self._bill_in_full([known], self.expected_s(facts))[0]

    # -- one call ----------------------------------------------------------------------------------------------------------
    def bill(self, items: Sequence[Item], outcome: Outcome) -> tuple[int, int, list[int]]:
        """What a call costs: (bill, fixed part, part of each item before tiers and factor), in nano-dollars.

        The fixed part is call fee, set-ups and top-up to the minimum; the parts share out the rest (see `split`). GPU seconds count equally in all
        parts.
        """
        usage = outcome.usage
        if outcome.error is not None or outcome.failures or usage.units_out is not None or not self._is_ok_full:
            return self._bill_by_status(items, outcome)
        book = self._kinds
        if len(items) == 1 and not self._has_gpu:
            content = items[0].content
            known = book.get(content.kind) or self._meet(content)
            return known.alone_nano, known.fixed_nano, [known.nano]
        return self._bill_in_full([book.get(item.content.kind) or self._meet(item.content) for item in items], usage.gpu_s)

    def quote(self, items: Sequence[Item], gpu_s: float, kinds: tuple[Hashable, ...] | None = None) -> int:
        """What a call of these items is expected to cost when nothing fails, nano-dollars, if it takes `gpu_s` seconds of a GPU.

        A router asks for every batch and lane: what the same `kinds` (None: as `kinds_of` says) cost is kept, as a line in the GPU seconds (12 us
        without).
        """
        if kinds is None:
            kinds = kinds_of(items)
        line = self._quotes.get(kinds)
        if line is None:
            book = self._kinds
            known = [book.get(item.content.kind) or self._meet(item.content) for item in items]
            if self._minimum and self._has_gpu:
                return self._bill_in_full(known, gpu_s)[0]
            at_first = self._bill_in_full(known, 0.0)[0]
            per_s = (self._bill_in_full(known, _LINE_S)[0] - at_first) / _LINE_S if self._has_gpu else 0.0
            line = at_first, per_s
            _keep(self._quotes, kinds, line)
        return line[0] + round(line[1] * gpu_s)

    def outline(self, content: Content) -> tuple[int, int, int, int, int]:
        """What a content asks of a call's bill, whole nano-dollars before tiers and minimum, the factor included.

        (its own charge, the call's fee, the set-up of its family, a second of GPU time, the number of its family).
        """
        price = self._meet(content).price
        up, down = self._factor
        charge, fee, setup = (rounded(part * up, NANO * down) for part in (price.exact, price.fee, price.setup))
        return charge, fee, setup, rounded(price.gpu * up * ONE, NANO * down), price.family

    @property
    def tiers(self) -> tuple[tuple[int, float], ...]:
        """(items at least, factor on the items' charges), ascending, from 1 on."""
        known = dict.fromkeys((1,), 1.0) | {start: up / down for start, (up, down) in self._tiers}
        return tuple(sorted(known.items()))

    @property
    def minimum_nano(self) -> int:
        """What a call costs at least, nano-dollars."""
        up, down = self._factor
        return rounded(self._minimum * up, NANO * down)

    def most(self, items: Sequence[Item], call_timeout_s: float) -> int | None:
        """The most that a call of these items can cost, nano-dollars, whatever its outcome; None when nothing bounds it.

        `call_timeout_s` (seconds) ends GPU time where the provider cancels running calls (`api.cancel: running`).
        """
        kinds = kinds_of(items)
        known = self._mosts.get(kinds)
        if known is None or known[0] != call_timeout_s:  # a budget asks before every call: 5 us an item without this
            known = call_timeout_s, self._most(items, call_timeout_s)
            _keep(self._mosts, kinds, known)
        return known[1]

    def _most(self, items: Sequence[Item], call_timeout_s: float) -> int | None:
        most: list[_Known] = []
        for item in items:
            facts = item.content.facts
            if not self._is_bounded(facts):
                return None
            most.append(self._know(at_most(facts)))
        if not self._has_gpu:
            return self._bill_in_full(most, 0.0)[0]
        gpu_s = min(self._most_s([at_most(item.content.facts) for item in items]), call_timeout_s if self._is_cancellable else inf)
        return None if gpu_s == inf else self._bill_in_full(most, gpu_s + _METER_STEP_S)[0]

    # -- the formula -------------------------------------------------------------------------------------------------------
    def _bill_in_full(self, known: list[_Known], gpu_s: float) -> tuple[int, int, list[int]]:
        n = len(known)
        one = known[0]
        if n == 1:  # 2 us less than the general way
            variable, call_parts, gpu, parts = one.exact, one.call_parts, one.gpu, [one.nano]
        else:
            variable = sum([one.exact for one in known])
            parts = [one.nano for one in known]
            gpu = one.gpu if self._is_uniform else max(one.gpu for one in known)
            call_parts = self._call_parts([one.price for one in known]) if self._has_call_parts else 0
        if gpu:
            gpu *= fixed(gpu_s)
            variable += gpu
            share = gpu // (NANO * n)
            parts = [part + share for part in parts]
        bill, fixed_nano = self._settle(call_parts, variable, n)
        return bill, fixed_nano, parts

    def _call_parts(self, prices: Sequence[ContentPrice]) -> int:
        """Call fee and one set-up per family, in 10^-60 dollars; where they differ within the call or a family, the dearest counts."""
        if not prices:
            return 0
        if self._is_uniform:
            return prices[0].fee + prices[0].setup * len({price.family for price in prices})
        setups: dict[int, int] = {}
        for price in prices:
            setups[price.family] = max(price.setup, setups.get(price.family, 0))
        return max(price.fee for price in prices) + sum(setups.values())

    def _bill_by_status(self, items: Sequence[Item], outcome: Outcome) -> tuple[int, int, list[int]]:
        """Any outcome: each item as `billed` says for the way it ended."""
        usage, n = outcome.usage, len(items)
        if outcome.error in _NEVER_BILLED or (usage.units_out is not None and not usage.units_out):
            return 0, 0, [0] * n
        modes = self._modes(n, outcome)
        prices = []
        for k, item in enumerate(items):
            facts = item.content.facts
            is_as_asked = usage.units_out is None or usage.units_out[k] == facts.units_out
            prices.append(self._know(facts).price if is_as_asked else self._list.price(_with_units(facts, usage.units_out, k)))
        exact = [p.exact if mode == "full" else p.exact_input if mode == "input" else 0 for p, mode in zip(prices, modes, strict=True)]
        in_full = [p for p, mode in zip(prices, modes, strict=True) if mode == "full"]
        gpu = max(p.gpu for p in prices) * fixed(usage.gpu_s) if in_full or "elapsed" in modes else 0
        share = gpu // (NANO * n)
        bill, fixed_nano = self._settle(self._call_parts(in_full), sum(exact) + gpu, n, has_minimum=bool(in_full))
        return bill, fixed_nano, [rounded(part, NANO) + share for part in exact]

    def _modes(self, n: int, outcome: Outcome) -> list[str]:
        """How each of the n items is billed."""
        billed = self._billed
        if outcome.error is not None:
            return [billed.get(outcome.error, billed["failed"])] * n
        modes = [billed["ok"]] * n
        for k, kind in outcome.failures:
            modes[k] = "none" if kind in _UNFINISHED else billed["moderated" if kind == "moderated" else "failed"]
        return modes

    def _settle(self, call_parts: int, variable: int, n_items: int, *, has_minimum: bool = True) -> tuple[int, int]:
        """(bill, fixed part) in nano-dollars of sums in 10^-60 dollars, with tier, minimum and factor; each is rounded once."""
        tier_up, tier_down = self._tier(n_items) if self._tiers else (1, 1)
        factor_up, factor_down = self._factor
        nano = NANO * tier_down * factor_down
        whole = call_parts * tier_down + variable * tier_up
        if has_minimum and whole < self._minimum * tier_down:
            whole = self._minimum * tier_down
            return rounded(whole * factor_up, nano), rounded((whole - variable * tier_up) * factor_up, nano)
        fixed_nano = self._fixed_nano.get(call_parts)  # a handful of different sums
        if fixed_nano is None:
            fixed_nano = self._fixed_nano[call_parts] = rounded(call_parts * factor_up, NANO * factor_down)
        return rounded(whole * factor_up, nano), fixed_nano

    def _tier(self, n_items: int) -> tuple[int, int]:
        reached = (1, 1)
        for start, factor in self._tiers:
            if start > n_items:
                break
            reached = factor
        return reached

    def _meet(self, content: Content) -> _Known:
        known = self._kinds[content.kind] = self._know(content.facts)
        return known

    def _know(self, facts: Facts) -> _Known:
        known = self._known.get(facts)
        if known is None:
            price = self._list.price(facts)
            known = self._known[facts] = _Known(price, self._settle(price.fee + price.setup, price.exact, 1))
        return known

    # -- GPU seconds before they are known ---------------------------------------------------------------------------------
    def expected_s(self, facts: Facts, n: int = 1) -> float:
        """Mean running time of a call of `n` such contents, seconds: set-up + max(item, sum / parallel) (the noise has mean 1), or `total`'s mean.

        0 where no latency is stated.
        """
        latency = self._latency
        if latency.total is not None:
            return float(latency.total.mean)
        item_s = self._item_s(facts)
        return float(latency.setup + max(item_s, n * item_s / latency.parallel_items))

    def _item_s(self, facts: Facts) -> float:
        latency = self._latency
        return float(latency.per_item + latency.per_second * facts.duration_s + latency.per_unit * units_out(facts))

    def _most_s(self, facts: Sequence[Facts]) -> float:
        """The longest that a call of these contents can run, seconds: (set-up + max(longest, sum / parallel)) x the noise's upper end, after a cold
        start that is billed; may be inf."""
        latency = self._latency
        if not latency.model_fields_set:
            return inf  # a deployment states no latency: nothing is known
        if latency.total is not None:
            return float(self._cold_s + latency.total.high)
        each = [self._item_s(one) for one in facts]
        longest = latency.setup + max(max(each), sum(each) / latency.parallel_items)
        return float(self._cold_s + (longest if latency.noise is None else longest * latency.noise.high))

    def _is_bounded(self, facts: Facts) -> bool:
        if facts.max_units_out is None and self._list.rate("token_out", facts):
            return False
        return not self._list.rate("gpu_second", facts) or self._is_cancellable or self._most_s([at_most(facts)]) < inf


def kinds_of(items: Sequence[Item]) -> tuple[Hashable, ...]:
    """What these items are, however they stand: contents of one kind have one price in any book."""
    if len(items) == 1:
        return (items[0].content.kind,)
    kinds: list[Any] = [item.content.kind for item in items]
    if kinds[0].__class__ is int and kinds[-1].__class__ is int:  # as the preparer numbers them; a kind may be the facts themselves
        kinds.sort()
    return tuple(kinds)


def _keep(memory: dict[Any, Any], key: Hashable, value: Any) -> None:
    """Remember it, and forget the oldest beyond `_KEPT`."""
    memory[key] = value
    if len(memory) > _KEPT:
        del memory[next(iter(memory))]


def _with_units(facts: Facts, units: Sequence[float] | None, k: int) -> Facts:
    assert units is not None
    return facts._replace(units_out=units[k], max_units_out=None)


def cheapest(books: Sequence[PriceBook], facts: Facts) -> int:
    """Position of the book that asks least for a call of this content alone; the first of equals."""
    return min(range(len(books)), key=lambda k: (books[k].alone_nano(facts), k))
