"""Broken scenarios: each is refused with one message that says where, what was given, what is allowed and what to try.

A case replaces one piece of a good scenario; `¦` in the replacement marks the line and column that the message must begin with.
"""

import re
from pathlib import Path

import pytest

from sbsim.errors import ScenarioError
from sbsim.scenario import load

GOOD = (Path(__file__).parent / "data" / "marketing-videos.yaml").read_text()

SECOND = """\
  - name: other
    serves: {content_type: video, engine: veo-3.1-fast}
    price: {rates: [{per: second, usd: 1}]}
sla:"""

BATCH = """\
  - name: files
    serves: {content_type: video, engine: veo-3.1-fast}
    api: {style: batch, takes: file, poll: 60s}
    price:
      rates:
        - ¦{per: gpu_second, usd: 1}
    turnaround: 1h
sla:"""

CASES = [
    # the text itself
    ("seed: 7", "seed: 7\n¦seed: 8", "seed: given twice, first at", "try removing one"),
    ("seed: 7", "seed: ¦&root 7", "seed: the anchor &root is not read", "try writing the value out"),
    ("seed: 7", "seed: ¦*root", "seed: the alias *root is not read", "try writing the value out"),
    ("warmup: 0s", "tiers: {¦<<: {a: 1}}", "tiers: the merge key << is not read", "try writing the entries out"),
    ("seed: 7", "seed: ¦!!int 7", "seed: the tag tag:yaml.org,2002:int is not read", "try the bare value"),
    ("seed: 7", "seed: ¦.nan", "seed: .nan is not a finite number", "`none` means no such limit"),
    ("seed: 7", "seed: ¦1e999", "seed: 1e999 is not a finite number", ""),
    ("seed: 7", "¦true: 7", "a key must be text or a number, not true", "try quoting it"),
    ("instances: 1", "instances: [1, 2: ¦}", "not YAML", "try quoting the text or checking the indentation"),
    # unknown and missing keys
    ("horizon: 8h", "¦horzion: 8h", "horzion: unknown key", "try horizon"),
    ("      weight: 1", "      ¦wieght: 1", "workload.classes[0].wieght: unknown key; allowed: name, weight", "try weight"),
    ("usd: 0.12", "¦uds: 0.12", "providers[0].price.rates[0].uds: unknown key; allowed: per, usd, when", "try usd"),
    ("max_requests: 50, ", "¦max_request: 50, ", "config.rate_limit.max_request: unknown key", "try max_requests"),
    ("  budget:", "  ¦budgets:", "config.budgets: unknown key; allowed: batching, rate_limit", "try budget"),
    ("for: 10min", "¦four: 10min", "providers[0].failures.outages[0].four: unknown key; allowed: at, for", "try for"),
    ("calls: 50", "¦call: 50", "providers[0].limits[0].call: unknown key; allowed: calls, items", "try calls"),
    ("      engine: veo-3.1-fast\n", "", "workload.classes[0]: missing: engine (The model that is wanted.)", "given: name, weight"),
    ("version: 1\n", "", "missing: version", "given: name, seed"),
    ("    price:\n", "    price:\n      ¦minimum: cheap\n", "providers[0].price.minimum: 'cheap' is not a price in dollars", 'try "$0.10"'),
    # kinds of values
    ("version: 1", "¦version: 2", "version: 2 is not a version of the format; allowed: 1", "try version: 1"),
    ("name: marketing-videos", "¦name: 12", "name: 12 is not a name", "try quoting it: '12'"),
    ("name: marketing-videos", '¦name: "a\\nb"', "name: 'a\\nb' is not a name: it holds control characters", "try"),
    ("seed: 7", "¦seed: -7", "seed: -7 must be >= 0", "try 1"),
    ("seed: 7", "¦seed: 7.5", "seed: 7.5 is not a whole number", "try 8"),
    ("seed: 7", "¦seed: 010", "seed: '010' is not a number", "try 1"),
    ("seed: 7", "¦seed: true", "seed: true is not a number", "try 1"),
    ("horizon: 8h", "¦horizon: 0h", "horizon: '0h' must be > 0 s", 'try "8s"'),
    ("horizon: 8h", "¦horizon: 1:30", "horizon: '1:30' is not a duration; allowed units: ms, s, min", 'try "30s"'),
    ("horizon: 8h", "¦horizon: 010", "horizon: '010' is not a duration", "try"),
    ("horizon: 8h", "¦horizon: true", "horizon: true is not a duration", "try"),
    ("horizon: 8h", "¦replications: 0", "replications: 0 must be >= 1 and <= 1e+12", "try 1"),
    ("horizon: 8h", "¦replications: 1e13", "replications: 10000000000000.0 must be >= 1 and <= 1e+12", "try 1"),
    ("warmup: 0s", "¦warmup: atuo", "warmup: 'atuo' is not a duration", "try"),
    ("config:", "¦study:\nconfig:", "study: none is not one of terminating, steady", "try terminating"),
    ("  classes:", "  ¦clases:", "workload.clases: unknown key; allowed: source, arrivals", "try classes"),
    ("rate: 8/min", "¦rate: 8/fortnight", "workload.arrivals.rate: '8/fortnight' is not a rate", 'try "30/min"'),
    ("rate: 8/min", "¦rate: 0", "workload.arrivals.rate: 0 must be > 0 per second", 'try "30/min"'),
    ("bytes: 1.5MB/s", "¦bytes: 1.5MB/h", "providers[0].result.bytes: '1.5MB/h' is not a size", "1.5MB/s"),
    ("as_of: 2026-11-23", "¦as_of: 2026-02-30", "providers[0].as_of: '2026-02-30' is not a day", 'try "2026-11-23"'),
    ("max_requests: 50", "¦max_requests: off", "config.rate_limit.max_requests: 'off' is not a number", "try 1"),
    ("limit: 5000", "¦limit: 1e10", "config.budget.limit: 10000000000.0 must be >= 0 USD and <= 1e+09 USD", "try 0.10"),
    ("window: 24h", "¦window: none", "config.budget.window: none is not allowed here; must be > 0 s", 'try "8s"'),
    ("  budget:", "  batching: {¦coalesce: off}\n  budget:", "config.batching.coalesce: 'off' is not true or false", "try false"),
    ("  budget:", "  cache: {¦policy: fifo}\n  budget:", "config.cache.policy: 'fifo' is not one of lru, lfu, sieve, w_tinylfu, gdsf", "try lru"),
    ("  budget:", "  queue: {¦policy: lifo}\n  budget:", "config.queue.policy: 'lifo' is not one of score, fifo, strict", "try fifo"),
    ("time_window: 60s", "¦time_window: none", "config.rate_limit.time_window: none is no window for max_requests", "max_requests: none"),
    # traffic
    ("source: synthetic", "¦source: synthtic", "workload.source: 'synthtic' is not one of synthetic, trace, sql", "try synthetic"),
    ("process: poisson", "¦process: poison", "workload.arrivals.process: 'poison' is not one of poisson", "try poisson"),
    ("process: poisson", "process: gamma", "workload.arrivals: a gamma process needs rate, cv; missing: cv", ""),
    ("rate: 8/min}", "rate: 8/min, ¦cv: 2}", "workload.arrivals.cv: a poisson process has no cv; allowed: rate", "try removing it"),
    ("process: poisson, rate: 8/min", "process: mmpp, rates: [1/s, 2/s], ¦dwell: [1s, 2s, 3s]", "arrivals.dwell: 3 dwell times for 2 rates",
     "one for all"),
    ("4h: 1.5", "¦4h: -1", "workload.profile.4h: -1 must be >= 0", "try 1"),
    ("4h: 1.5", "240min: 1.5, ¦4h: 1", "workload.profile.4h: this time is given twice", "try removing one"),
    ("  profile: {0h: 0.5, 4h: 1.5, 8h: 0.7}", "  ¦profile: {0h: 0}", "workload.profile: every factor is 0", "try {0h: 1}"),
    ("near_duplicates: 0.2", "¦near_duplicates: 20", "workload.catalogue.near_duplicates: 20 must be >= 0 and <= 1", "try 0.5"),
    ("law: zipf", "¦law: ziff", "workload.catalogue.popularity.law: 'ziff' is not one of zipf, uniform", "try zipf"),
    ("weights: [0.3, 0.3, 0.4]", "¦weights: [0.3, 0.7]", "workload.classes[0].duration.weights: 2 weights for 3 values", "try one each"),
    ("[4s, 6s, 8s], w", "[4s, ¦0s, 8s], w", "workload.classes[0].duration.values[1]: '0s' must be > 0 s", 'try "8s"'),
    ("      duration: {law: empirical, values: [4s, 6s, 8s], weights: [0.3, 0.3, 0.4]}", "      ¦duration: -3",
     "classes[0].duration: -3 must be > 0 s", 'try "8s"'),
    ("      priority: {urgent: 0.1, normal: 0.6, background: 0.3}", "      ¦priority: {urgent: 0.1}",
     "classes[0].priority: the shares add up to 0.1, not 1", "try giving the rest, 0.9, too"),
    ("urgent: 0.1", "¦urgnt: 0.1", "workload.classes[0].priority.urgnt: 'urgnt' is not 1 (urgent), 2 (normal)", "try urgent"),
    ("urgent: 0.1", "¦urgent: -0.1", "workload.classes[0].priority.urgent: -0.1 must be >= 0", "try 1"),
    ("{corporate: 0.5, cinematic: 0.3, playful: 0.2}", "{¦corporate: some}", "style_params.video_style.corporate: 'some' is not a number", "try 1"),
    ("units_in: 0", "¦variants: 2.5", "workload.classes[0].variants: 2.5 is not a whole number", "try 2"),
    ("horizon: 8h\n", "", "synthetic traffic has no end of its own; missing: horizon or requests", "try horizon: 8h"),
    ("warmup: 0s", "¦warmup: 8h", "warmup: 28800 s leave nothing to count of a horizon of 28800 s", "try a shorter warm-up"),
    ("warmup: 0s", "¦warmup: auto", "warmup: auto finds where a steady study settles", "study: steady"),
    # what the parts say about each other
    ("engine: veo-3.1-fast\n", "¦engine: veo-3.1\n", "classes[0].engine: no provider serves video of engine 'veo-3.1'; allowed: veo-3.1-fast",
     "try veo-3.1-fast"),
    ("      content_type: video", "      ¦content_type: image", "classes[0].content_type: no provider serves image; they serve video",
     "content_type: image"),
    ("resolution: 1920x1080\n", "¦resolution: 1920x1088\n", "resolution: '1920x1088' is served by no provider; allowed: 1280x720, 1920x1080",
     "try 1920x1080"),
    ("      resolution: 1920x1080\n", "", "classes[0].resolution: no resolution is served by no provider", "allowed: 1280x720"),
    ("[4s, 6s, 8s], w", "[4s, 6s, 9s], w", "classes[0].duration: 9 s are served by no provider; allowed: 4 s, 6 s, 8 s", "try 8s"),
    ("{law: empirical, values: [4s, 6s, 8s], weights: [0.3, 0.3, 0.4]}", "{law: exponential, mean: 6s}", "duration: a continuous law",
     "try {law: empirical"),
    ("when: {resolution: 1920x1080}", "when: {¦resolutoin: 1920x1080}", "rates[0].when.resolutoin: no content has such a field", "try resolution"),
    ("sla:", SECOND.replace("name: other", "¦name: veo"), "providers[1].name: 'veo' is the name of providers[0] too", "try another"),
    ("      rates:\n", "      ¦raets:\n", "providers[0].price.raets: unknown key; allowed: rates, same_as", "try rates"),
    ("sla:", SECOND.replace("rates: [{per: second, usd: 1}]", "¦same_as: vio"), "providers[1].price.same_as: there is no provider 'vio'", "try veo"),
    ("sla:", SECOND.replace("rates: [{per: second, usd: 1}]", "¦same_as: other"), "providers[1].price.same_as: 'other' refers back",
     "try giving rates"),
    ("sla:", SECOND.replace("{rates", "{same_as: veo, ¦rates"), "providers[1].price.rates: the rates are those of 'veo' already", "try removing"),
    # providers
    ("poll: 20s, ", "", "providers[0].api: a job API is polled; missing: poll", "try poll: 20s"),
    ("style: job", "style: sync", "providers[0].api.poll: a sync API is not polled", "try style: job"),
    ("takes: one", "takes: one, ¦max_items: 5", "providers[0].api.max_items: 5 items do not fit a call that takes one", "try takes: list"),
    ("poll: 20s", "poll: 1s", "limits[0]: 50 calls in 60 s cannot carry one job that is polled every 1 s: it makes 61", "try a limit of 61"),
    ("max_requests: 50", "¦max_requests: 3", "config.rate_limit.max_requests: 3 calls in 60 s cannot carry one job", "try a limit of 4"),
    ("{calls: 50, per: 60s}", "{calls: 50, per: 60s, ¦burst: 3}", "limits[0].burst: a sliding limit has no burst", "try kind: bucket"),
    ("{calls: 50, per: 60s}", "{calls: 50, per: 60s, ¦kind: bucket}", "limits[0].kind: a bucket needs a burst", "try burst: 10"),
    ("      - {calls: 50, per: 60s}", "      ¦- {calls: 50}".replace("¦- ", "- ¦"), "limits[0]: a limit on calls needs a time; missing: per",
     "try per: 60s"),
    ("{concurrency: 10}", "{concurrency: 10, ¦per: 60s}", "limits[1].per: a limit on concurrency has no per", "try removing it"),
    ("{concurrency: 10}", "¦{concurrency: 10, calls: 5}", "limits[1]: a limit is on exactly one of calls, items", "given: concurrency, calls"),
    ("{calls: 50, per: 60s}", "{¦calls: 2.5, per: 60s}", "limits[0].calls: 2.5 is not a whole number", "try 2"),
    ("{calls: 50, per: 60s}", '{calls: 50, kind: fixed, ¦per: 7h, resets: "00:00 UTC"}', "limits[0].per: 25200 s do not divide a day",
     "try per: 24h"),
    ("{calls: 50, per: 60s}", '{calls: 50, kind: fixed, per: 24h, ¦resets: "24:00"}', "limits[0].resets: '24:00' is not a time of day",
     'try "00:00 UTC"'),
    ("moderated: none", "¦modrated: none", "billed.modrated: unknown status; allowed: ok, moderated", "try moderated"),
    ("moderated: none", "¦moderated: half", "billed.moderated: 'half' is not one of full, input, elapsed, none", "try"),
    ("call_error: 0.01", "¦call_error: 1%", "failures.call_error: '1%' is not a number", "try 0.5"),
    ("latency: {total:", "latency: {¦setup: 3s, total:", "latency.setup: total says how long a call takes", "try removing one of both"),
    ("{at: 2h, for: 10min}", "¦2h", "failures.outages[0]: '2h' is not a mapping; allowed keys: at, for", "try {at: …}"),
    # promises, objective, knobs
    ("  urgent: {", "  ¦urgnt: {", "sla.urgnt: 'urgnt' is not 1 (urgent), 2 (normal)", "try urgent"),
    ("  urgent: {", "  1: {penalty: 2}\n  ¦urgent: {", "sla.urgent: this priority is given twice, by name and by number", "try removing one"),
    ("deadline: 3min", "¦deadline: 0", "sla.urgent.deadline: 0 must be > 0 s", 'try "8s"'),
    ('["sla_compliance >= 0.99"]', '[¦"sla_compliance 0.99"]', "objective.subject_to[0]: 'sla_compliance 0.99' is not a constraint", "try"),
    ('["sla_compliance >= 0.99"]', '[¦"p95_latency_s <= soon"]', "objective.subject_to[0]: 'p95_latency_s <= soon': 'soon' is not a duration", "try"),
    ("  minimise: total_cost_usd", "  minimise: a\n  ¦minimize: b", "objective.minimize: minimise and minimize are the same", "try removing one"),
    ("  cache.ttl:", "  ¦cache.tll:", "search.cache.tll: no such setting", "try cache.ttl"),
    ("low: 10min", "¦low: 0s", "search.cache.ttl.low: a logarithmic knob cannot begin at 0", "try a low above 0"),
    ("low: 10min", "¦low: 48h", "search.cache.ttl.low: 172800 must be below high, 86400", "try {low: 86400"),
    ("high: 24h, ", "", "search.cache.ttl: a knob needs low and high, or choices", "try {low: 1, high: 10}"),
    ("high: 24h", "¦high: 24 hours", "search.cache.ttl.high: '24 hours' is not a duration", "try"),
    ("{low: 10min, high: 24h, log: true}", "{low: 1, high: 2, ¦choices: [1]}",
     "search.cache.ttl.choices: a knob has either choices or low and high", "try"),
    ("    limits:", "    changes: [¦{at: 2h}]\n    limits:", "changes[0]: nothing changes; missing: price or limits", "try limits"),
    ("    limits:", "    changes: [{at: 2h, limits: []}, {¦at: 1h, limits: []}]\n    limits:",
     "changes[1].at: 3600 s is not after changes[0].at, 7200 s", "try putting them in order"),
    ("    limits:", "    changes: [{at: 2h, price: {¦same_as: nobody}}]\n    limits:", "changes[0].price.same_as: there is no provider 'nobody'",
     "allowed: veo"),
    ("    limits:", "    changes: [{at: 2h, price: {rates: [{per: second, usd: 1, when: {¦resolutoin: 1}}]}}]\n    limits:",
     "changes[0].price.rates[0].when.resolutoin: no content has such a field", "try resolution"),
    ("    limits:", "    ¦turnaround: 5min\n    limits:", "turnaround: only a batch API has turnaround, and this one is job", "try removing it"),
    ("cancel: never", "¦cancel: partial", "api.cancel: only a batch API is cancelled in part, and this one is job", "try running"),
    ("  budget:", "  controller: {enabled: true, ¦min_wait: 10min}\n  budget:", "config.controller.min_wait: 600 is more than max_wait, 300",
     "try lowering it"),
    ("style: job", "style: batch", "providers[0]: a batch API has a turnaround; missing: turnaround", "try {law: lognormal"),
    ("style: job, ", "style: batch, ¦max_bytes: 1MB, ", "api.max_bytes: only a file has max_bytes, and this API takes one", "try removing it"),
    ("    limits:", "    cold_start: {time: 20s, ¦idle_aftr: 5min}\n    limits:", "cold_start.idle_aftr: unknown key", "try idle_after"),
    ("sla:", BATCH, "providers[1].price.rates[0]: a batch API that charges GPU seconds has a latency", "try latency: {per_item: 2s}"),
    ("      billed:", "      plan: {fee: 10, ¦per: 0s}\n      billed:", "price.plan.per: '0s' must be > 0 s", "try"),
]  # fmt: skip

LATER = [
    ("  budget:", "  journal: {¦path: j.db}\n  budget:", "config.journal.path: j.db comes with part 5; allowed now: none"),
    ("instances: 1", "¦indifference_usd: 3", "indifference_usd: a zone of indifference of one's own comes with part 6"),
    ("instances: 1", "¦robust: {scenarios: []}", "robust: a robust search comes with part 6"),
    ("  cache.ttl: {low: 10min, high: 24h, log: true}", "  journal.keep_prompts: {choices: [false, ¦true]}",
     "search.journal.keep_prompts.choices[1]: true comes with part 5"),
]  # fmt: skip


def _written(tmp_path, text):
    """The file that holds `text` without its mark, and the place of the mark."""
    file = tmp_path / "x.yaml"
    before = text.partition("¦")[0]
    file.write_text(text.replace("¦", ""), encoding="utf-8")
    line = before.count("\n") + 1
    place = f":{line}:{len(before) - before.rfind(chr(10))}" if "¦" in text else ""
    return file, place


def _refused(tmp_path, old, new):
    assert old in GOOD, "the case replaces nothing"
    file, place = _written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ScenarioError) as error:
        load(file)
    message = str(error.value)
    assert message.startswith(f"{file}{place}:"), message
    assert "\n" not in message
    return message


def test_the_scenario_that_the_cases_break_is_good(tmp_path):
    """Every refusal below is due to its one change."""
    file, _ = _written(tmp_path, GOOD)
    assert load(file).name == "marketing-videos"


@pytest.mark.parametrize(("old", "new", "what", "advice"), CASES)
def test_a_broken_scenario_is_refused_where_it_is_broken(tmp_path, old, new, what, advice):
    """File, line and column come first, then the path, what was given and is allowed, and what to try."""
    message = _refused(tmp_path, old, new)
    assert what in message
    assert advice in message


def test_of_several_faults_the_first_in_the_file_is_told(tmp_path):
    """One message, whatever the order in which a library finds them; the others are counted."""
    lines = GOOD.splitlines()
    start, end = lines.index("providers:"), lines.index("sla:")
    providers_first = "\n".join([*lines[:5], *lines[start:end], *lines[5:start], *lines[end:]])
    broken = (
        providers_first.replace("call_error: 0.01", "¦call_error: 7")
        .replace("no_reuse: 0.05", "no_reuse: 7")
        .replace("deadline: 3min", "deadline: x")
    )
    file, place = _written(tmp_path, broken)
    with pytest.raises(ScenarioError) as error:
        load(file)
    assert str(error.value) == (f"{file}{place}: providers[0].failures.call_error: 7 must be >= 0 and <= 1; try 0.5 (and 2 more like this)")


@pytest.mark.parametrize(("old", "new", "what"), LATER)
def test_what_a_later_part_brings_is_refused_by_name(tmp_path, old, new, what):
    """It is validated, never ignored: the message names the part."""
    message = _refused(tmp_path, old, new)
    assert what in message
    assert re.search(r"comes with part \d; ", message)


TRACE = """\
version: 1
name: replay
workload:
  source: trace
  path: traffic.csv
  columns: {arrived_at: ts}
  defaults: {content_type: image, engine: sdxl}
providers:
  - name: gpu
    serves: {content_type: image, engine: sdxl}
    api: {takes: list, max_items: 8}
    price: {rates: [{per: gpu_second, usd: 0.0007}]}
    latency: {setup: 22.7s, per_item: 0.8s, noise: {law: lognormal, cv: 0.2}}
"""

TRACES = [
    ("source: trace", "¦source: sql", "workload.source: traffic from a database comes with part 5; try source: trace"),
    ("  path:", "  ¦format: journal\n  path:", "workload.format: the format journal comes with part 5; try one of generic, sbsim, azure-llm"),
    ("  path:", "  ¦format: gentd25\n  path:", "workload.format: 'gentd25' is not one of generic, sbsim"),
    ("  path:", "  ¦resample: {block: 1h}\n  path:", "workload.resample: resampling a trace comes with part 6"),
    ("arrived_at: ts", "arrived_at: ts, ¦cost: paid", "workload.columns.cost: unknown field of a request; allowed: arrived_at, id"),
    ("arrived_at: ts", "¦arrived: ts", "workload.columns.arrived: unknown field of a request; allowed: arrived_at, id"),
    ("arrived_at: ts", "¦arrived_at: 3", "workload.columns.arrived_at: 3 is not the name of a column; try quoting it"),
    ("content_type: image, e", "¦content_type: picture, e", "workload.defaults.content_type: 'picture' is not one of video, image, audio, text"),
    ("content_type: image, e", "¦content-type: image, e", "workload.defaults.content-type: unknown field of a request; allowed: content_type"),
    ("  path:", "  ¦between: [2h, 1h]\n  path:", "workload.between: [7200.0, 3600.0] is empty: the first time must be before the second; try"),
    ("  path:", "  ¦between: [2h]\n  path:", "workload.between: ['2h'] has 1 entries; it must have 2; try [0h, 2h]"),
    ("  path:", "  ¦speedup: 0\n  path:", "workload.speedup: 0 must be > 0; try 1"),
    ("  path:", "  ¦on_bad_row: ignore\n  path:", "workload.on_bad_row: 'ignore' is not one of error, skip; try"),
    ("  path:", "  ¦catalogue: {contents: 5}\n  path:", "workload.catalogue: trace traffic has no catalogue; try removing it, or source: synthetic"),
    ("workload:", "¦study: steady\nworkload:", "study: a trace ends, so it cannot be steady; try study: terminating"),
    ("workload:", "config: {budget: {limit: 5}}\nworkload:",
     "price.rates[0]: a hard budget needs the most that a call can cost, and nothing bounds its GPU seconds"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "what"), TRACES)
def test_a_broken_replay_is_refused_where_it_is_broken(tmp_path, old, new, what):
    """Traces keep the same rules; what a trace says itself cannot be said again."""
    assert old in TRACE
    file, place = _written(tmp_path, TRACE.replace(old, new, 1))
    with pytest.raises(ScenarioError) as error:
        load(file)
    message = str(error.value)
    assert message.startswith(f"{file}{place}:"), message
    assert what in message


@pytest.mark.parametrize(("make", "what"), [
    (lambda file: file.write_bytes(b"a: " + b"x" * 2**20), "at most 1048576 (1 MiB) are read"),
    (lambda file: file.write_text("a: " + "[" * 25 + "]" * 25), "nested more than 20 deep"),
    (lambda file: file.write_text("- 1"), "a scenario is a mapping with the keys version, name, workload, providers"),
    (lambda file: file.write_text(""), "a scenario is a mapping"),
    (lambda file: file.write_bytes(b"name: \xff"), "not UTF-8 text (byte 6)"),
    (lambda file: file.write_text("version: 1\n---\nversion: 1"), ":2:1: a second document begins here"),
    (lambda file: file.write_text("a: \x07"), "not YAML"),
    (lambda file: file.mkdir(), "is a directory"),
    (lambda file: None, "neither a file nor the name of a shipped scenario"),
    (lambda file: file.write_text(GOOD.replace("providers:", "providers: []\nproviders2:", 1)), "providers2: unknown key"),
])  # fmt: skip
def test_a_file_that_is_no_scenario_is_refused(tmp_path, make, what):
    """Whatever is wrong with the file as such comes out as one message, not as an exception of a library."""
    file = tmp_path / "x.yaml"
    make(file)
    with pytest.raises(ScenarioError) as error:
        load(file)
    assert what in str(error.value)
    assert str(error.value).startswith(str(file))


@pytest.mark.parametrize(("sets", "what"), [
    ("batching.max_wait=-3", "--set batching.max_wait=-3: config.batching.max_wait: -3 must be >= 0 s"),
    ("batching.max_wat=3", "--set batching.max_wat=3: config.batching.max_wat: unknown key; allowed: max_batch_size"),
    ("workload.classes[3].weight=3", "workload.classes: no entry 3; allowed: 0 to 0, or hero"),
    ("workload.classes[heros].weight=3", "workload.classes: no entry heros; allowed: 0 to 0, or hero; try hero"),
    ("seed.x=3", "seed: 7 has no x; try seed itself"),
    ("seed", "--set seed: not an assignment; try --set batching.max_wait=10s"),
    ("a..b=3", "'a..b' is not a path; try workload.classes[0].duration"),
    ("seed=[1", "--set seed=[1: not YAML: did not find expected"),
    ("seed=.inf", "is not a finite number"),
    ("providers[veo].price.rates[0].usd=true", "--set providers[veo].price.rates[0].usd=true: providers[0].price.rates[0].usd: true is not a price"),
])  # fmt: skip
def test_a_flag_that_means_nothing_is_named(tmp_path, sets, what):
    """What `--set` breaks is reported as the flag's, not as the file's."""
    file, _ = _written(tmp_path, GOOD)
    with pytest.raises(ScenarioError) as error:
        load(file, sets=[sets])
    assert what in str(error.value)
