"""One deployable document in the format that is wanted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from sbsim.config import Config, plain_value
from sbsim.config.files import read_document
from sbsim.documents.faults import nearest, one_of
from sbsim.errors import ScenarioError
from sbsim.export.environment import environment_text
from sbsim.export.head import head_in, head_of
from sbsim.export.toml_text import toml_text
from sbsim.export.yaml_text import yaml_text
from sbsim.recommendation import Recommendation
from sbsim.records import PRIORITIES
from sbsim.scenario import load_deployment
from sbsim.search.files import write_files

RECOMMENDED = "recommended.yaml"
"""The file in a recommendation's folder that says everything; other formats are made of it."""
LATER = {"k8s": 5, "compose": 5, "litellm": 5}
"""Format -> the part of the project that brings it."""


def _json_text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


FORMATS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {"env": environment_text, "yaml": yaml_text, "json": _json_text, "toml": toml_text}
"""Format (also the file's suffix) -> text of a deployable document."""
_WITHOUT_COMMENTS = ("json",)


def render(source: Recommendation | Config | str | PathLike[str], to: str) -> str:
    """The text of a deployable file: the same whether of a recommendation or of the folder that it was written to.

    Parameters
    ----------
    source : a recommendation, settings alone, a folder that `sbsim recommend --out` wrote, or a file of settings.
    to : "env", "yaml", "json" or "toml".

    Raises
    ------
    ScenarioError
        For a format that is not known or comes later, and for a source that cannot be read or means nothing.
    """
    if to in LATER:
        raise ScenarioError(f"--to: {to} comes with part {LATER[to]}; allowed now: {one_of(FORMATS)}; try yaml")
    if to not in FORMATS:
        raise ScenarioError(f"--to: {to!r} is not a format; allowed: {one_of(FORMATS)}{nearest(to, FORMATS) or '; try yaml'}")
    head, document = _read(source)
    return ("" if to in _WITHOUT_COMMENTS else head) + FORMATS[to](document)


def write(source: Recommendation | Config | str | PathLike[str], to: str, path: str | PathLike[str] | None = None) -> Path:
    """Write a deployable file, whole or not at all, and return where.

    Parameters
    ----------
    source, to : see `render`. path : of the file; default: `recommended.<to>` in the source's folder.

    Raises
    ------
    ScenarioError
        As `render`, and when there is neither a path nor a folder.
    OutputError
        When the file cannot be written.
    """
    if path is None:
        if isinstance(source, (Recommendation, Config)):
            raise ScenarioError('path: settings that came from no folder need a place; try path="recommended.yaml"')
        path = _file(Path(source)).with_name(f"recommended.{to}")
    target = Path(path)
    write_files({target: render(source, to).encode()})
    return target


def as_document(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A deployable document whose keys are text in every format: priorities by name."""
    names = {number: name for name, number in PRIORITIES.items()}
    document = dict(plain)
    if document.get("sla"):
        document["sla"] = {names.get(key, key): value for key, value in document["sla"].items()}
    return document


def _read(source: Recommendation | Config | str | PathLike[str]) -> tuple[str, dict[str, Any]]:
    """The comment above a deployable document, and the document."""
    if isinstance(source, Recommendation):
        return head_of(source), as_document(source.deployment())
    if isinstance(source, Config):
        return "", {"config": source.to_plain()}
    file = _file(Path(source))
    loaded = load_deployment(file)
    config = loaded.config.to_plain()
    if file.suffix == ".env" or file.name == ".env":
        whole = {path: plain_value(value) for path, value in loaded.whole.items()}
        return "", {**({"instances": loaded.instances, "whole": whole} if loaded.instances > 1 else {}), "config": config}
    document = read_document(file)[0]
    if "config" not in document:
        return "", {"config": config}
    # Where it stands in the file, so that what is made of the file has its order.
    read = as_document({key: config if key == "config" else value for key, value in document.items()})
    return head_in(file) if file.name == RECOMMENDED else "", read


def _file(path: Path) -> Path:
    """The file that `path` means: itself, or the recommendation in the folder."""
    if not path.exists() and not path.suffix:
        raise ScenarioError(
            f"{path}: there is no such folder; allowed: what `sbsim recommend SCENARIO --out DIR` wrote, or a file of settings; try DIR"
        )
    if not path.is_dir():
        return path
    file = path / RECOMMENDED
    if not file.is_file():
        raise ScenarioError(f"{path}: holds no {RECOMMENDED}; try the folder that `sbsim recommend SCENARIO --out {path}` writes")
    return file
