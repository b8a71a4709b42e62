"""`Config`: a whole set of settings, and what can be done with one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Self

from pydantic import Field, ValidationError

from sbsim.config import sections
from sbsim.config.setting import Setting
from sbsim.documents.faults import at, nearest, one_of, refusal
from sbsim.documents.model import Model
from sbsim.documents.origin import Origins, Path
from sbsim.errors import ScenarioError

_PART = re.compile(r"(\w+)\.(\w+)(?:\[(\d+)\]\.(\w+))?")
"""A setting, or a field of an entry where it is a list: `budget.windows[0].limit`."""


def _section(made: type[Any]) -> Any:
    return Field(default_factory=made, description=(made.__doc__ or "").split("\n")[0])


class Config(Model):
    """Every setting, validated, in base units. Immutable: `with_values` makes another."""

    batching: sections.Batching = _section(sections.Batching)
    rate_limit: sections.RateLimit = _section(sections.RateLimit)
    cache: sections.Cache = _section(sections.Cache)
    queue: sections.Queue = _section(sections.Queue)
    budget: sections.Budget = _section(sections.Budget)
    retry: sections.Retry = _section(sections.Retry)
    routing: sections.Routing = _section(sections.Routing)
    content: sections.Content = _section(sections.Content)
    shared: sections.Shared = _section(sections.Shared)
    journal: sections.Journal = _section(sections.Journal)
    similarity: sections.Similarity = _section(sections.Similarity)
    fingerprint: sections.Fingerprint = _section(sections.Fingerprint)
    controller: sections.Controller = _section(sections.Controller)

    @classmethod
    def from_values(cls, values: Mapping[str, Any], where: str = "config") -> Self:
        """Defaults with the settings of `values` (path -> value as files give it). Raises ScenarioError."""
        return cls._from_nested(_nested(values, {}, where), where)

    def with_values(self, values: Mapping[str, Any], where: str = "config") -> Config:
        """These settings with those of `values` (path -> value) in their place. Raises ScenarioError naming the nearest path."""
        return Config._from_nested(_nested(values, self.to_plain(), where), where)

    def get(self, path: str) -> Any:
        """The value of the setting at `path`, such as "batching.max_wait". Raises ScenarioError."""
        section, name, position, field = _parts(find_setting(path).path)
        value = getattr(getattr(self, section), name)
        return value if field is None else getattr(_entry(value, position, path), field)

    def differences(self, other: Config) -> dict[str, tuple[Any, Any]]:
        """path -> (value here, value there) of the settings that differ."""
        pairs = {path: (self.get(path), other.get(path)) for path in SETTINGS}
        return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}

    def changes(self, other: Config) -> dict[str, tuple[Any, Any]]:
        """The same as plain values, lists of equal length taken apart: `budget.windows[0].limit`."""
        changes: dict[str, tuple[Any, Any]] = {}
        for path, (here, there) in self.differences(other).items():
            if isinstance(here, tuple) and len(here) == len(there):
                fields = [f"{path}[{k}].{name}" for k, entry in enumerate(here) for name in type(entry).model_fields]
                pairs = {each: (self.get(each), other.get(each)) for each in fields}
                changes |= {each: pair for each, pair in pairs.items() if pair[0] != pair[1]}
            else:
                changes[path] = plain_value(here), plain_value(there)
        return changes

    def resolved(self, providers_declare_limits: bool) -> Config:
        """Our own window of calls decided where it was left open: none where a provider declares limits, else the default. Idempotent."""
        if not self.rate_limit.is_unset:
            return self
        own = self.rate_limit.model_dump()
        own["max_requests"] = None if providers_declare_limits else SETTINGS["rate_limit.max_requests"].default
        return self.model_copy(update={"rate_limit": sections.RateLimit.model_validate(own)})

    def to_plain(self) -> dict[str, dict[str, Any]]:
        """Every setting as nested plain values in base units; what was left open (see `resolved`) is left out. `Config` reads it back."""
        plain: dict[str, dict[str, Any]] = {}
        for name in type(self).model_fields:
            section = getattr(self, name)
            plain[name] = {key: plain_value(getattr(section, key), SETTINGS[f"{name}.{key}"].unit) for key in type(section).model_fields}
        if self.rate_limit.is_unset:
            del plain["rate_limit"]["max_requests"], plain["rate_limit"]["time_window"]
        return plain

    @classmethod
    def _from_nested(cls, nested: dict[str, dict[str, Any]], where: str) -> Self:
        try:
            return cls.model_validate(nested)
        except ValidationError as error:
            raise refusal(error, Origins(where)) from None


def plain_value(value: Any, unit: str = "") -> Any:
    """A setting's value as JSON has it; bytes are whole."""
    if unit == "bytes" and isinstance(value, float) and value.is_integer():
        return int(value)
    return [each.model_dump() for each in value] if isinstance(value, tuple) else value


def _settings() -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for section, field in Config.model_fields.items():
        made: Any = field.annotation
        declared = [Setting.of(section, name, each) for name, each in made.model_fields.items()]
        found.update({one.path: one for one in declared})
    return found


SETTINGS: Mapping[str, Setting] = _settings()
"""Every setting by its path, in the order of the table."""


def known_setting(path: str) -> Setting | None:
    """The setting at `path`, or the field of an entry where a setting is a list (`budget.windows[0].limit`); None where there is none."""
    match = _PART.fullmatch(path)
    if match is None or match[4] is None:
        return SETTINGS.get(path)
    whole = SETTINGS.get(f"{match[1]}.{match[2]}")
    return None if whole is None else whole.within(int(match[3]), match[4])


def find_setting(path: str, where: str = "config") -> Setting:
    """The setting at `path`. Raises ScenarioError naming the nearest."""
    found = known_setting(path)
    if found is None:
        section = path.partition(".")[0]
        inside = [known for known in SETTINGS if known.startswith(f"{section}.")]
        allowed = one_of(name.partition(".")[2] for name in inside) if inside else one_of(Config.model_fields)
        raise at(
            Origins(where), (path,), f"no such setting; allowed{f' in {section}' if inside else ''}: {allowed}{nearest(path, inside or SETTINGS)}"
        )
    return found


def _nested(values: Mapping[str, Any], start: dict[str, dict[str, Any]], where: str) -> dict[str, dict[str, Any]]:
    for path, value in values.items():
        section, name, position, field = _parts(find_setting(path, where).path)
        settings = start.setdefault(section, {})
        if field is None:
            settings[name] = value
        else:
            _entry(settings.get(name, ()), position, path, where)[field] = value
    return start


def _parts(path: str) -> tuple[str, str, int, str | None]:
    """Section, name, and where an entry of a list is meant its position and field."""
    match = _PART.fullmatch(path)
    assert match is not None
    return match[1], match[2], int(match[3] or 0), match[4]


def _entry(entries: Any, position: int, path: str, where: str = "config") -> Any:
    if position < len(entries):
        return entries[position]
    whole = path.partition("[")[0]
    raise ScenarioError(
        f"{where}: {path}: there is no entry {position}; allowed: {f'0 to {len(entries) - 1}' if entries else 'none, the list is empty'}; "
        f"try {f'{whole}[0]' if entries else f'giving {whole} an entry first'}"
    )


def require_available(config: Config, origins: Origins | None = None, prefix: Path = ()) -> None:
    """Refuses settings that a later part brings to life.

    Parameters
    ----------
    origins : places for the message. prefix : path of the settings within the document.

    Raises
    ------
    ScenarioError
        Naming the part.
    """
    complain = partial(at, origins or Origins("config"))
    for path, known in SETTINGS.items():
        reason = known.missing_part(config.get(path))
        if reason is not None:
            raise complain((*prefix, *path.split(".")), reason)
