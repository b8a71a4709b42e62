"""Settings that do nothing while another one is as it is: each with the settings that bring it to life.

The table is about what a run does; it knows nothing of traffic and providers, and lists nothing whose effect depends on them. A test holds every row:
with the switch off, no value of the setting changes a KPI. (By `queue.ageing` the count of starved calls is measured under every policy; what is
sent, and when, depends on it under "score" alone.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sbsim.config.config import SETTINGS, Config

Switch = Callable[[Config], bool]
"""Whether a setting can do anything with these settings."""


def _batches(config: Config) -> bool:
    return config.batching.max_batch_size > 1 or config.controller.enabled


def _keeps(config: Config) -> bool:
    return config.cache.memory_size > 0  # of no bytes there are still references, which weigh nothing


def _looks_for_near(config: Config) -> bool:
    return _keeps(config) or config.controller.enabled  # which moves the threshold, and counts that as a move


def _finds_near(config: Config) -> bool:
    return config.cache.near_duplicates and _looks_for_near(config)


def _asks_tiers(config: Config) -> bool:
    return config.cache.redis_url is not None or config.cache.cdn_url is not None


def _ages_by_ttl(config: Config) -> bool:
    """Whether the memory tier, or a lower one without a TTL of its own, keeps anything."""
    cache = config.cache
    return _keeps(config) or (cache.redis_url is not None and cache.redis_ttl is None) or (cache.cdn_url is not None and cache.cdn_ttl is None)


SWITCHES: Mapping[str, Switch] = {
    "batching.similarity_threshold": _batches,
    "batching.sizing": _batches,
    "batching.late_join": _batches,
    "batching.formation": lambda config: config.batching.late_join,
    "batching.formation_effort": lambda config: config.batching.forms_anew,
    "rate_limit.time_window": lambda config: config.rate_limit.max_requests is not None,
    "cache.memory_bytes": lambda config: config.cache.memory_size > 0,
    "cache.ttl": _ages_by_ttl,
    "cache.policy": _keeps,
    "cache.near_duplicates": _looks_for_near,
    "cache.near_duplicate_threshold": _finds_near,
    "cache.near_duplicate_entries": _finds_near,
    "cache.redis_ttl": lambda config: config.cache.redis_url is not None,
    "cache.cdn_ttl": lambda config: config.cache.cdn_url is not None,
    "cache.fetch_timeout": _asks_tiers,
    "queue.ageing": lambda config: config.queue.policy == "score",
    "budget.window": lambda config: config.budget.limit is not None,
    "budget.resets": lambda config: config.budget.limit is not None,
    "budget.kind": lambda config: config.budget.limit is not None,
    "budget.reserve_urgent": lambda config: bool(config.budget.in_force),
    "budget.reserve_quantile": lambda config: any(window.kind == "soft" for window in config.budget.in_force),
    "budget.pacing": lambda config: bool(config.budget.in_force),
    "budget.on_spent": lambda config: bool(config.budget.in_force),
    "retry.base": lambda config: config.retry.max_attempts > 1,
    "retry.cap": lambda config: config.retry.max_attempts > 1,
    **{path: lambda config: config.controller.enabled for path in SETTINGS if path.startswith("controller.") and path != "controller.enabled"},
}
"""path -> its switch; a setting that is not listed may always do something."""


def is_inert(path: str, config: Config) -> bool:
    """Whether no value of the setting at `path` would make a difference in `config`."""
    switch = SWITCHES.get(path)
    return switch is not None and not switch(config)
