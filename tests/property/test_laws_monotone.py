"""Common random numbers need laws that rise with u and with their scale, whatever their parameters."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sbsim.laws import LawError, Popularity, parse_law, plain_number

positive = st.floats(1e-3, 1e4)
uniforms = st.lists(st.floats(2.0**-54, 1 - 2.0**-53), min_size=2, max_size=30).map(sorted)


def _law(**given):
    try:
        return parse_law(given, plain_number)
    except LawError:
        return None


@st.composite
def stated(draw):
    kind = draw(st.sampled_from(["constant", "exponential", "uniform", "lognormal", "gamma", "weibull", "empirical"]))
    if kind == "constant":
        return {"law": kind, "value": draw(positive)}
    if kind == "exponential":
        return {"law": kind, "mean": draw(positive)}
    if kind == "uniform":
        low, high = sorted((draw(positive), draw(positive)))
        return {"law": kind, "low": low, "high": high}
    if kind == "empirical":
        values = draw(st.lists(positive, min_size=1, max_size=6))
        return {"law": kind, "values": values, "weights": draw(st.lists(positive, min_size=len(values), max_size=len(values)))}
    spread = draw(st.sampled_from([{"cv": draw(st.floats(0.01, 5))}, {"p90": draw(positive)}]))
    return {"law": kind, draw(st.sampled_from(["mean", "median"])): draw(positive), **spread}


@settings(max_examples=150, deadline=None)
@given(stated(), uniforms, st.one_of(st.none(), st.tuples(positive, positive).map(sorted)))
def test_quantiles_rise_with_u_within_the_support(given_law, u, bounds):
    """A greater u never gives a smaller value, and every value lies in [low, high], also when truncated."""
    one = _law(**given_law) if bounds is None else _law(**given_law, min=bounds[0], max=bounds[1])
    if one is None:
        return
    values = one.quantile(np.array(u))
    steps = np.diff(values)
    assert (steps >= -1e-9 * np.abs(values[1:])).all()
    assert ((values >= one.low) & (values <= one.high)).all()
    assert one.low <= one.mean * (1 + 1e-9)
    assert one.mean <= one.high * (1 + 1e-9)


SCALES = {"constant": "value", "exponential": "mean", "lognormal": "mean", "gamma": "mean", "weibull": "mean"}


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(SCALES)), positive, st.floats(1.0, 100.0), st.floats(0.05, 5), uniforms)
def test_quantiles_rise_with_the_scale(kind, centre, factor, cv, u):
    """For the same u, a greater mean (or value) at the same cv never gives a smaller draw."""
    spread = {"cv": cv} if kind in ("lognormal", "gamma", "weibull") else {}
    small, large = _law(law=kind, **{SCALES[kind]: centre}, **spread), _law(law=kind, **{SCALES[kind]: centre * factor}, **spread)
    assert small is not None
    assert large is not None
    assert (large.quantile(np.array(u)) >= small.quantile(np.array(u)) * (1 - 1e-9)).all()


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["lognormal", "weibull", "gamma"]), st.floats(1.05, 20), st.floats(1.0, 5), st.floats(0.51, 0.999))
def test_upper_quantiles_rise_with_p90_at_the_same_median(kind, p90, factor, u):
    """A wider law of the same median lies above it from the median on, and below it under the median."""
    narrow, wide = _law(law=kind, median=1, p90=p90), _law(law=kind, median=1, p90=p90 * factor)
    assert narrow is not None
    assert wide is not None
    above, below = np.array([u]), np.array([1 - u])
    assert (wide.quantile(above) >= narrow.quantile(above) * (1 - 1e-9)).all()
    assert (wide.quantile(below) <= narrow.quantile(below) * (1 + 1e-9)).all()


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 3), st.integers(1, 10**12), uniforms)
def test_ranks_are_ranks_and_rise_with_u(exponent, n, u):
    """Ranks lie in 0 … n - 1, whatever the size of the catalogue."""
    ranks = Popularity(exponent).rank(np.array(u), n)
    assert (np.diff(ranks) >= 0).all()
    assert ranks[0] >= 0
    assert ranks[-1] <= n - 1
