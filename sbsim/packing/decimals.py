"""Instances from decimals, exactly: 0.1 is one tenth, whatever binary fraction a float stores, so that ten items of 0.1 fill a batch of 1.

Each kind of number (sizes, durations, money) is scaled to the largest unit in which all of its numbers are whole. This is the door where instances
are checked: every refusal names the item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import gcd, isfinite, lcm
from typing import Any

from sbsim.documents.faults import nearest, shown
from sbsim.errors import ScenarioError
from sbsim.packing.instances import Instance
from sbsim.packing.tariff import Tariff

MOST_MONEY_BITS = 46
"""Amounts with more digits than that allows are rounded to it: 14 digits, and room for sums in 64 bits."""
MOST_DIGITS = 300
"""Places before or after the decimal point that a number may have: as many as a float's."""


def instance(
    sizes: Sequence[Any],
    capacity: Any,
    *,
    max_items: Any = None,
    durations: Sequence[Any] | None = None,
    max_duration: Any = None,
    conflicts: Sequence[Any] | None = None,
    classes: Sequence[Any] | None = None,
    setups: Any = None,
    bin_cost: Any = 1,
    name: str | None = None,
    where: str = "instance",
) -> Instance:
    """An instance of batch formation whose cost is bin_cost for every batch and a set-up for every class in it.

    Parameters
    ----------
    sizes, capacity : numbers >= 0, none larger than the capacity. max_items : items in a batch at most.
    durations, max_duration : as sizes and capacity, both or neither.
    conflicts : pairs [i, j] of item indices, counted from 0, that may not share a batch.
    classes : of each item, a number or text.
    setups : class -> cost, or {"cost": …, "weight": …} where it takes of the capacity too; a mapping, or a list for classes 0, 1, …
    where : what messages begin with.

    Raises
    ------
    ScenarioError
        When a number is missing, negative, not finite or too large; it names the item.
    """
    whole_sizes, whole_capacity, size_unit = _limited(sizes, capacity, where, "items", "capacity")
    whole_durations: tuple[int, ...] = ()
    whole_duration = 0
    if (durations is None) != (max_duration is None):
        given, missing = ("durations", "max_duration") if max_duration is None else ("max_duration", "durations")
        raise ScenarioError(f"{where}: {given} without {missing}; allowed: both or neither; try adding {missing}")
    if durations is not None:
        _same_length(durations, sizes, where, "durations")
        whole_durations, whole_duration, _ = _limited(durations, max_duration, where, "durations", "max_duration")
    numbers, costs, weights = _classes(classes, setups, len(sizes), where)
    fee = _number(bin_cost, f"{where}: bin_cost")
    (whole_fee, *whole_setups), unit = whole([fee, *costs])
    if classes is not None and any(weights):
        (*all_sizes, whole_capacity), size_unit = whole([*(size * size_unit for size in whole_sizes), *weights, whole_capacity * size_unit])
        whole_sizes, weights = tuple(all_sizes[: len(sizes)]), [Fraction(weight) for weight in all_sizes[len(sizes) :]]
    for item, (size, c) in enumerate(zip(whole_sizes, numbers, strict=False)):
        if size + weights[c] > whole_capacity:
            raise ScenarioError(
                f"{where}: items[{item}]: size {_text(size * size_unit)} and the set-up weight {_text(weights[c] * size_unit)} of its class "
                f"exceed the capacity {_text(whole_capacity * size_unit)}; try a larger capacity"
            )
    return Instance(
        sizes=whole_sizes,
        capacity=whole_capacity,
        max_items=None if max_items is None else _count(max_items, f"{where}: max_items"),
        durations=whole_durations,
        max_duration=whole_duration,
        classes=numbers,
        setup_weights=tuple(int(weight) for weight in weights),
        conflicts=_conflicts(conflicts, len(sizes), where),
        tariff=Tariff(fee=whole_fee, setups=tuple(whole_setups), unit=unit),
        name=name,
    )


def whole(numbers: Sequence[Fraction], most_bits: int | None = MOST_MONEY_BITS) -> tuple[list[int], Fraction]:
    """Numbers as whole multiples of the largest unit that they share, and that unit; rounded where they would take more than `most_bits`."""
    unit = Fraction(1, lcm(*(number.denominator for number in numbers)))
    multiples = [int(number / unit) for number in numbers]
    shared = gcd(*multiples) or 1
    multiples, unit = [multiple // shared for multiple in multiples], unit * shared
    excess = max((abs(multiple).bit_length() for multiple in multiples), default=0) - most_bits if most_bits is not None else 0
    if excess <= 0:
        return multiples, unit
    unit *= 1 << excess
    return [round(number / unit) for number in numbers], unit


def _limited(sizes: Sequence[Any], capacity: Any, where: str, name: str, limit: str) -> tuple[tuple[int, ...], int, Fraction]:
    """(sizes, capacity, unit), each size checked against the capacity."""
    if not isinstance(sizes, (list, tuple)):
        raise ScenarioError(f"{where}: {name}: {shown(sizes)} is not a list of numbers; try [30, 20, 50]")
    most = _number(capacity, f"{where}: {limit}")
    exact = [_number(size, f"{where}: {name}[{item}]") for item, size in enumerate(sizes)]
    for item, size in enumerate(exact):
        if size > most:
            raise ScenarioError(
                f"{where}: {name}[{item}]: {_text(size)} is larger than {limit} {_text(most)}; allowed: 0 to {_text(most)}; try a larger {limit}"
            )
    numbers, unit = whole([*exact, most], None)
    return tuple(numbers[:-1]), numbers[-1], unit


def _number(given: Any, where: str) -> Fraction:
    """A finite number >= 0, exactly as its text shows it."""
    if isinstance(given, bool) or not isinstance(given, (int, float, Decimal, Fraction)):
        raise ScenarioError(f"{where}: {shown(given)} is not a number; allowed: a number >= 0; try 10")
    if isinstance(given, (float, Decimal)) and not (isfinite(given) if isinstance(given, float) else given.is_finite()):
        raise ScenarioError(f"{where}: {given} is not a finite number; allowed: a number >= 0; try 10")
    if isinstance(given, Decimal) and given and not -MOST_DIGITS <= given.adjusted() <= MOST_DIGITS:
        raise ScenarioError(f"{where}: {given} is out of range; allowed: 0, or 1e-{MOST_DIGITS} to 1e{MOST_DIGITS}; try another unit")
    exact = Fraction(repr(given)) if isinstance(given, float) else Fraction(given)
    if exact < 0:
        raise ScenarioError(f"{where}: {given} is negative; allowed: a number >= 0; try {-given}")
    return exact


def _text(number: Fraction | int) -> str:
    """A number as messages show it."""
    return str(number) if Fraction(number).denominator == 1 else f"{float(number):.15g}"


def _count(given: Any, where: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise ScenarioError(f"{where}: {shown(given)} must be a whole number >= 1; try 25")
    return given


def _same_length(given: Any, items: Sequence[Any], where: str, name: str) -> None:
    if not isinstance(given, (list, tuple)) or len(given) != len(items):
        n = len(given) if isinstance(given, (list, tuple)) else shown(given)
        raise ScenarioError(f"{where}: {name}: {n} given for {len(items)} items; allowed: a list of one for each item")


def _classes(classes: Any, setups: Any, n_items: int, where: str) -> tuple[tuple[int, ...], list[Fraction], list[Fraction]]:
    """(class number of each item, set-up cost of each class, set-up weight of each class)."""
    if classes is None:
        if setups:
            raise ScenarioError(f"{where}: setups without classes; allowed: both or classes alone; try adding classes, one for each item")
        return (), [Fraction(0)], [Fraction(0)]
    _same_length(classes, range(n_items), where, "classes")
    known = _setups(setups, where)
    for item, given in enumerate(classes):
        if isinstance(given, bool) or not isinstance(given, (int, str)):
            raise ScenarioError(f"{where}: classes[{item}]: {shown(given)} is not a class; allowed: a whole number or text; try 0")
        if known and str(given) not in known:
            raise ScenarioError(
                f"{where}: classes[{item}]: {shown(given)} has no set-up; allowed: {', '.join(list(known)[:10])}"
                f"{nearest(given, known) or '; try adding it to setups'}"
            )
    names = sorted({str(given) for given in classes}) or [""]  # by name: the order of the items is nothing
    paid = [known.get(name, (Fraction(0), Fraction(0))) for name in names]
    number = {name: k for k, name in enumerate(names)}
    return tuple(number[str(given)] for given in classes), [cost for cost, _ in paid], [weight for _, weight in paid]


def _setups(given: Any, where: str) -> dict[str, tuple[Fraction, Fraction]]:
    """Class -> (cost, weight)."""
    if given is None:
        return {}
    if not isinstance(given, (Mapping, list, tuple)):
        raise ScenarioError(f'{where}: setups: {shown(given)} is not a mapping of classes; try {{"0": 2}}')
    entries: Iterable[tuple[Any, Any]] = given.items() if isinstance(given, Mapping) else enumerate(given)
    paid = {}
    for name, setup in entries:
        place = f"{where}: setups[{name}]"
        parts = setup if isinstance(setup, Mapping) else {"cost": setup}
        for part in parts:
            if part not in ("cost", "weight"):
                raise ScenarioError(f"{place}: unknown key {shown(part)}; allowed: cost, weight{nearest(part, ('cost', 'weight'))}")
        paid[str(name)] = (_number(parts.get("cost", 0), f"{place}.cost"), _number(parts.get("weight", 0), f"{place}.weight"))
    return paid


def _conflicts(given: Any, n_items: int, where: str) -> tuple[int, ...]:
    """For each item a bit mask of those that it may not be with."""
    if given is None:
        return ()
    if not isinstance(given, (list, tuple)):
        raise ScenarioError(f"{where}: conflicts: {shown(given)} is not a list of pairs; try [[0, 1]]")
    masks = [0] * n_items
    for k, pair in enumerate(given):
        place = f"{where}: conflicts[{k}]"
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise ScenarioError(f"{place}: {shown(pair)} is not a pair of item indices; try [0, 1]")
        for item in pair:
            if isinstance(item, bool) or not isinstance(item, int) or not 0 <= item < n_items:
                raise ScenarioError(f"{place}: {shown(item)} is no item; allowed: 0 to {n_items - 1}")
        i, j = pair
        if i == j:
            raise ScenarioError(f"{place}: item {i} is in conflict with itself; allowed: two different items")
        masks[i] |= 1 << j
        masks[j] |= 1 << i
    return tuple(masks)
