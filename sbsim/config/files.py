"""Files that carry settings: bare ones, or what an export wrote, with providers and promises beside them."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from sbsim.config.config import SETTINGS, Config
from sbsim.config.environment import DIVIDED, from_environment, number_of_instances, read_env_file, share_in
from sbsim.documents.faults import nearest, one_of, refusal, shown
from sbsim.documents.origin import Origins, path_text
from sbsim.documents.yaml12 import MAX_BYTES, MAX_DEPTH, read_yaml
from sbsim.errors import ScenarioError

_SUFFIXES = (".yaml", ".yml", ".json", ".toml", ".env")


@dataclass(frozen=True)
class SettingsFile:
    """What a file says.

    Attributes
    ----------
    values : path -> value of the settings it names, in base units. config : these over the defaults.
    instances : of how many instances the file has the numbers of one; 1 where it divides nothing. whole : path -> value of the settings that are
    divided, for all instances together.
    providers, sla : plain values of these parts, None where the file has none; `scenario.load_deployment` reads them.
    prefix : path of the settings within the file. origins : the places of its entries.
    """

    source: str
    values: Mapping[str, Any]
    config: Config
    providers: Any = None
    sla: Any = None
    instances: int = 1
    whole: Mapping[str, Any] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    origins: Origins = field(default_factory=lambda: Origins("config"), compare=False)

    @property
    def values_of_all(self) -> dict[str, Any]:
        """`values` as they are for all instances together: what a scenario goes by, which divides by itself."""
        return {**self.values, **self.whole}


def load(path: str | Path) -> SettingsFile:
    """The settings in a YAML, JSON, TOML or .env file: bare, or under the key `config`.

    Raises
    ------
    ScenarioError
        When the file cannot be read, or a setting means nothing.
    """
    file = Path(path)
    if _suffix(file) == ".env":
        variables = read_env_file(_text(file), str(file))
        values = from_environment(variables, str(file))
        n, whole = share_in(variables, str(file))
        return SettingsFile(str(file), values, Config.from_values(values, str(file)), instances=n, whole=whole)
    document, origins = read_document(file)
    if not isinstance(document, Mapping):
        raise ScenarioError(f"{file}: settings are a mapping; try {{batching: {{max_wait: 10s}}}}")
    has_key = "config" in document
    settings = (document["config"] if has_key else document) or {}
    prefix = ("config",) if has_key else ()
    if isinstance(settings, Mapping) and not has_key:
        _only_sections(settings, origins)
    config = _config(settings, origins, prefix)
    values = {path: config.get(path) for path in SETTINGS if _is_given(settings, path)}
    if not has_key:
        return SettingsFile(str(file), values, config, prefix=prefix, origins=origins)
    n, whole = _share(document, origins)
    return SettingsFile(str(file), values, config, document.get("providers"), document.get("sla"), n, whole, prefix, origins)


def read_document(file: Path) -> tuple[Any, Origins]:
    """Plain values of a YAML, JSON or TOML file, and their places. Raises ScenarioError."""
    suffix = _suffix(file)
    if suffix in (".yaml", ".yml"):
        return read_yaml(_raw(file), str(file))
    try:
        if suffix == ".json":
            document = json.loads(_text(file), object_pairs_hook=_without_duplicates, parse_constant=_not_finite)
        else:
            document = tomllib.loads(_text(file))
        return _plain(document, 0), Origins(str(file))
    except json.JSONDecodeError as error:
        raise ScenarioError(f"{file}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{file}: not TOML: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ScenarioError(f"{file}: {'nested too deep' if isinstance(error, RecursionError) else error}") from None


def _suffix(file: Path) -> str:
    suffix = ".env" if file.name == ".env" else file.suffix.lower()
    if suffix not in _SUFFIXES:
        raise ScenarioError(f"{file}: {file.suffix or 'no suffix'} is not one of {one_of(_SUFFIXES)}{nearest(suffix, _SUFFIXES)}")
    return suffix


def _raw(file: Path) -> bytes:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ScenarioError(f"{file}: cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise ScenarioError(f"{file}: {len(raw)} bytes; at most {MAX_BYTES} (1 MiB) are read")
    return raw


def _text(file: Path) -> str:
    try:
        return _raw(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{file}: not UTF-8 text (byte {error.start}); try saving it as UTF-8") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{next(key for key in keys if keys.count(key) > 1)}: given twice; try removing one")
    return entries


def _not_finite(text: str) -> float:
    raise ValueError(f"{text} is not a finite number; null means no such limit")


def _plain(value: Any, depth: int) -> Any:
    """TOML's days and times as text, its infinities refused; nothing nested too deep."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} deep; nothing here needs that")
    if isinstance(value, dict):
        return {key: _plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, depth + 1) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f'{value} is not a finite number; "none" means no such limit')
    return value.isoformat() if isinstance(value, (datetime, date, time)) else value


def _only_sections(settings: Mapping[Any, Any], origins: Origins) -> None:
    for key in settings:
        if key not in Config.model_fields:
            allowed = (*Config.model_fields, "config")
            raise ScenarioError(f"{origins.place((key,))}: {path_text((key,))}: unknown key; allowed: {one_of(allowed)}{nearest(key, allowed)}")


def _share(document: Mapping[str, Any], origins: Origins) -> tuple[int, dict[str, Any]]:
    """What `environment.share_in` finds among variables; a scenario's `instances` without `whole` divides nothing yet."""
    if "whole" not in document:
        return 1, {}
    given, place = document["whole"] or {}, origins.place(("whole",))
    if not isinstance(given, Mapping):
        raise ScenarioError(f"{place}: whole: settings by path; try {{rate_limit.concurrency: 10}}")
    for path in given:
        if path not in DIVIDED:
            raise ScenarioError(
                f"{place}: whole: {shown(path)} is not divided among instances; allowed: {one_of(DIVIDED)}{nearest(str(path), DIVIDED)}"
            )
    n = number_of_instances(document.get("instances"), f"{origins.place(('instances',))}: instances")
    return n, {path: Config.from_values({path: value}, f"{place}: whole").get(path) for path, value in given.items()}


def _config(settings: Any, origins: Origins, prefix: tuple[str, ...]) -> Config:
    from pydantic import ValidationError

    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        raise refusal(error, origins, prefix) from None


def _is_given(settings: Mapping[str, Any], path: str) -> bool:
    section, name = path.split(".")
    return name in (settings.get(section) or {})
