"""Drafts load, have room, and say of what has no source that it is assumed; recorded outcomes give back the provider that made them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbsim.documents.yaml12 import read_yaml
from sbsim.drafts import Answers, TraceFile, draft, read_charge, read_deadline, read_limit, read_price
from sbsim.drafts.outcomes import fitted_failures, fitted_latency, fitted_price
from sbsim.errors import ScenarioError, TraceError
from sbsim.overview import overview
from sbsim.simulation import simulate
from sbsim.workload.traces import Trace, read_trace

PRICES = {
    "v/film": {"mode": "video_generation", "output_cost_per_second": 0.1, "output_cost_per_second_4k": 0.3},
    "low/1024-x-1024/pic": {"mode": "image_generation", "input_cost_per_image": 0.01},
    "high/1024-x-1024/pic": {"mode": "image_generation", "input_cost_per_image": 0.2},
    "speaker": {"mode": "audio_speech", "input_cost_per_character": 1.5e-05},
    "listener": {"mode": "audio_transcription", "input_cost_per_second": 0.0001},
    "pixels": {"mode": "image_generation", "output_cost_per_pixel": 4e-08},
    "chat": {
        "mode": "chat", "rpm": 500, "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06, "input_cost_per_token_batches": 1e-06,
        "output_cost_per_token_batches": 4e-06,
    },
}  # fmt: skip

TOLD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "pictures one by one": {"content_type": "image", "rate": "30/min"},
    "pictures in lists": {"content_type": "image", "rate": "60/min", "takes": "list", "charges": (("gpu_second", 0.0007), ("setup", 0.01))},
    "lists where single calls would not fit": {"content_type": "image", "rate": "3/s", "takes": "list", "limits": ({"concurrency": 25},)},
    "variants": {"content_type": "image", "rate": "10/min", "takes": "variants", "max_items": 4, "limits": ({"calls": 60, "per": "1min"},)},
    "text": {"content_type": "text", "rate": "2/s", "units_in": 300.0},
    "speech with promises": {"content_type": "audio", "deadlines": {"urgent": "20s", "normal": "1min"}},
    "a law of latency": {"content_type": "video", "latency": {"law": "gamma", "mean": "60s", "cv": 0.5}, "duration": "6s"},
    "a video's price": {"prices": (read_price("litellm:v/film"),), "rate": "4/min", "limits": ({"calls": 60, "per": "60s"},)},
    "a picture's price by quality": {"prices": (read_price("litellm:pic"),)},
    "a price by the character": {"prices": (read_price("litellm:speaker"),), "rate": "1/s"},
    "a price by the second heard": {"prices": (read_price("litellm:listener"),)},
    "a price by the pixel": {"prices": (read_price("litellm:pixels"),)},
    "a price with a batch lane": {"prices": (read_price("litellm:chat"),), "rate": "1/s"},
}


@pytest.fixture
def price_file(tmp_path: Path) -> str:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(PRICES))
    return str(path)


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_a_draft_loads_and_has_room(told: dict[str, Any], price_file: str) -> None:
    """Whatever is told, the text reads back as the scenario; its means fit every limit, something costs money, and something may vary."""
    made = draft(Answers(price_file=price_file, as_of="2026-11-23", **told))
    assert made.scenario.digest == type(made.scenario).from_mapping(read_yaml(made.text, "text")[0]).digest
    seen = overview(made.scenario)
    limits = [(limit, lane.most_per_call, made.scenario.config.batching.max_batch_size) for lane in seen.lanes for limit in lane.limits]
    assert limits
    assert all(limit.utilisation_full < 1 for limit, _, _ in limits), [(limit.what, limit.utilisation_full) for limit, _, _ in limits]
    assert seen.traffic.individual_usd > 0
    assert 500 < seen.traffic.n_requests < 4000
    assert made.scenario.search
    assert "assumption" in made.text


def test_a_baseline_is_not_saturated_where_only_full_calls_fit() -> None:
    """Calls of one would take 1.4 times what the workers have: the draft batches, and its simulation keeps up."""
    made = draft(Answers(**TOLD["lists where single calls would not fit"]))
    assert made.scenario.config.batching.max_batch_size > 1
    alone = made.scenario.with_values({"batching.max_batch_size": 1, "cache.memory_size": 0, "replications": 2})
    assert overview(alone).lanes[0].limits[0].utilisation_alone > 1
    assert not simulate(made.scenario.with_values({"replications": 2})).saturated


def test_what_was_given_is_not_called_assumed(price_file: str) -> None:
    """Given values stand as they were written; what was not given is marked on its line."""
    made = draft(Answers(content_type="image", rate="7/min", takes="list", max_items=5, limits=({"concurrency": 9},), deadlines={"normal": "90s"}))
    lines = {line.strip().partition(":")[0]: line for line in made.text.splitlines() if ":" in line}
    assert "rate: 7/min" in lines["arrivals"]
    assert "assumption" not in lines["arrivals"]
    assert "assumption" in lines["latency"]
    assert "- {concurrency: 9}" in made.text
    assert "deadline: 90s" in lines["normal"]
    assert "deadline as given" in lines["normal"]
    assert "max_items: 5" in made.text


def test_a_price_brings_its_date_and_source(price_file: str) -> None:
    """The provider says which entry of which file, and of which day."""
    made = draft(Answers(price_file=price_file, as_of="2026-11-23", prices=(read_price("litellm:v/film"),)))
    assert made.scenario.providers[0].as_of == "2026-11-23"
    assert f"{price_file}: LiteLLM price file, entry v/film" in made.text


# -- traces ----------------------------------------------------------------------------------------------------------------------
def written(folder: Path, header: str, rows: list[str]) -> TraceFile:
    path = folder / "traffic.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return TraceFile(str(path), "traffic.csv")


def test_a_trace_becomes_a_scenario_that_serves_all_of_it(tmp_path: Path, price_file: str) -> None:
    """Two content types and three engines: every row has a lane, what is charged for and not said has a default, and it runs as it stands."""
    rows = [f"{k * 3},{('image,a', 'image,b', 'video,film')[k % 3]},p{k % 20}" for k in range(300)]
    file = written(tmp_path, "arrived_at,content_type,engine,prompt", rows)
    made = draft(Answers(trace=file, price_file=price_file, as_of="2026-11-23", prices=(read_price("litellm:v/film"),)))
    assert [(p.serves.content_type, p.serves.engine) for p in made.scenario.providers] == [("image", None), ("video", "film")]
    assert made.scenario.workload.defaults["duration"] == 8.0
    study = simulate(made.scenario.with_values({"workload.path": file.path, "replications": 2}))
    assert study.kpis["n_delivered"].mean == 300
    assert not study.saturated
    assert "what it asks for: image a 33%, image b 33%, video film 33%" in made.text


def test_prices_by_engine(tmp_path: Path, price_file: str) -> None:
    """ENGINE=litellm:NAME gives an engine a lane of its own; a name that is not in the trace is refused with those that are."""
    file = written(tmp_path, "arrived_at,engine,prompt", [f"{k},{'ab'[k % 2]},p" for k in range(40)])
    answers = Answers(trace=file, content_type="image", price_file=price_file, as_of="2026-11-23", prices=(read_price("b=litellm:pixels"),))
    made = draft(answers)
    assert {p.serves.engine: p.price.rates[0].per for p in made.scenario.providers} == {"a": "image", "b": "megapixel"}
    assert made.scenario.workload.defaults["resolution"] == "1024x1024"
    with pytest.raises(ScenarioError, match=r"--price c=.*allowed: a, b"):
        draft(replace(answers, prices=(read_price("c=litellm:pixels"),)))


def test_a_long_trace_is_cut_and_says_so(tmp_path: Path) -> None:
    """A draft replays some thousands of rows, and the line that does it says how to have all."""
    file = written(tmp_path, "arrived_at", [str(k / 2) for k in range(12_000)])
    made = draft(Answers(trace=file, content_type="text"))
    assert made.scenario.workload.between is not None
    assert "replay all 12,000" in made.text


def test_a_trace_that_does_not_say_what_it_asks_for_is_refused(tmp_path: Path) -> None:
    """The message names the flag that says it."""
    with pytest.raises(ScenarioError, match="--content-type"):
        draft(Answers(trace=written(tmp_path, "arrived_at,prompt", ["0,a", "1,b"])))
    with pytest.raises(TraceError, match="arrived_at"):
        draft(Answers(trace=written(tmp_path, "when,prompt", ["0,a", "1,b"]), content_type="image"))


# -- recorded outcomes -----------------------------------------------------------------------------------------------------------
def recorded(folder: Path, cost: Any, seconds: Any, content_type: str = "video", engines: str = "e") -> Trace:
    rng = np.random.default_rng(8)
    rows = []
    for k in range(400):
        duration, size, took = int(rng.choice([4, 6, 8])), str(rng.choice(["720p", "1080p"])), float(seconds(rng))
        tokens = int(rng.integers(100, 2000)), int(rng.integers(10, 500))
        start = k * 5 + 0.5
        usd = cost(duration, size, *tokens)
        rows.append(
            f"{k * 5},{content_type},{engines[k % len(engines)]},{duration},{size},{tokens[0]},{tokens[1]},{start},{start + took:.6f},{usd:.9f},ok"
        )
    rows.append(f"2001,{content_type},e,8,720p,1,1,2001,2999,9.0,failed")
    header = "arrived_at,content_type,engine,duration,resolution,units_in,units_out,started_at,finished_at,cost_usd,status"
    return read_trace(written(folder, header, rows).path)


@pytest.mark.parametrize(
    ("families", "draw"),
    [
        ({"lognormal"}, lambda rng: 40 * np.exp(rng.normal(0, 0.6))),
        ({"weibull", "gamma"}, lambda rng: 40 * rng.weibull(4)),  # 400 calls hardly tell these two apart
    ],
)
def test_the_latency_is_that_of_the_recorded_calls(tmp_path: Path, families: set[str], draw: Any) -> None:
    """A family like the one that drew the calls is found, its quantiles lie near; waiting before the start does not count, nor do failed calls."""
    trace = recorded(tmp_path, lambda *_: 0.1, draw)
    fitted = fitted_latency(trace, np.ones(trace.n, dtype=bool))
    assert fitted is not None
    assert fitted.law["law"] in families
    assert fitted.n == 400
    assert fitted.error < 0.12
    assert float(fitted.law["median"].removesuffix("s")) == pytest.approx(40 if families == {"lognormal"} else 40 * np.log(2) ** 0.25, rel=0.1)


PRICED = {
    "by the request": (lambda seconds, size, tin, out: 0.05, [{"per": "item", "usd": 0.05}]),
    "by the second": (lambda seconds, size, tin, out: 0.1 * seconds, [{"per": "second", "usd": 0.1}]),
    "by the second and resolution": (
        lambda seconds, size, tin, out: {"720p": 0.1, "1080p": 0.12}[size] * seconds,
        [{"per": "second", "usd": 0.12, "when": {"resolution": "1080p"}}, {"per": "second", "usd": 0.1, "when": {"resolution": "720p"}}],
    ),
}


@pytest.mark.parametrize(("cost", "rates"), PRICED.values(), ids=PRICED)
def test_the_price_is_that_of_the_recorded_bills(tmp_path: Path, cost: Any, rates: list[dict[str, Any]]) -> None:
    """Bills made by a price list give it back, condition and all, exactly; what failed is left out."""
    trace = recorded(tmp_path, cost, lambda rng: 10.0)
    fitted = fitted_price(trace, np.ones(trace.n, dtype=bool), "video")
    assert fitted is not None
    assert list(fitted.rates) == rates
    assert (fitted.n, fitted.error) == (400, pytest.approx(0, abs=1e-6))


def test_prices_may_depend_on_the_engine(tmp_path: Path) -> None:
    """Two engines at two prices make two rates, so that every bill is reproduced."""
    dearer = iter([0.02, 0.06] * 200)
    trace = recorded(tmp_path, lambda *_: next(dearer), lambda rng: 10.0, "image", engines="ab")
    fitted = fitted_price(trace, np.ones(trace.n, dtype=bool), "image")
    assert fitted is not None
    assert list(fitted.rates) == [{"per": "item", "usd": usd, "when": {"engine": engine}} for engine, usd in (("a", 0.02), ("b", 0.06))]
    assert fitted.error == pytest.approx(0, abs=1e-6)


def test_prices_of_tokens_in_and_out_are_told_apart(tmp_path: Path) -> None:
    """Two rates add up in every bill; least squares finds both."""
    trace = recorded(tmp_path, lambda _s, _r, tin, out: 2e-6 * tin + 8e-6 * out, lambda rng: 3.0, "text")
    fitted = fitted_price(trace, np.ones(trace.n, dtype=bool), "text")
    assert fitted is not None
    assert {rate["per"]: rate["usd"] for rate in fitted.rates} == pytest.approx({"token_in": 2e-6, "token_out": 8e-6}, rel=1e-3)


def test_failures_are_those_that_the_trace_records(tmp_path: Path) -> None:
    """Shares of the requests that a provider was asked for and that say how they ended; what a cache answered or a caller cancelled is no failure."""
    ends = ["ok"] * 20 + ["failed"] * 3 + ["timeout"] + ["content_filter"] * 2 + ["cancelled"] * 4 + [""] * 5
    rows = [f"{k},image,e,{end},{'true' if k < 10 else ''}" for k, end in enumerate(ends)]
    trace = read_trace(written(tmp_path, "arrived_at,content_type,engine,status,cached", rows).path)
    fitted = fitted_failures(trace, np.ones(trace.n, dtype=bool))
    assert fitted is not None
    assert (fitted.n, fitted.shares) == (20, {"call_error": 0.2, "moderated": 0.1})
    made = draft(Answers(trace=TraceFile(trace.path, trace.path)))
    assert "failures: {call_error: 0.2, moderated: 0.1}  # as 20 recorded requests ended" in made.text
    assert made.scenario.providers[0].failures.call_error == 0.2
    assert fitted_failures(trace, np.arange(trace.n) < 25) is None


def test_a_few_outcomes_fit_nothing(tmp_path: Path) -> None:
    """Nineteen calls are no law."""
    rows = [f"{k},image,e,{k},{k + 5},0.04" for k in range(19)]
    trace = read_trace(written(tmp_path, "arrived_at,content_type,engine,started_at,finished_at,cost_usd", rows).path)
    every = np.ones(trace.n, dtype=bool)
    assert fitted_latency(trace, every) is None
    assert fitted_price(trace, every, "image") is None


def test_a_draft_takes_what_outcomes_say(tmp_path: Path) -> None:
    """The recorded bill is reproduced by the draft's own price list, and the comment says how well."""
    trace = recorded(tmp_path, PRICED["by the second and resolution"][0], lambda rng: 40 * np.exp(rng.normal(0, 0.6)))
    made = draft(Answers(trace=TraceFile(trace.path, trace.path)))
    assert "fitted to 400 recorded bills, off by 0.00% of them" in made.text
    assert "fitted to 400 recorded calls" in made.text
    billed = sum(float(line.split(",")[9]) for line in Path(trace.path).read_text().splitlines()[1:-1])
    assert overview(made.scenario).traffic.individual_usd == pytest.approx(billed + 8 * 0.1)


# -- flags -----------------------------------------------------------------------------------------------------------------------
def test_flags_are_read() -> None:
    """What they mean, in a scenario's own words."""
    assert read_price("litellm:a/b") == (None, "a/b")
    assert read_price("e=litellm:a=b") == ("e", "a=b")
    assert read_charge("second=$0.10") == ("second", 0.1)
    assert read_limit("50/min") == {"calls": 50, "per": "1min"}
    assert read_limit("tokens=90000/60s") == {"tokens": 90000, "per": "60s"}
    assert read_limit("concurrency=10") == {"concurrency": 10}
    assert read_deadline("3min") == ("normal", "3min")
    assert read_deadline("urgent=30s") == ("urgent", "30s")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_price, "gpt"), (read_price, "openai:gpt"), (read_price, "litellm:"),
        (read_charge, "second"), (read_charge, "smile=3"), (read_charge, "image=-1"), (read_charge, "image=free"),
        (read_limit, "5"), (read_limit, "concurrency=3/min"), (read_limit, "calls=x/min"), (read_limit, "calls=1.5/min"),
        (read_limit, "calls=3/soon"), (read_limit, "calls=-3/min"), (read_limit, "smiles=3/min"),
        (read_deadline, "soon"), (read_deadline, "urgnt=3s"), (read_deadline, "normal=0s"),
    ],
)  # fmt: skip
def test_flags_that_mean_nothing_are_refused(read: Any, text: str) -> None:
    """The message repeats the flag as it was typed."""
    with pytest.raises(ScenarioError, match=rf"--\w+ {text.split('/')[0]}"):
        read(text)


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({"rate": "often"}, "--rate"),
        ({"horizon": "0s"}, "--horizon"),
        ({"horizon": "1ms"}, "--horizon"),
        ({"units_in": -1.0}, "--units-in"),
        ({"latency": "soon"}, "--latency"),
        ({"max_items": 4}, "--max-items"),
        ({"prices": (read_price("litellm:x"),)}, "--price-file"),
        ({"trace": TraceFile("a.csv", "a.csv"), "rate": "3/s"}, "--rate"),
        ({"duration": "8x"}, "--duration"),
    ],
)
def test_answers_that_mean_nothing_are_refused(told: dict[str, Any], word: str) -> None:
    """One message, naming the flag."""
    with pytest.raises(ScenarioError, match=word):
        draft(Answers(**told))
