"""Keys of synthetic contents against the fingerprints of the requests as users would write them, and what is right or wrong to reuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbsim.components.fingerprint import base_fingerprint, fingerprint, normalised
from sbsim.workload import prepare
from sbsim.workload.prompts import n_wordings, sentence

from ..traffic import TYPES, class_, synthetic

MIXED = tuple(
    class_(
        f"{kind}-{k}",
        content_type=kind,
        weight=1 + k,
        duration={"law": "empirical", "values": [4, 8]},
        style_params={"tone": {"warm": 1, "cold": 1}},
        variants={"law": "empirical", "values": [1, 3]},
        no_reuse=0.1,
        inputs={"images": k},
    )
    for kind in TYPES
    for k in (0, 1)
)


def mixed(contents: int, near_duplicates: float, lookalikes: float) -> Any:
    catalogue = {"contents": contents, "popularity": {"law": "zipf", "exponent": 1.0}, "near_duplicates": near_duplicates, "lookalikes": lookalikes}
    return synthetic(*MIXED, catalogue=catalogue, tenants={"count": 3}, requests=2500)


@pytest.mark.parametrize("normalise", ["strict", "loose"])
@pytest.mark.parametrize(("contents", "lookalikes"), [(40, 0.5), (400, 0.2), (40, 1.0), (8, 0.0)])
def test_equal_keys_are_equal_fingerprints(normalise, contents, lookalikes):
    """Two requests that may share have one key exactly when their written forms have one fingerprint, and one base exactly when they have one without
    the variant."""
    prepared = prepare(mixed(contents, 0.4, lookalikes), 11, 0)
    pairs, bases = set(), set()
    for row in range(prepared.n):
        content = prepared.contents[prepared.content_index[row]]
        written = prepared.written(row)
        assert content.facts.duration_s == written.duration
        assert content.reusable == written.allow_reuse
        if content.reusable:
            pairs.add((content.key, fingerprint(written, normalise)))
            bases.add((content.base, base_fingerprint(written, normalise)))
    for found in (pairs, bases):
        assert len({ours for ours, _ in found}) == len(found)
        assert len({theirs for _, theirs in found}) == len(found)
    assert len(pairs) > len(bases) > 100


def test_a_request_that_must_be_made_anew_shares_its_key_with_none():
    """allow_reuse=False: a content of its own for every such request, in about their share."""
    prepared = prepare(mixed(40, 0.0, 0.0), 4, 0)
    own = [prepared.contents[k] for k in prepared.content_index if not prepared.contents[k].reusable]
    assert len({content.key for content in own}) == len(own)
    wishes = len(np.unique(prepared.arrived_at))
    asked = len({float(prepared.arrived_at[row]) for row in range(prepared.n) if not prepared.contents[prepared.content_index[row]].reusable})
    assert abs(asked - 0.1 * wishes) < 4 * (0.09 * wishes) ** 0.5


def test_rewordings_mean_the_same_and_lookalikes_do_not():
    """All wordings of an entry have one intent and different sentences; no two contents have one sentence."""
    prepared = prepare(mixed(400, 0.4, 0.3), 2, 0)
    by_intent: dict[int, set[tuple[int, str]]] = {}
    for content in prepared.contents:
        by_intent.setdefault(prepared.intent[content.serial], set()).add((prepared.wording(content.serial), prepared.prompt(content.serial)))
    sentences = [text for wordings in by_intent.values() for _, text in wordings]
    assert len(set(sentences)) == len(sentences)
    assert max(len(wordings) for wordings in by_intent.values()) > 5
    plain = [text for wordings in by_intent.values() for wording, text in wordings if wording == 0]
    assert len(plain) <= len(by_intent)


NUMBERS = st.integers(0, 30) | st.integers(0, 10**7) | st.integers(10**11, 10**12)
PLACES = st.tuples(st.sampled_from(TYPES), NUMBERS, st.integers(-1, 40), st.integers(0, 300) | st.integers(0, n_wordings("text") - 1))


@given(places=st.lists(PLACES, min_size=2, max_size=40, unique=True))
def test_different_numbers_are_different_sentences(places):
    """Of one content type, sentences are equal only when number, exchange and wording are, case and white space aside."""
    seen: dict[tuple[str, str], Any] = {}
    for kind, number, exchange, wording in places:
        text = sentence(kind, number, exchange, wording)
        assert seen.setdefault((kind, normalised(text, kind, "loose")), (number, exchange, wording)) == (number, exchange, wording)
        assert text[0].isupper()
        assert text.endswith(".")
        assert "  " not in text


@pytest.mark.parametrize("kind", TYPES)
def test_every_wording_of_a_content_is_its_own(kind):
    """Thousands of wordings of one content, no two alike, spread over the whole range."""
    step = n_wordings(kind) // 9973
    texts = {normalised(sentence(kind, 7, wording=k), kind, "loose") for k in range(0, n_wordings(kind), step)}
    assert len(texts) == len(range(0, n_wordings(kind), step))


@pytest.mark.parametrize("kind", TYPES)
def test_a_lookalike_differs_in_one_slot(kind):
    """A lookalike's sentence is its original's with one phrase exchanged."""
    for exchange in range(20):
        original, lookalike = sentence(kind, 123), sentence(kind, 123, exchange)
        start = next(k for k, (a, b) in enumerate(zip(original, lookalike, strict=False)) if a != b)
        tail = next(k for k, (a, b) in enumerate(zip(original[::-1], lookalike[::-1], strict=False)) if a != b)
        assert len(original) - start - tail < 45
        assert original != lookalike
