"""What makes a line pass: near enough, sharp enough, complete; and what asking for nonsense says."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

import numpy as np
import pytest
from scipy import stats

from sbsim.errors import ScenarioError
from sbsim.verification import KINDS, Z_LIMIT, false_alarm_chance, verify
from sbsim.verification.line import Line, Ratio, judge, normal_score


def _judged(values: Sequence[float | None], exact: float, *, is_random: bool = True, most: float = 0.01) -> Line:
    ratios: list[Ratio] = [(value, 1.0) for value in values]
    return judge(1, "x", ratios, exact, is_random=is_random, most_half_width=most)


def _sample(mean: float, n: int = 128, sd: float = 0.05) -> list[float]:
    """Values whose mean is `mean` exactly and whose standard deviation is `sd` exactly."""
    x = np.random.default_rng(0).normal(size=n)
    return list(mean + sd * (x - x.mean()) / x.std(ddof=1))


def test_z_counts_standard_errors_and_the_interval_is_students() -> None:
    """Three standard errors off are a z of three (nearly: t with 127 degrees of freedom), and the half-width is t x s / sqrt(n)."""
    line = _judged(_sample(1.0 + 3 * 0.05 / np.sqrt(128)), 1.0)
    assert line.z == pytest.approx(3.0, abs=0.06)
    assert line.half_width == pytest.approx(stats.t(127).ppf(0.975) * 0.05 / np.sqrt(128), rel=1e-9)
    assert line.passed


def test_few_replications_need_more_to_convict() -> None:
    """Six standard errors from five replications have the tail of 2.9 normal ones: Student's t with 4 degrees of freedom."""
    line = _judged(_sample(1.0 + 6 * 0.001 / np.sqrt(5), n=5, sd=0.001), 1.0)
    assert line.z == pytest.approx(stats.norm.isf(stats.t(4).sf(6.0)), abs=0.05)
    assert line.passed


@pytest.mark.parametrize("errors", [-3.8, 3.8])
def test_a_line_that_is_too_far_off_fails(errors: float) -> None:
    """Beyond 3.5 standard errors, on either side."""
    line = _judged(_sample(1.0 + errors * 0.05 / np.sqrt(128)), 1.0)
    assert abs(line.z) > Z_LIMIT
    assert not line.passed


def test_a_blurred_line_fails_however_near_it_is() -> None:
    """A half-width over 1 % of the exact value proves nothing."""
    assert _judged(_sample(1.0, sd=0.05), 1.0).passed
    assert not _judged(_sample(1.0, sd=0.06), 1.0).passed


def test_a_ratio_is_the_ratio_of_means() -> None:
    """Replications of unequal weight count by their denominators."""
    tops = _sample(2.0, sd=0.01)
    line = judge(1, "x", [(top * (1 + k % 3), 1.0 * (1 + k % 3)) for k, top in enumerate(tops)], 2.0, is_random=True, most_half_width=0.01)
    weights = np.array([1 + k % 3 for k in range(128)])
    assert line.simulated == pytest.approx(float(np.array(tops) @ weights / weights.sum()), rel=1e-12)


def test_a_replication_without_a_value_fails_the_line() -> None:
    """Unfinished or missing is not the same as left out."""
    assert not _judged([*_sample(1.0), None], 1.0).passed
    nothing = _judged([None, None], 1.0)
    assert isnan(nothing.simulated)
    assert not nothing.passed
    assert not _judged([1.0, None], 1.0, is_random=False).passed


def test_a_sample_without_spread_fails_as_a_random_line() -> None:
    """Chance that does not vary is a mistake in the experiment, not precision."""
    assert not _judged([1.0] * 128, 1.0).passed


def test_where_chance_has_no_part_every_replication_must_be_exact() -> None:
    """The farthest counts, on either side, to 1e-9."""
    assert _judged([7.0, 7.0, 7.0], 7.0, is_random=False) == Line(1, "x", 7.0, 7.0, 0.0, 0.0, True)
    assert _judged([7.0, 7.0 + 6e-9, 7.0], 7.0, is_random=False).passed
    for wrong in (8.0, 6.0, 7.0 + 8e-9):
        line = _judged([7.0, wrong, 7.0], 7.0, is_random=False)
        assert line.simulated == wrong
        assert not line.passed


@pytest.mark.parametrize("df", [7, 31, 127])
def test_the_normal_score_has_the_tail_of_students_t(df: int) -> None:
    """Against the quantiles of the two laws, on both sides, and finite where the tail is too small for a float."""
    for t in (0.0, 1.0, 2.0, 3.5, 8.0):
        assert normal_score(t, df) == pytest.approx(stats.norm.isf(stats.t(df).sf(t)), abs=0.03)
        assert normal_score(-t, df) == -normal_score(t, df)
    assert 12 < normal_score(1e6, df) < 1e3


def test_the_chance_of_a_false_alarm_adds_up_over_the_random_lines() -> None:
    """Nothing can go wrong by chance in kinds 11 to 13; a kind of three random lines fails three times as often as one."""
    assert false_alarm_chance({11, 12, 13}) == 0.0
    one = 2 * stats.norm.sf(3.5)
    assert false_alarm_chance({9}) == pytest.approx(1 - (1 - one) ** 3, rel=1e-9)
    assert 0.005 < false_alarm_chance() < 0.03


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"only": {14}}, "14 given, allowed: 1, 2, 3"),
        ({"only": {1, 99}}, "only: 99 given, allowed: 1, 2, 3"),
        ({"scale": 0.0}, "scale: 0.0 given"),
        ({"scale": float("nan")}, "scale: nan given"),
        ({"plant": 2.0}, "plant: 2.0 given"),
    ],
)
def test_what_cannot_be_verified_is_said_at_the_door(arguments: dict[str, object], message: str) -> None:
    """An unknown kind, a scale of nothing, a load past 1."""
    with pytest.raises(ScenarioError, match=message):
        verify(**arguments)  # type: ignore[arg-type]


def test_every_kind_of_the_list_has_a_name_and_an_experiment() -> None:
    """Kinds 1 to 13; experiments are told apart by their names, which key their draws."""
    from sbsim.verification.experiments import EXPERIMENTS

    assert list(KINDS) == [*range(1, 14)]
    assert {experiment.kind for experiment in EXPERIMENTS} == set(KINDS)
    assert len({experiment.name for experiment in EXPERIMENTS}) == len(EXPERIMENTS)
