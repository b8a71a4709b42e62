"""Annealing: packings where set-ups make batches differ, against packings that are known or were handed in."""

from __future__ import annotations

import random
from math import inf

import pytest

from sbsim.packing import Effort
from sbsim.packing.annealing import Annealing
from sbsim.packing.greedy import portfolio
from sbsim.packing.instances import Pattern, Types
from tests.batches import Plain, instance_of


def _full(seed: int, n_batches: int = 6, n_classes: int = 4) -> Plain:
    """Items that fill so many batches of 200 to the brim, one or two classes in each, shuffled."""
    draw = random.Random(f"full {seed}")
    setups = [{"weight": draw.randint(2, 20)} for _ in range(n_classes)]
    items: list[tuple[int, int]] = []
    for b in range(n_batches):
        mine = sorted({b % n_classes, draw.randrange(n_classes)})
        room, placed = 200 - sum(setups[c]["weight"] for c in mine), 0
        while room:
            size = room if room <= 30 else min(draw.randint(10, 30), room - 10)
            items.append((size, mine[placed % len(mine)]))
            room, placed = room - size, placed + 1
    draw.shuffle(items)
    return {"capacity": 200, "items": [size for size, _ in items], "classes": [c for _, c in items], "setups": setups}


def _mixed(seed: int) -> Plain:
    """Set-ups that cost and weigh, forty items of half a dozen classes."""
    draw = random.Random(f"mixed {seed}")
    return {
        "capacity": 200, "items": [draw.randint(10, 30) for _ in range(40)], "classes": [draw.randrange(6) for _ in range(40)],
        "setups": [{"cost": draw.randint(0, 12), "weight": draw.randint(20, 40)} for _ in range(6)], "bin_cost": 10,
    }  # fmt: skip


def _cost(types: Types, packed: list[Pattern]) -> int:
    return sum(types.cost(pattern) for pattern in packed)


def _greedy(types: Types) -> list[Pattern]:
    return min(portfolio(types, 1), key=lambda packed: _cost(types, packed))


def _improved(types: Types, n_steps: int, effort: Effort) -> list[list[Pattern]]:
    """The greedy packing and every better one that so many runs find, in order."""
    annealing, found = Annealing(types, effort), [_greedy(types)]
    for _ in range(n_steps):
        better = annealing.step(found[-1])
        if better is not None:
            found.append(better)
    return found


@pytest.mark.parametrize("seed", [1, 3, 4])
def test_batches_without_room_to_spare_are_found(seed: int) -> None:
    """Items cut from six full batches of one or two classes each go into six batches again; greedy packings take seven or more."""
    types = instance_of(_full(seed)).types
    found = _improved(types, 8, Effort(inf))
    assert len(found[0]) > 6
    assert len(found[-1]) == 6


@pytest.mark.parametrize("seed", [0, 2, 4, 7])
def test_what_is_found_is_cheaper_and_keeps_every_limit(seed: int) -> None:
    """Every item once, no batch too full with its set-ups, each packing cheaper than the one before."""
    types = instance_of(_mixed(seed)).types
    found = _improved(types, 4, Effort(inf))
    assert len(found) > 1
    for packed in found:
        assert all(types.fits(pattern) for pattern in packed)
        assert [sum(dict(pattern).get(t, 0) for pattern in packed) for t in range(types.n)] == list(types.counts)
    costs = [_cost(types, packed) for packed in found]
    assert costs == sorted(set(costs), reverse=True)


def test_the_same_runs_find_the_same_packings() -> None:
    """Nothing is drawn from anywhere but the runs' own seed."""
    types = instance_of(_mixed(9)).types
    assert len(found := _improved(types, 4, Effort(inf))) > 1
    assert _improved(types, 4, Effort(inf)) == found


def test_runs_are_charged_and_end_with_the_effort() -> None:
    """A run stops soon after its units are spent, and units without a limit are counted too."""
    types = instance_of(_mixed(6)).types
    little, much = Effort(10.0), Effort(inf)
    _improved(types, 1, little)
    _improved(types, 1, much)
    assert -2 <= little.units <= 0
    assert much.spent > little.spent >= 10


@pytest.mark.parametrize(
    "more",
    [{"max_items": 5}, {"conflicts": [[0, 1]]}, {"durations": [1] * 40, "max_duration": 7}, {"setups": [0] * 6}],
    ids=["count", "conflicts", "durations", "no set-ups"],
)
def test_other_limits_are_left_to_other_methods(more: Plain) -> None:
    """One sum with set-ups suits; a second limit, conflicts, or classes without a difference do not."""
    assert Annealing.suits(instance_of(_mixed(0)).types)
    assert not Annealing.suits(instance_of({**_mixed(0), **more}).types)
