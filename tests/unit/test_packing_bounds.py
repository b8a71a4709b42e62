"""Bounds without a solver, and the merging of items that they stand on."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from sbsim.packing import Instance, Tariff
from sbsim.packing.bounds import class_batches, clique, cost_bound, fewest_batches, l2
from tests.batches import instance_of


def test_l2_sees_what_the_sum_does_not() -> None:
    """Sizes just above a half need a batch each, sizes above a third go two by two; small ones fill what is left beside the large."""
    assert l2([6, 6, 6], 10) == 3
    assert l2([9, 9, 7, 7, 2, 2], 10) == 4  # threshold 2: 9s alone, 7s beside 6 units of room of which 4 are taken
    assert l2([9, 8, 3, 3], 10) == 3  # sum 23
    assert l2([], 10) == 0


def test_l2_is_the_best_over_all_thresholds() -> None:
    """The quick form equals Martello and Toth's definition."""
    draw = random.Random(0)
    for _ in range(300):
        capacity = draw.choice([7, 10, 99])
        weights = sorted((draw.randint(0, capacity) for _ in range(draw.randint(1, 12))), reverse=True)
        best = 0
        for a in range(capacity // 2 + 1):
            alone = [w for w in weights if w > capacity - a]
            large = [w for w in weights if capacity / 2 < w <= capacity - a]
            small = [w for w in weights if a <= w <= capacity / 2]
            free = len(large) * capacity - sum(large)
            best = max(best, len(alone) + len(large) + max(0, -((free - sum(small)) // capacity)))
        assert l2(weights, capacity) == best


def test_the_number_of_items_and_every_dimension_bound_the_batches() -> None:
    """Whichever limit binds most counts."""
    assert fewest_batches(instance_of({"capacity": 100, "items": [1] * 10, "max_items": 3}).types) == 4
    assert fewest_batches(instance_of({"capacity": 100, "items": [1] * 4, "durations": [9, 9, 9, 1], "max_duration": 10}).types) == 3
    assert fewest_batches(instance_of({"capacity": 100, "items": [1] * 4}).types) == 1


def test_a_clique_counts_items_that_cannot_meet_for_whatever_reason() -> None:
    """Two by conflict, one by size, one by duration: each needs a batch."""
    plain = {
        "capacity": 10, "items": [9, 2, 2, 2], "durations": [1, 9, 2, 2], "max_duration": 10, "conflicts": [[1, 2], [1, 3], [2, 3]],
    }  # fmt: skip
    assert clique(instance_of(plain).types) == 4


def test_a_class_pays_its_set_up_as_often_as_its_items_need_batches() -> None:
    """Three items of 4 with a set-up weight of 2 in batches of 10: two a batch, so two batches, two fees, two set-ups."""
    types = instance_of({"capacity": 10, "items": [4, 4, 4], "classes": ["a"] * 3, "setups": {"a": {"cost": 3, "weight": 2}}}).types
    assert class_batches(types) == {0: 2}
    assert cost_bound(types, fewest_batches(types)) == 2 * 1 + 2 * 3


def test_equal_items_are_one_type_and_limits_that_cannot_bind_are_left_out() -> None:
    """Six items of two sizes are two types; a duration that all of them together keep is no dimension; units are the largest."""
    types = instance_of({"capacity": 30, "items": [10, 20, 10, 20, 10, 10], "durations": [1] * 6, "max_duration": 6}).types
    assert types.counts == (2, 4)
    assert [(d.weights, d.capacity) for d in types.dimensions] == [((2, 1), 3)]


def test_items_with_the_same_conflicts_are_one_type() -> None:
    """Items 0 and 1 are both apart from item 2, and not from each other."""
    types = instance_of({"capacity": 9, "items": [5, 5, 5], "conflicts": [[0, 2], [1, 2]]}).types
    assert sorted(types.members) == [(0, 1), (2,)]
    assert not types.fits(((0, 1), (1, 1)))


def test_a_tariff_is_the_formula_of_a_bill() -> None:
    """max(minimum, fee + set-ups + factor x charges), the factor that of the last tier reached."""
    tariff = Tariff(fee=5, setups=(2, 3), tiers=((1, 10), (3, 8)), minimum=40)
    assert [tariff.cost(1, 2, 1), tariff.cost(2, 2, 7), tariff.cost(3, 5, 7)] == [40, 77, 66]
    assert tariff.steps(2) == [(1, 2, 10)]
    assert tariff.steps(5) == [(1, 2, 10), (3, 5, 8)]


def test_charges_that_nothing_multiplies_are_a_constant() -> None:
    """With one tier and no minimum every packing pays the charges; items that differ in them alone are one type."""
    types = Instance((1, 1), 2, charges=(3, 4), tariff=Tariff(fee=1, unit=Fraction(1, 100))).types
    assert (types.n, types.constant) == (1, 7)


@pytest.mark.parametrize("capacity", [10, 1])
def test_nothing_to_pack_needs_no_batch(capacity: int) -> None:
    """No items, no batches."""
    assert fewest_batches(instance_of({"capacity": capacity, "items": []}).types) == 0
