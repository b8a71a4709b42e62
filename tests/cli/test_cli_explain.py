"""`sbsim explain`: savings by cause, ablation and claims, as tables, JSON and figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sbsim.measure.waterfall import CAUSES

from .conftest import Command

SMALL = ("quickstart", "--set", "horizon=6min", "--set", "replications=2")


def test_the_document_adds_up_in_every_replication(inside: Command) -> None:
    """In whole nano-dollars individual cost less causes is total cost, replication by replication, and the estimates are those of `sbsim run`."""
    document = json.loads(inside("explain", *SMALL, "--json").out)
    assert document["schema"] == "sbsim.explain/1"
    assert list(document["causes_usd"]) == [cause.name for cause in CAUSES]
    nano = document["nano_dollars"]
    for k in range(2):
        assert nano["individual_cost"][k] - sum(column[k] for column in nano["causes"].values()) == nano["total_cost"][k]
    kpis = json.loads(inside("run", *SMALL, "--json").out)["kpis"]
    for name in ("individual_cost_usd", "total_cost_usd", "savings_usd"):
        assert document[name] == pytest.approx(kpis[name], rel=1e-9), name
    assert document["causes_usd"]["gpu_time"]["mean"] > 0
    assert document["ablation"] is None


def test_the_same_bytes_whatever_the_processes(sbsim: Command) -> None:
    """INV-8, the ablation of what is left on included."""
    off = ("cache.memory_size=0", "batching.coalesce=false", "batching.late_join=false", "retry.max_attempts=1", "queue.policy=fifo")
    sets = [word for each in off for word in ("--set", each)]
    first = sbsim("explain", *SMALL, *sets, "--ablation", "--jobs", "1", "--json", hash_seed=1)
    second = sbsim("explain", *SMALL, *sets, "--ablation", "--jobs", "2", "--json", hash_seed=2)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert first.out == second.out
    assert [effect["mechanism"] for effect in json.loads(first.out)["ablation"]["mechanisms"]] == ["batching"]


def test_figures_are_the_same_bytes_too(inside: Command) -> None:
    """Twice the same picture, in every kind; another ending is refused before anything is simulated."""
    for kind in ("png", "svg", "pdf"):
        files = [Path(f"{name}.{kind}") for name in "ab"]
        for file in files:
            ended = inside("explain", *SMALL, "--plot", str(file))
            assert f"written: {file}" in ended.out
        assert files[0].read_bytes() == files[1].read_bytes()
    ended = inside("explain", *SMALL, "--plot", "a.gif")
    assert ended.code == 2
    assert "try a.png" in ended.err


def test_the_table_shows_what_moved_and_the_sum(inside: Command) -> None:
    """Causes that moved nothing are left out; the ledger says what it is."""
    out = inside("explain", *SMALL).out
    for words in ("individual cost", "exact hits in memory", "GPU time", "savings, the sum", "total cost", "to the nano-dollar"):
        assert words in out
    for absent in ("redis tier", "plans", "The ablation"):
        assert absent not in out


def test_ablation_switches_off_what_is_on_and_says_that_it_answers_another_question(inside: Command) -> None:
    """Each effect is the paired difference to a study without the mechanism; what is off is not listed."""
    sets = ("--set", "batching.late_join=false", "--set", "cache.memory_size=0")
    document = json.loads(inside("explain", *SMALL, *sets, "--ablation", "--json").out)["ablation"]
    assert "neither add up" in document["answers"]
    effects = {effect["mechanism"]: effect for effect in document["mechanisms"]}
    assert list(effects) == ["coalescing", "batching", "priorities", "retries"]
    totals = [
        json.loads(inside("run", *SMALL, *sets, *more, "--json").out)["kpis"]["total_cost_usd"]["mean"]
        for more in ((), ("--set", "batching.max_batch_size=1", "--set", "batching.max_wait=0s"))
    ]
    assert effects["batching"]["total_cost_usd"]["mean"] == pytest.approx(totals[1])
    assert effects["batching"]["saved_usd"]["mean"] == pytest.approx(totals[1] - totals[0])
    assert effects["batching"]["saved_usd"]["mean"] > 0
    assert "another question" in inside("explain", *SMALL, *sets, "--ablation").out


def test_claims_on_a_scenario_of_ones_own(inside: Command) -> None:
    """A row for each claim, with the interval and a verdict; the document says how each was measured."""
    ended = inside("explain", *SMALL, "--claims", "--json")
    document = json.loads(ended.out)
    assert (ended.code, document["schema"], document["left_out"]) == (0, "sbsim.claims/1", {})
    assert [workload["scenario"] for workload in document["workloads"]] == ["quickstart"]
    assert len(document["claims"]) == 8
    for claim in document["claims"]:
        (measured,) = claim["workloads"]
        assert claim["verdict"] == measured["verdict"] in ("holds", "holds not", "not decided")
        assert claim["measured"]
        assert set(claim["depends_on"]) <= set(document["workloads"][0]["facts"])
    by_name = {claim["claim"]: claim["verdict"] for claim in document["claims"]}
    assert by_name["batching_saves"] == "holds"
    assert by_name["hit_ratio"] == "holds not"


@pytest.mark.parametrize(("arguments", "words"), [
    ((), "SCENARIO"),
    (("quickstart", "--trace", "x.csv"), "--set workload.path=x.csv"),
    (("--claims", "--ablation"), "two commands"),
    (("claims/real-prompts",), "--set workload.path="),
    (("claims/nothing", "--claims"), "claims/own-gpu"),
])  # fmt: skip
def test_bad_input_is_2_and_says_what_to_try(inside: Command, arguments: tuple[str, ...], words: str) -> None:
    """One message each, and nothing on stdout."""
    ended = inside("explain", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err
