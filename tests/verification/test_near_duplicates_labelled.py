"""Near-duplicates on labelled pairs: of the prompts that somebody has asked in other words, how many are answered rightly and how many wrongly.

Each stored prompt can be found; each rewording is asked about and is answered with its likest neighbour, if there is one. The tables are printed
(`-s`), and three columns of them stand in the README; the floors are a little below what was measured when they were set.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from sbsim.components.near_duplicates import NeighbourGraph
from sbsim.components.near_duplicates.text import words_of
from sbsim.measure.intervals import ClusterSums, clustered_share_bound
from sbsim.workload.prompts import n_wordings, sentence

pytestmark = pytest.mark.slow

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
SHOWN = (0.7, 0.8, 0.9)
README = Path(__file__).parents[2] / "README.md"


class Answers(NamedTuple):
    """Rewordings answered with the prompt that they reword, with another one, and not at all."""

    n_right: int
    n_wrong: int
    n_missed: int
    wrong_at_most: float
    """Upper confidence bound (95 %) on the share of answers that are wrong: rewordings of one prompt share its fortune."""

    @property
    def n_answered(self) -> int:
        return self.n_right + self.n_wrong

    @property
    def recall(self) -> float:
        return self.n_right / (self.n_answered + self.n_missed)

    @property
    def cell(self) -> str:
        """As the README shows it."""
        if not self.n_answered:
            return "none"
        return f"{self.recall:.1%}, {self.n_wrong / self.n_answered:.1%} (≤ {self.wrong_at_most:.1%})"


def by_prompt(meant: Sequence[object], is_right: Sequence[bool | None]) -> ClusterSums:
    """Answers and the wrong ones among them, in clusters of rewordings of the same words."""
    clusters: dict[object, list[int]] = {}
    for words, right in zip(meant, is_right, strict=True):
        if right is not None:
            tally = clusters.setdefault(words, [0, 0])
            tally[0] += 1
            tally[1] += not right
    n, wrong = ([tally[k] for tally in clusters.values()] for k in (0, 1))
    products = (sum(x * y for x, y in zip(a, b, strict=True)) for a, b in ((n, n), (n, wrong), (wrong, wrong)))
    return ClusterSums(sum(n), sum(wrong), len(n), *products)


def row(title: str, found: dict[float, Answers]) -> str:
    """A row of the README's table."""
    return f"| {title} | {' | '.join(found[threshold].cell for threshold in SHOWN)} |"


def shown() -> str:
    return README.read_text(encoding="utf-8")


def answered(title: str, stored: Sequence[str], asked: Sequence[str]) -> dict[float, Answers]:
    """asked[k] rewords stored[k]; a stored prompt of the same words as stored[k] serves as well."""
    graph, n = NeighbourGraph(), len(stored)
    graph.extend([*stored, *asked], ["one scope"] * (n + len(asked)))
    meant = [words_of(prompt) for prompt in stored]
    found: dict[float, Answers] = {}
    print(f"\n{title}: {len(asked)} rewordings of {n} prompts\nthreshold  right  wrong  missed  recall  wrong answers at most (95 %)")
    for threshold in THRESHOLDS:
        likest = []
        for k in range(len(asked)):
            numbers, scores = graph.neighbours(n + k)
            likest.append(next(iter(numbers[(numbers < n) & (scores >= threshold)].tolist()), None))
        is_right = [None if number is None else meant[number] == meant[k] for k, number in enumerate(likest)]
        bound = clustered_share_bound([by_prompt(meant[: len(asked)], is_right)])
        answers = found[threshold] = Answers(is_right.count(True), is_right.count(False), is_right.count(None), bound)
        print(f"{threshold:9}  {answers.n_right:5}  {answers.n_wrong:5}  {answers.n_missed:6}  {answers.recall:6.3f}  {answers.wrong_at_most:.3f}")
    return found


def lines(path: Path) -> list[str]:
    if not path.is_file():
        pytest.skip(f"no prompts at {path}")
    return [line.strip() for line in path.read_text().splitlines() if line.strip()]


def test_questions_of_gptcache(data: Path) -> None:
    """999 questions and other ways to ask them, many of them about the same few subjects: at 0.8 five of eight are found, one in nine wrongly."""
    path = data / "gptcache" / "mock_data.json"
    if not path.is_file():
        pytest.skip(f"no pairs at {path}")
    pairs = json.loads(path.read_text())
    found = answered("GPTCache", [pair["origin"] for pair in pairs], [pair["similar"] for pair in pairs])
    assert found[0.7].recall > 0.75
    assert found[0.8].recall > 0.62
    assert found[0.8].wrong_at_most < 0.14
    assert found[0.9].n_wrong < 40
    assert row("999 questions of GPTCache, in other words", found) in shown()


def test_rewordings_of_vbench_that_keep_the_words(data: Path) -> None:
    """946 prompts for videos, as HunyuanVideo's model rewords them: at 0.8 six of ten are found, 3 % of the answers are wrong."""
    folder = data / "vbench_prompts"
    found = answered("VBench, Hunyuan", lines(folder / "all_dimension.txt"), lines(folder / "hunyuan_all_dimension.txt"))
    assert found[0.8].recall > 0.59
    assert found[0.8].wrong_at_most < 0.06
    assert found[0.95].recall > 0.48
    assert row("946 prompts of VBench, as HunyuanVideo rewords them", found) in shown()


@pytest.mark.parametrize("name", ["all_dimension_longer.txt", "all_dimension_aug_wanx_seed42.txt"])
def test_rewordings_of_vbench_that_add_many_words(data: Path, name: str) -> None:
    """A sentence that has become a paragraph asks for more than the sentence did: it is never answered with it, nor with another."""
    folder = data / "vbench_prompts"
    found = answered(f"VBench, {name}", lines(folder / "all_dimension.txt"), lines(folder / name))
    assert found[0.5].n_answered <= 5
    assert row("946 prompts of VBench, made into paragraphs (two models)", found) in shown()


@pytest.mark.parametrize("content_type", ["video", "image", "audio", "text"])
def test_synthetic_catalogues(content_type: str) -> None:
    """Of 1,000 synthetic rewordings a quarter or more is found at 0.8, against 2,000 contents, and 1 answer in 15 at most is wrong."""
    n_others = n_wordings(content_type) - 1
    stored = [sentence(content_type, k) for k in range(2000)]
    asked = [sentence(content_type, k, wording=1 + k * 7919 % n_others) for k in range(1000)]
    found = answered(f"synthetic {content_type}", stored, asked)
    assert found[0.8].recall > 0.25
    assert found[0.8].wrong_at_most < 0.08
    assert row(f"1,000 synthetic {content_type} prompts among 2,000", found) in shown()


def test_lookalikes_are_what_words_cannot_tell() -> None:
    """A synthetic lookalike exchanges one slot of five: at 0.8 it is taken for its original, at 0.97 no longer. So its price must be counted."""
    stored = [sentence("video", k) for k in range(300)]
    graph = NeighbourGraph()
    graph.extend([*stored, *(sentence("video", k, exchange=k % 5) for k in range(300))], ["one scope"] * 600)
    taken = {t: sum(bool((graph.neighbours(300 + k)[1] >= t).any()) for k in range(300)) for t in (0.8, 0.97)}
    print(f"\nlookalikes taken for another content, of 300: {taken}")
    assert taken[0.8] > 270
    assert taken[0.97] < 30
    assert f"exchanged: at 0.8 {taken[0.8]} of 300 are taken for the other, at 0.97 {taken[0.97]}." in " ".join(shown().split())
