"""A judge of near-duplicates that the user brings, such as an embedding model: one answer in simulation, in production and on recorded prompts."""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from sbsim import BatchingConfig, CallableProvider, SmartBatcher, simulate
from sbsim.records import HOW
from sbsim.scenario import Scenario
from sbsim.simulation import run
from sbsim.workload.reuse.duplicates import Duplicates
from sbsim.workload.reuse.prompts import read_prompts

MEANINGS = {"automobile": "car", "crimson": "red", "scarlet": "red", "vessel": "ship", "ancient": "old", "one": "a"}
PROMPTS = (
    "a red car", "one crimson automobile", "a red ship", "an old ship", "a scarlet vessel", "ancient vessel", "A RED CAR", "one crimson automobile",
)  # fmt: skip
ANSWERS = ["provider", "near_duplicate", "provider", "provider", "near_duplicate", "provider", "memory", "near_duplicate"]
"""By hand at threshold 0.9: what is equal once words are read by their meaning; "ancient vessel" lacks the article of "an old ship"."""
SETTINGS = {
    "cache.near_duplicates": True,
    "cache.near_duplicate_threshold": 0.9,
    "batching.max_wait": 0.0,
    "rate_limit.max_requests": None,
    "rate_limit.batch_pacing_interval": 0.0,
}


@dataclass(frozen=True)
class Meanings:
    """A toy in an embedding model's place: it knows some words that mean the same, and needs none in common."""

    by_words = False
    least: float = 0.0

    def scores(self, left, right):
        return np.array([self._shared(a, b) for a, b in zip(left, right, strict=True)])

    def _shared(self, left, right):
        a, b = ({MEANINGS.get(word, word) for word in text.split()} for text in (left, right))
        return max(self.least, len(a & b) / len(a | b))


@pytest.fixture
def scenario(tmp_path):
    """The prompts, one every 100 s, at a provider that needs one."""
    rows = "".join(f"{100 * k},{prompt},image,e\n" for k, prompt in enumerate(PROMPTS))
    (tmp_path / "rows.csv").write_text("arrived_at,prompt,content_type,engine\n" + rows)
    provider = {"name": "p", "serves": {"content_type": "image"}, "price": {"rates": [{"per": "item", "usd": 1}]}, "latency": {"total": 1}}
    document = {
        "version": 1, "name": "scorers", "replications": 2, "workload": {"source": "trace", "path": str(tmp_path / "rows.csv")},
        "providers": [provider],
    }  # fmt: skip
    return Scenario.from_mapping(document).with_config(BatchingConfig().with_values(SETTINGS))


def simulated(scenario):
    finished = run(scenario)
    return [HOW[how] for how in finished.log.how.tolist()], finished.log.near_content.tolist()


async def lived(scenario, scorer):
    prepared = run(scenario).prepared
    provider = CallableProvider(lambda wish: wish.prompt)
    async with SmartBatcher(provider=provider, config=scenario.config, scorer=scorer, environment={}) as batcher:
        return [await batcher.submit(prepared.written(row)) for row in range(prepared.n)]


def test_simulation_and_live_give_the_same_answers(scenario):
    """A scorer decides alike in both drivers, and as worked out by hand; without it words decide, which finds none of these."""
    scorer = Meanings()
    answers, given = simulated(scenario.with_scorer(scorer))
    deliveries = asyncio.run(asyncio.wait_for(lived(scenario, scorer), 20))
    assert answers == [delivery.source for delivery in deliveries] == ANSWERS
    contents = list(dict.fromkeys(prompt.casefold() for prompt in PROMPTS))
    near = [delivery.content for delivery in deliveries if delivery.source == "near_duplicate"]
    assert [contents[serial] for serial in given] == near == ["a red car", "a red ship", "a red car"]
    assert "near_duplicate" not in simulated(scenario)[0]


def test_a_study_carries_it_into_every_replication_and_worker(scenario):
    """Estimates, another value of a setting and worker processes keep the scorer; what one scorer thought is not taken for another's."""
    judged = scenario.with_scorer(Meanings())
    assert simulate(judged, jobs=2).kpis["n_near_duplicate_hits"].mean == 3
    assert simulate(judged.with_values({"config.cache.ttl": 1000, "workload.speedup": 2})).kpis["n_near_duplicate_hits"].mean == 3
    assert simulate(scenario.with_scorer(Meanings(least=1.0))).kpis["n_near_duplicate_hits"].mean > 3
    assert simulate(scenario).kpis["n_near_duplicate_hits"].mean == 0


def test_a_scenario_says_who_judges(scenario):
    """The digest tells scorers apart and knows equal ones again, and a warning names what no file carries."""
    judged = scenario.with_scorer(Meanings())
    assert judged.digest == pickle.loads(pickle.dumps(judged)).digest == scenario.with_scorer(Meanings()).digest
    assert len({scenario.digest, judged.digest, scenario.with_scorer(Meanings(0.5)).digest}) == 3
    assert "Meanings(least=0.0)" in " ".join(judged.warnings)
    assert scenario.warnings == scenario.with_scorer(None).warnings


def test_recorded_prompts_and_reuse_switched_on_later(scenario, tmp_path):
    """`Duplicates` counts what the drivers reuse, and a batcher that begins to reuse while it runs asks the same scorer."""
    found = Duplicates(read_prompts(scenario.workload.path), Meanings()).reuse(0.9)
    assert (found.n_exact, found.n_near) == (ANSWERS.count("memory"), ANSWERS.count("near_duplicate"))

    async def main():
        prepared = run(scenario).prepared
        config = scenario.config.with_values({"cache.near_duplicates": False})
        async with SmartBatcher(provider=CallableProvider(lambda wish: wish.prompt), config=config, scorer=Meanings(), environment={}) as batcher:
            await batcher.submit(prepared.written(0))
            batcher.update({"cache.near_duplicates": True})
            return await batcher.submit(prepared.written(1))

    assert asyncio.run(asyncio.wait_for(main(), 20)).source == "near_duplicate"


def test_scores_that_do_not_match_the_pairs_are_refused(scenario):
    """A scorer that answers with another number of scores, or with none that is a number, is named with what is allowed."""

    class Broken:
        by_words = False

        def __init__(self, scores):
            self.scores = scores

    with pytest.raises(ValueError, match=r"Broken.scores: shape \(1,\); allowed: one number from 0 to 1 for each of \d+ pairs"):
        simulated(scenario.with_scorer(Broken(lambda left, right: np.ones(1))))
    with pytest.raises(ValueError, match="not finite"):
        simulated(scenario.with_scorer(Broken(lambda left, right: np.full(len(left), np.nan))))
