"""Packings against brute force: every rung of the ladder, on small instances of every kind."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest

from sbsim.packing import METHODS, Effort, Instance, Method, Packed, Packer, Tariff, pack
from sbsim.packing.bounds import cost_bound, fewest_batches
from sbsim.packing.columns import Columns
from sbsim.packing.greedy import portfolio
from sbsim.packing.instances import Types
from sbsim.packing.ladder import pricer
from sbsim.packing.patterns import Knapsack, Values
from sbsim.packing.selection import Selection
from tests.batches import any_kind, cheapest, cost_of, faults, instance_of


def _judged(plain: dict, packed: Packed, least: Fraction) -> None:
    assert sorted(item for batch in packed.batches for item in batch) == list(range(len(plain["items"])))
    assert not [fault for batch in packed.batches for fault in faults(plain, batch)]
    assert packed.cost == cost_of(plain, packed.batches) >= least >= packed.bound


@pytest.mark.parametrize("seed", range(8))
def test_up_to_eight_items_are_packed_at_the_least_cost(seed: int) -> None:
    """The whole ladder finds and proves the optimum that brute force finds."""
    draw = random.Random(f"auto {seed}")
    for _ in range(60):
        plain = any_kind(draw, 6 if seed else 8)
        least = cheapest(plain)
        packed = pack(instance_of(plain), Effort(1000))
        _judged(plain, packed, least)
        assert packed.cost == packed.bound == least, plain


@pytest.mark.slow
def test_thousands_of_small_instances_are_packed_at_the_least_cost() -> None:
    """The same on three thousand."""
    draw = random.Random("thousands")
    for _ in range(3000):
        plain = any_kind(draw, 8)
        packed = pack(instance_of(plain), Effort(1000))
        assert packed.cost == packed.bound == cheapest(plain), plain


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_valid_and_its_bound_holds(method: Method) -> None:
    """No packing is better than the optimum, no bound above it, by whatever rung, with however little effort."""
    draw = random.Random(f"methods {method}")
    n_proven = 0
    for k in range(60):
        plain = any_kind(draw, 7)
        least = cheapest(plain)
        packed = pack(instance_of(plain), Effort(100 if k % 3 else 5), method)
        _judged(plain, packed, least)
        n_proven += packed.is_optimal
    assert n_proven >= 40


def test_the_relaxation_s_bound_holds_and_is_rarely_weaker_than_the_simple_ones() -> None:
    """Column generation alone never claims more than the optimum, tables and CP-SAT alike."""
    draw = random.Random("relaxations")
    total, simple = Fraction(0), Fraction(0)
    for _ in range(80):
        plain = any_kind(draw, 7)
        instance = instance_of(plain)
        types = instance.types
        first = min(portfolio(types, fewest_batches(types)), key=lambda packed: sum(map(types.cost, packed)))
        effort = Effort(1000)
        relaxed = Columns(types, pricer(types, effort), first, effort).relax(types.counts)
        assert relaxed is not None
        least = cheapest(plain)
        assert relaxed.bound * instance.tariff.unit <= least, plain
        total += relaxed.bound * instance.tariff.unit
        simple += cost_bound(types, fewest_batches(types)) * instance.tariff.unit
    assert total > 0.9 * simple


def test_bills_with_tiers_and_a_minimum_are_minimised() -> None:
    """With a provider's bill (tiers on the number of items, charges, a minimum, set-ups) every method keeps to brute force's optimum."""
    draw = random.Random("bills")
    for k in range(30):
        n = draw.randint(1, 6)
        classes = tuple(draw.randrange(2) for _ in range(n))
        tariff = Tariff(
            fee=draw.choice([0, 5, 20]),
            setups=(draw.choice([0, 4]), 3),
            tiers=draw.choice([((1, 10), (2, 9), (4, 7)), ((1, 1),), ((1, 4), (3, 5))]),
            minimum=draw.choice([0, 30]),
        )
        instance = Instance(
            tuple(draw.randint(1, 10) for _ in range(n)), 15, draw.choice([None, 3]), classes=classes, setup_weights=(0, 0),
            charges=tuple(draw.randint(0, 9) for _ in range(n)), tariff=tariff,
        )  # fmt: skip
        least = min(instance.cost(batches) for batches in _partitions(n) if all(_fits(instance, batch) for batch in batches))
        packed = pack(instance, Effort(1000))
        assert packed.cost == packed.bound == least
        other = pack(instance, Effort(50), "columns")
        assert other.bound <= least <= other.cost, k


def _partitions(n: int):
    """All partitions of n items."""
    if n == 0:
        yield []
        return
    for batches in _partitions(n - 1):
        yield [*batches, [n - 1]]
        for k in range(len(batches)):
            yield [[*batch, n - 1] if i == k else batch for i, batch in enumerate(batches)]


def _fits(instance: Instance, batch: list[int]) -> bool:
    return sum(instance.sizes[item] for item in batch) <= instance.capacity and len(batch) <= (instance.max_items or len(batch))


def _best_by_listing(types: Types, values: Values) -> int:
    best = -(10**30)
    for numbers in product(*(range(n + 1) for n in types.counts)):
        pattern = tuple((t, k) for t, k in enumerate(numbers) if k)
        if pattern and types.fits(pattern):
            worth = values.batch + sum(k * values.items[t] for t, k in pattern) + sum(values.classes[c] for c in types.classes_of(pattern))
            best = max(best, worth - values.scale * types.cost(pattern))
    return best


def _values(draw: random.Random, types: Types) -> Values:
    classes = [draw.randint(-9, 9) if types.has_setups else 0 for _ in range(types.n_classes)]
    return Values([draw.randint(0, 60) for _ in range(types.n)], draw.randint(-5, 5), classes, draw.choice([1, 4]))


@pytest.mark.parametrize("cells", [200_000, 60], ids=["fine", "coarse"])
def test_pricing_finds_the_pattern_that_is_worth_most(cells: int) -> None:
    """A table's pattern is worth its ceiling where the table is fine, and no pattern is worth more than a ceiling, on any grid."""
    draw = random.Random("pricing")
    for _ in range(150):
        plain = {**any_kind(draw, 6), "conflicts": []}
        types = instance_of(plain).types
        values = _values(draw, types)
        best = _best_by_listing(types, values)
        table = Knapsack(types, cells)
        priced = table.price(values, types.counts, is_coarse=False)
        if table.is_exact:
            assert max(priced.ceiling, 0) == max(best, 0)
        assert max(table.ceiling(values, types.counts), 0) >= max(best, 0)
        if priced.pattern is not None:
            assert types.fits(priced.pattern)


def test_cp_sat_finds_the_pattern_that_is_worth_most() -> None:
    """The same by CP-SAT, with conflicts."""
    draw = random.Random("selection")
    for _ in range(25):
        types = instance_of(any_kind(draw, 6)).types
        values = _values(draw, types)
        best = _best_by_listing(types, values)
        priced = Selection(types, Knapsack(types), Effort(1e6))._best(values, types.counts)
        assert priced.ceiling >= best
        assert (priced.pattern is not None) == (best > 0)
        if priced.pattern is not None:
            assert types.fits(priced.pattern)


def test_a_packer_answers_from_memory_as_it_would_anew() -> None:
    """Instances that differ in the order of their items have one answer, in the numbers of their own items."""
    draw = random.Random("packer")
    packer = Packer(units=200)
    for _ in range(30):
        plain = {**any_kind(draw, 6), "conflicts": []}
        order = draw.sample(range(len(plain["items"])), len(plain["items"]))
        again = {**plain, **{key: [plain[key][i] for i in order] for key in ("items", "durations", "classes") if key in plain}}
        n_before = packer.n_remembered
        first, second = packer.pack(instance_of(plain)), packer.pack(instance_of(again))
        least = cheapest(plain)
        _judged(plain, first, least)
        _judged(again, second, least)
        assert first.cost == second.cost
        assert packer.n_remembered > n_before
    assert packer.n_packed == 60


def test_the_names_of_items_and_money_s_unit_change_nothing() -> None:
    """A hundred times the price of everything is a hundred times the cost, in the same batches."""
    draw = random.Random("units")
    for _ in range(20):
        instance = instance_of(any_kind(draw, 7))
        dearer = replace(instance, tariff=replace(instance.tariff, unit=instance.tariff.unit * 100))
        one, other = pack(instance, Effort(100)), pack(dearer, Effort(100))
        assert (other.batches, other.cost) == (one.batches, 100 * one.cost)


def test_any_values_give_a_bound_that_holds() -> None:
    """Not only optimal duals: whatever items are said to be worth, what the dearest pattern exceeds its cost by is taken off."""
    draw = random.Random("any values")
    for _ in range(150):
        plain = {**any_kind(draw, 6), "conflicts": []}
        instance = instance_of(plain)
        types = instance.types
        table = Knapsack(types)
        columns = Columns(types, table, [((t, 1),) for t, n in enumerate(types.counts) for _ in range(n)], Effort(10))
        fee = max(types.tariff.fee, 1)
        values = Values([draw.randint(0, 4 * fee) for _ in range(types.n)], 0, [0] * types.n_classes, 2)
        scaled = values._replace(items=[value * columns.scale // 2 for value in values.items], scale=columns.scale)
        bound = columns.bound(scaled, types.counts, None, table.ceiling(scaled, types.counts))
        assert (bound + types.constant) * instance.tariff.unit <= cheapest(plain), plain
