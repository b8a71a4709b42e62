"""Knobs as dimensions, and the lattice that they span."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbsim.errors import ScenarioError
from sbsim.search.space import MOST_INTEGERS, N_STEPS, Dimension, Space, choices, integers, reals

ranges = st.tuples(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6)).map(sorted).filter(lambda pair: pair[1] > pair[0] * 1.001)


@given(ranges, st.booleans())
def test_a_real_grid_is_even_and_keeps_its_ends(ends: list[float], is_log: bool) -> None:
    """Steps are equal, in difference or in ratio, to a tenth of a step; nothing lies outside the range."""
    low, high = ends
    grid = [float(value) for value in reals("knob", low, high, is_log=is_log).grid]  # type: ignore[arg-type]
    assert (grid[0], grid[-1]) == (low, high)
    assert len(grid) == N_STEPS + 1
    ratio = (high / low) ** (1 / N_STEPS)
    for k, value in enumerate(grid[1:-1], start=1):
        exact = low * ratio**k if is_log else low + (high - low) * k / N_STEPS
        step = exact * (ratio - 1) if is_log else (high - low) / N_STEPS
        assert abs(value - exact) <= 0.0501 * step + 1e-12 * high


@given(st.integers(-50, 10**6), st.integers(0, 10**6))
def test_whole_numbers_are_all_there_or_spread(low: int, extent: int) -> None:
    """Up to MOST_INTEGERS of them every one is on the grid; of more, as many as a real grid has, both ends among them."""
    grid = integers("knob", low, low + extent).grid
    assert all(isinstance(value, int) for value in grid)
    assert list(grid) == sorted(set(grid))  # type: ignore[type-var]
    if extent < MOST_INTEGERS:
        assert grid == tuple(range(low, low + extent + 1))
    else:
        assert (grid[0], grid[-1]) == (low, low + extent)
        assert len(grid) <= N_STEPS + 1


def test_made_up_values_are_short() -> None:
    """A grid proposes 14.4 s and not 14.3731 s."""
    assert reals("batching.max_wait", 1.0, 600.0, is_log=True).grid[8:14] == (8.4, 11.0, 14.4, 18.8, 24.5, 32.0)


@pytest.mark.parametrize(
    "dimension",
    [
        integers("a", 1, 9),
        reals("b", 1.0, 600.0, is_log=True),
        choices("c", [1000, 4000, 2000]),
        choices("d", ["lru", "lfu", None]),
        choices("e", [True, 1]),
    ],
    ids=lambda dimension: dimension.path,
)
def test_inside_and_outside_are_inverse(dimension: Dimension) -> None:
    """Every value leads to its own position and back, True and 1 kept apart."""
    for position, value in enumerate(dimension.grid):
        assert dimension.to_internal(value) == position
        assert dimension.to_external(position) is value


def test_a_value_off_the_grid_means_the_nearest() -> None:
    """Nearest is measured in ratios where steps are ratios; what has no order has no nearest."""
    log = Dimension("knob", (1.0, 10.0, 100.0), is_log=True)
    assert [log.to_internal(value) for value in (0.0, 3.0, 3.3, 31.0, 32.0, 1e9)] == [0, 0, 1, 1, 2, 2]
    assert Dimension("knob", (1.0, 10.0, 100.0)).to_internal(32.0) == 1
    assert Space((choices("policy", ["a", "b"]),)).to_internal({"policy": "c"}) is None
    assert Space((integers("n", 1, 5),)).to_internal({"n": None}) is None


def test_todays_value_joins_the_grid_within_its_range() -> None:
    """A search can return to today's settings; outside the range they are a candidate but no point."""
    dimension = reals("knob", 1.0, 600.0, is_log=True)
    assert 30.0 in dimension.including(30.0).grid
    assert list(dimension.including(30.0).grid) == sorted(dimension.including(30.0).grid)  # type: ignore[type-var]
    assert dimension.including(1000.0) is dimension
    assert dimension.including(None) is dimension


def test_neighbours_are_steps_away_or_all_others() -> None:
    """On an ordered grid one step down and up, cut at the ends; without order everything else."""
    line = integers("n", 1, 10)
    assert (line.neighbours(4, 3), line.neighbours(1, 3), line.neighbours(9, 1)) == ([1, 7], [0, 4], [8])
    assert choices("word", ["a", "b", "c"]).neighbours(1, 1) == [0, 2]
    space = Space((line, choices("word", ["a", "b", "c"])))
    assert space.neighbours((4, 1), 0, 2) == [(2, 1), (6, 1)]
    assert space.neighbours((4, 1), 1, 2) == [(4, 0), (4, 2)]


def test_a_sobol_sequence_is_distinct_even_and_its_seeds_own() -> None:
    """Points never repeat, fill each quarter of each dimension, depend on the seed alone, and end when the lattice does."""
    space = Space((integers("a", 1, 25), reals("b", 0.0, 1.0), choices("c", ["x", "y", "z"])))
    points = space.sobol(32, seed=5)
    assert len(set(points)) == 32
    assert points == space.sobol(32, seed=5)
    assert points != space.sobol(32, seed=6)
    for axis in (0, 1):
        quarters = [point[axis] * 4 // 25 for point in points]
        assert min(quarters.count(quarter) for quarter in range(4)) >= 4
    small = Space((integers("a", 1, 3), choices("c", ["x", "y"])))
    assert sorted(small.sobol(32, seed=5)) == sorted(small.points())
    assert len(list(small.points())) == small.size == 6


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: integers("a.b", 5, 4), ["search.a.b", "5", "4"]),
        (lambda: reals("a.b", 0.0, 4.0, is_log=True), ["search.a.b", "log"]),
        (lambda: choices("a.b", []), ["search.a.b", "at least one"]),
    ],
)
def test_a_range_that_means_nothing_is_refused(make: object, words: list[str]) -> None:
    """Empty and inverted ranges, and a logarithm of 0, name the knob."""
    with pytest.raises(ScenarioError) as refused:
        make()  # type: ignore[operator]
    assert all(word in str(refused.value) for word in words)
