"""Reuse in other words, and refusals that are remembered."""

from __future__ import annotations

import numpy as np
import pytest

from sbsim.measure.false_reuse import COVERAGE
from sbsim.measure.intervals import share_upper_bound
from sbsim.records import NEAR
from sbsim.report.tables import near_duplicate_line
from sbsim.scenario import Scenario
from sbsim.simulation import run, simulate


def reworded(near=0.4, lookalikes=0.2, n=1500, provider=None, **cache):
    """A small catalogue of which many requests word their content anew."""
    return Scenario.from_mapping(
        {
            "version": 1,
            "name": "reworded",
            "requests": n,
            "study": "terminating",
            "replications": 2,
            "workload": {
                "source": "synthetic",
                "arrivals": {"process": "poisson", "rate": 1},
                "tenants": {"count": 2},
                "catalogue": {"contents": 60, "near_duplicates": near, "lookalikes": lookalikes},
                "classes": [{"name": "a", "content_type": "image", "engine": "e", "no_reuse": 0.1, "variants": 2}],
            },
            "providers": [
                {
                    "name": "p",
                    "serves": {"content_type": "image"},
                    "price": {"rates": [{"per": "item", "usd": 0.04}]},
                    "latency": {"total": 1},
                    **(provider or {}),
                }
            ],
            "sla": {"normal": {"deadline": 60, "false_reuse_cost": 0.5}},
            "config": {"batching": {"max_batch_size": 1, "max_wait": 0}, "cache": cache},
        }
    )


def test_other_words_are_answered_from_memory_within_their_scope_only():
    """A near hit has the tenant and variant of what it is given, is never for a request that wants its own, and its content was made before."""
    finished = run(reworded(near_duplicates=True, near_duplicate_threshold=0.7), seed=1)
    log, prepared = finished.log, finished.prepared
    assert len(log.near_request) == np.count_nonzero(log.how == NEAR) > 100
    for asked, given in zip(log.near_request.tolist(), log.near_content.tolist(), strict=True):
        wanted, got = prepared.contents[prepared.content_index[asked]], prepared.contents[given]
        assert wanted.reusable
        assert got.reusable
        assert wanted.key != got.key
        assert (wanted.base[2], wanted.facts) == (got.base[2], got.facts)  # tenant; all that providers know
        made_at = log.calls["answered_at"][log.item_call[log.item_content == given]]
        assert made_at.min() <= log.done_at[asked]


def test_wrong_reuse_is_counted_by_intent_and_priced():
    """Every near hit on another intent costs `false_reuse_cost`, misses its promise, and shows in the bound on the share of wrong ones."""
    study = simulate(reworded(near_duplicates=True, near_duplicate_threshold=0.5), seed=1)
    wrong = sum(one.kpis["n_false_reuses"] for one in study.replications)
    assert wrong > 20
    assert study.kpis["false_reuse_cost_usd"].mean == pytest.approx(0.5 * wrong / 2)
    for one in study.replications:
        kpis = one.kpis
        assert kpis["false_reuse_ratio"] == pytest.approx(kpis["n_false_reuses"] / kpis["n_near_duplicate_hits"])
        assert kpis["total_cost_usd"] == pytest.approx(kpis["provider_cost_usd"] + kpis["false_reuse_cost_usd"])
    near = study.near_duplicates
    assert near["n_wrong"] == wrong
    assert share_upper_bound(wrong, near["n_hits"]) < near["wrong_share_at_most"] < wrong / near["n_hits"] + 0.15
    assert near["coverage"] == list(COVERAGE)
    assert f"is at most {near['wrong_share_at_most']:.2%} (95 %, approximate: " in near_duplicate_line(near)


def test_a_higher_threshold_reuses_less_and_errs_less():
    """The knob moves between bills and mistakes."""
    loose, tight = (simulate(reworded(near_duplicates=True, near_duplicate_threshold=t), seed=2).kpis for t in (0.5, 0.95))
    assert loose["near_duplicate_hit_ratio"].mean > tight["near_duplicate_hit_ratio"].mean
    assert loose["n_false_reuses"].mean > tight["n_false_reuses"].mean
    assert loose["provider_cost_usd"].mean < tight["provider_cost_usd"].mean


def test_switched_on_without_anything_near_it_changes_nothing():
    """A mechanism that never fires changes no instant and no bill."""
    apart = {"near": 0, "lookalikes": 0, "n": 300}
    off, on = run(reworded(**apart), seed=3), run(reworded(**apart, near_duplicates=True, near_duplicate_threshold=1.0), seed=3)
    assert len(on.log.near_request) == 0
    np.testing.assert_array_equal(off.log.done_at, on.log.done_at)
    np.testing.assert_array_equal(off.log.calls["bill_nano"], on.log.calls["bill_nano"])


def test_a_refusal_is_remembered_for_its_time_and_no_longer():
    """With `negative_ttl` a moderated content is refused at the door instead of being sent, and billed, again."""
    moderating = {"failures": {"moderated": 0.2}, "price": {"rates": [{"per": "item", "usd": 0.04}], "billed": {"moderated": "full"}}}
    plain = run(reworded(near=0, provider=moderating), seed=4)
    kept = run(reworded(near=0, provider=moderating, negative_ttl="24h"), seed=4)
    short = run(reworded(near=0, provider=moderating, negative_ttl="1min"), seed=4)
    refused = [one.log.counters["n_refused_before"] for one in (plain, short, kept)]
    assert refused[0] == 0 < refused[1] < refused[2]
    assert plain.log.counters["n_failed"] == pytest.approx(kept.log.counters["n_failed"] + refused[2], abs=3)
    assert kept.log.calls["bill_nano"].sum() < plain.log.calls["bill_nano"].sum()
    assert kept.log.refusals == {"moderated": refused[2]}
