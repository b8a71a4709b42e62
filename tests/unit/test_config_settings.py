"""The table of settings: contracts' defaults, units, bounds, and what can be done with a whole set."""

import math
import pickle

import pytest

from sbsim.config import SETTINGS, Config, find_setting, require_available
from sbsim.documents.fields import Choice, Flag, Quantity
from sbsim.errors import ScenarioError

DEFAULTS = {
    "batching.max_batch_size": 25, "batching.max_batch_cost": 500, "batching.max_batch_duration": 1800, "batching.similarity_threshold": 0.7,
    "batching.max_wait": 30, "batching.formation": "greedy", "batching.formation_effort": 1, "batching.sizing": "fixed", "batching.coalesce": True,
    "batching.late_join": True,
    "rate_limit.max_requests": 10, "rate_limit.time_window": 60, "rate_limit.batch_pacing_interval": 0.5, "rate_limit.concurrency": 8,
    "rate_limit.guard": 0.25,
    "cache.memory_size": 1000, "cache.memory_bytes": 256 * 2**20, "cache.ttl": 3600, "cache.policy": "lru", "cache.near_duplicates": False,
    "cache.near_duplicate_threshold": 0.8, "cache.near_duplicate_entries": 10000, "cache.redis_url": None, "cache.redis_ttl": None,
    "cache.cdn_url": None, "cache.cdn_ttl": None, "cache.fetch_timeout": 0.05, "cache.negative_ttl": 0,
    "queue.policy": "score", "queue.max_pending": 10000, "queue.on_full": "wait", "queue.on_deadline": "serve", "queue.ageing": 1800,
    "queue.initial_service_s": 60,
    "budget.limit": None, "budget.window": 86400, "budget.resets": "rolling", "budget.kind": "hard", "budget.reserve_urgent": 0,
    "budget.reserve_quantile": 1, "budget.windows": (), "budget.pacing": False, "budget.on_spent": "wait",
    "retry.max_attempts": 4, "retry.base": 1, "retry.cap": 60, "retry.call_timeout": 120, "retry.job_timeout": 1800, "retry.in_doubt": "hold",
    "routing.policy": "cheapest", "routing.batch_lane": "never", "routing.cooldown": 30, "routing.allowed_failures": 3,
    "content.store": None, "content.inline_max": 256 * 2**10, "content.max_bytes": 2 * 2**30, "content.secret": None,
    "shared.on_loss": "share", "journal.path": None, "journal.retention": 30 * 86400, "journal.keep_prompts": False,
}  # fmt: skip
"""The table of contracts.md section 2, row by row."""


def test_defaults_are_those_of_the_contract():
    """Every row has its setting, and every setting outside the documented extras its row."""
    config = Config()
    assert {path: config.get(path) for path in DEFAULTS} == DEFAULTS
    extra = {path.partition(".")[0] for path in SETTINGS if path not in DEFAULTS}
    assert extra == {"similarity", "fingerprint", "controller"}
    assert sum(config.get(path) for path in SETTINGS if path.startswith("similarity.")) == pytest.approx(1)


def test_every_setting_is_described_and_reads_its_own_default():
    """One line of words, and a default that its kind allows (what is read twice is unchanged)."""
    for known in SETTINGS.values():
        assert known.doc.endswith((".", ")")), known.path
        assert known.read(known.default) == known.default or known.default is None, known.path
        if isinstance(known.kind, Quantity) and known.kind.what in ("duration", "money", "size"):
            assert known.unit, known.path


@pytest.mark.parametrize("path", [path for path, known in SETTINGS.items() if isinstance(known.kind, (Quantity, Choice, Flag))])
def test_every_setting_refuses_what_is_beside_its_kind(path):
    """A boolean is never a number, text no number, NaN nothing, an unknown word no choice; the message begins with the path."""
    for wrong in (True, math.nan, -math.inf, "010", [1], {}) if isinstance(SETTINGS[path].kind, Quantity) else (1, "maybe", None, []):
        with pytest.raises(ScenarioError) as error:
            Config().with_values({path: wrong})
        assert str(error.value).startswith(f"config: {path}: "), wrong


@pytest.mark.parametrize(("path", "given", "value"), [
    ("batching.max_wait", "100h", 360000), ("batching.max_batch_size", 1e6, 1_000_000), ("batching.max_batch_size", 10**12, 10**12),
    ("batching.max_batch_cost", "$12.50", 12.5), ("batching.max_batch_cost", "none", None), ("batching.max_batch_duration", None, None),
    ("rate_limit.max_requests", "none", None), ("rate_limit.batch_pacing_interval", 0, 0), ("rate_limit.guard", 0, 0), ("cache.memory_size", 0, 0),
    ("cache.memory_bytes", "20MB", 20e6), ("cache.ttl", "none", None), ("queue.ageing", "1 per 30min", 1800), ("queue.ageing", "2 per 1h", 1800),
    ("queue.ageing", "10min", 600), ("budget.limit", 0, 0), ("budget.reserve_urgent", 1, 1), ("batching.max_wait", 0, 0),
])  # fmt: skip
def test_bounds_are_of_meaning(path, given, value):
    """What can be meant is allowed: switching off with 0 or none, hours of waiting, a million items."""
    assert Config().with_values({path: given}).get(path) == value


@pytest.mark.parametrize(("path", "given"), [
    ("batching.max_batch_size", 0), ("batching.max_batch_size", 10**12 + 1), ("batching.max_wait", "none"), ("batching.similarity_threshold", 95),
    ("cache.near_duplicate_threshold", 0.49), ("rate_limit.concurrency", 0), ("retry.max_attempts", 0), ("retry.call_timeout", 0),
    ("queue.ageing", 0), ("queue.ageing", "0 per 1h"), ("budget.resets", "0:00 UTC"), ("budget.resets", "24:00 UTC"), ("budget.windows", [{}]),
    ("rate_limit.time_window", "none"), ("cache.redis_url", ""), ("similarity.style_weight", -1),
])  # fmt: skip
def test_what_means_nothing_is_refused(path, given):
    """Nothing is rounded, clipped or ignored."""
    with pytest.raises(ScenarioError, match=f"config: {path}"):
        Config().with_values({path: given})


@pytest.mark.parametrize(("path", "given"), [
    ("cache.redis_url", "redis://me:s3cret@host:6379/0"), ("cache.redis_url", "redis://:s3cret@host"), ("cache.redis_url", "redis://s3cret@host"),
    ("cache.cdn_url", "https://me:${KEY}s3cret@cdn.example/x"), ("content.secret", "s3cret"),
])  # fmt: skip
def test_a_password_in_the_open_is_refused_and_not_repeated(path, given):
    """Settings are printed, journalled and exported: a secret among them is a reference, and even the refusal does not tell it."""
    with pytest.raises(ScenarioError, match=r"a password in the open .* allowed: \$\{NAME\}") as refused:
        Config().with_values({path: given})
    assert "s3cret" not in str(refused.value)
    for allowed in ("${NAME}", None) if path == "content.secret" else ("${NAME}", "redis://me:${KEY}@host", "redis://host:6379/0", None):
        assert Config().with_values({path: allowed}).get(path) == allowed


@pytest.mark.parametrize("window", ["7h", "25h", "36h", "500s", "0.7s"])
def test_a_calendar_window_begins_at_its_time_of_day(window):
    """A window that neither divides a day nor is whole days would begin at the stated time on some days only; a rolling one may have any width."""
    told = r"window: .* s do not divide a day and are no whole days, so no time of day always begins a window; try 24h, or resets: rolling"
    for place, given in (("budget", {"budget.window": window, "budget.resets": "13:37 UTC"}), (
        r"budget\.windows\[1\]", {"budget.windows": [{"limit": 1}, {"limit": 1, "window": window, "resets": "13:37 UTC"}]}
    )):  # fmt: skip
        with pytest.raises(ScenarioError, match=rf"config: {place}\.{told}"):
            Config().with_values(given)
    assert Config().with_values({"budget.window": window, "budget.windows": [{"limit": 1, "window": window}]}).budget.resets == "rolling"


@pytest.mark.parametrize("window", ["10s", "1h", "24h", "48h", "7d"])
def test_a_calendar_window_of_parts_of_a_day_or_of_whole_days_begins_there(window):
    """Counted from that time of day on 1970-01-01 every window begins at it, or one of every day does."""
    (one,) = Config().with_values({"budget.limit": 1, "budget.window": window, "budget.resets": "13:37 UTC"}).budget.in_force
    since_1970_s = 20_000 * 86400.0
    first_at = since_1970_s + one.offset_s(since_1970_s)
    times_of_day = [(first_at + k * one.window) % 86400 for k in range(2 * max(1, int(86400 / one.window)))]
    assert times_of_day.count((13 * 60 + 37) * 60) == 2


def test_unknown_settings_name_the_nearest():
    """A wrong name within a section, a wrong section, and no section at all."""
    for path, told in [
        ("batching.max_wat", "try batching.max_wait"),
        ("bathing.max_wait", "try batching.max_wait"),
        ("max_wait", "try batching.max_wait"),
    ]:
        with pytest.raises(ScenarioError, match=told):
            Config().with_values({path: 1})
        with pytest.raises(ScenarioError, match=told):
            find_setting(path)


def test_weights_of_similarity_cannot_all_be_zero():
    """Likeness of nothing is no likeness."""
    with pytest.raises(ScenarioError, match="add up to 0"):
        Config.from_values({f"similarity.{name}_weight": 0 for name in ("engine", "resolution", "duration", "style")})


def test_our_own_window_depends_on_what_providers_declare():
    """Left open: 10 a minute where no provider declares limits, none where one does; stated (in any part) it stands."""
    assert (Config().resolved(False).rate_limit.max_requests, Config().resolved(True).rate_limit.max_requests) == (10, None)
    assert Config.from_values({"rate_limit.max_requests": 50}).resolved(True).rate_limit.max_requests == 50
    half = Config.from_values({"rate_limit.time_window": "30s"}).resolved(True).rate_limit
    assert (half.max_requests, half.time_window) == (10, 30)
    resolved = Config().resolved(True)
    assert resolved.resolved(False) == resolved
    assert Config.from_values(flat(resolved)).resolved(False) == resolved


def flat(config):
    return {f"{section}.{name}": value for section, values in config.to_plain().items() for name, value in values.items()}


def test_an_open_window_stays_open_through_other_changes():
    """Changing another setting does not decide it; plain values leave it out."""
    config = Config().with_values({"batching.max_wait": 5, "rate_limit.guard": 0})
    assert config.rate_limit.is_unset
    assert "max_requests" not in config.to_plain()["rate_limit"]
    assert config.resolved(True).rate_limit.max_requests is None


def test_plain_values_are_the_whole_config():
    """to_plain is read back to the same settings; copies by value survive pickling; differences name path and both values."""
    config = Config.from_values({"batching.max_wait": "10min", "budget.limit": 5, "rate_limit.max_requests": None, "budget.windows": [{"limit": 3}]})
    assert Config.from_values(flat(config)) == config
    assert pickle.loads(pickle.dumps(config)) == config
    assert config.differences(config) == {}
    assert Config().differences(Config().with_values({"cache.ttl": 5})) == {"cache.ttl": (3600, 5)}
    with pytest.raises(ValueError, match="frozen"):
        config.batching.max_wait = 3


def _another(known):
    """Some allowed value of a setting that is not its default."""
    for value in (True, 7, 0.6, "${NAME}", "00:00 UTC", "stop", [{"limit": 1}]):
        try:
            if known.read(value) != known.default:
                return value
        except ValueError:
            continue
    raise AssertionError(known.path)


@pytest.mark.parametrize("path", [path for path, known in SETTINGS.items() if known.part])
def test_a_setting_of_a_later_part_is_refused_once_it_is_used(path):
    """Its default passes; anything else is valid but refused by the name of its part."""
    known = SETTINGS[path]
    require_available(Config())
    changed = Config().with_values({path: _another(known)})
    with pytest.raises(ScenarioError, match=f"config: {path}: .* comes with part {known.part}; allowed now: "):
        require_available(changed)
