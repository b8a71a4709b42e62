"""From a scenario to an answer, on the real simulator."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sbsim.config import load as load_settings
from sbsim.errors import InfeasibleError, OutputError, ScenarioError
from sbsim.export import recommend, render, write, write_recommendation
from sbsim.recommendation import DEPLOY, INFEASIBLE, KEEP, Recommendation
from sbsim.scenario import load_deployment
from sbsim.search.trial import seeds_of
from sbsim.simulation import simulate
from tests.shop import ONE_AT_A_TIME, WORKER, shop, traced

QUICK: dict[str, Any] = {"evaluations": 24, "replications": 6}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recommendation, Path]:
    """The shop's recommendation and the folder that it was written to."""
    out = tmp_path_factory.mktemp("deployed")
    return recommend(shop(), out=out, **QUICK), out


def test_the_shop_should_batch_more(deployed: tuple[Recommendation, Path]) -> None:
    """Loading a model costs as much as twenty pictures: the answer is larger batches, a feasible config and a saving that is shown."""
    answer, _ = deployed
    assert (answer.verdict, answer.feasible) == (DEPLOY, True)
    assert answer.config.batching.max_batch_size > 2
    assert answer.saved is not None
    assert answer.saved.low is not None
    assert answer.saved.low > 0
    assert answer.notes[0].startswith("deploy: it saves $")
    assert any("provider bills" in note and "penalties" in note for note in answer.notes)
    assert any("95 % prediction intervals" in note for note in answer.notes)


def test_the_report_is_what_a_run_on_the_report_seeds_says(deployed: tuple[Recommendation, Path]) -> None:
    """Every KPI of both configs is reproduced by `simulate` on the seed that the evidence names."""
    answer, _ = deployed
    seed = answer.evidence["seeds"]["report"]
    assert seed == seeds_of(answer.seed)["report"]
    assert simulate(shop(), seed=seed, replications=6).kpis == answer.baseline_kpis
    assert simulate(shop(), config=answer.config, seed=seed, replications=6).kpis == answer.recommended.kpis


def test_the_saving_holds_on_fresh_seeds(deployed: tuple[Recommendation, Path]) -> None:
    """Nine of ten seeds that nobody has seen at least lie within the stated interval for one run."""
    answer, out = deployed
    config = load_settings(out / "recommended.yaml").config
    predicted = answer.to_plain()["saved_in_new_runs_usd"]["total"]["one_run"]
    inside = 0
    for seed in range(1000, 1010):
        today, then = (simulate(shop(), config=one, seed=seed, replications=1).kpis["total_cost_usd"].mean or 0.0 for one in (None, config))
        inside += predicted[0] <= today - then <= predicted[1]
    assert inside >= 9


def test_the_files_run(deployed: tuple[Recommendation, Path]) -> None:
    """recommended.yaml has settings, providers and promises, recommended.env the scalar settings; both load back, and there is no law of latency."""
    answer, out = deployed
    assert sorted(path.name for path in out.iterdir()) == ["evidence.json", "recommended.env", "recommended.yaml"]
    loaded = load_deployment(out / "recommended.yaml")
    assert loaded.config.differences(answer.config) == {}
    assert [provider.price for provider in loaded.providers] == [provider.price for provider in answer.scenario.providers]
    assert [provider.limits for provider in loaded.providers] == [provider.limits for provider in answer.scenario.providers]
    assert loaded.sla == answer.scenario.sla
    assert "latency" not in (out / "recommended.yaml").read_text()
    assert load_settings(out / "recommended.env").config.differences(answer.config) == {}
    assert "An environment cannot say: providers (workers" in (out / "recommended.env").read_text()
    for to in ("env", "yaml", "json", "toml"):
        assert load_settings(write(out, to, out.parent / f"x.{to}")).config.differences(answer.config) == {}
        assert load_deployment(out.parent / f"x.{to}").providers == (loaded.providers if to != "env" else ())


def test_the_evidence_says_what_it_rests_on(deployed: tuple[Recommendation, Path]) -> None:
    """Digests, versions, seeds, every candidate's estimates; each candidate ran on the streams it should and no other."""
    answer, out = deployed
    evidence = json.loads((out / "evidence.json").read_text())
    assert evidence["scenario"]["digest"] == shop().digest
    assert set(evidence["versions"]) >= {"sbsim", "python", "numpy", "scipy"}
    assert len({evidence["seeds"][name] for name in ("root", "search", "selection", "report")}) == 4
    reported = [candidate["values"] for candidate in evidence["candidates"] if "report" in candidate]
    assert sorted(map(str, reported)) == sorted(map(str, (evidence["baseline"], evidence["choice"])))
    assert all("search" in candidate for candidate in evidence["candidates"])
    assert evidence["result"] == json.loads(json.dumps(answer.to_plain()))
    assert sum(candidate["search"]["runs"] for candidate in evidence["candidates"]) <= QUICK["evaluations"]


def test_the_document_has_the_promised_shape(deployed: tuple[Recommendation, Path]) -> None:
    """The keys that readers rely on, with values of their kinds."""
    plain = json.loads(json.dumps(deployed[0].to_plain(), allow_nan=False))
    assert plain["schema"] == "sbsim.recommendation/1"
    assert set(plain["saved_vs_baseline_usd"]) == {"mean", "half_width", "n"}
    assert plain["verdict"] in ("deploy", "keep", "infeasible")
    assert 0 <= plain["probability_best"] <= 1
    assert plain["config"]["batching"]["max_batch_size"] == deployed[0].config.batching.max_batch_size
    assert set(plain["baseline"]) == set(plain["recommended"])


def test_the_same_answer_from_two_processes_in_another_interpreter(deployed: tuple[Recommendation, Path], tmp_path: Path) -> None:
    """Byte-identical, with another hash seed and another number of jobs, files included."""
    code = (
        "import json, sys\nfrom sbsim.export import recommend\nfrom tests.shop import shop\n"
        "if __name__ == '__main__':\n"
        f"    print(json.dumps(recommend(shop(), out=sys.argv[1], jobs=2, **{QUICK!r}).to_plain()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out")], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
        env={"PYTHONHASHSEED": "77", "PATH": ""},
    )  # fmt: skip
    answer, out = deployed
    assert done.stdout.strip() == json.dumps(answer.to_plain())
    for path in out.iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def test_an_interrupted_search_goes_on_where_it_stopped(deployed: tuple[Recommendation, Path], tmp_path: Path) -> None:
    """What was finished is kept, nothing is run twice, and the answer is the one without the interruption."""
    n_of: dict[str, int] = {"first": 0, "again": 0}

    def stop(done: int, total: int) -> None:
        n_of["first"] = done
        if done == 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recommend(shop(), out=tmp_path, progress=stop, **QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["evaluations.partial.jsonl"]
    assert len((tmp_path / "evaluations.partial.jsonl").read_text().splitlines()) == 16
    answer = recommend(shop(), out=tmp_path, progress=lambda done, total: n_of.update(again=done), **QUICK)
    assert answer.to_plain() == deployed[0].to_plain()
    assert not (tmp_path / "evaluations.partial.jsonl").exists()


def test_where_batching_cannot_save_the_answer_is_an_honest_keep(tmp_path: Path) -> None:
    """An API of one request per call: keep today's settings, which is what the files hold, and say why."""
    scenario = shop(providers=[ONE_AT_A_TIME], config={"batching": {"max_batch_size": 1, "max_wait": 0}, "rate_limit": {"batch_pacing_interval": 0}})
    answer = recommend(scenario, out=tmp_path, **QUICK)
    assert answer.verdict == KEEP
    assert any("list prices give batching nothing to save: every provider takes one request per call" in note for note in answer.notes)
    assert answer.changes == {}
    assert answer.saved is not None
    assert (answer.saved.mean, answer.saved.half_width) == (0.0, 0.0)
    assert load_settings(tmp_path / "recommended.yaml").config.differences(scenario.config) == {}


def test_no_candidate_is_feasible(tmp_path: Path) -> None:
    """Nothing is recommended: the evidence holds the nearest miss, files of an earlier answer go, who insists gets an error that carries it."""
    (tmp_path / "recommended.yaml").write_text("config: {}\n")
    answer = recommend(shop(objective={"minimise": "total_cost_usd", "subject_to": ["p95_latency_s <= 5"]}), out=tmp_path, **QUICK)
    assert (answer.verdict, answer.feasible, answer.probability_best) == (INFEASIBLE, False, None)
    assert "p95_latency_s <= 5 (it is" in answer.notes[0]
    assert [path.name for path in tmp_path.iterdir()] == ["evidence.json"]
    with pytest.raises(InfeasibleError, match="nearest miss") as refused:
        answer.require_feasible()
    assert refused.value.nearest is answer
    assert json.loads((tmp_path / "evidence.json").read_text())["verdict"] == "infeasible"


def test_a_saturated_baseline_has_no_saving(tmp_path: Path) -> None:
    """Twice the traffic that today's settings carry: the saving is null with the reason; the better config is written as what is not recommended."""
    slow = {**WORKER, "limits": [{"concurrency": 6, "on_excess": "queue"}]}
    config = {"batching": {"max_batch_size": 1, "max_wait": 0}, "rate_limit": {"concurrency": 6, "batch_pacing_interval": 0}}
    answer = recommend(shop(providers=[slow], config=config, horizon="20min"), out=tmp_path, **QUICK)
    plain = answer.to_plain()
    assert answer.verdict == KEEP
    assert plain["saved_vs_baseline_usd"] is None
    assert "the baseline is saturated" in plain["why_no_saving"]
    assert "the baseline is saturated" in answer.notes[0]
    assert answer.alternative is not None
    assert answer.alternative.config.batching.max_batch_size > 1
    assert answer.changes == {}
    assert load_settings(tmp_path / "recommended.yaml").config.differences(answer.scenario.config) == {}
    assert load_settings(tmp_path / "not-recommended.yaml").config.differences(answer.alternative.config) == {}
    assert (tmp_path / "not-recommended.yaml").read_text().startswith("# Not recommended:\n# keep: no saving can be stated")


def test_a_trace_is_searched_on_its_beginning_and_reported_on_its_end(tmp_path: Path) -> None:
    """The report is about the last third, the prediction about the trace as `sbsim run` plays it, and both are said."""
    scenario = traced(tmp_path)
    answer = recommend(scenario, out=tmp_path / "out", **QUICK)
    evidence = answer.evidence
    assert answer.over == "provider"
    assert answer.reported_on.startswith("the last third of the trace")
    assert evidence["trace"]["parts"]["search"][1] == evidence["trace"]["parts"]["report"][0]
    assert evidence["trace"]["digest"]
    assert any("a trace is one history" in note for note in answer.notes)
    assert answer.recommended.kpis["n_requests"].mean == pytest.approx(120, abs=1.5)
    predicted = answer.to_plain()["saved_in_new_runs_usd"]["total"]["one_run"]
    today, then = (simulate(scenario, config=one, seed=77, replications=1).kpis["total_cost_usd"].mean or 0.0 for one in (None, answer.config))
    assert predicted[0] <= today - then <= predicted[1]


def test_an_objective_that_is_no_money(tmp_path: Path) -> None:
    """Least p95 latency: the verdict follows the objective, dollars are said beside it."""
    answer = recommend(shop(objective={"minimise": "p95_latency_s"}), **QUICK)
    assert answer.verdict in (DEPLOY, KEEP)
    candidate = answer.alternative or answer.recommended
    assert candidate.improvement is not None
    if answer.verdict == DEPLOY:
        assert answer.notes[0].startswith("deploy: it lowers p95_latency_s by")


def test_a_knob_at_the_end_of_its_range_is_pointed_out() -> None:
    """What is best at the edge may be better beyond."""
    narrow = {"batching.max_batch_size": {"low": 1, "high": 4}, "batching.max_wait": {"low": "1s", "high": "2min", "log": True}}
    answer = recommend(shop(search=narrow), **QUICK)
    assert any(note.startswith("batching.max_batch_size: the best candidate lies at the upper end") for note in answer.notes)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Said before anything is run, and again by whoever writes an answer there."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="taken"):
        recommend(shop(), out=tmp_path / "taken", progress=lambda done, total: pytest.fail("something was run"), **QUICK)
    with pytest.raises(ScenarioError, match="evaluations"):
        recommend(shop(), evaluations=3)
    with pytest.raises(ScenarioError, match="replications"):
        recommend(shop(), replications=1)


def test_nothing_half_written(deployed: tuple[Recommendation, Path], tmp_path: Path) -> None:
    """When one file of an answer cannot be written, none is, and the earlier answer stays."""
    (tmp_path / "recommended.yaml").write_text("earlier")
    (tmp_path / "recommended.env").mkdir()
    with pytest.raises(OutputError, match=r"recommended\.env"):
        write_recommendation(deployed[0], tmp_path)
    assert (tmp_path / "recommended.yaml").read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recommended.env", "recommended.yaml"]


@pytest.mark.parametrize(
    ("to", "words"), [("k8s", "comes with part"), ("litellm", "comes with part"), ("ymal", "yaml"), ("xml", "env, yaml, json, toml")]
)
def test_a_format_that_is_not_there(to: str, words: str) -> None:
    """Later formats name their part, unknown ones what there is."""
    with pytest.raises(ScenarioError, match=words):
        render(shop().config, to)


def test_a_folder_without_a_recommendation(tmp_path: Path) -> None:
    """Names the file that is missing and how to come by it."""
    with pytest.raises(ScenarioError, match=r"holds no recommended\.yaml.*sbsim recommend"):
        render(tmp_path, "env")
    with pytest.raises(ScenarioError, match="path"):
        write(shop().config, "env")


def test_the_public_face_writes_too() -> None:
    """`sbsim.recommend(…, out=…)` is the one that leaves files."""
    import sbsim

    assert sbsim.recommend is recommend
