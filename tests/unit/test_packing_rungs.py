"""The rungs of the ladder on instances that are made for them."""

from __future__ import annotations

import random
import subprocess
import sys
from fractions import Fraction
from math import inf

import pytest

from sbsim.packing import Effort, instance, pack
from sbsim.packing.bounds import fewest_batches
from sbsim.packing.covers import full_cover, full_patterns, is_tight
from sbsim.packing.ladder import solve
from tests.batches import Plain, instance_of, judge, triplets, uniform


def _packed(plain: Plain, units: float = 5000) -> Plain:
    packed = pack(instance_of(plain), Effort(units))
    answer = {
        "batches": packed.batches, "cost": float(packed.cost), "bound": float(packed.bound), "gap": packed.gap,
        "status": "optimal" if packed.is_optimal else "feasible", "rung": packed.rung,
    }  # fmt: skip
    judge(plain, answer)
    return answer


def test_triplets_are_covered_exactly() -> None:
    """Threes that fill a batch: n / 3 batches, proven, by the exact cover."""
    answer = _packed(triplets(60, 0))
    assert (answer["cost"], answer["status"], answer["rung"]) == (20, "optimal", "cover")


def test_a_cover_that_does_not_exist_raises_the_bound() -> None:
    """Sizes that add up to two batches and do not divide into them: the cover is impossible, three batches are proven."""
    plain = {"capacity": 100, "items": [40, 40, 40, 26, 27, 27]}
    types = instance_of(plain).types
    assert is_tight(types, 2)
    assert full_cover(types, 2, Effort(inf)) == (None, True)
    climb = solve(instance_of({**plain, "items": [*plain["items"], *[51] * 6]}).types, Effort(1000))
    assert climb.bound == climb.cost


def test_full_patterns_are_all_and_only_those_within_the_waste() -> None:
    """Against listing every choice."""
    draw = random.Random(5)
    for _ in range(40):
        plain = {"capacity": 20, "items": [draw.randint(1, 12) for _ in range(7)], "max_items": draw.randint(2, 7)}
        types = instance_of(plain).types
        if types.n_sums != 1:
            continue
        dimension, waste = types.dimensions[0], draw.randint(0, 3)
        found = list(full_patterns(types, waste))
        everything = [()]
        for t, n in enumerate(types.counts):
            everything = [(*held, (t, k)) if k else held for held in everything for k in range(n + 1)]
        loads = {pattern: sum(k * dimension.weights[t] for t, k in pattern) for pattern in everything if types.fits(pattern)}
        assert sorted(found) == sorted(pattern for pattern, load in loads.items() if load >= dimension.capacity - waste)


def test_a_gap_that_greedy_leaves_is_closed_by_columns() -> None:
    """Uniform sizes: best fit is a batch too many, the relaxation's bound and a dive prove the optimum."""
    plain = uniform(120, 3)
    greedy = pack(instance_of(plain))
    answer = _packed(plain)
    assert answer["status"] == "optimal"
    assert answer["cost"] == greedy.cost - 1
    assert answer["rung"] == "columns"


def test_a_limit_on_the_number_of_items_is_met_by_spreading() -> None:
    """Two hundred small items, 25 a batch, both limits tight: best fit decreasing overfills with large ones, spreading proves the optimum."""
    types = instance_of(uniform(200, 1, 1, 79, 1000, 25)).types
    climb = solve(types, Effort(0.0))
    assert climb.cost == climb.bound == fewest_batches(types)


def test_set_ups_are_paid_once_a_batch() -> None:
    """Whole classes go together where a set-up costs more than a batch."""
    plain = {
        "capacity": 10, "items": [5, 5, 5, 5], "classes": [0, 1, 0, 1], "setups": [7, 7], "bin_cost": 2,
    }  # fmt: skip
    answer = _packed(plain)
    assert answer["cost"] == 2 * (2 + 7)
    assert answer["batches"] == [[0, 2], [1, 3]]


def test_set_up_instances_are_branched_to_the_optimum() -> None:
    """Set-ups with weights, n = 25: the relaxation alone is below, branching on numbers of batches proves."""
    draw = random.Random("branching 0")
    plain = {
        "capacity": 200, "items": [draw.randint(10, 30) for _ in range(25)], "classes": [draw.randrange(5) for _ in range(25)],
        "setups": [{"cost": draw.randint(1, 5), "weight": draw.randint(20, 40)} for _ in range(5)], "bin_cost": 10,
    }  # fmt: skip
    answer = _packed(plain, 20_000)
    assert answer["cost"] < pack(instance_of(plain)).cost
    assert (answer["status"], answer["rung"]) == ("optimal", "columns")


def test_ten_tenths_fill_a_batch() -> None:
    """0.1 is one tenth: ten fit into 1, and not into 0.9999999999999999."""
    assert pack(instance([0.1] * 10, 1.0)).cost == 1
    assert pack(instance([0.1] * 10, 0.9999999999999999), Effort(100)).cost == 2


def test_sizes_of_seventeen_digits_never_overflow_a_batch() -> None:
    """No table has a cell for each sum; grids are rounded to the safe side, and the optimum is proven all the same."""
    draw = random.Random(17)
    plain = {"capacity": 1.0, "items": [draw.uniform(0.1, 0.7) for _ in range(60)]}
    answer = _packed(plain)
    assert answer["status"] == "optimal"


def test_costs_in_decimals_are_exact() -> None:
    """Three batches at 0.1 cost three tenths."""
    packed = pack(instance([1, 1, 1], 1, bin_cost=0.1))
    assert packed.cost == packed.bound == Fraction(3, 10)


def test_conflicts_are_packed_by_cp_sat_s_patterns() -> None:
    """A graph of conflicts over forty items: valid, and proven or close."""
    draw = random.Random("conflicts")
    plain = {
        "capacity": 150, "items": [draw.randint(20, 100) for _ in range(30)],
        "conflicts": [[i, j] for i in range(30) for j in range(i) if draw.random() < 0.2],
    }  # fmt: skip
    assert _packed(plain, 500)["gap"] <= 0.1


def test_the_answer_is_a_function_of_the_instance_and_the_units() -> None:
    """Two processes with other hash seeds pack a hard instance alike, for little effort and for more."""
    script = (
        "from tests.batches import *; from sbsim.packing import pack, Effort\n"
        "p = {**uniform(60, 9), 'classes': [k % 3 for k in range(60)], 'setups': [1, 2, 2.5], 'bin_cost': 3}\n"
        "print([(x.batches, x.cost, x.bound) for x in (pack(instance_of(p), Effort(u)) for u in (20, 300))])"
    )
    outs = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."}, capture_output=True, text=True, check=True
        ).stdout
        for seed in "12"
    }
    assert len(outs) == 1


def test_a_clock_stops_the_climb_and_is_told_of() -> None:
    """An answer that a clock cut short says so; one that is proven does not."""
    hard = instance_of(uniform(120, 3))
    ticks = iter(range(10**6))
    packed = pack(hard, Effort(inf, lambda: float(next(ticks)), 2.0))
    assert packed.is_timed_out
    assert not packed.is_optimal
    easy = pack(instance([5, 5], 10), Effort(inf, lambda: 1.0, 0.0))
    assert easy.is_optimal
    assert not easy.is_timed_out


@pytest.mark.parametrize("units", [0.0, 5.0, 50.0])
def test_effort_is_kept(units: float) -> None:
    """What is spent beyond a budget is at most one piece of work."""
    effort = Effort(units)
    pack(instance_of(uniform(250, 3)), effort)
    assert effort.units >= -200
