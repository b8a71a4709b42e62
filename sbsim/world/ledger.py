"""A provider's own ledger: what it charges for a call, from its own record of what it did. Our bills are checked against it: no code is shared.

It writes an invoice line per content (quantity x unit price, fractions of what the price list says in decimals), keeps sums as whole multiples of
10^-40 dollars where they are whole and as fractions where they are not, and rounds a call's total to the nearest nano-dollar, ties to even.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sbsim.records import Facts
from sbsim.scenario import Price, Rate

_GRAINS = 10**40
"""Grains in a dollar."""
_PER_NANO = _GRAINS // 10**9
_LINES = {"480p": 854, "720p": 1280, "1080p": 1920, "1440p": 2560, "2160p": 3840}
"""Columns of the usual video formats, by their lines."""
_ALIASES = {"2k": "1440p", "4k": "2160p"}


class Line:
    """One content on the invoice, in grains: in full, its input alone, and what it makes a call owe: fee, set-up, a GPU microsecond."""

    __slots__ = ("alone_nano", "family", "fee", "full", "gpu", "input", "opening", "setup")

    def __init__(self, full: Any, part: Any, fee: Any, setup: Any, gpu: Any, family: int) -> None:
        self.full = full
        self.input = part
        self.fee = fee
        self.setup = setup
        self.opening = fee + setup
        self.gpu = gpu
        self.family = family
        self.alone_nano: int | None = None  # a successful call of it alone, once it was charged


class Ledger:
    """Charges by one price list.

    Parameters
    ----------
    price : the provider entry's section.

    Attributes
    ----------
    nano : nano-dollars owed by everybody together.
    """

    def __init__(self, price: Price) -> None:
        self.nano = 0
        self._price = price
        self._quantum = _decimal(price.quantum or 0)
        self._minimum = _grains(_decimal(price.minimum or 0))
        self._steps = [(tier.from_, _decimal(tier.factor)) for tier in price.tiers]
        self._policy = {**price.billed, "unfinished": "none"}  # whatever a batch API does not finish it does not charge
        self._is_usual = self._policy["ok"] == "full"
        self._has_gpu = any(rate.per == "gpu_second" for rate in price.rates)
        self._is_uniform = not any(rate.when for rate in price.rates if rate.per in ("call", "setup", "gpu_second"))
        self._has_opening = any(rate.per in ("call", "setup") for rate in price.rates)
        self._has_steps = bool(price.tiers) or price.factor != 1
        self._families: dict[Any, int] = {}
        self._multipliers: dict[int, tuple[int, int, int, int]] = {}

    def charge(self, lines: Sequence[Line], gpu_us: int, statuses: Sequence[str] | None = None) -> int:
        """Nano-dollars of a call that ran `gpu_us` microseconds; `statuses` says how each item ended (None: all well; else a status
        of `billed`, or "unfinished"). The caller books it."""
        if statuses is not None or not self._is_usual:
            return self._charge_by_policy(lines, gpu_us, statuses or ["ok"] * len(lines))
        if len(lines) == 1:
            line = lines[0]
            if self._has_gpu:
                return self._total(line.opening, line.full + gpu_us * line.gpu, 1)
            if line.alone_nano is None:
                line.alone_nano = self._total(line.opening, line.full, 1)
            return line.alone_nano
        used = sum([line.full for line in lines])
        if self._is_uniform:
            first = lines[0]
            opening = first.fee + first.setup * len({line.family for line in lines}) if self._has_opening else 0
            return self._total(opening, used + gpu_us * first.gpu, len(lines))
        return self._total(_opening(lines), used + gpu_us * max(line.gpu for line in lines), len(lines))

    def _charge_by_policy(self, lines: Sequence[Line], gpu_us: int, statuses: Sequence[str]) -> int:
        opened, used, ran = [], 0, False
        for line, status in zip(lines, statuses, strict=True):
            how = self._policy[status]
            if how == "full":
                opened.append(line)
                used += line.full
                ran = True
            elif how == "input":
                used += line.input
            elif how == "elapsed":
                ran = True
        if ran:
            used += gpu_us * max(line.gpu for line in lines)
        return self._total(_opening(opened), used, len(lines), has_minimum=bool(opened))

    def _total(self, opening: Any, used: Any, n_items: int, *, has_minimum: bool = True) -> int:
        """A call's bill, from what opening it and what its use come to."""
        least = self._minimum if has_minimum else 0
        if not self._has_steps:
            return _nearest_nano(max(opening + used, least), _PER_NANO)
        tier_up, tier_down, factor_up, per_nano = self._multiplier(n_items)
        return _nearest_nano(max(opening * tier_down + used * tier_up, least * tier_down) * factor_up, per_nano)

    def _multiplier(self, n_items: int) -> tuple[int, int, int, int]:
        """Tier (up, down) and factor (up) of a call of that many items, and a nano-dollar times both denominators."""
        known = self._multipliers.get(n_items)
        if known is None:
            tier = max(((start, step) for start, step in self._steps if start <= n_items), default=(1, Fraction(1)))[1]
            factor = _decimal(self._price.factor)
            known = (tier.numerator, tier.denominator, factor.numerator, _PER_NANO * tier.denominator * factor.denominator)
            self._multipliers[n_items] = known
        return known

    # -- one content -------------------------------------------------------------------------------------------------------
    def line(self, facts: Facts) -> Line:
        """The invoice line of a content."""
        rates: dict[str, Fraction] = {}
        for rate in self._price.rates:
            if rate.per not in rates and _applies(rate, facts):
                rates[rate.per] = _decimal(rate.usd)
        paid_in, paid_out = Fraction(0), Fraction(0)
        for per, usd in rates.items():
            if per in ("input_second", "image_in", "character", "token_in"):
                paid_in += usd * self._count(per, facts)
            elif per not in ("call", "setup", "gpu_second", "token_cached"):
                paid_out += usd * self._count(per, facts)
        family = self._families.setdefault((facts.engine, facts.style), len(self._families))
        fee, setup, gpu = (rates.get(per, Fraction(0)) for per in ("call", "setup", "gpu_second"))
        return Line(_grains(paid_in + paid_out), _grains(paid_in), _grains(fee), _grains(setup), _grains(gpu / 10**6), family)

    def _count(self, per: str, facts: Facts) -> Fraction:
        match per:
            case "item":
                return Fraction(1)
            case "image_in":
                return Fraction(facts.n_images)
            case "character" | "token_in":
                return _decimal(facts.units_in)
            case "second":
                return self._in_steps(_decimal(facts.duration_s))
            case "input_second":
                return self._in_steps(_decimal(facts.input_s))
        made = _decimal(facts.units_out)
        if facts.max_units_out is not None and facts.max_units_out < facts.units_out:
            made = _decimal(facts.max_units_out)
        return made * Fraction(_pixels(facts.resolution), 10**6) if per == "megapixel" else made

    def _in_steps(self, seconds: Fraction) -> Fraction:
        if not self._quantum:
            return seconds
        steps, over = divmod(seconds, self._quantum)
        return (steps + (over > 0)) * self._quantum


def _opening(lines: Sequence[Line]) -> Any:
    """What a call owes for being made, in grains: the dearest fee, and for every family the dearest set-up."""
    setups: dict[int, Any] = {}
    fee: Any = 0
    for line in lines:
        fee = max(fee, line.fee)
        setups[line.family] = max(line.setup, setups.get(line.family, 0))
    return fee + sum(setups.values())


def _applies(rate: Rate, facts: Facts) -> bool:
    known = {**dict(facts.style), "content_type": facts.content_type, "engine": facts.engine, "resolution": facts.resolution}
    known["duration"] = facts.duration_s
    for name, wanted in rate.when.items():
        allowed = wanted if isinstance(wanted, tuple) else (wanted,)
        if known.get(name) not in allowed:
            return False
    return True


def _pixels(resolution: object) -> int:
    name = str(resolution).lower()
    name = _ALIASES.get(name, name)
    if name in _LINES:
        return _LINES[name] * int(name[:-1])
    columns, lines = re.findall(r"\d+", name)
    return int(columns) * int(lines)


def _decimal(number: float) -> Fraction:
    """A number as its text shows it: 0.1 is one tenth."""
    return Fraction(repr(float(number)))


def _grains(dollars: Fraction) -> Any:
    amount = dollars * _GRAINS
    return amount.numerator if amount.denominator == 1 else amount


def _nearest_nano(amount: Any, per_nano: int) -> int:
    """Whole nano-dollars nearest to an amount of which `per_nano` make one, ties to even."""
    if not isinstance(amount, int):
        return round(Fraction(amount) / per_nano)
    twice = 2 * amount + per_nano
    nano = twice // (2 * per_nano)
    return nano - (nano & 1) if twice == nano * 2 * per_nano else nano
