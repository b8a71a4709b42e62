"""Contents of a class: how many, how often each is asked for, what each is, and which look alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from sbsim.seeds import Draws
from sbsim.workload import prepare
from sbsim.workload.catalogue import ClassContents, choose, draws_at
from sbsim.workload.prompts import sentence

from ..traffic import class_, synthetic

DRAWS = Draws(3, 0)
LENGTHS = class_(
    "a",
    resolution={"small": 3, "large": 1},
    duration={"law": "lognormal", "mean": 8, "cv": 0.5},
    style_params={"tone": {"warm": 1, "cold": 1}, "film": 35},
    units_out={"law": "lognormal", "mean": 100, "cv": 1},
    max_units_out=120,
)


def contents(*classes: dict[str, Any], n: int = 1000, lookalikes: float = 0.0, draws: Draws = DRAWS) -> ClassContents:
    """The contents of the last of these classes."""
    scenario = synthetic(*classes, catalogue={"contents": n, "lookalikes": lookalikes})
    specs = scenario.workload.classes
    share = specs[-1].weight / sum(spec.weight for spec in specs)
    return ClassContents(specs[-1], len(specs) - 1, len(specs), share, scenario.workload.catalogue, draws)


@pytest.mark.parametrize(
    ("n", "weights", "sizes"), [(10, (1, 1, 1), (4, 4, 4)), (2000, (0.3, 0.7), (600, 1400)), (1, (1, 99), (1, 1)), (7, (2, 5), (2, 5))]
)
def test_each_class_has_its_share_of_the_catalogue(n, weights, sizes):
    """ceil(contents x share) entries each, and no more for a share whose product is whole but for a rounding."""
    for k, expected in enumerate(sizes):
        order = [*range(k), *range(k + 1, len(weights)), k]
        assert contents(*(class_(str(j), weight=weights[j]) for j in order), n=n).n == expected


@pytest.mark.parametrize("exponent", [0.0, 0.7, 1.2])
def test_contents_are_asked_for_by_their_popularity(exponent):
    """Requests per content have the frequencies of Zipf's law (chi-squared)."""
    popularity = {"law": "zipf", "exponent": exponent} if exponent else {"law": "uniform"}
    prepared = prepare(synthetic(requests=30_000, catalogue={"contents": 60, "popularity": popularity}), 8, 0)
    counts = np.zeros(60)
    ranks = np.array(prepared.intent)[prepared.content_index]
    np.add.at(counts, ranks, 1)
    weights = np.arange(1, 61.0) ** -exponent
    assert stats.chisquare(counts, 30_000 * weights / weights.sum()).pvalue > 0.001


def test_what_a_content_is_has_the_declared_laws():
    """Over a catalogue, durations have their law, options their shares, units out are cut at the bound."""
    facts = contents(LENGTHS).facts(np.arange(20_000))
    law = stats.lognorm(np.sqrt(np.log(1.25)), scale=8 / np.sqrt(1.25))
    assert stats.kstest([fact.duration_s for fact in facts], law.cdf).pvalue > 0.001
    assert stats.binomtest(sum(fact.resolution == "large" for fact in facts), 20_000, 0.25).pvalue > 0.001
    assert {fact.style for fact in facts} == {(("film", 35), ("tone", "warm")), (("film", 35), ("tone", "cold"))}
    assert max(fact.units_out for fact in facts) == 120
    assert all(fact.max_units_out == 120 for fact in facts)
    tones = [fact.style[1][1] == "warm" for fact in facts]
    assert abs(np.corrcoef(tones, [fact.duration_s for fact in facts])[0, 1]) < 0.03


def test_a_content_is_the_same_beside_other_classes_and_in_larger_catalogues():
    """Everything about a content is drawn by its class's name and its own number: other classes, sizes and requests never shift it."""
    entries = np.array([5, 0, 17, 5])
    alone = contents(LENGTHS).facts(entries)
    assert contents(class_("other", weight=9), LENGTHS).facts(entries) == alone
    assert contents(LENGTHS, n=10**6).facts(entries) == alone
    assert contents(LENGTHS).facts(np.array([17])) == alone[2:3]
    assert contents({**LENGTHS, "name": "b"}).facts(entries) != alone
    assert contents(LENGTHS, draws=Draws(3, 1)).facts(entries) != alone


@pytest.mark.parametrize("lookalikes", [0.0, 0.1, 1 / 3, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("n", [1, 2, 10, 999])
def test_lookalikes_have_their_exact_share_and_no_two_are_alike(n, lookalikes):
    """An original is an ordinary content; share x n contents (rounded down, the first never) look like one; no two exchange the same slot alike."""
    found = contents(LENGTHS, n=n, lookalikes=lookalikes)
    originals, exchanges = found.originals(np.arange(n))
    is_lookalike = exchanges >= 0
    assert is_lookalike.sum() == int((n - 1) * round(lookalikes * 2**20) / 2**20)
    assert not is_lookalike[originals].any()
    assert np.array_equal(originals[~is_lookalike], np.flatnonzero(~is_lookalike))
    assert len(set(zip(originals.tolist(), exchanges.tolist(), strict=True))) == n
    for entry in np.flatnonzero(is_lookalike)[:5].tolist():
        assert found.facts(np.array([entry])) == found.facts(originals[entry : entry + 1])
        assert found.prompt(entry, 0) == sentence("video", int(originals[entry]), int(exchanges[entry]))
        assert found.prompt(entry, 0) != found.prompt(int(originals[entry]), 0)


def test_lookalikes_take_originals_of_every_popularity():
    """Originals take turns: half as many lookalikes as originals leave none with two, and their ranks spread evenly."""
    found = contents(LENGTHS, n=3000, lookalikes=1 / 3)
    originals, exchanges = found.originals(np.arange(3000))
    taken = originals[exchanges >= 0]
    assert np.unique(taken).size == taken.size
    assert stats.kstest(taken / 3000, stats.uniform.cdf).pvalue > 0.5


def test_draws_of_scattered_serials_are_the_draws_of_all():
    """Far-apart serials get the uniforms that a draw of everything gives them, in whatever order they are asked for."""
    serials = np.array([70_001, 3, 900_000, 3, 0, 899_999, 4095, 4096])
    assert np.array_equal(draws_at(DRAWS, "x", serials), DRAWS.bulk("x", 0, 900_001)[serials])
    assert np.array_equal(draws_at(DRAWS, "x", serials[:0]), [])


def test_a_catalogue_of_any_size_costs_no_table():
    """A million million contents: two thousand requests for them are prepared, and nearly all are different."""
    prepared = prepare(synthetic(LENGTHS, requests=2000, catalogue={"contents": 10**12, "lookalikes": 0.25}), 1, 0)
    assert len(prepared.contents) > 1990
    assert len({prepared.prompt(serial) for serial in range(len(prepared.contents))}) == len(prepared.contents)


def test_choices_lie_side_by_side():
    """Each option gets its share of (0, 1), in order; the last one its rounding error."""
    assert choose([0.25, 0.5, 0.25], np.array([0.0, 0.2499, 0.25, 0.7499, 0.75, 1 - 2**-54])).tolist() == [0, 0, 1, 1, 2, 2]
    assert choose([0.1] * 10, np.array([1 - 2**-54])).tolist() == [9]
