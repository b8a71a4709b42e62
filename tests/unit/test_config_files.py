"""Files and environments that carry settings: every format says the same, and each says where it is wrong."""

import json

import pytest
import yaml

from sbsim.config import SETTINGS, Config, from_environment, load, to_environment
from sbsim.config.environment import DIVIDED
from sbsim.errors import ScenarioError
from sbsim.scenario.instances import share_of

CONFIG = Config.from_values({
    "batching.max_wait": "10min", "batching.max_batch_size": 7, "rate_limit.max_requests": None, "cache.ttl": 0.125, "budget.limit": 1234.5,
    "batching.coalesce": False, "queue.policy": "strict", "retry.base": 1e-5, "cache.memory_bytes": "none",
})  # fmt: skip


def _toml(plain):
    lines = []
    for section, values in plain.items():
        lines.append(f"[{section}]")
        lines += [f"{name} = {json.dumps('none' if value is None else value)}" for name, value in values.items()]
    return "\n".join(lines)


def _env(config):
    return "\n".join(f"{SETTINGS[path].environment}={to_environment(path, config.get(path))}" for path in SETTINGS if SETTINGS[path].environment)


WRITERS = {
    "x.yaml": lambda c: yaml.safe_dump(c.to_plain()),
    "x.yml": lambda c: yaml.safe_dump({"name": "other keys are not read", "config": c.to_plain(), "objective": {"minimise": 3}}),
    "x.json": lambda c: json.dumps({"config": c.to_plain()}),
    "bare.json": lambda c: json.dumps(c.to_plain()),
    "x.toml": lambda c: _toml(c.to_plain()),
    "x.env": _env,
    ".env": lambda c: "# comment\n\nOTHER=1\n" + "\n".join(f"export {line}" for line in _env(c).splitlines()),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_is_read_back_to_the_same_settings(tmp_path, name):
    """YAML, JSON, TOML and .env say the same, bare or under `config`; an environment has every scalar setting."""
    file = tmp_path / name
    file.write_text(WRITERS[name](CONFIG))
    assert load(file).config == CONFIG


def test_a_file_knows_what_it_says_and_what_it_leaves_out(tmp_path):
    """`values` holds the settings named, in base units, so that a later file changes no others."""
    file = tmp_path / "x.yaml"
    file.write_text("batching: {max_wait: 10min}\ncache:\n")
    assert load(file).values == {"batching.max_wait": 600}
    file.write_text("config: {}\nproviders: [1]\nsla: {urgent: {}}\n")
    read = load(file)
    assert (read.values, read.providers, read.sla) == ({}, [1], {"urgent": {}})


@pytest.mark.parametrize(("name", "text", "told"), [
    ("x.yaml", "batching:\n  max_wat: 3", "x.yaml:2:3: batching.max_wat: unknown key"),
    ("x.yaml", "config:\n  batching: {max_wait: -3}", "x.yaml:2:14: config.batching.max_wait: -3 must be >= 0 s"),
    ("x.yaml", "batchin: {}", "x.yaml:1:1: batchin: unknown key; allowed: batching, rate_limit, cache"),
    ("x.yaml", "[1]", "settings are a mapping"),
    ("x.yaml", "batching: 3", "x.yaml:1:1: batching: 3 is not a mapping; allowed keys: max_batch_size"),
    ("x.json", '{"batching": {"max_wait": 1, "max_wait": 2}}', "max_wait: given twice"),
    ("x.json", '{"batching": {"max_wait": NaN}}', "NaN is not a finite number"),
    ("x.json", '{"batching": ', "x.json:1:14: not JSON"),
    ("x.json", '{"a": ' * 30 + "1" + "}" * 30, "nested more than 20 deep"),
    ("x.json", "[" * 5000 + "]" * 5000, "nested"),
    ("x.toml", "[batching]\nmax_wait = inf", "inf is not a finite number"),
    ("x.toml", "[batching]\nmax_wait = 2026-11-23", "'2026-11-23' is not a duration"),
    ("x.toml", "[batching\n", "not TOML"),
    ("x.env", "SMART_BATCHER_BATCHING_MAX_WAIT", "x.env:1:1: 'SMART_BATCHER_BATCHING_MAX_WAIT' is not NAME=value"),
    ("x.env", "A=1\nA=2", "x.env:2:1: A: given twice"),
    ("x.env", "SMART_BATCHER_BATCHING_MAX_WAT=1", "no such setting; try SMART_BATCHER_BATCHING_MAX_WAIT"),
    ("x.env", "SMART_BATCHER_INSTANCE=4", "no such setting; try SMART_BATCHER_INSTANCES"),
    ("x.env", "SMART_BATCHER_INSTANCES=0", "x.env: SMART_BATCHER_INSTANCES: 0 must be"),
    ("x.env", "SMART_BATCHER_INSTANCES=none", "x.env: SMART_BATCHER_INSTANCES: none is not"),
    ("x.env", "SMART_BATCHER_WHOLE_BUDGET_LIMIT=40", "SMART_BATCHER_WHOLE_BUDGET_LIMIT: a whole, and nothing says of how many instances; try"),
    ("x.env", "SMART_BATCHER_INSTANCES=4\nSMART_BATCHER_WHOLE_BUDGET_LIMIT=-1", "SMART_BATCHER_WHOLE_BUDGET_LIMIT: -1 must be"),
    ("x.yaml", "config: {}\nwhole: {budget.limit: 3}", "x.yaml: instances: none is not"),
    ("x.yaml", "config: {}\nwhole: [3]\ninstances: 4", "x.yaml:2:1: whole: settings by path"),
    ("x.ini", "", ".ini is not one of .yaml, .yml, .json, .toml, .env"),
])  # fmt: skip
def test_a_broken_file_says_where(tmp_path, name, text, told):
    """One message with the file, and line and column where the format has them."""
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(ScenarioError) as error:
        load(file)
    assert told in str(error.value)
    assert str(error.value).startswith(str(file))


@pytest.mark.parametrize("name", ["x.yaml", "x.json", "x.toml", "x.env"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    """Absent, too large, or not text."""
    file = tmp_path / name
    with pytest.raises(ScenarioError, match="cannot be read: No such file"):
        load(file)
    file.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(ScenarioError, match="1 MiB"):
        load(file)
    file.write_bytes(b"\xff")
    with pytest.raises(ScenarioError, match="not UTF-8"):
        load(file)


def test_a_share_is_read_with_the_whole_beside_it(tmp_path):
    """`values` are those of one instance in every format; `values_of_all` are what the instances have together."""
    shares = {
        "x.yaml": "instances: 4\nwhole: {budget.limit: 41}\nconfig: {budget: {limit: 10, window: 1h}}\n",
        "x.json": '{"instances": 4, "whole": {"budget.limit": 41}, "config": {"budget": {"limit": 10, "window": "1h"}}}',
        "x.toml": 'instances = 4\n[whole]\n"budget.limit" = 41\n[config.budget]\nlimit = 10\nwindow = "1h"\n',
        "x.env": "SMART_BATCHER_INSTANCES=4\nSMART_BATCHER_WHOLE_BUDGET_LIMIT=41\nSMART_BATCHER_BUDGET_LIMIT=10\nSMART_BATCHER_BUDGET_WINDOW=1h\n",
    }
    for name, text in shares.items():
        (tmp_path / name).write_text(text)
        read = load(tmp_path / name)
        assert (read.instances, read.whole, read.config.budget.limit) == (4, {"budget.limit": 41}, 10)
        assert read.values == {"budget.limit": 10, "budget.window": 3600}
        assert read.values_of_all == {"budget.limit": 41, "budget.window": 3600}


# -- environments ----------------------------------------------------------------------------------------------------------
def test_names_of_the_environment_follow_from_paths():
    """SMART_BATCHER_<SECTION>_<SETTING>, all different, and the classic aliases of the contract."""
    names = [known.environment for known in SETTINGS.values() if known.environment]
    assert len(set(names)) == len(names)
    assert SETTINGS["cache.near_duplicates"].environment == "SMART_BATCHER_CACHE_NEAR_DUPLICATES"
    assert SETTINGS["budget.windows"].environment is None
    assert {known.alias: path for path, known in SETTINGS.items() if known.alias} == {
        "SMART_BATCHER_MAX_SIZE": "batching.max_batch_size",
        "SMART_BATCHER_MAX_COST": "batching.max_batch_cost",
        "SMART_BATCHER_SIMILARITY_THRESHOLD": "batching.similarity_threshold",
        "RATE_LIMIT_MAX_REQUESTS": "rate_limit.max_requests",
        "RATE_LIMIT_TIME_WINDOW": "rate_limit.time_window",
        "CACHE_MEMORY_SIZE": "cache.memory_size",
    }


def test_variables_are_read_in_base_units_or_with_suffix():
    """Text of any other variable is none of ours; an alias counts as the setting; both saying the same is no conflict."""
    variables = {
        "PATH": "/bin", "RATE_LIMIT_MAX_REQUESTS": "none", "SMART_BATCHER_BATCHING_MAX_WAIT": " 10min ", "SMART_BATCHER_MAX_SIZE": "7",
        "SMART_BATCHER_BATCHING_MAX_BATCH_SIZE": "7", "SMART_BATCHER_BATCHING_COALESCE": "false", "SMART_BATCHER_JOURNAL_PATH": "123",
        "SMART_BATCHER_QUEUE_POLICY": "fifo", "SMART_BATCHER_CACHE_MEMORY_BYTES": "20MB", "SMART_BATCHER_CACHE_REDIS_URL": "${REDIS}",
    }  # fmt: skip
    assert from_environment(variables) == {
        "rate_limit.max_requests": None, "batching.max_wait": 600, "batching.max_batch_size": 7, "batching.coalesce": False, "journal.path": "123",
        "queue.policy": "fifo", "cache.memory_bytes": 20e6, "cache.redis_url": "${REDIS}",
    }  # fmt: skip


@pytest.mark.parametrize(("variables", "told"), [
    ({"SMART_BATCHER_BATCHING_MAX_SIZ": "7"}, "no such setting; try SMART_BATCHER_"),
    ({"SMART_BATCHER_MAX_SIZE": "7", "SMART_BATCHER_BATCHING_MAX_BATCH_SIZE": "8"}, "are one setting, batching.max_batch_size; try removing one"),
    ({"SMART_BATCHER_MAX_SIZE": "010"}, "environment: SMART_BATCHER_MAX_SIZE: '010' is not a number"),
    ({"SMART_BATCHER_MAX_SIZE": ""}, "SMART_BATCHER_MAX_SIZE: none is not allowed here"),
    ({"SMART_BATCHER_MAX_SIZE": ".inf"}, "SMART_BATCHER_MAX_SIZE: .inf is not a finite number"),
    ({"SMART_BATCHER_BATCHING_COALESCE": "off"}, "'off' is not true or false; try false"),
    ({"SMART_BATCHER_BATCHING_MAX_WAIT": "soon"}, "SMART_BATCHER_BATCHING_MAX_WAIT: 'soon' is not a duration"),
    ({"CACHE_MEMORY_SIZE": "-1"}, "CACHE_MEMORY_SIZE: -1 must be >= 0"),
])  # fmt: skip
def test_a_wrong_variable_is_named(variables, told):
    """The variable, its value, and what is allowed or near."""
    with pytest.raises(ScenarioError) as error:
        from_environment(variables)
    assert told in str(error.value)


@pytest.mark.parametrize("path", ["1", "batching.max_wait", "budget.window"])
def test_a_whole_of_what_is_not_divided_is_refused(tmp_path, path):
    """A file of one of several instances says the whole of divided settings and of no other."""
    file = tmp_path / "one.yaml"
    file.write_text(f"instances: 4\nwhole: {{{path}: 3}}\nconfig: {{batching: {{max_wait: 9}}}}\n")
    with pytest.raises(ScenarioError, match=r"is not divided among instances; allowed: rate_limit\.max_requests, "):
        load(file)


def test_the_settings_that_are_divided_are_those_that_may_have_a_whole():
    """What one of two instances has less of, with every limit set, is the table by which files are read."""
    every = {"rate_limit.max_requests": 10, "rate_limit.concurrency": 10, "budget.limit": 10.0, "budget.windows": [{"limit": 10, "window": 60}]}
    config = Config.from_values(every).resolved(False)
    assert {path.partition("[")[0] for path in config.changes(share_of(config, (), 2)[0])} == set(DIVIDED)
