"""Broken inputs, each with words that its message must hold. Made here rather than kept as files: bytes, not text, are what is broken in some."""

from __future__ import annotations

import gzip
from collections.abc import Mapping

SCENARIO = """version: 1
name: broken
seed: 7
horizon: 2min
replications: 2
workload:
  source: synthetic
  arrivals: {process: poisson, rate: 30/min}
  catalogue: {contents: 20, popularity: {law: zipf, exponent: 0.9}}
  classes:
    - name: hero
      content_type: image
      engine: sdxl
      duration: {law: uniform, low: 1s, high: 2s}
      priority: {urgent: 0.1, normal: 0.9}
providers:
  - name: gpu
    serves: {content_type: image, engine: sdxl}
    api: {takes: list, max_items: 8}
    price: {rates: [{per: image, usd: 0.04}]}
    latency: {setup: 2s, per_item: 0.5s}
    limits:
      - {calls: 100, per: 60s}
sla:
  normal: {deadline: 30s, penalty: 0.1}
config:
  batching: {max_batch_size: 8, max_wait: 2s}
  cache: {ttl: 10min}
search:
  batching.max_wait: {choices: [0s, 1s]}
"""

TRACE = "arrived_at,content_type,engine,prompt,duration,priority\n" + "".join(f"{k},image,sdxl,cat {k % 3},2s,normal\n" for k in range(6))


def scenario(old: str, new: str) -> bytes:
    """The valid scenario with one part exchanged."""
    assert SCENARIO.count(old) == 1, old
    return SCENARIO.replace(old, new).encode()


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


BEFORE, AFTER = SCENARIO.partition("workload:")[0], "providers:" + SCENARIO.partition("providers:")[2]
"""What stands before the traffic, and after it."""
_LAUGHS = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)) + "version: *i\n"

SCENARIOS: Mapping[str, tuple[bytes, tuple[str, ...]]] = {
    # the file as such
    "empty": (b"", ("mapping", "version, name, workload, providers")),
    "blank": (b"\n \n", ("mapping",)),
    "comments only": (b"# nothing\n", ("mapping",)),
    "a text": (b"hello\n", ("mapping",)),
    "a list": (b"- 1\n- 2\n", ("mapping",)),
    "a number": (b"5\n", ("mapping",)),
    "null": (b"null\n", ("mapping",)),
    "binary": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), ("not UTF-8", "UTF-8")),
    "zero bytes": (bytes(100), ("not YAML",)),
    "UTF-16": (SCENARIO.encode("utf-16"), ("UTF-8",)),
    "UTF-16 without a mark": (SCENARIO.encode("utf-16-le"), ("not YAML",)),
    "UTF-32": (SCENARIO.encode("utf-32"), ("UTF-8",)),
    "Latin-1": (SCENARIO.replace("broken", "dépêche").encode("latin-1"), ("not UTF-8", "saving it as UTF-8")),
    "gzip": (gzip.compress(SCENARIO.encode()), ("not UTF-8",)),
    "too large": (SCENARIO.encode() + b"# " + b"x" * 2**20, ("1 MiB",)),
    "control character": (scenario("name: broken", 'name: "a\x07b"'), ("not YAML",)),
    "escape in a name": (scenario("name: broken", 'name: "a\\x1bb"'), ("name", "control characters")),
    "two documents": (SCENARIO.encode() + b"---\nversion: 1\n", ("second document",)),
    # YAML
    "tab": (scenario("  source: synthetic", "\tsource: synthetic"), ("not YAML",)),
    "open bracket": (scenario("{process: poisson, rate: 30/min}", "{process: poisson, rate: 30/min"), ("not YAML",)),
    "open quote": (scenario("name: broken", 'name: "broken'), ("not YAML",)),
    "indentation": (scenario("  source: synthetic", "     source: synthetic"), ("not YAML",)),
    "colon within": (scenario("name: broken", "name: a: b"), ("not YAML",)),
    "duplicate key": (scenario("seed: 7", "seed: 7\nseed: 8"), ("seed", "given twice")),
    "duplicate key deep down": (scenario("rate: 30/min", "rate: 30/min, rate: 20/min"), ("workload.arrivals.rate", "given twice")),
    "alias": (scenario("seed: 7", "seed: &s 7\nreplications_: *s"), ("anchor &s",)),
    "alias to nothing": (scenario("seed: 7", "seed: *s"), ("*s",)),
    "merge key": (scenario("serves: {content_type: image", "serves: {<<: {a: 1}, content_type: image"), ("merge key <<",)),
    "billion laughs": (_LAUGHS.encode(), ("anchor &a",)),
    "nested": (scenario("seed: 7", f"seed: {_nested(30)}"), ("nested more than 20 deep",)),
    "nested without end": (f"version: {'[' * 5000}".encode(), ("nested more than 20 deep",)),
    "tag of Python": (scenario("seed: 7", "seed: !!python/object/apply:os.system [ls]"), ("tag", "python/object")),
    "tag": (scenario("seed: 7", "seed: !!float 7"), ("tag",)),
    "set": (scenario("seed: 7", "? {a: 1}\n: 2\nseed: 7"), ("a key must be text",)),
    "key of null": (scenario("seed: 7", "~: 1\nseed: 7"), ("a key must be text",)),
    "key of true": (scenario("seed: 7", "true: 1\nseed: 7"), ("a key must be text",)),
    # top level
    "no version": (scenario("version: 1\n", ""), ("version",)),
    "version 2": (scenario("version: 1\n", "version: 2\n"), ("version", "2")),
    "version as text": (scenario("version: 1\n", 'version: "1"\n'), ("version",)),
    "no name": (scenario("name: broken\n", ""), ("name",)),
    "name of a number": (scenario("name: broken", "name: 5"), ("name", "5")),
    "empty name": (scenario("name: broken", 'name: ""'), ("name", "empty")),
    "unknown key": (scenario("seed: 7", "sead: 7"), ("sead", "try seed")),
    "unknown key deep down": (scenario("max_wait: 2s", "max_wiat: 2s"), ("config.batching.max_wiat", "max_wait")),
    "seed of text": (scenario("seed: 7", "seed: seven"), ("seed", "seven")),
    "seed below 0": (scenario("seed: 7", "seed: -7"), ("seed", "-7")),
    "seed with a fraction": (scenario("seed: 7", "seed: 7.5"), ("seed", "7.5")),
    "seed in octal": (scenario("seed: 7", "seed: 010"), ("seed", "010")),
    "seed of true": (scenario("seed: 7", "seed: true"), ("seed", "true")),
    "seed too large": (scenario("seed: 7", "seed: " + "9" * 400), ("seed",)),
    "no replications": (scenario("replications: 2", "replications: 0"), ("replications", "0")),
    "too many replications": (scenario("replications: 2", "replications: 1e13"), ("replications",)),
    "horizon of nothing": (scenario("horizon: 2min", "horizon: 0s"), ("horizon",)),
    "horizon below 0": (scenario("horizon: 2min", "horizon: -2min"), ("horizon", "-2min")),
    "horizon off": (scenario("horizon: 2min", "horizon: off"), ("horizon", "off")),
    "horizon like a clock": (scenario("horizon: 2min", "horizon: 1:30"), ("horizon", "1:30")),
    "horizon of nan": (scenario("horizon: 2min", "horizon: .nan"), ("horizon", "not a finite number")),
    "horizon of inf": (scenario("horizon: 2min", "horizon: .inf"), ("horizon", "not a finite number")),
    "horizon beyond floats": (scenario("horizon: 2min", "horizon: 1e999"), ("horizon", "not a finite number")),
    "horizon of a unit": (scenario("horizon: 2min", "horizon: 2 fortnights"), ("horizon", "fortnights", "allowed units")),
    "horizon of a list": (scenario("horizon: 2min", "horizon: [2min]"), ("horizon",)),
    "no end": (scenario("horizon: 2min\n", ""), ("horizon or requests",)),
    "study": (scenario("seed: 7", "study: endless"), ("study", "endless", "terminating")),
    "warm-up longer than the horizon": (scenario("seed: 7", "warmup: 3min"), ("warmup",)),
    # traffic
    "no workload": ((BEFORE + AFTER).encode(), ("workload",)),
    "workload of text": ((BEFORE + "workload: much\n" + AFTER).encode(), ("workload", "much")),
    "source": (scenario("source: synthetic", "source: kafka"), ("workload.source", "kafka", "synthetic, trace, sql")),
    "rate below 0": (scenario("rate: 30/min", "rate: -30/min"), ("workload.arrivals.rate", "-30/min")),
    "rate of 0": (scenario("rate: 30/min", "rate: 0"), ("workload.arrivals.rate", "0")),
    "rate off": (scenario("rate: 30/min", "rate: off"), ("workload.arrivals.rate", "off")),
    "rate of text": (scenario("rate: 30/min", "rate: 30 per minute"), ("workload.arrivals.rate", "30 per minute")),
    "no rate": (scenario("process: poisson, rate: 30/min", "process: poisson"), ("rate",)),
    "cv of a poisson process": (scenario("rate: 30/min", "rate: 30/min, cv: 2"), ("workload.arrivals.cv", "poisson")),
    "process": (scenario("process: poisson", "process: pareto"), ("workload.arrivals.process", "pareto")),
    "no classes": (scenario("  classes:\n", "  klasses:\n"), ("workload",)),
    "law": (scenario("law: uniform", "law: unifrom"), ("unifrom", "uniform")),
    "law upside down": (scenario("low: 1s, high: 2s", "low: 3s, high: 2s"), ("workload.classes[0].duration",)),
    "law without an end": (scenario("low: 1s, high: 2s", "low: 1s"), ("workload.classes[0].duration",)),
    "negative length": (scenario("{law: uniform, low: 1s, high: 2s}", "-3"), ("workload.classes[0].duration", "-3")),
    "content type": (scenario("      content_type: image", "      content_type: movie"), ("workload.classes[0].content_type", "movie")),
    "engine of nobody": (scenario("      engine: sdxl", "      engine: sdxI"), ("sdxI", "sdxl")),
    "priority": (scenario("urgent: 0.1", "pressing: 0.1"), ("workload.classes[0].priority", "pressing")),
    "shares": (scenario("normal: 0.9", "normal: -0.9"), ("workload.classes[0].priority",)),
    "no contents": (scenario("contents: 20", "contents: 0"), ("workload.catalogue.contents", "0")),
    "half a content": (scenario("contents: 20", "contents: 20.5"), ("workload.catalogue.contents", "20.5")),
    "too many contents": (scenario("contents: 20", "contents: 1e30"), ("workload.catalogue.contents",)),
    "exponent": (scenario("exponent: 0.9", "exponent: -1"), ("workload.catalogue.popularity",)),
    # providers
    "no providers": (SCENARIO.partition("providers:")[0].encode() + b"providers: []\n", ("providers", "empty")),
    "providers of text": (SCENARIO.partition("providers:")[0].encode() + b"providers: gpu\n", ("providers", "gpu")),
    "a provider of text": (SCENARIO.partition("providers:")[0].encode() + b"providers: [gpu]\n", ("providers[0]", "gpu")),
    "two providers of one name": (scenario("sla:", "  - {name: gpu, serves: {content_type: audio}, price: {}}\nsla:"), ("'gpu'", "name")),
    "takes": (scenario("takes: list", "takes: many"), ("providers[0].api.takes", "many")),
    "no items": (scenario("max_items: 8", "max_items: 0"), ("providers[0].api.max_items", "0")),
    "per": (scenario("per: image,", "per: picture,"), ("providers[0].price.rates[0].per", "picture")),
    "price below 0": (scenario("usd: 0.04", "usd: -0.04"), ("providers[0].price.rates[0].usd", "-0.04")),
    "price of nan": (scenario("usd: 0.04", "usd: .nan"), ("providers[0].price.rates[0].usd", "finite")),
    "price beyond every ledger": (scenario("usd: 0.04", "usd: 1e15"), ("providers[0].price.rates[0].usd",)),
    "price in euros": (scenario("usd: 0.04", "usd: 0.04€"), ("providers[0].price.rates[0].usd", "0.04€")),
    "no price": (scenario("    price: {rates: [{per: image, usd: 0.04}]}\n", ""), ("price",)),
    "latency below 0": (scenario("setup: 2s", "setup: -2s"), ("providers[0].latency.setup", "-2s")),
    "limit of nothing": (scenario("calls: 100, per: 60s", "calls: 100"), ("providers[0].limits[0]",)),
    "limit per nothing": (scenario("per: 60s", "per: 0s"), ("providers[0].limits[0]",)),
    "limits of a mapping": (scenario("      - {calls: 100, per: 60s}", "      calls: 100"), ("providers[0].limits",)),
    # promises, settings, search
    "deadline": (scenario("deadline: 30s", "deadline: soon"), ("sla.normal.deadline", "soon")),
    "promise to nobody": (scenario("sla:\n  normal:", "sla:\n  vip:"), ("sla", "vip")),
    "penalty": (scenario("penalty: 0.1", "penalty: a dollar"), ("sla.normal.penalty", "a dollar")),
    "batch of 0": (scenario("max_batch_size: 8", "max_batch_size: 0"), ("config.batching.max_batch_size", "0")),
    "wait of true": (scenario("max_wait: 2s", "max_wait: true"), ("config.batching.max_wait", "true")),
    "ttl of a date": (scenario("ttl: 10min", "ttl: 2026-11-28"), ("config.cache.ttl", "2026-11-28")),
    "section": (scenario("  cache: {ttl", "  cash: {ttl"), ("config.cash", "cache")),
    "knob of nothing": (scenario("batching.max_wait: {choices", "batching.max_wiat: {choices"), ("batching.max_wiat", "max_wait")),
    "choices that are none": (scenario("choices: [0s, 1s]", "choices: []"), ("search",)),
    "a choice that means nothing": (scenario("choices: [0s, 1s]", "choices: [0s, soon]"), ("search", "soon")),
    "constraint": (scenario("search:", 'objective: {minimise: total_cost_usd, subject_to: ["fast enough"]}\nsearch:'), ("subject_to", "fast enough")),
    "constraint on no KPI": (scenario("search:", 'objective: {subject_to: ["n_calls >= 0", "n_cals <= 9"]}\nsearch:'), (
        "broken.yaml:29:42: objective.subject_to[1]: 'n_cals'", "try n_calls")),
    "no KPI": (scenario("search:", "objective: {minimize: total_cost}\nsearch:"), (
        "broken.yaml:29:13: objective.minimize: 'total_cost'", "try total_cost_usd")),
    "warm-up for ever": (scenario("horizon: 2min", "requests: 30\nwarmup: 9h"), ("broken.yaml:5:1: warmup: 32400 s leave nothing to count",)),
}  # fmt: skip


TRACES: Mapping[str, tuple[bytes | str, str, tuple[str, ...]]] = {
    # the file as such: what it holds, its format, words
    "empty": ("", "generic", ("empty", "header")),
    "blank": ("\n \n\n", "generic", ("empty",)),
    "header only": ("arrived_at,prompt\n", "generic", ("no rows",)),
    "binary": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "generic", ("binary",)),
    "zero bytes": (bytes(1000), "generic", ("binary",)),
    "zero bytes later on": (TRACE.encode() * 1 + b"7,image,sdxl,\0,2s,normal\n", "generic", ("binary",)),
    "UTF-16": (TRACE.encode("utf-16"), "generic", ("UTF-16", "saving it as UTF-8")),
    "UTF-16 without a mark": (TRACE.encode("utf-16-le"), "generic", ("binary",)),
    "UTF-32": (TRACE.encode("utf-32"), "generic", ("UTF-",)),
    "Latin-1": (TRACE.replace("cat 1", "dépêche").encode("latin-1"), "generic", ("not UTF-8", "try saving the file as UTF-8")),
    "Latin-1 in the header": (TRACE.replace("prompt", "prompté").encode("latin-1"), "generic", ("not UTF-8",)),
    "half UTF-8": (TRACE.encode() + b"7,image,sdxl,caf\xc3", "generic", ("not UTF-8",)),
    "mixed encodings": (TRACE.encode() + "7,é,,,,\n".encode() + "8,é,,,,\n".encode("cp1252"), "generic", ("not UTF-8", ":9:")),
    "cut gzip": (gzip.compress(TRACE.encode() * 100)[:-20], "generic", ("not a whole gzip file",)),
    "zip": (b"PK\x03\x04" + bytes(30), "generic", ("zip archive or a spreadsheet",)),
    "half a Parquet file": (b"PAR1" + bytes(40), "generic", ("not a whole Parquet file",)),
    "a scenario": (SCENARIO, "generic", ("column 'arrived_at'",)),
    "HTML": ("<!DOCTYPE html>\n<html><body>404</body></html>\n", "generic", ("no column 'arrived_at'",)),
    "JSON array": ('[{"arrived_at": 1}]', "generic", ("JSON array", "jq")),
    # columns
    "no instants": ("prompt,engine\ncat,e\n", "generic", ("no column 'arrived_at'", "try")),
    "instants of another name": ("timestamp,prompt\n1,cat\n", "generic", ("columns: {arrived_at: timestamp}",)),
    "no header": ("1,image\n2,image\n", "generic", ("no column 'arrived_at'",)),
    "a column twice": ("arrived_at,prompt,prompt\n1,a,b\n", "generic", ("occurs twice",)),
    "columns of another format": ("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,3,4\n", "generic", ("format: azure-llm",)),
    "lines of another format": ('{"timestamp": 0, "input_length": 1, "output_length": 1, "hash_ids": [1]}', "generic", ("format: mooncake",)),
    "not its format": (TRACE, "azure-llm", ("no column 'TIMESTAMP'",)),
    "not its format either": (TRACE, "litellm-spend-logs", ("no column 'startTime'",)),
    "nor this one": (TRACE, "openai-batch", ("no column 'custom_id'",)),
    "no client": (TRACE, "servegen", ("no client",)),
    "no such format": (TRACE, "azure", ("'azure' is not a format", "allowed: generic", "try azure-llm")),
    "a format of later": (TRACE, "journal", ("'journal' is not a format",)),
    # rows
    "short row": (TRACE + "7,image\n", "generic", (":8:", "2 cells")),
    "long row": (TRACE + "7,image,sdxl,cat,2s,normal,more\n", "generic", (":8:", "7 cells")),
    "other delimiter later on": (TRACE + "7;image;sdxl;cat;2s;normal\n", "generic", (":8:", "1 cells")),
    "open quote": (TRACE + '7,image,sdxl,"cat,2s,normal\n', "generic", (":8:", "no csv")),
    "no JSON": ('{"arrived_at": 1}\n{"arrived_at": 2,}\n', "generic", (":2:", "no JSON")),
    "another kind of JSON": ('{"arrived_at": 1}\n[1]\n', "generic", (":2:", "JSON list")),
    "NaN in JSON": ('{"arrived_at": 1}\n{"arrived_at": NaN}\n', "generic", (":2:", "NaN is not a finite number")),
    "Infinity in JSON": ('{"arrived_at": 1}\n{"arrived_at": Infinity}\n', "generic", (":2:", "Infinity is not a finite number")),
    "deep JSON": ('{"arrived_at": 1}\n' + '{"a": ' * 100_000 + "\n", "generic", (":2:",)),
    "a huge number in JSON": ('{"arrived_at": 1}\n{"arrived_at": ' + "9" * 5000 + "}\n", "generic", (":2:",)),
    # instants
    "no instant": (TRACE + ",image,sdxl,cat,2s,normal\n", "generic", (":8:", "'arrived_at'", "every row needs an instant")),
    "off": (TRACE + "off,image,sdxl,cat,2s,normal\n", "generic", (":8:", "'off' is not an instant")),
    "like a clock": (TRACE + "1:30,image,sdxl,cat,2s,normal\n", "generic", (":8:", "'1:30' is not an instant")),
    "before the start": (TRACE + "-1,image,sdxl,cat,2s,normal\n", "generic", (":8:", "'-1'", ">= 0")),
    "nan": (TRACE + "nan,image,sdxl,cat,2s,normal\n", "generic", (":8:", "'nan' is not an instant")),
    "inf": (TRACE + "inf,image,sdxl,cat,2s,normal\n", "generic", (":8:", "'inf' is not an instant")),
    "beyond floats": (TRACE + "1e999,image,sdxl,cat,2s,normal\n", "generic", (":8:", "'1e999'")),
    "beyond time": (TRACE + "1e40,image,sdxl,cat,2s,normal\n", "generic", (":8:", "'1e40'")),
    "two clocks": (TRACE + "2026-11-28,image,sdxl,cat,2s,normal\n", "generic", (":8:", "calendar stamp", "seconds from the start")),
    "no such day": ("arrived_at\n2026-02-30\n", "generic", (":2:", "'2026-02-30' is not an instant")),
    "a decimal comma": ('arrived_at\n"1,5"\n', "generic", (":2:", "'1,5' is not an instant")),
    # other cells
    "content type": (TRACE + "7,movie,sdxl,cat,2s,normal\n", "generic", (":8:", "'content_type'", "'movie'", "video, image, audio, text")),
    "duration": (TRACE + "7,image,sdxl,cat,long,normal\n", "generic", (":8:", "'duration'", "'long'")),
    "negative duration": (TRACE + "7,image,sdxl,cat,-2s,normal\n", "generic", (":8:", "'-2s' must be >= 0 s")),
    "priority": (TRACE + "7,image,sdxl,cat,2s,asap\n", "generic", (":8:", "'asap'", "1 (urgent)")),
    "units": ("arrived_at,units_in\n1,many\n", "generic", (":2:", "'units_in'", "'many' is not a number")),
    "endless units": ("arrived_at,units_out\n1,inf\n", "generic", (":2:", "'inf' must be a finite number")),
    "half a variant": ("arrived_at,variant\n1,0.5\n", "generic", (":2:", "'0.5' must be a whole number")),
    "flag": ("arrived_at,allow_reuse\n1,maybe\n", "generic", (":2:", "'maybe' is not true or false")),
    "cost": ("arrived_at,cost_usd\n1,-2\n", "generic", (":2:", "'-2' must be >= 0 dollars")),
    "status": ("arrived_at,status\n1,odd\n", "generic", (":2:", "'odd' does not say how the request ended")),
    "cached": ("arrived_at,cached\n1,half\n", "generic", (":2:", "'half' is not true or false")),
    "it ends before it starts": ("arrived_at,started_at,finished_at\n1,3,2\n", "generic", (":2:", "'finished_at'", "ends before it starts")),
    "outcomes on another clock": ("arrived_at,finished_at\n1,2026-11-28\n", "generic", (":2:", "'finished_at'", "not on the clock of the arrivals")),
    "an object for text": ('{"arrived_at": 1, "prompt": {}}', "sbsim", (":1:", "'prompt'", "is not text")),
    "milliseconds of text": ('{"timestamp": "0s", "input_length": 1, "output_length": 1, "hash_ids": [1]}', "mooncake", (":1:", "'timestamp'")),
    "no blocks": ('{"timestamp": 0, "input_length": 1, "output_length": 1, "hash_ids": "x"}', "mooncake", (":1:", "'hash_ids'")),
    "method": ('{"custom_id": "a", "method": "PUT", "url": "/v1/responses", "body": {}}', "openai-batch", (":1:", "'method'", "POST")),
    "spend": ('[{"startTime": "2026-11-28T10:00:00Z", "model": "m", "spend": "NaN"}]', "litellm-spend-logs", ("row 1", "'spend'")),
}  # fmt: skip
