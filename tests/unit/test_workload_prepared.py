"""Prepared workloads: who is in the study, what is drawn for each request, what comes after, and what is remembered."""

from __future__ import annotations

import gc
import hashlib
import os
import subprocess
import sys
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sbsim.errors import ScenarioError
from sbsim.workload import Prepared, forget, prepare
from sbsim.workload import prepared as room
from sbsim.workload.memory import Memory

from ..traffic import CATALOGUE, class_, recorded, synthetic


def rows(requests: Any) -> list[tuple[Any, ...]]:
    return [(r.serial, r.arrived_at, r.deadline_at, r.urgency, r.content.key, r.content.facts) for r in requests]


# -- who is in the study -------------------------------------------------------------------------------------------------------
def test_a_horizon_ends_the_study():
    """With a horizon H the study is everything that arrives before H."""
    prepared = prepare(synthetic(requests=None, horizon="500s"), 1, 0)
    assert prepared.horizon_at == 500
    assert prepared.arrived_at[-1] < 500 < next(prepared.beyond()).arrived_at
    assert abs(prepared.n - 1000) < 4 * 1000**0.5


def test_a_number_of_requests_ends_the_study_with_its_last():
    """With `requests: N` alone there are N, and H is the arrival of the last."""
    prepared = prepare(synthetic(requests=777), 1, 0)
    assert prepared.n == len(list(prepared.requests())) == 777
    assert prepared.horizon_at == prepared.arrived_at[-1]


@pytest.mark.parametrize(("requests", "horizon", "ends_with"), [(100, "1h", "requests"), (10_000, "60s", "horizon")])
def test_whichever_ends_first(requests, horizon, ends_with):
    """Both a horizon and a number: the first of them to be reached counts."""
    prepared = prepare(synthetic(requests=requests, horizon=horizon), 1, 0)
    assert (prepared.n == requests) == (ends_with == "requests")
    assert prepared.horizon_at == (prepared.arrived_at[-1] if ends_with == "requests" else 60)


def test_a_study_may_be_empty():
    """A horizon before the first arrival leaves no request, and no error."""
    prepared = prepare(synthetic(requests=None, horizon="1ms", arrivals={"process": "poisson", "rate": 0.001}), 1, 0)
    assert prepared.n == 0
    assert list(prepared.requests()) == []


def test_traffic_that_dries_up_is_said():
    """A profile that ends at 0 cannot bring any number of requests; with a horizon it is an ordinary study."""
    drying = {"profile": {"0s": 1, "100s": 0}}
    with pytest.raises(ScenarioError, match=r"workload.profile: its rate ends at 0, and only \d+ of 1000 requests ever come; try a horizon"):
        prepare(synthetic(**drying), 1, 0)
    assert 60 < prepare(synthetic(horizon="1h", **drying), 1, 0).n < 140
    assert list(prepare(synthetic(horizon="1h", study="steady", **drying), 1, 0).beyond()) == []


# -- what comes after ----------------------------------------------------------------------------------------------------------
def test_beyond_carries_on_where_the_study_ends():
    """The requests after a study of 1,000 are those that a study of 3,000 has; asked for again they are the same."""
    long = rows(prepare(synthetic(class_(no_reuse=0.1), requests=3000, catalogue=CATALOGUE), 4, 1).requests())
    short = prepare(synthetic(class_(no_reuse=0.1), requests=1000, catalogue=CATALOGUE), 4, 1)
    assert rows(short.requests()) + rows(islice(short.beyond(), 2000)) == long
    assert rows(islice(short.beyond(), 500)) == long[1000:1500]


def test_nothing_comes_after_a_terminating_study():
    """Terminating: nothing arrives after the horizon."""
    assert list(prepare(synthetic(study="terminating"), 1, 0).beyond()) == []


# -- what is drawn for each request ----------------------------------------------------------------------------------------------
MIX = (
    class_("a", weight=3, priority={"urgent": 1, "normal": 6, "background": 3}, no_reuse=0.2),
    class_("b", weight=1, content_type="image", priority="background", variants={"law": "empirical", "values": [1, 4], "weights": [1, 1]}),
)
N = 20_000


@pytest.fixture(scope="module")
def mix() -> Prepared:
    more = {"catalogue": {"contents": 5000, "near_duplicates": 0.15}, "tenants": {"count": 4, "popularity": {"law": "zipf", "exponent": 1}}}
    return prepare(synthetic(*MIX, requests=N, **more), 5, 0)


def test_classes_have_their_share_of_the_requests(mix):
    """Weights count requests, variants included."""
    share_b = float(np.mean(mix.class_index == 1))
    assert share_b == pytest.approx(0.25, abs=4 * (0.25 * 0.75 * 3 / N) ** 0.5)
    assert mix.class_names == ("a", "b")


def test_priorities_have_their_shares(mix):
    """Each class draws its own shares of urgency."""
    urgency = mix.urgency[mix.class_index == 0]
    assert stats.chisquare(np.bincount(urgency)[1:], urgency.size * np.array([0.1, 0.6, 0.3])).pvalue > 0.001
    assert set(mix.urgency[mix.class_index == 1].tolist()) == {3}


def test_tenants_have_their_shares(mix):
    """Wishes are spread over tenants by their popularity, and contents of two tenants are never one."""
    first = np.concatenate(([True], np.diff(mix.arrived_at) > 0))
    weights = 1 / np.arange(1, 5)
    assert stats.chisquare(np.bincount(mix.tenant_index[first]), first.sum() * weights / weights.sum()).pvalue > 0.001
    pairs = set(zip(mix.content_index.tolist(), mix.tenant_index.tolist(), strict=True))
    assert len(pairs) == len(np.unique(mix.content_index))
    assert mix.tenant_names == tuple(f"tenant-{k}" for k in range(4))


def test_near_duplicates_are_a_share_of_the_requests(mix):
    """Wishes that word their content anew, in their stated share."""
    first = np.concatenate(([True], np.diff(mix.arrived_at) > 0))
    reworded = sum(mix.wording(k) > 0 for k in mix.content_index[first].tolist())
    assert stats.binomtest(reworded, int(first.sum()), 0.15).pvalue > 0.001


def test_who_asks_for_four_variants_gets_four(mix):
    """Variants 0 .. v - 1 of one content: one instant, consecutive serials, one base, different keys."""
    at, sizes = np.unique(mix.arrived_at, return_counts=True)
    assert set(sizes[:-1].tolist()) == {1, 4}
    starts = np.searchsorted(mix.arrived_at, at[:-1][sizes[:-1] == 4])
    for start in starts[:50].tolist():
        contents = [mix.contents[k] for k in mix.content_index[start : start + 4]]
        assert [mix.written(row).variant for row in range(start, start + 4)] == [0, 1, 2, 3]
        assert len({content.key for content in contents}) == 4
        assert len({content.base for content in contents}) == 1
        assert len({mix.intent[content.serial] for content in contents}) == 1


def test_deadlines_follow_from_the_priority():
    """deadline_at = arrived_at + the priority's deadline; without one, never."""
    sla = {"urgent": {"deadline": "3min"}, "background": {"deadline": "1h"}}
    prepared = prepare(synthetic(class_(priority={"urgent": 1, "normal": 1, "background": 1}), sla=sla), 1, 0)
    wanted = np.array([0, 180, inf, 3600])[prepared.urgency]
    assert np.array_equal(prepared.deadline_at, prepared.arrived_at + wanted)
    assert {prepared.written(row).deadline_s is None for row in range(50) if prepared.urgency[row] == 2} == {True}


def test_without_a_catalogue_every_request_is_content_of_its_own():
    """No catalogue: nothing is ever asked for twice, by key or by meaning."""
    prepared = prepare(synthetic(requests=500), 1, 0)
    assert prepared.content_index.tolist() == list(range(500))
    assert len(set(prepared.intent)) == 500
    assert len({prepared.prompt(k) for k in range(500)}) == 500


def test_requests_are_their_columns():
    """`requests` says in objects what the columns say in numbers."""
    prepared = prepare(synthetic(*MIX, catalogue=CATALOGUE), 2, 0)
    columns = zip(prepared.arrived_at, prepared.deadline_at, prepared.urgency, prepared.content_index, strict=True)
    assert [(r.arrived_at, r.deadline_at, r.urgency, r.content.serial) for r in prepared.requests()] == list(columns)
    assert [r.serial for r in prepared.requests()] == list(range(prepared.n))
    assert set(prepared.job_index.tolist()) == {-1}


def test_replications_are_different_histories_and_settings_do_not_matter():
    """Seed and replication name a history; two settings meet the same one."""
    scenario = synthetic(*MIX, catalogue=CATALOGUE)
    assert rows(prepare(scenario, 1, 0).requests()) != rows(prepare(scenario, 1, 1).requests()) != rows(prepare(scenario, 2, 0).requests())
    assert prepare(scenario.with_values({"batching.max_wait": 5}), 1, 0) is prepare(scenario, 1, 0)


def test_an_unserved_content_names_its_class(monkeypatch):
    """A content that slips past the loader's checks and has no lane is an error that names the class."""
    scenario = synthetic(class_("odd"))
    object.__setattr__(scenario, "providers", scenario.providers[1:])
    with pytest.raises(ScenarioError, match=r"workload\.classes\[0\] \(odd\): providers: none serves video of engine 'e1'"):
        prepare(scenario, 1, 0)


# -- what is remembered ----------------------------------------------------------------------------------------------------------
def test_the_latest_workloads_are_remembered(monkeypatch):
    """Equal scenarios share one prepared workload while there is room; other traffic, providers or promises do not."""
    monkeypatch.setattr(room, "_memory", Memory(5000))
    scenario = synthetic(*MIX, catalogue=CATALOGUE)
    again = synthetic(*MIX, catalogue=CATALOGUE)
    assert prepare(again, 1, 0) is prepare(scenario, 1, 0)
    for change in ({"sla.urgent.deadline": "5s"}, {"providers[0].price.rates[0].usd": 0.5}, {"requests": 999}, {"workload.catalogue.contents": 9}):
        assert prepare(scenario.with_values(change), 1, 0) is not prepare(scenario, 1, 0)
    first = prepare(scenario, 1, 0)
    for replication in range(1, 9):
        prepare(scenario, 1, replication)
    assert prepare(scenario, 1, 8) is prepare(scenario, 1, 8)
    assert prepare(scenario, 1, 0) is not first


def test_what_is_forgotten_is_prepared_anew(monkeypatch):
    """After `forget` the same history is made again, request by request the same."""
    monkeypatch.setattr(room, "_memory", Memory(5000))
    first = prepare(synthetic(*MIX, catalogue=CATALOGUE), 1, 0)
    forget()
    again = prepare(synthetic(*MIX, catalogue=CATALOGUE), 1, 0)
    assert again is not first
    assert rows(again.requests()) == rows(first.requests())


def test_what_is_too_large_is_not_kept():
    """A result larger than the room leaves the memory empty, not over-full."""
    memory = Memory(10)
    memory.put("a", (1,), "small", 6)
    memory.put("b", (1,), "huge", 11)
    assert memory.get("a", (1,)) is memory.get("b", (1,)) is None
    memory.put("a", (1,), "small", 6)
    memory.put("c", (1,), "other", 4)
    assert (memory.get("a", (1,)), memory.get("a", (2,)), memory.get("c", (1,))) == ("small", None, "other")


def test_a_trace_is_one_history_until_its_file_changes(tmp_path):
    """All replications and seeds share a trace's workload; a changed file is read anew."""
    path = tmp_path / "t.csv"
    path.write_text("arrived_at,content_type\n1,image\n2,image\n")
    scenario = recorded(path)
    first = prepare(scenario, 1, 0)
    assert prepare(scenario, 9, 3) is first
    path.write_text("arrived_at,content_type\n1,image\n2,image\n3,image\n")
    assert prepare(scenario, 1, 0).n == 3


def test_preparing_leaves_the_cycle_collector_as_it_was():
    """Collection pauses while preparing and resumes after it, also when preparing fails."""
    with pytest.raises(ScenarioError):
        prepare(synthetic(profile={"0s": 1, "9s": 0}), 31, 0)
    assert gc.isenabled()
    gc.disable()
    try:
        prepare(synthetic(requests=10), 31, 0)
        assert not gc.isenabled()
    finally:
        gc.enable()


# -- determinism ---------------------------------------------------------------------------------------------------------------
def fingerprint_of(prepared: Prepared) -> str:
    """Digest of everything a run can see of a workload, and of some prompts."""
    seen = hashlib.blake2b(repr(rows(islice(prepared.beyond(), 200))).encode())
    seen.update(repr(rows(prepared.requests())).encode())
    for content in prepared.contents:
        seen.update(repr((content.serial, content.key, content.base, content.group, content.shape, prepared.prompt(content.serial))).encode())
    return seen.hexdigest()


def busy() -> Prepared:
    more = {"catalogue": {**CATALOGUE, "near_duplicates": 0.2, "lookalikes": 0.2}, "tenants": {"count": 3}}
    return prepare(synthetic(*MIX, arrivals={"process": "mmpp", "rates": [1, 9], "dwell": "20s"}, **more), 6, 2)


def test_other_processes_prepare_the_same():
    """Byte for byte the same workload in spawned processes with other hash seeds."""
    root = Path(__file__).parents[2]
    code = "from tests.unit.test_workload_prepared import busy, fingerprint_of; print(fingerprint_of(busy()))"
    for hash_seed in ("0", "4242"):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)}
        found = subprocess.run([sys.executable, "-c", code], cwd=root, env=env, capture_output=True, text=True, check=True, timeout=120)
        assert found.stdout.strip() == fingerprint_of(busy())
