"""The price of one content on one list: rates x quantities, in exact whole numbers. It knows nothing of calls, tiers and bills.

Rates (dollars) and quantities are whole numbers of 10^-30, their products whole numbers of 10^-60 dollars: wide enough for every decimal that a
float's text can show (17 digits from 10^-13 up), and adding them is as cheap as adding any integers (0.05 us), where fractions would cost 2 us
apiece.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from sbsim.errors import ScenarioError
from sbsim.records import Facts
from sbsim.scenario import ProviderSpec, Rate

_DIGITS = 30
ONE: int = 10**_DIGITS
"""One dollar of a rate, or one unit of a quantity."""
NANO: int = ONE * ONE // 10**9
"""A nano-dollar in 10^-60 dollars."""
INPUTS = ("input_second", "image_in", "character", "token_in")
OUTPUTS = ("item", "second", "image", "megapixel", "token_out")

_SIZE = re.compile(r"(\d+)[-_ ]?[xX×][-_ ]?(\d+)\Z")
_NAMED_SIZES = {"480p": (854, 480), "720p": (1280, 720), "1080p": (1920, 1080), "1440p": (2560, 1440), "2160p": (3840, 2160)}
_NAMED_SIZES |= {"2k": _NAMED_SIZES["1440p"], "4k": _NAMED_SIZES["2160p"]}


class ContentPrice(NamedTuple):
    """One content on one list, in 10^-60 dollars: all rates on the item, those on its input, and a call's fee and set-up for it.

    `gpu` is the rate on GPU seconds (10^-30 dollars a second); `family` numbers what a set-up is paid for, (engine, style).
    """

    exact: int
    exact_input: int
    fee: int
    setup: int
    gpu: int
    family: int


class PriceList:
    """The rates of one provider entry.

    Parameters
    ----------
    spec : the entry; only its name and its `price` (rates, quantum) are read.

    Attributes
    ----------
    is_uniform : fee, set-up and GPU rate are the same for all contents.
    """

    def __init__(self, spec: ProviderSpec) -> None:
        self.name = spec.name
        self._rates: dict[str, list[Rate]] = {}
        for rate in spec.price.rates:
            self._rates.setdefault(rate.per, []).append(rate)
        self.is_uniform = not any(rate.when for per in ("call", "setup", "gpu_second") for rate in self._rates.get(per, ()))
        self._families: dict[Any, int] = {}
        self._quantum = fixed(spec.price.quantum or 0.0)

    def has(self, *pers: str) -> bool:
        """Whether the list has a rate of one of these kinds."""
        return any(per in self._rates for per in pers)

    def price(self, facts: Facts) -> ContentPrice:
        """Price of a content; where the list has no rates, what is reckoned for it.

        Raises ScenarioError when a rate per megapixel meets a resolution that is no size.
        """
        paid_in = sum(self.rate(per, facts) * self._quantity(per, facts) for per in INPUTS if per in self._rates)
        paid_out = sum(self.rate(per, facts) * self._quantity(per, facts) for per in OUTPUTS if per in self._rates)
        if not self._rates and facts.estimated_usd is not None:
            paid_out += fixed(facts.estimated_usd) * ONE
        family = self._families.setdefault((facts.engine, facts.style), len(self._families))
        fee, setup = self.rate("call", facts) * ONE, self.rate("setup", facts) * ONE
        return ContentPrice(paid_in + paid_out, paid_in, fee, setup, self.rate("gpu_second", facts), family)

    def rate(self, per: str, facts: Facts) -> int:
        """The first rate of this kind that fits the content, in 10^-30 dollars; 0 when none does."""
        for rate in self._rates.get(per, ()):
            if fits(rate.when, facts):
                return fixed(rate.usd)
        return 0

    def _quantity(self, per: str, facts: Facts) -> int:
        """What `per` counts of one content, in 10^-30."""
        if per in ("second", "input_second"):
            seconds = fixed(facts.duration_s if per == "second" else facts.input_s)
            return -(-seconds // self._quantum) * self._quantum if self._quantum else seconds
        if per in ("character", "token_in"):
            return fixed(facts.units_in)
        if per == "image_in":
            return facts.n_images * ONE
        if per == "item":
            return ONE
        units = fixed(units_out(facts))
        return units * self._pixels(facts) // 10**6 if per == "megapixel" else units

    def _pixels(self, facts: Facts) -> int:
        size = _NAMED_SIZES.get(str(facts.resolution).lower())
        if size is None:
            match = _SIZE.match(str(facts.resolution))
            if match is None:
                raise ScenarioError(
                    f"providers[{self.name}].price: a rate per megapixel needs a size, and a request of engine {facts.engine!r} has resolution "
                    f'{facts.resolution!r}; allowed: "1024x1024" or one of {", ".join(_NAMED_SIZES)}; try giving its class a resolution'
                )
            size = (int(match[1]), int(match[2]))
        return size[0] * size[1]


def fits(when: Mapping[str, Any], facts: Facts) -> bool:
    """Whether a rate's `when` (name -> value or list of values) matches: the content's fields of that name, else its style parameters."""
    known = {"content_type": facts.content_type, "engine": facts.engine, "resolution": facts.resolution, "duration": facts.duration_s}
    for name, wanted in when.items():
        value = known[name] if name in known else dict(facts.style).get(name)
        if value not in wanted if isinstance(wanted, tuple) else value != wanted:
            return False
    return True


def units_out(facts: Facts) -> float:
    """Units that come out: never more than the bound that was asked for."""
    return facts.units_out if facts.max_units_out is None else min(facts.units_out, facts.max_units_out)


def at_most(facts: Facts) -> Facts:
    """The same content when all comes out that may."""
    return facts if facts.max_units_out is None else facts._replace(units_out=facts.max_units_out)


def tokens(facts: Facts) -> float:
    """The most that a content counts against a limit on tokens: what goes in and what may come out."""
    return facts.units_in + (facts.units_out if facts.max_units_out is None else facts.max_units_out)


def fixed(value: float) -> int:
    """The decimal that a number's text shows, in 10^-30 (digits below are cut off)."""
    millionths = round(value * 1e6)
    if millionths / 1e6 == value and -(10**15) < millionths < 10**15:  # up to 15 digits: the shortest text that reads back as `value`
        return millionths * (ONE // 10**6)
    return int(Decimal(repr(float(value))).scaleb(_DIGITS))


def ratio(value: float) -> tuple[int, int]:
    """The decimal that a number's text shows as numerator and denominator."""
    return Decimal(repr(float(value))).as_integer_ratio()


def rounded(numerator: int, denominator: int) -> int:
    """The whole number nearest to numerator / denominator, ties to even."""
    whole, rest = divmod(numerator, denominator)
    rest *= 2
    return whole + (rest > denominator or (rest == denominator and whole & 1))
