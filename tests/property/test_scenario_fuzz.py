"""Whatever a scenario says, it is read or refused by one message: no exception of ours or of a library escapes, nothing hangs."""

import copy
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from sbsim.documents.origin import Origins, path_text
from sbsim.documents.yaml12 import read_yaml
from sbsim.errors import ScenarioError
from sbsim.scenario import Scenario

GOOD = """
version: 1
name: a
seed: 7
horizon: 8h
requests: 100
study: terminating
warmup: 0s
replications: 3
drain_limit: 1h
workload:
  source: synthetic
  arrivals: {process: batch, rate: 8/min, size: {law: uniform, low: 1, high: 3}}
  profile: {0h: 0.5, 4h: 1.5}
  tenants: {count: 2, popularity: {law: zipf, exponent: 1}}
  catalogue: {contents: 20, popularity: {law: zipf, exponent: 0.9}, near_duplicates: 0.2, lookalikes: 0.1}
  classes:
    - {name: hero, weight: 1, content_type: video, engine: veo, resolution: {1080p: 1, 720p: 2}, duration: {law: empirical, values: [4s, 6s]},
       style_params: {style: {a: 0.5, b: 0.3}}, inputs: {images: 1, seconds: 3s}, units_in: 3, units_out: {law: gamma, mean: 3, cv: 1},
       max_units_out: 9, priority: {urgent: 0.4, 2: 0.6}, no_reuse: 0.05, variants: 2}
providers:
  - name: gpu
    as_of: 2026-11-23
    serves: {content_type: video, engine: veo, resolutions: [720p, 1080p], durations: [4s, 6s]}
    api: {style: job, takes: list, max_items: 5, poll: 20s, idempotency: key, cancel: running}
    price: {rates: [{per: second, usd: 0.12, when: {resolution: 1080p}}, {per: gpu_second, usd: 1}], minimum: 1, quantum: 2s,
            tiers: [{from: 5, factor: 0.9}], factor: 0.5, billed: {ok: full}}
    result: {as: url, expires: 48h, bytes: 1.5MB/s}
    latency: {setup: 1s, per_item: 2s, per_second: 1s, per_unit: 1s, parallel_items: 2, noise: {law: lognormal, cv: 0.2}, refusal: 0.1s}
    limits: [{calls: 50, per: 60s, kind: fixed}, {concurrency: 10, on_excess: queue}, {tokens: 5.5, per: 1s, kind: bucket, burst: 7, known: false}]
    failures: {call_error: 0.01, item_error: 0.1, moderated: 0.1, outages: [{at: 2h, for: 10min}]}
  - name: other
    serves: {content_type: text}
    price: {same_as: gpu, factor: 2}
sla: {urgent: {deadline: 3min, penalty: 1, penalty_per_minute: 2, lost: 3, false_reuse_cost: 4}}
instances: 1
config: {rate_limit: {max_requests: 50}, budget: {limit: 5000, reserve_urgent: 0.2}, queue: {ageing: 1 per 30min}}
objective: {minimise: total_cost_usd, subject_to: ["sla_compliance >= 0.99"]}
search: {cache.ttl: {low: 10min, high: 24h, log: true}, cache.memory_size: {choices: [1, 2]}}
"""
DOCUMENT = read_yaml(GOOD, "x")[0]

odd = st.one_of(
    st.sampled_from(
        [None, "none", True, False, 0, -1, 1, 2.5, 1e300, 10**400, -(10**400), math.nan, math.inf, -0.0, 5e-324, "", " ", "x", "1", "010", "1s"]
    ),
    st.sampled_from(["-3s", "8/min", "$1", "1GiB", "auto", "[", "a\nb", "\ud800", "urgent", "gpu", "other", "0:00", "00:00 UTC", "3 per 0s", "${X}"]),
    st.sampled_from(
        [[], {}, [[]], [None], {"law": "gamma"}, {"law": "gamma", "mean": 1e-300, "cv": 1e300}, {"law": []}, {"": 1}, {1: {2: 3}}, (1, 2)]
    ),
    st.sampled_from([{"law": "weibull", "mean": 1, "p90": 1e9}, {"law": "empirical", "values": [1e308, 1e308]}, {"calls": 1, "per": 1e-300}, b"x"]),
    st.floats(),
    st.integers(),
    st.text(max_size=5),
)


def _places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _places(below, (*path, key))
    elif isinstance(value, list):
        for k, below in enumerate(value):
            yield from _places(below, (*path, k))


PLACES = sorted((path for path in _places(DOCUMENT) if path), key=repr)


def _broken(changes):
    document = copy.deepcopy(DOCUMENT)
    for path, how, value in changes:
        here = document
        try:
            for key in path[:-1]:
                here = here[key]
            if how == "replace":
                here[path[-1]] = value
            elif how == "remove":
                del here[path[-1]]
            elif isinstance(here[path[-1]], dict):
                here[path[-1]]["odd" if not isinstance(value, str) else value] = value
            elif isinstance(here[path[-1]], list):
                here[path[-1]].append(value)
        except (KeyError, IndexError, TypeError):
            continue
    return document


def test_the_document_that_is_broken_is_good():
    """Otherwise nothing below it would be reached."""
    assert Scenario.from_mapping(DOCUMENT).name == "a"


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(["replace", "replace", "remove", "add"]), odd), min_size=1, max_size=3))
def test_a_scenario_is_read_or_refused(changes):
    """Odd values, missing and unknown keys anywhere: a Scenario, or a ScenarioError of one line that begins with the document's name."""
    scenario, message = _outcome(lambda: Scenario.from_document(_broken(changes), Origins("x.yaml")))
    if message is not None:
        assert message.startswith("x.yaml: ")
        assert "\n" not in message
        assert len(message) < 3000
    else:
        assert len(scenario.digest) == 32
        assert all(isinstance(warning, str) for warning in scenario.warnings)


def _outcome(attempt):
    """(what came out, None), or (None, the refusal's message)."""
    try:
        return attempt(), None
    except ScenarioError as error:
        return None, str(error)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from([*PLACES, ("config", "batching", "max_wait")]), odd)
def test_a_value_is_set_or_refused(path, value):
    """with_values by the path of any entry behaves the same, and leaves the original as it was."""
    scenario = Scenario.from_mapping(DOCUMENT)
    digest = scenario.digest
    _, message = _outcome(lambda: scenario.with_values({path_text(path): value}))
    assert "\n" not in (message or "")
    assert scenario.digest == digest


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=" \n\t:-[]{}&*!|>'\"%@`#,?.0123456789aeInfrtu<", max_size=60))
def test_yaml_is_read_or_refused(text):
    """Any text is a plain value or a ScenarioError."""
    _, message = _outcome(lambda: read_yaml(text, "x"))
    assert (message or "x").startswith("x")
