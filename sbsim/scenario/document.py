"""From files to scenarios: a path or a shipped name, flags that set single values, and files of settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import inf
from pathlib import Path
from typing import Any

import sbsim
from sbsim.config import Config
from sbsim.config import load as load_settings
from sbsim.documents.faults import nearest, one_of
from sbsim.documents.origin import Origins
from sbsim.documents.yaml12 import read_yaml
from sbsim.errors import ScenarioError
from sbsim.scenario.deployment import differing_parts
from sbsim.scenario.scenario import Scenario, set_value

_PACKAGE = Path(sbsim.__file__).parent
_SHELVES = (_PACKAGE.parent / "scenarios", _PACKAGE / "_scenarios")
"""Where shipped scenarios lie: in a checkout, in a wheel."""


def shipped() -> dict[str, Path]:
    """The shipped scenarios by name; those in a folder are called `folder/name`."""
    files: dict[str, Path] = {}
    for shelf in _SHELVES:
        for file in sorted(shelf.rglob("*.yaml")) if shelf.is_dir() else ():
            files.setdefault(file.relative_to(shelf).with_suffix("").as_posix(), file)
    return files


def load(scenario: str | Path, sets: Iterable[str] = (), configs: Iterable[str | Path] = ()) -> Scenario:
    """The scenario in a file.

    Parameters
    ----------
    scenario : path of a YAML file, or the name of a shipped scenario.
    sets : "path=value" each, in YAML; the last of equals wins. configs : files of settings, which replace the scenario's; the last of equals wins.

    Raises
    ------
    ScenarioError
        Where anything means nothing: file, line, column and path, what was given, what is allowed, what to try.
    """
    file = _find(scenario)
    document, origins = _read(file)
    document = _with_own_path(document, file)
    files = [load_settings(each) for each in configs]
    if files:
        values = {path: value for each in files for path, value in each.values_of_all.items()}
        sources = one_of(each.source for each in files)
        document = {**document, "config": Config.from_values(values, sources).to_plain()}
        origins.replace(("config",), sources)
    for assignment in sets:
        text, value = _assignment(assignment)
        document = set_value(document, origins, text, value, f"--set {assignment}")
    loaded = Scenario.from_document(document, origins)
    differing = [(each.source, part) for each in files for part in differing_parts(each, loaded)]
    notes = [f"{source}: its {part} differs from the scenario's; only its settings are read" for source, part in differing]
    return loaded.noted(*notes) if notes else loaded


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the scenario file, with descriptions and units (`x-unit`)."""
    made = _without_infinities(Scenario.model_json_schema(mode="validation"))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "sbsim scenario", **{k: v for k, v in made.items() if k != "title"}}


def _without_infinities(schema: Any) -> Any:
    """The schema without infinities ("no such limit") in its defaults: JSON has no such number, and what is left out means it."""
    if isinstance(schema, dict):
        return {key: _without_infinities(value) for key, value in schema.items() if value != inf}
    return [_without_infinities(value) for value in schema] if isinstance(schema, list) else schema


def _find(scenario: str | Path) -> Path:
    file = Path(scenario)
    if file.is_file():
        return file
    names = shipped()
    if not str(scenario).strip():
        raise ScenarioError(f"scenario: {str(scenario)!r} is no name; allowed: a YAML file, or one of {one_of(names)}; try quickstart")
    if str(scenario) in names:
        return names[str(scenario)]
    what = "is a directory" if file.is_dir() else "neither a file nor the name of a shipped scenario"
    raise ScenarioError(f"{scenario}: {what}; shipped: {one_of(names) or 'none'}{nearest(scenario, names)}")


def _read(file: Path) -> tuple[dict[str, Any], Origins]:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ScenarioError(f"{file}: cannot be read: {error.strerror}") from None
    document, origins = read_yaml(raw, str(file))
    if not isinstance(document, dict):
        raise ScenarioError(f"{file}: a scenario is a mapping with the keys version, name, workload, providers; try the example in the README")
    return document, origins


def _with_own_path(document: dict[str, Any], file: Path) -> dict[str, Any]:
    """A relative `workload.path` is meant from the scenario's folder, unless only the working directory has such a file."""
    workload = document.get("workload")
    path = workload.get("path") if isinstance(workload, Mapping) else None
    if not isinstance(path, str) or path in ("", "none") or Path(path).is_absolute():
        return document
    beside = file.parent / path
    return {**document, "workload": {**document["workload"], "path": str(beside)}} if beside.exists() or not Path(path).exists() else document


def _assignment(text: str) -> tuple[str, Any]:
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise ScenarioError(f"--set {text}: not an assignment; try --set batching.max_wait=10s")
    return path.strip(), read_value(value, f"--set {text}")


def read_value(text: str, source: str) -> Any:
    """A value as flags give it: YAML, or the bare text where it is none (`workload.path=@file`). Raises ScenarioError."""
    try:
        return read_yaml(text, source)[0]
    except ScenarioError as error:
        if not text.strip().startswith(("[", "{")) and "finite" not in str(error):
            return text
        raise ScenarioError(source + re.sub(r"\A:\d+:\d+", "", str(error).removeprefix(source))) from None  # a flag has no lines
