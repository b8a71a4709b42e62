"""Settings as environment variables. Whoever runs live hands the mapping in; nothing here looks at the process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sbsim.config.config import SETTINGS, plain_value
from sbsim.config.setting import Setting
from sbsim.documents.faults import nearest, shown
from sbsim.errors import ScenarioError

PREFIX = "SMART_BATCHER_"
_BY_NAME: Mapping[str, Setting] = {name: known for known in SETTINGS.values() for name in (known.environment, known.alias) if name is not None}


def from_environment(variables: Mapping[str, str], where: str = "environment") -> dict[str, Any]:
    """path -> value (in base units) of the settings among `variables`; other variables are none of ours.

    Raises
    ------
    ScenarioError
        For an unknown `SMART_BATCHER_…` (naming the nearest), a value that means nothing, or a name and its classic alias that disagree.
    """
    values: dict[str, Any] = {}
    given_by: dict[str, str] = {}
    for name in sorted(variables):
        known = _BY_NAME.get(name)
        if known is None:
            if name.startswith(PREFIX):
                raise ScenarioError(f"{where}: {name}: no such setting{nearest(name, _BY_NAME)}; `sbsim schema --settings` lists what there is")
            continue
        try:
            value = known.read_text(variables[name])
        except ValueError as error:
            raise ScenarioError(f"{where}: {name}: {error}") from None
        if known.path in values and values[known.path] != value:
            other = given_by[known.path]
            raise ScenarioError(
                f"{where}: {name}: {shown(variables[name])} and {other}: {shown(variables[other])} are one setting, {known.path}; try removing one"
            )
        values[known.path] = value
        given_by[known.path] = name
    return values


def to_environment(path: str, value: Any) -> str | None:
    """The text that an environment variable gives a setting, or None where an environment cannot say it."""
    if SETTINGS[path].environment is None:
        return None
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(plain_value(value, SETTINGS[path].unit))


def read_env_file(text: str, source: str) -> dict[str, str]:
    """Variables of a .env file: NAME=value lines, `#` comments, optional `export` and quotes. Raises ScenarioError."""
    variables: dict[str, str] = {}
    for n, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.removeprefix("export ").partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise ScenarioError(f"{source}:{n}:1: {shown(stripped)} is not NAME=value; try SMART_BATCHER_BATCHING_MAX_WAIT=10s")
        if name in variables:
            raise ScenarioError(f"{source}:{n}:1: {name}: given twice; try removing one")
        variables[name] = _unquoted(value.strip())
    return variables


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value.partition(" #")[0].rstrip()
