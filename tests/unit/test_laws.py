"""Laws against scipy's own distributions, against arithmetic, and against what they were asked to be."""

import math
import pickle

import numpy as np
import pytest
from scipy import stats

from sbsim.laws import Constant, Empirical, Gamma, LawError, Lognormal, Popularity, Uniform, Weibull, parse_law, parse_popularity, plain_number
from sbsim.units import parse_duration

U = (np.arange(200_000) + 0.5) / 200_000
"""Midpoints of a fine partition of (0, 1): the mean of quantile(U) is the law's mean up to the tails."""


def law(**given):
    return parse_law(given, parse_duration)


ORACLES = [
    (law(law="exponential", mean="2s"), stats.expon(scale=2)),
    (law(law="uniform", low=1, high="3s"), stats.uniform(1, 2)),
    (law(law="lognormal", median="45s", p90="90s"), stats.lognorm(math.log(2) / stats.norm.ppf(0.9), scale=45)),
    (law(law="lognormal", mean=3, cv=1.5), stats.lognorm(math.sqrt(math.log(3.25)), scale=3 / math.sqrt(3.25))),
    (law(law="gamma", mean=3, cv=0.5), stats.gamma(4, scale=0.75)),
    (law(law="gamma", mean=3, cv=3), stats.gamma(1 / 9, scale=27)),
    (law(law="weibull", median=3, p90=5), stats.weibull_min(math.log(math.log(10) / math.log(2)) / math.log(5 / 3), scale=3.506300782316767)),
]


@pytest.mark.parametrize(("ours", "theirs"), ORACLES)
def test_quantiles_are_those_of_scipy(ours, theirs):
    """An untruncated law is the inverse distribution function that scipy computes."""
    u = np.array([1e-9, 1e-3, 0.1, 0.5, 0.9, 0.999, 1 - 1e-9])
    assert ours.quantile(u) == pytest.approx(theirs.ppf(u), rel=1e-9)
    assert ours.mean == pytest.approx(theirs.mean(), rel=1e-9)


@pytest.mark.parametrize(("ours", "theirs"), ORACLES)
def test_truncation_conditions_the_law(ours, theirs):
    """Truncated to [a, b], F becomes (F - F(a)) / (F(b) - F(a)), and the mean is the conditional one."""
    a, b = float(theirs.ppf(0.2)), float(theirs.ppf(0.7))
    cut = type(ours)(**{**vars_of(ours), "minimum": a, "maximum": b})
    u = np.array([1e-9, 0.25, 0.5, 0.75, 1 - 1e-9])
    assert cut.quantile(u) == pytest.approx(theirs.ppf(0.2 + 0.5 * u), rel=1e-9)
    assert cut.mean == pytest.approx(theirs.expect(lb=a, ub=b, conditional=True), rel=1e-6)
    assert cut.mean == pytest.approx(cut.quantile(U).mean(), rel=1e-6)
    assert (cut.low, cut.high) == pytest.approx((a, b))


def vars_of(one):
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


@pytest.mark.parametrize("kind", ["lognormal", "gamma", "weibull"])
@pytest.mark.parametrize(("centre", "middle", "spread", "width"), [
    ("mean", 3.0, "cv", 0.3), ("mean", 3.0, "cv", 1.0), ("mean", 3.0, "cv", 4.0), ("median", 3.0, "cv", 0.7), ("median", 3.0, "p90", 3.5),
    ("median", 3.0, "p90", 30.0), ("mean", 3.0, "p90", 3.3), ("mean", 3.0, "p90", 6.0), ("mean", 3.0, "p90", 1.5),
])  # fmt: skip
def test_a_fitted_law_has_what_was_asked_for(kind, centre, middle, spread, width):
    """Mean or median, cv or p90 of the fitted law are the given ones."""
    fitted = law(law=kind, **{centre: middle, spread: width})
    oracle = {
        "lognormal": lambda: stats.lognorm(fitted.sigma, scale=fitted.median),
        "gamma": lambda: stats.gamma(fitted.shape, scale=fitted.scale),
        "weibull": lambda: stats.weibull_min(fitted.shape, scale=fitted.scale),
    }[kind]()
    assert (fitted.mean if centre == "mean" else float(fitted.quantile(np.array([0.5]))[0])) == pytest.approx(middle, rel=1e-9)
    if spread == "cv":
        assert oracle.std() / oracle.mean() == pytest.approx(width, rel=1e-6)
    else:
        assert float(fitted.quantile(np.array([0.9]))[0]) == pytest.approx(width, rel=1e-9)


@pytest.mark.parametrize("kind", ["lognormal", "gamma", "weibull"])
def test_of_two_laws_with_the_same_p90_the_lighter_tail_is_meant(kind):
    """p90 / mean = 1.5 belongs to a moderate and to an extreme law; nobody means the extreme one."""
    fitted = law(law=kind, mean=2, p90=3)
    assert fitted.quantile(U).std() / fitted.mean < 1.5


def test_an_exponential_is_the_weibull_and_gamma_of_cv_one():
    """cv 1 gives the exponential law exactly, whichever family is asked."""
    u = np.array([0.1, 0.5, 0.99])
    exponential = law(law="exponential", mean=2).quantile(u)
    assert law(law="gamma", mean=2, cv=1).quantile(u) == pytest.approx(exponential, rel=1e-12)
    assert law(law="weibull", mean=2, cv=1).quantile(u) == pytest.approx(exponential, rel=1e-9)


def test_an_empirical_law_draws_its_values_in_proportion():
    """Each value gets the share of u that its weight says, in ascending order; repeated values add up; a weight of 0 never comes."""
    one = law(law="empirical", values=["6s", 4, 8, "6s", 9], weights=[1, 3, 4, 2, 0])
    assert one == Empirical(values=(4.0, 6.0, 8.0), probabilities=(0.3, 0.3, 0.4))
    assert one.quantile(np.array([0.01, 0.299, 0.301, 0.599, 0.601, 0.999999])).tolist() == [4, 4, 6, 6, 8, 8]
    assert one.mean == pytest.approx(6.2)
    assert law(law="empirical", values=[1, 2, 3], max=2).points == (1.0, 2.0)


def test_a_bare_quantity_is_a_constant():
    """A number or a duration is the law that is always it."""
    assert parse_law("8s", parse_duration) == Constant(value=8.0) == law(law="constant", value=8)
    assert law(law="uniform", low=2, high=2) == law(law="gamma", mean=2, cv=0) == law(law="lognormal", median=2, p90=2) == Constant(value=2.0)
    assert Constant(value=8.0).quantile(np.array([0.1, 0.9])).tolist() == [8.0, 8.0]


@pytest.mark.parametrize("one", [ours for ours, _ in ORACLES] + [law(law="gamma", mean=3, cv=2, min=1, max=9), law(law="empirical", values=[1, 5])])
def test_unit_mean_rescales_and_nothing_else(one):
    """Noise of mean 1 is the same law in other units, truncation included; a law survives pickling and is equal by value."""
    unit = one.unit_mean()
    assert unit.mean == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose(unit.quantile(U) * one.mean, one.quantile(U), rtol=1e-9)
    assert (unit.low * one.mean, unit.high * one.mean) == pytest.approx((one.low, one.high))
    assert pickle.loads(pickle.dumps(one)) == one
    assert hash(one) == hash(pickle.loads(pickle.dumps(one)))


def test_draws_stay_in_the_support_at_the_ends():
    """The least and the greatest uniform that `seeds` can make give finite values within [low, high]."""
    ends = np.array([2.0**-54, 1 - 2.0**-53])
    for one in [*[ours for ours, _ in ORACLES], law(law="exponential", mean=1, min=2, max=3), law(law="gamma", mean=1, cv=15.1)]:
        values = one.quantile(ends)
        assert np.isfinite(values).all()
        assert ((values >= one.low) & (values <= one.high)).all()


BROKEN = [
    (-3, (), "-3 must be >= 0 s", '"8s"'),
    ({"value": 3}, (), "needs the key `law`", "lognormal"),
    ({"law": "lognormall", "mean": 1, "cv": 1}, ("law",), "'lognormall' is not one of constant, exponential", "try lognormal"),
    ({"law": "exponential", "median": 3}, ("median",), "allowed: law, mean, min, max", "try"),
    ({"law": "exponential"}, (), "needs mean", "mean: …"),
    ({"law": "exponential", "mean": 0}, ("mean",), "0 must be > 0 s", '"8s"'),
    ({"law": "lognormal", "mean": 1}, (), "needs cv or p90, and has neither", "try p90"),
    ({"law": "gamma", "mean": 1, "median": 1, "cv": 1}, (), "needs mean or median, not both", "try"),
    ({"law": "lognormal", "median": "90s", "p90": "45s"}, ("p90",), "'45s' is below the median '90s'", "exchanging"),
    ({"law": "lognormal", "mean": 1, "p90": 4}, ("p90",), "p90 / mean is 4 and can be anything from", "median and p90"),
    ({"law": "gamma", "mean": 1, "cv": "1s"}, ("cv",), "'1s' is not a number", "try 1"),
    ({"law": "gamma", "median": 1, "cv": 100}, ("cv",), "beyond what floats hold", "a more moderate cv"),
    ({"law": "uniform", "low": 3, "high": 2}, ("low",), "low 3 is above high 2", "exchanging"),
    ({"law": "uniform", "low": 3}, (), "needs high", "high: …"),
    ({"law": "empirical", "values": []}, ("values",), "not a list of one or more", "[4s, 6s, 8s]"),
    ({"law": "empirical", "values": ["4s", "x"]}, ("values", 1), "'x' is not a duration", "ms, s, min"),
    ({"law": "empirical", "values": [4], "weights": [1, 2]}, ("weights",), "2 weights for 1 values", "one each"),
    ({"law": "empirical", "values": [4], "weights": [0]}, ("weights",), "add up to 0", "above 0"),
    ({"law": "empirical", "values": [4], "weights": [-1]}, ("weights", 0), "-1 must be >= 0", "try 1"),
    ({"law": "exponential", "mean": 1, "min": 5, "max": 2}, ("min",), "min 5 is above max 2", "exchanging"),
    ({"law": "exponential", "mean": 1, "min": 500}, ("min",), "leave (almost) nothing", "a wider min and max"),
    ({"law": "constant", "value": 4, "max": 2}, ("max",), "4 is not within min and max", "leaving them out"),
    ({"law": "empirical", "values": [4], "max": 2}, ("max",), "nothing is left", "wider"),
    ({"law": "uniform", "low": 1, "high": 2, "max": math.nan}, ("max",), "nan is not a finite number", "try"),
    (math.inf, (), "inf is not a finite number", "try"),
    (True, (), "True is not a duration", "try"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "path", "what", "advice"), BROKEN)
def test_a_law_that_means_nothing_is_refused_with_place_and_advice(given, path, what, advice):
    """The error names the key at fault, what was given or allowed, and what to try."""
    with pytest.raises(LawError) as error:
        parse_law(given, parse_duration, unit="s", example='"8s"')
    assert error.value.path == path
    assert what in str(error.value)
    assert advice in str(error.value)


def test_a_positive_law_has_no_zero():
    """Where 0 means nothing it is refused in every value, but a law may begin at 0, which it never takes."""
    for given in (0, {"law": "constant", "value": 0}, {"law": "empirical", "values": [1, 0]}):
        with pytest.raises(LawError, match="0 must be > 0"):
            parse_law(given, plain_number, is_positive=True)
    assert parse_law({"law": "uniform", "low": 0, "high": 2}, plain_number, is_positive=True) == Uniform(start=0, end=2)


def test_the_kinds_are_what_they_say():
    """An exponential law is stored as the Weibull law of shape 1, the others under their own names."""
    assert isinstance(law(law="exponential", mean=1), Weibull)
    assert isinstance(law(law="gamma", mean=1, cv=2), Gamma)
    assert isinstance(law(law="lognormal", mean=1, cv=2), Lognormal)


# -- popularity ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("exponent", [0.0, 0.5, 0.9, 1.0, 1.3, 3.0])
def test_ranks_are_asked_for_in_proportion_to_zipf(exponent):
    """The share of u that falls on rank k is 1 / (k + 1)^s over the sum of these."""
    n = 50
    counts = np.bincount(Popularity(exponent).rank(U, n), minlength=n)
    shares = np.arange(1, n + 1) ** -exponent
    assert counts / len(U) == pytest.approx(shares / shares.sum(), abs=1.5 / len(U))


@pytest.mark.parametrize("exponent", [0.7, 1.0, 1.2])
def test_huge_catalogues_need_no_table(exponent):
    """Beyond the table the tail follows the same law: shares of blocks of ranks agree with the sums of their weights."""
    n = 2**20 + 2**18
    u = (np.arange(400_000) + 0.5) / 400_000
    ranks = Popularity(exponent).rank(u, n)
    weights = np.arange(1, n + 1, dtype=np.float64) ** -exponent
    cumulated = np.cumsum(weights)
    expected = np.searchsorted(cumulated, u * cumulated[-1], side="right")
    assert np.abs(ranks - expected).max() <= 1
    assert (ranks != expected).mean() < 1e-3
    assert (np.diff(ranks) >= 0).all()
    far = Popularity(exponent).rank(np.array([1e-12, 0.5, 1 - 1e-12]), 10**12)
    assert far[0] == 0
    assert (far >= 0).all()
    assert (far < 10**12).all()


@pytest.mark.parametrize(("given", "path", "what"), [
    ("zipf", (), "{law: zipf, exponent: 0.9}"),
    ({"law": "zipff"}, ("law",), "try zipf"),
    ({"law": "zipf"}, (), "needs exponent"),
    ({"law": "zipf", "exponent": -1}, ("exponent",), "-1 must be >= 0"),
    ({"law": "uniform", "exponent": 1}, ("exponent",), "unknown key"),
])  # fmt: skip
def test_a_popularity_that_means_nothing_is_refused(given, path, what):
    """With the key at fault and what is allowed."""
    with pytest.raises(LawError) as error:
        parse_popularity(given)
    assert error.value.path == path
    assert what in str(error.value)
