"""Several instances of the batcher: memories of their own, limits divided or shared, one log."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import yaml

from sbsim.config import Config
from sbsim.config import load as load_settings
from sbsim.config.environment import read_env_file
from sbsim.errors import ScenarioError
from sbsim.export import FORMATS, render, write, write_recommendation
from sbsim.live.settings import LiveSettings
from sbsim.pipeline.pipeline import Pipeline
from sbsim.recommendation import recommend
from sbsim.records import MEMORY, REDIS
from sbsim.runlog import RunLog
from sbsim.scenario import Scenario, load, load_deployment, share_of
from sbsim.seeds import Draws
from sbsim.simulation import run, simulate
from sbsim.simulation.engine import Engine, Fleet
from sbsim.simulation.replicate import instances
from sbsim.units import to_nano
from sbsim.workload import prepare
from sbsim.world import ModelledProvider


def several(n=4, by="round_robin", redis=False, limits=({"concurrency": 4},), rate=2.0, requests=800, **config):
    """A few contents asked for again and again, at `n` instances."""
    return Scenario.from_mapping(
        {
            "version": 1,
            "name": "several",
            "requests": requests,
            "study": "terminating",
            "replications": 2,
            "instances": {"n": n, "by": by},
            "tiers": {"redis": {"latency": "1ms"}} if redis else {},
            "workload": {
                "source": "synthetic",
                "arrivals": {"process": "poisson", "rate": rate},
                "catalogue": {"contents": 40, "popularity": {"law": "zipf", "exponent": 0.5}},
                "classes": [{"name": "a", "content_type": "image", "engine": "e"}],
            },
            "providers": [
                {
                    "name": "p",
                    "serves": {"content_type": "image"},
                    "price": {"rates": [{"per": "item", "usd": 0.04}]},
                    "latency": {"total": {"law": "exponential", "mean": 2.0}},
                    "limits": list(limits),
                }
            ],
            "config": {
                "batching": {"max_batch_size": 1, "max_wait": 0},
                "rate_limit": {"batch_pacing_interval": 0},
                "cache": {"ttl": "24h", **({"redis_url": "${REDIS}"} if redis else {})},
                **config,
            },
        }
    )


def test_each_instance_learns_for_itself_unless_contents_stay_with_theirs():
    """In turn, every instance makes a content once; routed by content, or with a tier in common, it is made once in all."""
    made = {name: len(run(several(**how), seed=1).log.calls["serial"]) for name, how in {
        "in turn": {}, "by content": {"by": "content"}, "one": {"n": 1},
    }.items()}  # fmt: skip
    assert made["one"] == made["by content"] == 40
    assert 120 < made["in turn"] <= 160
    shared = run(several(redis=True), seed=1).log
    assert len(shared.calls["serial"]) < 70  # what two ask for at once is made twice
    assert np.count_nonzero(shared.how == REDIS) > np.count_nonzero(shared.how == MEMORY) * 0.05


@pytest.mark.parametrize("redis", [False, True])
def test_all_instances_together_keep_the_limits(redis):
    """Divided or shared, never more calls are under way at the provider than it takes."""
    log = run(several(redis=redis, rate=8), seed=2).log
    ends = np.sort(log.calls["answered_at"])
    busy = [k + 1 - np.searchsorted(ends, at, side="right") for k, at in enumerate(np.sort(log.calls["sent_at"]))]
    assert max(busy) <= 4
    assert log.counters["n_provider_rejected"] == 0


def test_a_shared_limit_lets_one_instance_use_what_another_leaves():
    """Divided slots stand idle beside a queue; shared ones do not: the same traffic waits less."""
    config = {"cache": {"memory_size": 0}}
    apart = simulate(several(rate=1.6, requests=1500, **config), seed=3).kpis["mean_wait_s"].mean
    together = several(redis=True, rate=1.6, requests=1500)
    together = together.with_values({"cache.memory_size": 0, "tiers.redis.capacity": 1})
    assert simulate(together, seed=3).kpis["mean_wait_s"].mean < apart


def test_a_shared_hard_budget_is_never_exceeded():
    """In no window do the instances together spend more than the limit."""
    scenario = several(redis=True, rate=4, limits=(), budget={"limit": 0.2, "window": "1min"}).with_values({"cache.memory_size": 0})
    calls = run(scenario, seed=4).log.calls
    for at in calls["sent_at"]:
        inside = (calls["sent_at"] + 60 > at) & (calls["sent_at"] <= at)
        assert calls["bill_nano"][inside].sum() <= 200_000_000


def test_instances_look_again_when_the_instant_is_through(monkeypatch, tmp_path):
    """What an answer to one instance frees, another looks for after the answers and arrivals of that instant (rule 2), never inside the answer."""
    happened = []

    def noted(kind, do):
        def input_of(self, *args, now):
            happened.append((now, kind))
            return do(self, *args, now=now)

        return input_of

    for kind, name in enumerate(("completed", "submit", "wake")):
        monkeypatch.setattr(Pipeline, name, noted(kind, getattr(Pipeline, name)))
    document = several(redis=True, limits=({"concurrency": 2},)).document
    (tmp_path / "arrivals.csv").write_text("arrived_at,prompt\n" + "".join(f"{k // 2},p{k}\n" for k in range(60)))
    document["workload"] = {"source": "trace", "path": str(tmp_path / "arrivals.csv"), "defaults": {"content_type": "image", "engine": "e"}}
    document["providers"][0]["latency"] = {"total": 4}  # whole seconds, like the arrivals
    document["tiers"]["redis"]["latency"] = 0
    run(Scenario.from_mapping({key: value for key, value in document.items() if key not in ("requests", "replications")}), seed=1)
    ties = [[kind for at, kind in happened if at == now] for now in {at for at, _ in happened}]
    assert sum(0 in kinds and 1 in kinds and 2 in kinds for kinds in ties) > 5
    assert all(kinds == sorted(kinds) for kinds in ties)


def test_a_fleet_of_one_is_the_engine():
    """The two loops drive alike, bit for bit."""
    scenario = several(n=1, rate=6)
    alone = run(scenario, seed=5).log
    prepared, log = prepare(scenario, 5, 0), RunLog(800)
    (pipeline,) = instances(scenario, prepared)
    fleet = Fleet([pipeline], [ModelledProvider(spec, Draws(5, 0)) for spec in scenario.providers], log, (), lambda _: 0, is_shared=False)
    assert all(isinstance(engine, Engine) for engine in fleet.engines)
    fleet.drive(prepared.requests())
    fleet.drain(1e9)
    log.freeze(prepared.arrived_at, fleet.n_submitted, fleet.last_at)
    for column in ("how", "done_at", "sent_at", "ready_at"):
        np.testing.assert_array_equal(getattr(alone, column), getattr(log, column))


@pytest.mark.parametrize("n", [1, 3])
def test_a_run_that_is_over_is_freed_at_once(n):
    """No cycles are left but a handful, whatever the number of instances: the collector rests while a study runs."""
    scenario = several(n=n)
    run(scenario, seed=7)  # what the first run imports and keeps is not its own
    gc.collect()
    gc.disable()
    try:
        run(scenario, seed=7)
        assert gc.collect() < 100
    finally:
        gc.enable()


def test_money_adds_up_over_instances():
    """The bills of all instances are the provider's ledger."""
    finished = run(several(rate=6), seed=6)
    assert finished.log.calls["bill_nano"].sum() == finished.ledger_nano[0]
    assert finished.log.counters["n_submitted"] == 800


def test_what_cannot_be_divided_is_refused():
    """Three slots for four instances leave one without any."""
    with pytest.raises(ScenarioError, match=r"limits\[0\].concurrency: 3 cannot be divided among 4 instances; try a tier that they share"):
        several(limits=({"concurrency": 3},))


def test_the_exported_file_has_one_instances_numbers_and_reads_back_whole(tmp_path):
    """What runs in production is a share; what a scenario reads back is the whole."""
    document = {**several(requests=60, rate=0.2).document, "search": {"batching.max_wait": {"low": 0, "high": 1}}}
    scenario = Scenario.from_mapping(document)
    answer = recommend(scenario, evaluations=10)
    write_recommendation(answer, tmp_path)
    written = yaml.safe_load((tmp_path / "recommended.yaml").read_text())
    assert written["instances"] == 4
    assert written["config"]["rate_limit"]["concurrency"] == 2  # of 8
    assert written["providers"][0]["limits"] == [{"concurrency": 1}]
    assert written["whole"]["rate_limit.concurrency"] == 8
    assert "RATE_LIMIT_CONCURRENCY=2" in render(tmp_path, "env")
    (tmp_path / "several.yaml").write_text(yaml.safe_dump(scenario.document))
    again = load(tmp_path / "several.yaml", configs=[tmp_path / "recommended.yaml"])
    assert again.config == answer.config
    assert not [note for note in again.warnings if "differs" in note]


def divided_answer(tmp_path):
    """A recommendation for four instances whose limits, budget and further windows are divided; written to `tmp_path`, its scenario too."""
    budget = {"limit": 40, "window": "1h", "windows": [{"limit": 100, "window": "24h"}]}
    document = {**several(requests=60, rate=0.2, budget=budget).document, "search": {"batching.max_wait": {"low": 0, "high": 1}}}
    scenario = Scenario.from_mapping(document)
    answer = recommend(scenario, evaluations=10)
    write_recommendation(answer, tmp_path)
    (tmp_path / "several.yaml").write_text(yaml.safe_dump(scenario.document))
    return answer


def test_every_format_has_one_instances_numbers_and_reads_back_whole(tmp_path):
    """Settings are the same share in all of them, each says so, and none is divided a second time; an environment leaves out lists, as ever."""
    answer = divided_answer(tmp_path)
    share, _ = share_of(answer.config, answer.scenario.providers, 4)
    lists = {"budget.windows"}
    for to in FORMATS:
        assert render(answer, to) == render(tmp_path, to) == write(tmp_path, to, tmp_path / f"again.{to}").read_text()
        for file in (tmp_path / f"again.{to}", *([tmp_path / f"recommended.{to}"] if to in ("yaml", "env") else [])):
            left_out = lists if to == "env" else set()
            assert load_deployment(file).config.differences(share).keys() == left_out
            again = load(tmp_path / "several.yaml", configs=[file])
            assert again.config.differences(answer.config).keys() == left_out
            assert not [note for note in again.warnings if "differs" in note]
            assert render(file, "json").count("rate_limit.concurrency") == 1  # what is made of the file says it too
        assert "one of 4 instances" in render(answer, to) or '"instances": 4' in render(answer, to)
    assert (tmp_path / "recommended.env").read_text() == render(answer, "env")
    assert (tmp_path / "recommended.yaml").read_text() == render(answer, "yaml")


@pytest.mark.parametrize("name", ["recommended.yaml", "recommended.env"])
def test_a_batcher_is_one_instance(tmp_path, name):
    """What runs in production takes its own share of the file, and passes over what the whole is; so does a process with these variables."""
    answer = divided_answer(tmp_path)
    share, _ = share_of(answer.config, answer.scenario.providers, 4)
    settings = LiveSettings({}, file=load_settings(tmp_path / name), providers_declare_limits=True).config
    assert settings.differences(share).keys() <= {"budget.windows"}
    variables = read_env_file((tmp_path / "recommended.env").read_text(), "test.env")
    assert LiveSettings({}, environment=variables).config.differences(share).keys() == {"budget.windows"}


def test_limits_of_providers_alone_are_divided_and_known_to_be(tmp_path):
    """Where no setting is divided the file still says that its providers have a share of theirs."""
    free = {"rate_limit": {"concurrency": "none", "batch_pacing_interval": 0}}
    document = {**several(requests=60, rate=0.2, **free).document, "search": {"batching.max_wait": {"low": 0, "high": 1}}}
    scenario = Scenario.from_mapping(document)
    write_recommendation(recommend(scenario, evaluations=10), tmp_path)
    (tmp_path / "several.yaml").write_text(yaml.safe_dump(scenario.document))
    again = load(tmp_path / "several.yaml", configs=[tmp_path / "recommended.yaml"])
    assert not [note for note in again.warnings if "differs" in note]


def test_parts_of_a_budget_never_add_up_to_more_than_it():
    """Each instance has a whole number of nano-dollars, rounded down."""
    config = Config().with_values({"budget.limit": 0.2})
    for n in (3, 7, 11):
        part, _ = share_of(config.with_values({"rate_limit.concurrency": None, "rate_limit.max_requests": None}), (), n)
        assert n * to_nano(part.budget.limit) <= to_nano(0.2) < n * (to_nano(part.budget.limit) + 1)
