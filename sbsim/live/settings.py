"""Settings of a running batcher, and where each came from: argument > environment > file > default."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import inf, nan
from numbers import Real
from typing import Any, Protocol

from sbsim.components.controller import Seen
from sbsim.config import SETTINGS, Config, SettingsFile, find_setting, from_environment, require_available
from sbsim.documents.faults import nearest, one_of, shown
from sbsim.errors import ScenarioError

_BY_NAME = "argument"
_WHERE = "optimize_configuration: recent_metrics"
_BOUNDS = {
    "sla_compliance": (0.0, 1.0),
    "close_share": (0.0, 1.0),
    "attempt_error_rate": (0.0, 1.0),
    "average_batch_size": (0.0, inf),
    "full_share": (0.0, 1.0),
    "batch_saving": (-inf, 1.0),
    "cache_hit_ratio": (0.0, 1.0),
    "near_duplicate_hit_ratio": (0.0, 1.0),
}
"""Metrics that the controller reads, and between what they are."""


class _Unset:
    """Stands for an argument that was not given."""

    def __repr__(self) -> str:
        return "as set elsewhere"


UNSET: Any = _Unset()


class _Configurable(Protocol):
    """What has settings that can change; a batcher."""

    @property
    def config(self) -> Config: ...

    def update(self, change: Config | Mapping[str, Any]) -> None: ...


class LiveSetting:
    """A setting as an attribute: read, or assigned at run time."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __get__(self, batcher: _Configurable | None, owner: type) -> Any:
        return self if batcher is None else batcher.config.get(self._path)

    def __set__(self, batcher: _Configurable, value: Any) -> None:
        batcher.update({self._path: value})


class LiveSettings:
    """What holds now.

    Parameters
    ----------
    arguments : path -> value given in code. config : a whole set given in code; where it differs from the defaults it counts as arguments.
    environment : variables; other names than ours are ignored. file : what a file said.
    providers_declare_limits : decides our own window of calls where nobody set it (see `Config.resolved`).

    Attributes
    ----------
    config : resolved settings.

    Raises
    ------
    ScenarioError
        When a setting means nothing, or waits for a later part.
    """

    def __init__(
        self,
        arguments: Mapping[str, Any],
        *,
        config: Config | None = None,
        environment: Mapping[str, str] | None = None,
        file: SettingsFile | None = None,
        providers_declare_limits: bool = False,
    ) -> None:
        self._declares_limits = providers_declare_limits
        self.sources: dict[str, str] = {}
        values: dict[str, Any] = {}
        if file is not None:
            self._take(values, file.values, f"file {file.source}")
        for path, value in from_environment(environment or {}).items():
            known = SETTINGS[path]
            name = known.alias if known.alias in (environment or {}) else known.environment
            self._take(values, {path: value}, f"environment {name}")
        if config is not None:
            self._take(values, {path: mine for path, (mine, _) in config.differences(Config()).items()}, _BY_NAME)
            if not config.rate_limit.is_unset:
                self._take(values, {path: config.get(path) for path in ("rate_limit.max_requests", "rate_limit.time_window")}, _BY_NAME)
        self._take(values, arguments, _BY_NAME)
        self.config = self._resolved(Config.from_values(values, "SmartBatcher"))

    def changed(self, change: Config | Mapping[str, Any]) -> Config:
        """The settings with a change made: a whole set, or a mapping of sections, or of paths. Raises ScenarioError."""
        if isinstance(change, Config):
            return self._resolved(change)
        return self._resolved(self.config.with_values(flat(change, "update"), "update"))

    def follow(self, config: Config, source: str = _BY_NAME) -> None:
        """These hold from now on; what differs came from `source`."""
        for path in self.config.differences(config):
            self.sources[path] = source
        self.config = config

    def explain(self) -> dict[str, dict[str, Any]]:
        """path -> {"value", "source"} of every setting."""
        return {path: {"value": self.config.get(path), "source": self.sources.get(path, "default")} for path in SETTINGS}

    def _take(self, values: dict[str, Any], given: Mapping[str, Any], source: str) -> None:
        for path, value in given.items():
            values[path] = [each.model_dump() for each in value] if isinstance(value, tuple) else value
            self.sources[path] = source

    def _resolved(self, config: Config) -> Config:
        require_available(config)
        return config.resolved(self._declares_limits)


def flat(change: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Paths and values of {"rate_limit": {"max_requests": None}} or {"rate_limit.max_requests": None}. Raises ScenarioError."""
    if not isinstance(change, Mapping):
        raise ScenarioError(f"{where}: {shown(change)} is no mapping of settings; try {{'batching.max_wait': 5.0}}")
    values: dict[str, Any] = {}
    for key, value in change.items():
        if key in SETTINGS or not isinstance(value, Mapping):
            if key in Config.model_fields:
                raise ScenarioError(f"{where}: {key}: {value!r} is not a mapping of settings; try {{{key!r}: {{…}}}}")
            values[find_setting(str(key), where).path] = value
        elif key not in Config.model_fields:
            raise ScenarioError(f"{where}: {key}: no such group of settings; allowed: {one_of(Config.model_fields)}")
        else:
            values.update({find_setting(f"{key}.{name}", where).path: inner for name, inner in value.items()})
    return values


def observed(metrics: Mapping[str, Any], known: Collection[str]) -> Seen | None:
    """What the controller looks at, by the names of `SmartBatcher.get_performance_metrics`, all of which are `known`; None: there is nothing to see.

    Raises
    ------
    ScenarioError
        When it is no mapping, a name is none of them, or a value is not what its name says.
    """
    if not isinstance(metrics, Mapping):
        raise ScenarioError(f"{_WHERE}: {shown(metrics)} is not a mapping of metrics; try {{'sla_compliance': 0.9}}, or None for what was observed")
    for name in metrics:
        if name not in known:
            raise ScenarioError(f"{_WHERE}: {shown(name)}: no such metric; allowed: {one_of(sorted(known))}{nearest(name, known)}")
    metrics = {name: value for name, value in metrics.items() if value is not None}
    for name, value in metrics.items():
        low, high = _BOUNDS.get(name, (-inf, inf))
        number = float(value) if not isinstance(value, bool) and isinstance(value, Real) else nan
        if not low <= number <= high or abs(number) == inf:
            raise ScenarioError(f"{_WHERE}: {name}: {shown(value)} is not a finite number from {low:g} to {high:g}; try leaving it out")
    if metrics.keys().isdisjoint(_BOUNDS) or metrics.get("n_requests") == 0:  # shares of no requests say nothing
        return None
    return Seen(
        late=1.0 - metrics.get("sla_compliance", 1.0),
        close=metrics.get("close_share", 0.0),
        errors=metrics.get("attempt_error_rate", 0.0),
        mean_size=metrics.get("average_batch_size", 1.0),
        full=metrics.get("full_share", 0.0),
        saving=metrics.get("batch_saving"),
        reused=metrics.get("cache_hit_ratio", 0.0) + metrics.get("near_duplicate_hit_ratio", 0.0),
    )
