"""Good scenarios: what is read from them, what is understood where nothing is said, and what can be made of one."""

import json
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sbsim.config import Config
from sbsim.errors import ScenarioError
from sbsim.laws import Constant, Empirical, Lognormal, Popularity, Uniform
from sbsim.scenario import ANY, ProviderSpec, Scenario, deployment, is_whole, load, load_deployment, schema, shipped

GOOD = (Path(__file__).parent / "data" / "marketing-videos.yaml").read_text()
SMALL = """\
version: 1
name: small
requests: 100
workload:
  source: synthetic
  arrivals: {process: poisson, rate: 1}
  classes: [{name: a, content_type: image, engine: sdxl}]
providers:
  - name: gpu
    serves: {content_type: image, engine: sdxl}
    price: {rates: [{per: image, usd: 0.01}]}
"""


def read(text, **changes):
    document = yaml.safe_load(text)
    document.update(changes)
    return Scenario.from_mapping(document)


def provider(**more):
    return ProviderSpec.from_mapping({"name": "p", "serves": {"content_type": "image"}, "price": {"rates": []}, **more})


@pytest.fixture
def good(tmp_path):
    file = tmp_path / "good.yaml"
    file.write_text(GOOD)
    return file


# -- what is read ----------------------------------------------------------------------------------------------------------
def test_the_example_is_read_in_base_units(good):
    """Every quantity of the contract's example arrives in seconds, bytes, dollars and rates per second, laws as laws, names as numbers."""
    s = load(good)
    w, p = s.workload, s.providers[0]
    assert (s.horizon, s.warmup, s.seed, s.study, s.replications) == (28800, 0, 7, "terminating", 10)
    assert (w.arrivals.process, w.arrivals.rate, w.profile) == ("poisson", 8 / 60, ((0, 0.5), (14400, 1.5), (28800, 0.7)))
    assert (w.catalogue.contents, w.catalogue.popularity, w.catalogue.near_duplicates) == (2000, Popularity(0.9), 0.2)
    hero = w.classes[0]
    assert hero.duration == Empirical(values=(4, 6, 8), probabilities=(0.3, 0.3, 0.4))
    assert hero.resolution == {"1920x1080": 1}
    assert hero.style_params == {"video_style": {"corporate": 0.5, "cinematic": 0.3, "playful": 0.2}}
    assert hero.priority == pytest.approx({1: 0.1, 2: 0.6, 3: 0.3})
    assert (hero.no_reuse, hero.variants, hero.units_out, hero.max_units_out) == (0.05, Constant(value=1), Constant(value=1), None)
    assert (p.as_of, p.serves.resolutions, p.serves.durations) == ("2026-11-23", ("1280x720", "1920x1080"), (4, 6, 8))
    assert (p.api.style, p.api.takes, p.api.poll, p.api.max_items) == ("job", "one", 20, None)
    assert [(r.per, r.usd, r.when) for r in p.price.rates] == [("second", 0.12, {"resolution": "1920x1080"}), ("second", 0.1, {})]
    assert p.price.billed == {"ok": "full", "moderated": "none", "failed": "none", "timed_out": "full", "cancelled": "full"}
    assert (p.result.as_, p.result.expires, p.result.n_bytes(4)) == ("url", 172800, 6e6)
    assert isinstance(p.latency.total, Lognormal)
    assert (p.latency.total.median, p.latency.refusal) == (45, 0.1)
    assert [(x.unit, x.n, x.per, x.kind, x.on_excess, x.known) for x in p.limits] == [
        ("calls", 50, 60, "sliding", "reject", True),
        ("concurrency", 10, 0, "sliding", "reject", True),
    ]
    assert [(o.at, o.for_) for o in p.failures.outages] == [(7200, 600)]
    assert (s.sla[1].deadline, s.sla[1].penalty, s.sla[1].lost, s.sla[2].deadline, s.sla[3].penalty) == (180, 1, None, math.inf, 0)
    assert (s.config.budget.limit, s.config.rate_limit.max_requests) == (5000, 50)
    assert [str(c) for c in s.objective.subject_to] == ["sla_compliance >= 0.99"]
    assert (s.search["cache.ttl"].low, s.search["cache.ttl"].high, s.search["cache.ttl"].log) == (600, 86400, True)


def test_what_is_left_out_is_what_the_contract_says():
    """Seed 0, ten replications, normal priority, one tenant, one variant, no failures, sync, one a call, no promise."""
    s = read(SMALL)
    one, p = s.workload.classes[0], s.providers[0]
    assert (s.seed, s.replications, s.warmup, s.horizon, s.drain_limit, s.instances.n, s.search, s.objective.minimise) == (
        0,
        10,
        0,
        None,
        None,
        1,
        {},
        "total_cost_usd",
    )
    assert (one.priority, one.variants, one.no_reuse, one.units_in, one.duration, one.resolution, one.inputs.images) == (
        {2: 1}, Constant(value=1), 0, Constant(value=0), None, None, 0)  # fmt: skip
    assert (s.workload.tenants.count, s.workload.catalogue) == (1, None)
    assert (p.api.style, p.api.takes, p.api.idempotency, p.api.cancel, p.api.poll) == ("sync", "one", "none", "never", 0)
    assert (p.result.as_, p.result.expires, p.result.n_bytes(9)) == ("inline", math.inf, 0)
    f = p.failures
    assert (f.call_error, f.item_error, f.moderated, f.poison, f.outages, p.limits) == (0, 0, 0, 0, (), ())
    assert {priority: (sla.deadline, sla.penalty) for priority, sla in s.sla.items()} == dict.fromkeys((1, 2, 3), (math.inf, 0))
    assert s.config == Config().resolved(False)


@pytest.mark.parametrize(("workload", "study", "expected"), [
    ({}, None, "steady"), ({}, "terminating", "terminating"),
    ({"profile": {"0h": 1}}, None, "terminating"), ({"profile": {"0h": 1}}, "steady", "steady"),
])  # fmt: skip
def test_the_kind_of_study_follows_from_the_traffic(workload, study, expected):
    """Steady for synthetic traffic without a profile, else terminating, unless it is stated."""
    document = yaml.safe_load(SMALL)
    document["workload"].update(workload)
    assert Scenario.from_mapping({**document, **({"study": study} if study else {})}).study == expected


def test_a_trace_is_a_terminating_study():
    """It needs neither horizon nor classes; its fallbacks are read in base units; one provider without engine serves all engines."""
    s = Scenario.from_mapping({
        "version": 1, "name": "t", "providers": [{"name": "p", "serves": {"content_type": "image"}, "price": {}}],
        "workload": {"source": "trace", "path": "none", "format": "gentd26", "speedup": 2, "between": ["0h", "2h"], "on_bad_row": "skip",
                     "columns": {"duration": "secs", "style_params.look": "x"},
                     "defaults": {"content_type": "image", "duration": "4s", "priority": "urgent", "deadline_s": "2min", "allow_reuse": False,
                                  "style_params": {"look": "a"}}},
    })  # fmt: skip
    w = s.workload
    assert (s.study, w.path, w.between, w.speedup, w.on_bad_row) == ("terminating", None, (0, 7200), 2, "skip")
    assert w.defaults == {
        "content_type": "image",
        "duration": 4,
        "priority": 1,
        "deadline_s": 120,
        "allow_reuse": False,
        "style_params": {"look": "a"},
    }


@pytest.mark.parametrize(("given", "expected"), [
    ({"process": "gamma", "rate": "2/s", "cv": 2}, ("gamma", 2, 2)), ({"process": "weibull", "rate": 1, "cv": 0.5}, ("weibull", 1, 0.5)),
])  # fmt: skip
def test_renewal_processes_have_rate_and_cv(given, expected):
    """Gaps of any spread."""
    a = read(SMALL, workload={**yaml.safe_load(SMALL)["workload"], "arrivals": given}).workload.arrivals
    assert (a.process, a.rate, a.cv) == expected


def test_modulated_and_batched_arrivals():
    """One dwell time holds for all states; a batch has a law of sizes."""
    base = yaml.safe_load(SMALL)["workload"]
    mmpp = read(SMALL, workload={**base, "arrivals": {"process": "mmpp", "rates": ["1/s", 0], "dwell": "10min"}}).workload.arrivals
    assert (mmpp.rates, mmpp.dwell) == ((1, 0), (600, 600))
    batch = read(
        SMALL, workload={**base, "arrivals": {"process": "batch", "rate": 1, "size": {"law": "uniform", "low": 1, "high": 4}}}
    ).workload.arrivals
    assert batch.size == Uniform(start=1, end=4)


def test_weights_are_kept_as_shares():
    """Any positive weights will do, a bare value is certain, a weight of 0 never comes; priorities go by name or number."""
    document = yaml.safe_load(SMALL)
    document["workload"]["classes"][0] |= {
        "priority": {"urgent": 1, 3: 3},
        "resolution": {"720p": 2, "1080p": 6, "4k": 0},
        "style_params": {"look": "a"},
    }
    one = Scenario.from_mapping(document).workload.classes[0]
    assert one.priority == {1: 0.25, 3: 0.75}
    assert one.resolution == {"720p": 0.25, "1080p": 0.75}
    assert one.style_params == {"look": {"a": 1}}
    document["workload"]["classes"][0]["priority"] = "background"
    assert Scenario.from_mapping(document).workload.classes[0].priority == {3: 1}


def test_fixed_units_bound_themselves():
    """A stated constant number of units out is also the most; a law is not, unless a bound is given."""
    document = yaml.safe_load(SMALL)
    one = document["workload"]["classes"][0]
    for given, bound in [
        ({"units_out": 500}, 500),
        ({"units_out": {"law": "exponential", "mean": 500}}, None),
        ({"units_out": 5, "max_units_out": 9}, 9),
    ]:
        one.update({"max_units_out": None, **given})
        assert Scenario.from_mapping(document).workload.classes[0].max_units_out == bound


def test_prices_by_another_name():
    """same_as takes the other's price, with its own keys in their place and both factors; chains and later entries are followed."""
    first = {"rates": [{"per": "image", "usd": 1}], "factor": 0.8, "minimum": 3, "tiers": [{"from": 5, "factor": 0.9}]}
    document = yaml.safe_load(SMALL)
    entry = document["providers"][0]
    document["providers"] = [
        {**entry, "name": "c", "serves": {"content_type": "text"}, "price": {"same_as": "b", "minimum": 0}},
        {**entry, "name": "b", "serves": {"content_type": "audio"}, "price": {"same_as": "gpu", "factor": 0.5}},
        {**entry, "price": first},
    ]
    c, b, gpu = (p.price for p in Scenario.from_mapping(document).providers)
    assert (b.rates, b.factor, b.minimum, b.tiers, b.same_as) == (gpu.rates, 0.4, 3, gpu.tiers, None)
    assert (c.rates, c.factor, c.minimum) == (gpu.rates, 0.4, 0)


def test_a_plan_is_paid_by_the_provider_that_states_it():
    """Whoever charges the same does not charge the fee again, unless it has a plan of its own; nor does a later price that is another's."""
    document = yaml.safe_load(SMALL)
    entry = document["providers"][0]
    entry["price"] = {**entry["price"], "plan": {"fee": 10, "per": "30d"}}
    own = {"fee": 3, "per": "1d"}
    document["providers"] += [
        {**entry, "name": "b", "serves": {"content_type": "audio"}, "price": {"same_as": "gpu"}},
        {**entry, "name": "c", "serves": {"content_type": "text"}, "price": {"same_as": "b", "plan": own}},
        {**entry, "name": "d", "serves": {"content_type": "video"}, "changes": [{"at": 9, "price": {"same_as": "c"}}]},
    ]
    gpu, b, c, d = Scenario.from_mapping(document).providers
    assert (gpu.price.plan.fee, b.price.plan, c.price.plan.fee) == (10, None, 3)
    assert d.changes[0].price.plan is None
    assert d.changes[0].price.rates == gpu.price.rates


@pytest.mark.parametrize(("given", "kept"), [
    ({"calls": 5, "per": "60s", "kind": "fixed", "resets": "00:30 UTC"}, ("calls", 5, 60, "fixed", None, 1800)),
    ({"tokens": 2.5, "per": "1s", "kind": "bucket", "burst": 7}, ("tokens", 2.5, 1, "bucket", 7, None)),
    ({"content_seconds": 90, "per": "1min"}, ("content_seconds", 90, 60, "sliding", None, None)),
    ({"outstanding": 3, "on_excess": "queue", "known": False}, ("outstanding", 3, 0, "sliding", None, None)),
])  # fmt: skip
def test_every_kind_of_limit(given, kept):
    """The unit is the key; windows, buckets, and things held at once."""
    x = provider(limits=[given]).limits[0]
    assert (x.unit, x.n, x.per, x.kind, x.burst, x.resets) == kept
    assert (x.on_excess, x.known) == (given.get("on_excess", "reject"), given.get("known", True))


def test_noise_is_a_factor_of_mean_one():
    """Noise may be stated by its spread alone; whatever mean it is given, it is rescaled to 1, after truncation."""
    for noise in ({"law": "lognormal", "cv": 0.2}, {"law": "gamma", "mean": 7, "cv": 2, "max": 20}, {"law": "uniform", "low": 1, "high": 3}):
        assert provider(latency={"setup": 1, "noise": noise}).latency.noise.mean == pytest.approx(1, rel=1e-12)


def test_a_lane_that_takes_anything_is_made_in_code_only():
    """Content type `any` is no entry of a file."""
    assert ANY not in ("video", "image", "audio", "text")
    with pytest.raises(ScenarioError, match=r"serves\.content_type: 'any' is not one of"):
        provider(serves={"content_type": ANY})


def test_text_is_kept_as_it_stands(tmp_path):
    """${NAME} is never resolved, and a description may have lines."""
    s = read(SMALL, description="two\nlines of ${HOME}")
    assert s.description == "two\nlines of ${HOME}"
    file = tmp_path / "x.yaml"
    file.write_text("cache: {redis_url: '${REDIS_URL}'}\n")
    from sbsim.config import load as load_settings

    assert load_settings(file).config.cache.redis_url == "${REDIS_URL}"


# -- what can be made of one -------------------------------------------------------------------------------------------------
def test_the_digest_is_of_what_is_said_not_of_how(good, tmp_path):
    """Units, layout, comments and folders do not matter; any value does; the description does not."""
    s = load(good)
    other = tmp_path / "elsewhere" / "x.yaml"
    other.parent.mkdir()
    other.write_text("# comment\n" + GOOD.replace("8h\n", "28800\n", 1).replace("8/min", "0.13333333333333333") + "description: words\n")
    assert load(other).digest == s.digest
    for path, value in [
        ("seed", 8),
        ("batching.max_wait", 1),
        ("providers[veo].latency.total.p90", "91s"),
        ("search", {}),
        ("workload.classes[0].no_reuse", 0.06),
    ]:
        assert s.with_values({path: value}).digest != s.digest, path


def test_values_are_set_by_path(good):
    """Settings with and without `config.`, entries by name or position, new keys; the original is unchanged; get reads the same paths."""
    s = load(good)
    changed = s.with_values({
        "batching.max_wait": "10min", "config.cache.ttl": 5, "workload.arrivals.rate": "9/min", "providers[veo].latency.total": "7s",
        "workload.classes[0].inputs.images": 2, "sla.normal.deadline": "1h", "horizon": None, "requests": 5,
    })  # fmt: skip
    paths = {"batching.max_wait": 600, "config.cache.ttl": 5, "workload.arrivals.rate": 0.15, "providers[0].latency.total": Constant(value=7.0),
             "workload.classes[hero].inputs.images": 2, "requests": 5, "horizon": None}  # fmt: skip
    assert {path: changed.get(path) for path in paths} == paths
    assert changed.sla[2].deadline == 3600
    assert (s.get("batching.max_wait"), s.get("workload.arrivals.rate"), s.sla[2].deadline) == (30, 8 / 60, math.inf)
    with pytest.raises(ScenarioError, match=r"workload.arrivals.rat: there is no rat here"):
        s.get("workload.arrivals.rat")


def test_settings_alone_change_nothing_else(good):
    """with_config and with_values of settings agree, keep the rest identical, and are checked against the providers."""
    s = load(good)
    a, b = s.with_values({"batching.max_wait": 5}), s.with_config(s.config.with_values({"batching.max_wait": 5}))
    assert a == b
    assert (a.workload, a.providers) == (s.workload, s.providers)
    assert a.with_values({"horizon": "9h"}).config.batching.max_wait == 5
    for refused in ({"rate_limit.max_requests": 3}, {"journal.keep_prompts": True}, {"batching.max_wait": -1}):
        with pytest.raises(ScenarioError, match=f"config: {next(iter(refused))}|config.{next(iter(refused))}"):
            s.with_values(refused)


def test_our_own_window_follows_the_providers():
    """10 calls a minute where no provider declares limits, none where one does."""
    document = yaml.safe_load(SMALL)
    assert Scenario.from_mapping(document).config.rate_limit.max_requests == 10
    document["providers"][0]["limits"] = [{"concurrency": 3}]
    limited = Scenario.from_mapping(document)
    assert limited.config.rate_limit.max_requests is None
    assert limited.with_config(Config()).config.rate_limit.max_requests is None
    assert limited.with_values({"providers[gpu].limits": []}).config.rate_limit.max_requests == 10


def test_a_scenario_travels(good):
    """Pickled and unpickled it is equal, and can still be changed and refused with places."""
    s = pickle.loads(pickle.dumps(load(good)))
    assert s == load(good)
    assert s.digest == load(good).digest
    with pytest.raises(ScenarioError, match=r"workload.arrivals.rate=0: workload.arrivals.rate: 0 must be > 0 per second"):
        s.with_values({"workload.arrivals.rate": 0})


# -- files and flags -----------------------------------------------------------------------------------------------------------
def test_flags_come_after_files_and_later_wins(good, tmp_path):
    """--config replaces the scenario's settings, a later file changes only what it names, --set comes last."""
    (tmp_path / "a.yaml").write_text("config: {batching: {max_wait: 1s, max_batch_size: 3}}\n")
    (tmp_path / "b.env").write_text("SMART_BATCHER_BATCHING_MAX_WAIT=2s\nSMART_BATCHER_CACHE_TTL=9\n")
    s = load(good, configs=[tmp_path / "a.yaml", tmp_path / "b.env"], sets=["cache.ttl=7", "seed=1", "seed=2", "name=10 o'clock"])
    assert (s.config.batching.max_wait, s.config.batching.max_batch_size, s.config.cache.ttl) == (2, 3, 7)
    assert (s.config.budget.limit, s.config.rate_limit.max_requests) == (None, None)
    assert (s.seed, s.name) == (2, "10 o'clock")


def test_flags_are_yaml(good):
    """Lists, mappings, durations, none; what is no YAML is text."""
    s = load(
        good, sets=["search={}", "objective.subject_to=['error_rate <= 0.1']", "batching.max_batch_cost=none", "description=@x: y", "horizon=90min"]
    )
    assert (s.search, s.config.batching.max_batch_cost, s.description, s.horizon) == ({}, None, "@x: y", 5400)


def test_a_file_of_settings_with_other_providers_is_said_so(good, tmp_path):
    """Only the settings are read; a differing part is a warning, an equal one is not."""
    file = tmp_path / "recommended.yaml"
    file.write_text(yaml.safe_dump(deployment(load(good))))
    assert not [w for w in load(good, configs=[file]).warnings if "recommended" in w]
    file.write_text(file.read_text().replace("usd: 0.12", "usd: 0.13").replace("penalty: 1.0", "penalty: 2.0"))
    told = [w for w in load(good, configs=[file]).warnings if w.startswith(str(file))]
    assert [("providers" in w, "sla" in w) for w in told] == [(True, False), (False, True)]
    file.write_text("config: {}\nproviders: []\n")  # none at all is another list, too
    (told,) = (w for w in load(good, configs=[file]).warnings if w.startswith(str(file)))
    assert "list of providers differs" in told


def test_a_deployment_is_read_back(good, tmp_path):
    """Settings, providers and promises survive; latency and failures, which only a simulation needs, are not there."""
    s = load(good)
    config = s.config.with_values({"batching.max_wait": 1.25})
    written = deployment(s, config)
    assert not {"latency", "failures"} & set(written["providers"][0])
    for file, text in [(tmp_path / "r.yaml", yaml.safe_dump(written)), (tmp_path / "r.json", json.dumps(written))]:
        file.write_text(text)
        back = load_deployment(file)
        assert back.config == config
        assert (back.providers[0].price, back.providers[0].limits, back.sla) == (s.providers[0].price, s.providers[0].limits, s.sla)
    (tmp_path / "bare.yaml").write_text("batching: {max_wait: 3}\n")
    assert load_deployment(tmp_path / "bare.yaml").config.batching.max_wait == 3


@pytest.mark.parametrize(("text", "told"), [
    ("config: {}\nproviders: [{name: a}]", ":2:13: providers[0]: missing: serves"),
    ("config: {}\nproviders:\n  - {name: a, serves: {content_type: text}, price: {plan: {fee: 1}}}", "price.plan: missing: per"),
    ("config: {journal: {path: j.db}}", ":1:20: config.journal.path: j.db comes with part 5"),
    ("config: {}\nsla: {urgnt: {}}", "sla.urgnt: 'urgnt' is not 1 (urgent)"),
])  # fmt: skip
def test_a_broken_deployment_says_where(tmp_path, text, told):
    """The same messages as for a scenario."""
    file = tmp_path / "r.yaml"
    file.write_text(text)
    with pytest.raises(ScenarioError) as error:
        load_deployment(file)
    assert str(error.value).startswith(str(file))
    assert told in str(error.value)


def test_relative_paths_are_meant_from_the_scenario(tmp_path, monkeypatch):
    """A trace lies beside its scenario, wherever that is run from; a flag's path is meant from where it is typed."""
    text = SMALL[: SMALL.index("  source")] + "  source: trace\n  path: data/t.csv\n" + SMALL[SMALL.index("providers") :]
    (tmp_path / "s").mkdir()
    file = tmp_path / "s" / "x.yaml"
    file.write_text(text)
    monkeypatch.chdir(tmp_path)
    assert Path(load("s/x.yaml").workload.path) == Path("s/data/t.csv")
    assert load(file, sets=["workload.path=t.csv"]).workload.path == "t.csv"


def test_shipped_scenarios_are_found_by_name():
    """Those of a checkout, each under the name it carries; a wrong name gets the nearest."""
    names = shipped()
    assert {"quickstart", "image-service", "azure-hour", "image-days"} <= set(names)
    for name in names:
        assert load(name).name == name
    with pytest.raises(ScenarioError, match=r"quikstart: neither a file nor .* shipped: .*; try quickstart"):
        load("quikstart")


# -- warnings and schema ------------------------------------------------------------------------------------------------------
def warned(document, word):
    return [w for w in Scenario.from_mapping(document).warnings if word in w]


def test_batching_that_cannot_save_is_said_so():
    """Unless a provider takes two requests in one call, or charges a set-up."""
    document = yaml.safe_load(SMALL)
    entry = document["providers"][0]
    assert warned(document, "batching cannot change the bill")
    for more in ({"api": {"takes": "list"}}, {"api": {"takes": "variants", "max_items": 4}}, {"price": {"rates": [{"per": "setup", "usd": 1}]}}):
        document["providers"] = [{**entry, **more}]
        assert not warned(document, "batching cannot change the bill")
    document["providers"] = [{**entry, "api": {"takes": "list", "max_items": 1}}]
    assert warned(document, "batching cannot change the bill")


def test_what_a_hard_budget_would_refuse_is_said_so():
    """Open-ended output under a rate on tokens out; a bound or a fixed number is fine, and so is no budget."""
    document = yaml.safe_load(SMALL)
    document["providers"][0]["price"] = {"rates": [{"per": "token_out", "usd": 0.01}]}
    one = document["workload"]["classes"][0]
    one["units_out"] = {"law": "exponential", "mean": 100}
    assert not warned(document, "hard budget")
    document["config"] = {"budget": {"limit": 5}}
    assert warned(document, "hard budget")
    document["config"] = {"budget": {"limit": 5, "kind": "soft"}}
    assert not warned(document, "hard budget")
    document["config"] = {"budget": {"windows": [{"limit": 5}]}}
    assert warned(document, "hard budget")
    one["max_units_out"] = 500
    assert not warned(document, "hard budget")
    one.update(units_out=100, max_units_out=None)
    assert not warned(document, "hard budget")


@pytest.mark.parametrize("more", [
    {"api": {"cancel": "running"}}, {"latency": {"total": {"law": "exponential", "mean": 3, "max": 60}}}, {"latency": {"per_item": 3}},
])  # fmt: skip
def test_gpu_seconds_fit_a_hard_budget_where_they_are_bounded(more):
    """By cancelling, by the law of latency, or by a latency without noise."""
    document = yaml.safe_load(SMALL)
    document["config"] = {"budget": {"limit": 5}}
    document["providers"][0].update({"price": {"rates": [{"per": "gpu_second", "usd": 1}]}, "latency": {"total": {"law": "exponential", "mean": 3}}})
    with pytest.raises(ScenarioError, match=r"providers\[0\].price.rates\[0\]: a hard budget needs the most"):
        Scenario.from_mapping(document)
    document["providers"][0].update(more)
    Scenario.from_mapping(document)


def test_prices_by_the_second_need_seconds():
    """Content without a duration costs nothing by the second, which nobody means."""
    document = yaml.safe_load(SMALL)
    document["providers"][0]["price"] = {"rates": [{"per": "second", "usd": 0.1}]}
    assert warned(document, "has no duration")
    document["workload"]["classes"][0]["duration"] = "4s"
    assert not warned(document, "has no duration")


def test_lanes_may_share_contents_or_not():
    """Providers of one engine are lanes of their own, whether their resolutions overlap or not."""
    document = yaml.safe_load(SMALL)
    entry, one = document["providers"][0], document["workload"]["classes"][0]
    one["resolution"] = {"720p": 1, "1080p": 1}
    small, large = {**entry["serves"], "resolutions": ["720p"]}, {**entry["serves"], "resolutions": "1080p"}
    document["providers"] = [{**entry, "serves": small}, {**entry, "name": "b", "serves": large}]
    assert len(Scenario.from_mapping(document).providers) == 2
    document["providers"][1]["serves"] = {**large, "resolutions": ["720p", "1080p"]}
    assert len(Scenario.from_mapping(document).providers) == 2


def test_knobs_are_in_base_units_and_know_whole_numbers():
    """Whatever they turn: settings with or without `config.`, or quantities anywhere in the scenario; choices that are no numbers stay as given."""
    search = {
        "config.batching.max_batch_size": {"low": 1, "high": 10.0}, "batching.max_wait": {"low": 0, "high": "1min"},
        "workload.arrivals.rate": {"low": "6/min", "high": "1/s", "log": True}, "providers[gpu].api.max_items": {"low": 1, "high": 8},
        "providers[0].limits[0].concurrency": {"low": 1, "high": 3}, "providers[gpu].latency.setup": {"low": "1s", "high": "2min"},
        "workload.classes[0].units_in": {"low": 1, "high": 3},
        "providers[0].latency.noise": {"choices": [1, {"law": "exponential"}]}, "cache.ttl": {"choices": ["1min", "none"]},
    }  # fmt: skip
    document = yaml.safe_load(SMALL)
    document["providers"][0] |= {"api": {"takes": "list"}, "limits": [{"concurrency": 2}]}
    knobs = Scenario.from_mapping({**document, "search": search}).search
    assert {path: (k.low, k.high, k.is_whole) for path, k in knobs.items() if k.choices is None} == {
        "batching.max_batch_size": (1, 10, True), "batching.max_wait": (0, 60, False), "workload.arrivals.rate": (0.1, 1, False),
        "providers[gpu].api.max_items": (1, 8, True),
        "providers[0].limits[0].concurrency": (1, 3, True), "providers[gpu].latency.setup": (1, 120, False),
        "workload.classes[0].units_in": (1, 3, False),
    }  # fmt: skip
    assert knobs["cache.ttl"].choices == (60, None)
    assert (is_whole("batching.max_batch_size"), is_whole("batching.max_wait"), is_whole("workload.arrivals.rate")) == (True, False, False)
    assert knobs["providers[0].latency.noise"].choices == (1, {"law": "exponential"})


@pytest.mark.parametrize(("path", "knob", "told"), [
    ("workload.arrivals.rat", {"low": 1, "high": 2}, "search.workload.arrivals.rat.low: with 1: workload.arrivals.rat: unknown key"),
    ("workload.arrivals.rate", {"low": 0, "high": 2}, "search.workload.arrivals.rate.low: with 0: workload.arrivals.rate: 0 must be > 0 per second"),
    ("name", {"low": "a", "high": "b"}, "search.name.low: 'a' is not a number, so nothing lies between; try {choices: [ … ]}"),
    ("providers[x].price", {"choices": [1]}, "no entry x; allowed: 0 to 0, or gpu"),
    ("search.x", {"choices": [1]}, "no such setting"),
    ("max_wait", {"choices": [1]}, "no such setting; allowed: batching.max_batch_size"),
    ("batching..x", {"choices": [1]}, "'batching..x' is not a path"),
    ("seed", {"low": 3, "high": 3}, "low and high are both 3; try a greater high"),
])  # fmt: skip
def test_knobs_that_turn_nothing_are_refused(path, knob, told):
    """A path that leads nowhere, or a value that the scenario could not take, is found when the scenario is read, not in the middle of a search."""
    with pytest.raises(ScenarioError) as error:
        Scenario.from_mapping({**yaml.safe_load(SMALL), "search": {path: knob}}, "x")
    assert str(error.value).startswith("x: search")
    assert told in str(error.value)


def test_the_schema_accepts_what_is_accepted():
    """The published JSON Schema is itself valid, describes every key, and takes the example, the small one and all shipped scenarios."""
    jsonschema = pytest.importorskip("jsonschema", reason="the schema is checked by an independent validator where there is one")
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    checker = jsonschema.Draft202012Validator(made)
    from sbsim.documents.yaml12 import read_yaml

    for text in (GOOD, SMALL, *(file.read_text() for file in shipped().values())):
        checker.validate(read_yaml(text, "x")[0])
    for text in (GOOD.replace("seed: 7", "seed: 7.5"), GOOD.replace("calls: 50", "calls: 50, items: 3"), GOOD.replace("horizon", "horzion")):
        with pytest.raises(jsonschema.ValidationError):
            checker.validate(read_yaml(text, "x")[0])


def test_the_schema_describes_every_key_and_its_unit():
    """No key without words, no quantity without its unit, no name that only Python needs."""
    made = schema()
    assert made["$defs"]["Latency"]["properties"]["setup"]["x-unit"] == "s"
    assert made["$defs"]["Result"]["properties"]["as"]["enum"] == ["inline", "url"]
    for name, model in [("Scenario", made), *made["$defs"].items()]:
        for key, entry in model.get("properties", {}).items():
            assert not key.endswith("_"), (name, key)
            assert (
                "description" in entry or "$ref" in entry or key in ("calls", "items", "tokens", "content_seconds", "concurrency", "outstanding")
            ), (name, key)


# -- processes -----------------------------------------------------------------------------------------------------------------
def test_reading_needs_no_numerics_and_no_environment(good):
    """A scenario is read without numpy and scipy, and means the same whatever the environment says (INV-9) and however strings are hashed (INV-8)."""
    code = f"""
import sys
from sbsim.scenario import load
s = load({str(good)!r})
assert not {{"numpy", "scipy", "pandas"}} & set(sys.modules), "numerics were imported"
print(s.digest, s.config.batching.max_wait)
"""
    told = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONPATH": os.pathsep.join(sys.path), **extra}, capture_output=True, text=True, check=True
        ).stdout
        for extra in ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "77", "SMART_BATCHER_BATCHING_MAX_WAIT": "3", "CACHE_MEMORY_SIZE": "x"})
    }
    assert told == {f"{load(good).digest} 30.0\n"}


@pytest.mark.parametrize(("limit", "guard", "poll", "fits"), [
    ({"calls": 4, "per": "60s"}, 0.25, "20s", True), ({"calls": 3, "per": "60s"}, 0.25, "20s", False), ({"calls": 3, "per": "60s"}, 0, "20s", True),
    ({"calls": 1, "per": "60s"}, 0.25, "61s", True), ({"calls": 10, "per": "60s", "kind": "bucket", "burst": 2}, 0.25, "10s", True),
    ({"calls": 10, "per": "60s", "kind": "bucket", "burst": 2}, 0.25, "6s", False), ({"calls": 1, "per": "60s", "known": False}, 0.25, "1s", True),
    ({"items": 1, "per": "60s"}, 0.25, "1s", True),
])  # fmt: skip
def test_a_jobs_polls_must_fit_the_limits(limit, guard, poll, fits):
    """ceil((per + guard) / poll) calls of one job must be allowed, or our limiter would hold it back for ever (it says so itself)."""
    from sbsim.components.rate_limiter import Limit, RateLimiter
    from sbsim.records import Demand

    document = yaml.safe_load(SMALL)
    document["providers"][0] |= {"api": {"style": "job", "poll": poll}, "limits": [limit]}
    document["config"] = {"rate_limit": {"guard": guard}}
    if fits:
        spec = Scenario.from_mapping(document).providers[0]
    else:
        with pytest.raises(ScenarioError, match=r"providers\[0\].limits\[0\]: .* cannot carry one job"):
            Scenario.from_mapping(document)
        spec = provider(**{key: document["providers"][0][key] for key in ("api", "limits")})
    known = [Limit(x.unit, x.n, x.per or None, x.kind, x.burst, x.resets) for x in spec.limits if x.known]
    limiter = RateLimiter(known, pacing_s=0, guard_s=guard, poll_s=spec.api.poll)
    assert (limiter.ready_at(Demand(1, 0, 0), 0.0) < math.inf) is fits
