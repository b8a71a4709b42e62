"""Settings as environment variables. Whoever runs live hands the mapping in; nothing here looks at the process.

Where several instances divide limits and budget among them, the variables of the settings have the numbers of one. Beside them stand
`SMART_BATCHER_INSTANCES`, of how many, and `SMART_BATCHER_WHOLE_<SECTION>_<SETTING>`, what a divided setting was: a batcher, being one instance,
passes over these; a scenario, which divides by itself, goes by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sbsim.config.config import SETTINGS, plain_value
from sbsim.config.setting import Setting
from sbsim.documents.faults import nearest, shown
from sbsim.documents.fields import Quantity
from sbsim.documents.yaml12 import read_scalar
from sbsim.errors import ScenarioError

PREFIX = "SMART_BATCHER_"
INSTANCES, WHOLE = f"{PREFIX}INSTANCES", f"{PREFIX}WHOLE_"
_BY_NAME: Mapping[str, Setting] = {name: known for known in SETTINGS.values() for name in (known.environment, known.alias) if name is not None}
DIVIDED = ("rate_limit.max_requests", "rate_limit.concurrency", "rate_limit.batch_pacing_interval", "budget.limit", "budget.windows")
"""Settings of which one of several instances without a shared tier has its share (see `scenario.instances.share_of`)."""
_WHOLE_BY_NAME: Mapping[str, Setting] = {
    f"{WHOLE}{known.environment.removeprefix(PREFIX)}": known for known in map(SETTINGS.__getitem__, DIVIDED) if known.environment is not None
}
_SHARES = (INSTANCES, *_WHOLE_BY_NAME)


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
            if name.startswith(PREFIX) and name not in _SHARES:
                raise ScenarioError(
                    f"{where}: {name}: no such setting{nearest(name, (*_BY_NAME, *_SHARES))}; `sbsim schema --settings` lists what there is"
                )
            continue
        value = _read(known, name, variables[name], where)
        if known.path in values and values[known.path] != value:
            other = given_by[known.path]
            raise ScenarioError(
                f"{where}: {name}: {shown(variables[name])} and {other}: {shown(variables[other])} are one setting, {known.path}; try removing one"
            )
        values[known.path] = value
        given_by[known.path] = name
    return values


def _read(known: Setting, name: str, text: str, where: str) -> Any:
    try:
        return known.read_text(text)
    except ValueError as error:
        raise ScenarioError(f"{where}: {name}: {error}") from None


def share_in(variables: Mapping[str, str], where: str = "environment") -> tuple[int, dict[str, Any]]:
    """Of how many instances the settings among `variables` are those of one, and path -> value (in base units) of what they divide; (1, {}): nothing.

    Raises
    ------
    ScenarioError
        For a value that means nothing, and for a whole without the number of its parts.
    """
    whole = {known.path: _read(known, name, variables[name], where) for name, known in _WHOLE_BY_NAME.items() if name in variables}
    if INSTANCES in variables:
        return number_of_instances(read_scalar(variables[INSTANCES].strip()), f"{where}: {INSTANCES}"), whole
    if whole:
        name = next(name for name in _WHOLE_BY_NAME if name in variables)
        raise ScenarioError(f"{where}: {name}: a whole, and nothing says of how many instances; try {INSTANCES}=4")
    return 1, {}


def number_of_instances(given: Any, where: str) -> int:
    """Among how many instances a file says that limits and budget are divided. Raises ScenarioError."""
    try:
        return int(Quantity("count", low=1).read(given))
    except ValueError as error:
        raise ScenarioError(f"{where}: {error}; it is the number of instances that divide limits and budget; try 4") from None


def to_environment(path: str, value: Any) -> str | None:
    """The text that an environment variable gives a setting, or None where an environment cannot say it."""
    if SETTINGS[path].environment is None:
        return None
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(plain_value(value, SETTINGS[path].unit))


def share_to_environment(instances: int, whole: Mapping[str, Any]) -> dict[str, str]:
    """Variables in which `share_in` finds the same, without what an environment cannot say."""
    texts = {path: to_environment(path, value) for path, value in whole.items()}
    return {INSTANCES: str(instances), **{name: text for name, known in _WHOLE_BY_NAME.items() if (text := texts.get(known.path)) is not None}}


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
