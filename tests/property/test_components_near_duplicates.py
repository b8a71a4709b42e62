"""Near-duplicates: one answer whatever the way, the definition word for word, and what may never be confused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import combinations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from rapidfuzz import fuzz

from sbsim.components.near_duplicates import KnownNeighbours, NeighbourGraph, NeighbourIndex, TokenSet, read, read_all
from sbsim.components.near_duplicates.graph import pairs_of_equals
from sbsim.components.near_duplicates.text import LEAST_SHARED, N_BANDS, N_ROWS, shares, signatures_of, words_of
from sbsim.records import Content, Facts

VOCABULARY = ["a", "red", "fox", "runs", "jumps", "in", "the", "deep", "snow", "forest", "at", "golden", "hour", "two", "three", "wide", "shot"]
prompts = st.lists(st.sampled_from(VOCABULARY), max_size=7).map(" ".join)


def contents_of(n: int) -> list[Content]:
    return [Content(k, f"key {k}", f"key {k}", Facts("image", "e"), 0, 0, (), 0) for k in range(n)]


class FirstLetters:
    """A scorer that needs no words in common: an embedding model's place, held by a toy."""

    by_words = False

    def scores(self, left: Sequence[str], right: Sequence[str]) -> np.ndarray:
        return np.array([1.0 if a[0] == b[0] else 0.75 if len(a) == len(b) else 0.2 for a, b in zip(left, right, strict=True)])


class OneAnswer(RuleBasedStateMachine):
    """The graph of all contents and the index of what was put answer alike, through putting, forgetting and new settings."""

    @initialize(
        written=st.lists(st.tuples(prompts, st.sampled_from(["x", "x", "y", None])), min_size=1, max_size=30),
        cut=st.integers(0, 30),
        threshold=st.sampled_from([0.5, 0.8, 0.9, 1.0]),
        max_entries=st.sampled_from([0, 3, 100]),
        scorer=st.sampled_from([TokenSet(), FirstLetters()]),
    )
    def open(self, written, cut, threshold, max_entries, scorer):
        self.contents = contents_of(len(written))
        words, scopes = [prompt for prompt, _ in written], [scope for _, scope in written]
        graph = NeighbourGraph(scorer)
        graph.extend(words[:cut], scopes[:cut])
        graph.extend(words[cut:], scopes[cut:])
        texts = [None if scope is None else read(prompt, scope) for prompt, scope in written]
        self.known = KnownNeighbours(graph, self.contents, threshold, max_entries)
        self.index = NeighbourIndex(lambda content: texts[content.serial], threshold, max_entries, scorer)

    def content(self, number: int) -> Content:
        return self.contents[number % len(self.contents)]

    @rule(number=st.integers(0, 29))
    def put(self, number):
        gone = self.known.put(self.content(number))
        assert gone == self.index.put(self.content(number))
        assert len(gone) <= 1

    @rule(number=st.integers(0, 29))
    def forget(self, number):
        self.known.forget(self.content(number).key)
        self.index.forget(self.content(number).key)

    @rule(threshold=st.sampled_from([0.5, 0.7, 1.0]), max_entries=st.sampled_from([0, 2, 100]))
    def configure(self, threshold, max_entries):
        assert self.known.configure(threshold, max_entries) == self.index.configure(threshold, max_entries)

    @invariant()
    def they_answer_alike(self):
        if not hasattr(self, "contents"):
            return
        assert len(self.known) == len(self.index) <= self.known.max_entries
        for content in self.contents:
            near = list(self.known.neighbours(content))
            assert near == list(self.index.neighbours(content))
            assert content.key not in near
            assert len(set(near)) == len(near)


TestOneAnswer = OneAnswer.TestCase
TestOneAnswer.settings = settings(stateful_step_count=20)


@pytest.mark.parametrize("threshold", [0.5, 0.8])
@pytest.mark.parametrize("scorer", [TokenSet(), FirstLetters()], ids=["words", "any"])
def test_one_answer_on_many_prompts(threshold, scorer):
    """The same on prompts of every likeness, near every border, with the oldest leaving: each is asked about before it is put."""
    rng = np.random.default_rng(3)
    written = [" ".join(rng.choice(VOCABULARY, rng.integers(2, 12), replace=False)) for _ in range(300)]
    scopes = [f"scope {k % 2}" for k in range(300)]
    texts, contents, graph = read_all(written, scopes), contents_of(300), NeighbourGraph(scorer)
    graph.extend(written, scopes)
    known, index = KnownNeighbours(graph, contents, threshold, 100), NeighbourIndex(lambda content: texts[content.serial], threshold, 100, scorer)
    n_near = 0
    for content in contents:
        near = list(known.neighbours(content))
        assert near == list(index.neighbours(content))
        assert known.put(content) == index.put(content)
        n_near += len(near)
    assert n_near > 500


@given(st.lists(st.tuples(prompts, st.sampled_from("xy")), max_size=25))
def test_neighbours_are_what_they_are_defined_to_be(written):
    """Same scope, a band in common, two fifths of the words shared by estimate, and rapidfuzz's own token-set ratio: all pairs, one by one."""
    graph = NeighbourGraph()
    graph.extend([prompt for prompt, _ in written], [scope for _, scope in written])
    signatures = signatures_of([words_of(prompt) for prompt, _ in written])
    expected = [[] for _ in written]
    for a, b in combinations(range(len(written)), 2):
        (one, scope), (other, its_scope) = written[a], written[b]
        agree = signatures[a] == signatures[b]
        ratio = fuzz.token_set_ratio(words_of(one), words_of(other)) / 100
        has_band = agree.reshape(N_BANDS, N_ROWS).all(axis=1).any()
        if scope == its_scope and words_of(one) and words_of(other) and has_band and agree.mean() >= LEAST_SHARED and ratio >= 0.5:
            expected[a].append((-ratio, b))
            expected[b].append((-ratio, a))
    for k in range(len(written)):
        numbers, scores = graph.neighbours(k)
        assert list(zip((-scores).tolist(), numbers.tolist(), strict=True)) == sorted(expected[k])


def test_prompts_that_share_half_of_their_words_are_found():
    """Of pairs with half of their words in common or more, bands and estimate let almost none slip."""
    rng = np.random.default_rng(7)
    graph = NeighbourGraph()
    for n in range(400):
        shared = [f"w{n}s{k}" for k in range(12)]
        left, right = (shared + [f"w{n}{side}{k}" for k in range(rng.integers(0, 7))] for side in "lr")
        graph.extend([" ".join(left), " ".join(right)], [n, n])
    assert graph.n_pairs >= 396


def test_the_estimate_is_near_the_truth():
    """Shares of common words are estimated without bias, with the stated error."""
    words = [" ".join(f"w{k}" for k in range(start, start + 20)) for start in range(20)]
    signatures = signatures_of(words)
    errors = [
        shares(signatures[[a]], signatures[[b]])[0] - (20 - (b - a)) / (20 + (b - a)) for a, b in combinations(range(20), 2)
    ]  # fmt: skip
    assert abs(np.mean(errors)) < 0.02
    assert np.std(errors) < 0.05


def test_a_prompt_is_not_answered_with_one_that_says_far_less():
    """A token-set ratio alone would be 1: the words of the short prompt are among those of the long one."""
    short, long = "a dog", "a dog on the left of a horse in a meadow at dusk, front view"
    assert fuzz.token_set_ratio(words_of(short), words_of(long)) == 100
    graph = NeighbourGraph()
    graph.extend([short, long], ["x", "x"])
    assert graph.n_pairs == 0


def test_order_case_and_punctuation_do_not_count():
    """The likest come first, of equals the lower serial."""
    written = ["A red fox in deep snow, at golden hour.", "At golden hour: a RED fox in deep snow", "a red fox in snow at golden hour", "a blue car"]
    graph = NeighbourGraph()
    graph.extend(["a red fox in deep snow at golden hour", *written], ["x"] * 5)
    numbers, scores = graph.neighbours(0)
    assert numbers.tolist() == [1, 2, 3]
    assert scores.tolist()[:2] == [1.0, 1.0]


@pytest.mark.parametrize(("prompt", "words"), [
    ("A  Fox, runs!", "a fox runs"),
    ("don't_stop 4k", "don t stop 4k"),
    ("Straße ÉTÉ", "strasse été"),
    ("赤い狐 fox", "赤 い 狐 fox"),
    ("…!?", ""),
])  # fmt: skip
def test_words(prompt, words):
    """Words are letters and digits without case; scripts without spaces count by the character."""
    assert words_of(prompt) == words
    assert (read(prompt, "x") is None) == (words == "")


def test_prompts_are_read_alike_one_at_a_time_and_in_bulk():
    """The same signature, whatever stands beside it."""
    written = ["a red fox", "", "two deep forests", "a red fox"]
    for one, text in zip(written, read_all(written, "abcd"), strict=True):
        alone = read(one, "z")
        assert (alone is None) == (text is None) == (one == "")
        if text is not None:
            assert (text.words, text.signature.tolist()) == (alone.words, alone.signature.tolist())


@given(st.lists(st.integers(0, 5), max_size=60))
def test_pairs_of_equals(values):
    """All of them, each once, in order."""
    pairs = [pair for left, right in pairs_of_equals(np.array(values, dtype=np.uint64)) for pair in zip(left.tolist(), right.tolist(), strict=True)]
    assert sorted(pairs) == [(a, b) for a, b in combinations(range(len(values)), 2) if values[a] == values[b]]


def test_pairs_of_equals_in_pieces():
    """More pairs than one piece holds come in several, none twice."""
    pieces = list(pairs_of_equals(np.zeros(300, dtype=np.uint64)))
    assert len(pieces) > 3
    assert sum(left.size for left, _ in pieces) == 300 * 299 // 2
    assert np.unique(np.concatenate([left * 300 + right for left, right in pieces])).size == 300 * 299 // 2


def test_the_index_forgets_wholly():
    """Whatever has left, evicted or forgotten, leaves nothing behind."""
    texts = read_all([f"a red fox number {k} in deep snow" for k in range(500)], [f"scope {k % 7}" for k in range(500)])
    index = NeighbourIndex(lambda content: texts[content.serial], 0.8, 20)
    contents = contents_of(500)
    for content in contents:
        index.put(content)
    assert len(index) == 20
    for content in contents:
        index.forget(content.key)
    assert not any(getattr(index, name) for name in ("_buckets", "_scope_numbers", "_texts", "_members"))


def test_every_process_finds_the_same():
    """Signatures and neighbours do not depend on PYTHONHASHSEED."""
    script = (
        "from sbsim.components.near_duplicates import NeighbourGraph\n"
        "graph = NeighbourGraph()\n"
        "words = [f'a red fox number {k % 37} in deep snow {k % 11} at hour {k % 5}' for k in range(200)]\n"
        "graph.extend(words, [k % 2 for k in range(200)])\n"
        "print(graph.n_pairs, graph._signatures.sum(dtype=int), [graph.neighbours(k)[0].tolist() for k in range(200)])"
    )
    told = {
        subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
    assert int(told.pop().split()[0]) > 500


@given(prompts, prompts)
def test_the_token_set_ratio_is_symmetric(one, other):
    """Whichever of two prompts stands left, and whatever stands beside them, the score is rapidfuzz's own."""
    scores = TokenSet().scores([one, "a fox", other], [other, "snow", one])
    assert scores[0] == scores[2] == fuzz.token_set_ratio(one, other) / 100
