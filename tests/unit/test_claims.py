"""Claims: what an interval says of a promise, what a workload's facts are, and what workloads say together."""

from __future__ import annotations

from math import inf

import pytest

from sbsim.claims import CLAIMS, DEPENDS, FACTS, HOLDS, HOLDS_NOT, UNDECIDED, Answer, Claim, exceeds, judge, summed_up, tried
from sbsim.claims.facts import facts_of, items_per_call
from sbsim.measure import NO_ESTIMATE, Estimate
from sbsim.scenario import ProviderSpec
from tests.shop import ONE_AT_A_TIME, WORKER, shop, traced

PROMISE = Claim("x", "x saves 20-40 %", 0.2, 0.4, "x", ("company",))


@pytest.mark.parametrize(("mean", "half_width", "verdict", "is_more"), [
    (0.30, 0.05, HOLDS, False),
    (0.25, 0.05, HOLDS, False),  # the lower end is what was promised
    (0.24, 0.05, UNDECIDED, False),
    (0.16, 0.05, UNDECIDED, False),
    (0.14, 0.05, HOLDS_NOT, False),
    (-0.5, 0.00, HOLDS_NOT, False),
    (0.50, 0.05, HOLDS, True),
    (0.44, 0.05, HOLDS, False),
    (0.30, None, UNDECIDED, False),
    (None, None, UNDECIDED, False),
])  # fmt: skip
def test_an_interval_decides_or_does_not(mean, half_width, verdict, is_more):
    """Wholly at or above the least that was promised it holds, wholly below it does not, and in between nothing is said."""
    value = Estimate(mean, half_width, 5)
    assert judge(PROMISE, value) == verdict
    assert exceeds(PROMISE, value) == is_more


def test_workloads_agree_or_it_depends():
    """Who decides nothing has no say."""
    assert summed_up([HOLDS, HOLDS, UNDECIDED]) == HOLDS
    assert summed_up([HOLDS_NOT, HOLDS_NOT]) == HOLDS_NOT
    assert summed_up([HOLDS, HOLDS_NOT]) == DEPENDS
    assert summed_up([UNDECIDED]) == summed_up([]) == UNDECIDED


def test_the_facts_of_a_shop_are_those_worked_out_by_hand(tmp_path):
    """Eight pictures take 28 s of a worker together and 21 s each alone: 1 - 28 / 168. Every third request is for what was asked for before."""
    facts = facts_of(traced(tmp_path), 0)
    assert set(facts) == set(FACTS)
    assert facts["company"] == pytest.approx(1 - 28 / 168)
    assert facts["items_per_call"] == 8
    assert facts["repeats"] == pytest.approx(1 / 3, abs=0.01)
    assert facts["similarity_threshold"] == 0.7
    alone = facts_of(shop(providers=[ONE_AT_A_TIME]), 0)
    assert (alone["company"], alone["items_per_call"], alone["repeats"]) == (0, 1, 0)


@pytest.mark.parametrize(("api", "n"), [
    ({"takes": "one"}, 1), ({"takes": "variants", "max_items": 4}, 1), ({"takes": "list", "max_items": 8}, 8), ({"takes": "list"}, inf),
])  # fmt: skip
def test_requests_that_one_call_takes(api, n):
    """Variants of one prompt are no company for other prompts."""
    assert items_per_call(ProviderSpec.model_validate({**WORKER, "api": api})) == n


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    """The claims on workers that load a model once per call, and on an API that takes one request at a time."""
    folder = tmp_path_factory.mktemp("traced")
    changes = {"config": {"batching": {"max_batch_size": 8, "max_wait": "20s"}, "rate_limit": {"batch_pacing_interval": 0}}, "replications": 3}
    trials = [tried(traced(folder, 240, **changes)), tried(traced(folder, 240, **changes, providers=[ONE_AT_A_TIME]))]
    return Answer(trials, {})


def test_a_claim_about_batching_depends_on_what_company_saves(answer):
    """It holds where a call shares a set-up and not where each request has its own call; the sentence names what decides and where."""
    verdicts = [trial.verdicts for trial in answer.trials]
    for name in ("batching_saves", "throughput", "batching_efficiency"):
        assert [verdict[name] for verdict in verdicts] == [HOLDS, HOLDS_NOT], name
    claim = CLAIMS[0]
    assert answer.verdict(claim) == DEPENDS
    assert answer.sentence(claim) == (
        "batching saves 20-40 % per request: depends on what a full call saves of the price alone: holds at 83.3% (shop); holds not at 0.0% (shop)"
    )


def test_every_claim_has_a_value_or_a_reason(answer):
    """Nothing is silently left out."""
    for trial in answer.trials:
        assert set(trial.values) == {claim.name for claim in CLAIMS}
        for name, value in trial.values.items():
            assert (value.mean is not None) or trial.reasons[name], name


def test_the_values_are_those_of_the_studies(answer):
    """The claims that are KPIs are the study's own, under their names."""
    trial = answer.trials[0]
    kpis = trial.study.kpis
    assert trial.values["saved_in_all"] == kpis["savings_fraction"]
    assert trial.values["fewer_calls"] == kpis["api_call_reduction"]
    assert 0 < trial.values["reuse_saves"].mean < 1 / 3 + 0.01


def test_a_claim_without_a_limit_to_saturate_says_so():
    """No limit, no capacity: a reason in place of a number."""
    endless = {**ONE_AT_A_TIME, "limits": []}
    config = {"rate_limit": {"max_requests": None, "concurrency": None, "batch_pacing_interval": 0}}
    trial = tried(shop(providers=[endless], config=config, horizon="10s", replications=2, search={}))
    assert trial.values["throughput"] == NO_ESTIMATE
    assert trial.verdicts["throughput"] == UNDECIDED
    assert "nothing in it saturates" in trial.reasons["throughput"]
