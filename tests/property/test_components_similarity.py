"""Similarity: in [0, 1], symmetric, 1 for equals; and the least one of a group is exactly the minimum over its members."""

from __future__ import annotations

from types import SimpleNamespace

import hypothesis.strategies as st
import pytest
from hypothesis import given

from sbsim.components.similarity import Similarity

durations = st.one_of(st.just(0.0), st.sampled_from([4.0, 6.0, 8.0]), st.floats(1e-3, 1e4))
styles = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2), max_size=4).map(lambda style: tuple(sorted(style.items())))
shapes = st.lists(st.tuples(st.sampled_from([None, "720p", "1080p"]), styles), min_size=1, max_size=5, unique=True)
fractions = st.floats(0, 1)


@st.composite
def similarities(draw):
    """A similarity and its number of shapes."""
    names = ("engine_weight", "resolution_weight", "duration_weight", "style_weight")
    weights = {name: draw(fractions) for name in names}
    if not sum(weights.values()) > 1e-6:
        weights["style_weight"] = 1.0
    known = draw(shapes)
    return Similarity(known, SimpleNamespace(**weights), 0.7), len(known)


@st.composite
def members(draw, n_shapes, min_size):
    return draw(st.lists(st.tuples(st.integers(0, n_shapes - 1), durations), min_size=min_size, max_size=8))


def spans_of(group):
    """Shortest and longest duration by shape, as a batch keeps them."""
    spans = {}
    for shape, duration_s in group:
        span = spans.setdefault(shape, [duration_s, duration_s])
        span[0], span[1] = min(span[0], duration_s), max(span[1], duration_s)
    return spans


@given(st.data())
def test_it_is_a_similarity(data):
    """In [0, 1], symmetric to the bit, and exactly 1 for two contents of one shape and duration, whatever the weights round to."""
    similarity, n = data.draw(similarities())
    (a, da), (b, db) = data.draw(members(n, 2))[:2]
    score = similarity.score(a, da, b, db)
    assert 0.0 <= score <= 1.0
    assert score == similarity.score(b, db, a, da)
    assert similarity.score(a, da, a, da) == 1.0


@given(st.data())
def test_the_worst_is_the_pairwise_minimum(data):
    """From shortest and longest durations alone `worst` is the brute-force minimum over all members, to the bit."""
    similarity, n = data.draw(similarities())
    group = data.draw(members(n, 0))
    shape, duration_s = data.draw(members(n, 1))[0]
    expected = min((similarity.score(shape, duration_s, other, d) for other, d in group), default=1.0)
    assert similarity.worst(shape, duration_s, spans_of(group)) == expected


@given(st.data())
def test_it_is_the_weighted_sum_of_its_parts(data):
    """The definition of architecture 5 as a sum: engine, resolution, duration ratio and share of equal style parameters, weighted to 1."""
    weights = SimpleNamespace(**{f"{name}_weight": data.draw(st.floats(0.01, 1)) for name in ("engine", "resolution", "duration", "style")})
    known = data.draw(shapes)
    (a, da), (b, db) = data.draw(members(len(known), 2))[:2]
    (resolution_a, style_a), (resolution_b, style_b) = known[a], known[b]
    names = {name for name, _ in style_a + style_b}
    equal = len(set(style_a) & set(style_b)) / len(names) if names else 1.0
    ratio = 1.0 if da == db else min(da, db) / max(da, db)
    total = sum(vars(weights).values())
    expected = weights.engine_weight + weights.resolution_weight * (resolution_a == resolution_b)
    expected += weights.duration_weight * ratio + weights.style_weight * equal
    assert Similarity(known, weights, 0.7).score(a, da, b, db) == pytest.approx(expected / total, abs=1e-12)


def test_a_mean_or_a_single_end_is_found_out():
    """The minimum lies at whichever end of a shape's durations is farther: neither end alone would do."""
    similarity = Similarity([("720p", ())], SimpleNamespace(engine_weight=0.0, resolution_weight=0.0, duration_weight=1.0, style_weight=0.0), 0.7)
    assert similarity.worst(0, 4.0, {0: [2.0, 10.0]}) == 0.4
    assert similarity.worst(0, 8.0, {0: [2.0, 10.0]}) == 0.25
    assert similarity.worst(0, 0.0, {0: [0.0, 0.0]}) == 1.0


def test_a_parameter_that_only_one_names_is_unequal():
    """Style counts by the share of all parameters that either names: one of two here, from whichever side it is asked."""
    known = [("720p", (("look", "plain"),)), ("720p", (("light", "day"), ("look", "plain")))]
    similarity = Similarity(known, SimpleNamespace(engine_weight=0.0, resolution_weight=0.0, duration_weight=0.0, style_weight=1.0), 0.7)
    assert similarity.score(0, 4.0, 1, 4.0) == similarity.score(1, 4.0, 0, 4.0) == 0.5


def test_shapes_may_be_added_later():
    """A live batcher meets new shapes; those known before keep their similarity."""
    known = [("720p", (("style", "plain"),))]
    similarity = Similarity(known, SimpleNamespace(engine_weight=0.3, resolution_weight=0.2, duration_weight=0.2, style_weight=0.3), 0.7)
    assert similarity.score(0, 4.0, 0, 4.0) == 1.0
    known.append(("1080p", (("style", "plain"),)))
    assert similarity.worst(1, 4.0, {0: [4.0, 4.0]}) == 0.8


def test_weights_of_nothing_are_refused():
    """Without any weight there is no similarity to speak of."""
    with pytest.raises(ValueError, match="at least one must be > 0"):
        Similarity([], SimpleNamespace(engine_weight=0.0, resolution_weight=0.0, duration_weight=0.0, style_weight=0.0), 0.7)
