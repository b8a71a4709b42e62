"""The one path language: `workload.classes[0].duration`, or with an entry's name in the place of its position, `providers[veo].latency.total`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sbsim.documents.faults import nearest, one_of
from sbsim.documents.origin import Path, path_text
from sbsim.documents.yaml12 import read_scalar
from sbsim.errors import ScenarioError

_STEP = re.compile(r"\[([^\[\]]+)\]|([^.\[\]]+)")


def parse_path(text: str) -> tuple[str, ...]:
    """The steps of a path. Raises ScenarioError."""
    steps: list[str] = []
    at = 0
    for match in _STEP.finditer(text):
        if text[at : match.start()] != ("." if steps and match[2] else ""):
            break
        steps.append((match[1] or match[2]).strip())
        at = match.end()
    if not steps or at != len(text):
        raise ScenarioError(f"{text!r} is not a path; try workload.classes[0].duration or batching.max_wait")
    return tuple(steps)


def locate(document: Any, steps: Sequence[str]) -> Path:
    """The keys and positions that `steps` name in `document`; steps beyond what is there are taken as new keys. Raises ScenarioError."""
    path: Path = ()
    here = document
    for step in steps:
        if isinstance(here, (list, tuple)):
            key: Any = _position(here, step, path)
        elif isinstance(here, Mapping):
            key = step if step in here else next((known for known in here if known == _scalar(step)), step)
        elif here is None:
            key = step
        else:
            raise ScenarioError(f"{path_text(path)}: {here!r} has no {step}; try {path_text(path)} itself")
        path = (*path, key)
        here = here[key] if isinstance(here, (list, tuple)) or (isinstance(here, Mapping) and key in here) else None
    return path


def _scalar(step: str) -> Any:
    try:
        return read_scalar(step)
    except ValueError:
        return step


def _position(entries: Sequence[Any], step: str, path: Path) -> int:
    names = [entry.get("name") if isinstance(entry, Mapping) else None for entry in entries]
    if step in names:
        return names.index(step)
    if step.isdecimal() and int(step) < len(entries):
        return int(step)
    known = [str(name) for name in names if name is not None]
    allowed = f"0 to {len(entries) - 1}" + (f", or {one_of(known)}" if known else "") if entries else "none, the list is empty"
    raise ScenarioError(f"{path_text(path)}: no entry {step}; allowed: {allowed}{nearest(step, known)}")


def with_value(document: Any, path: Path, value: Any) -> Any:
    """A copy of `document` with `value` at `path`; what is not on the way there is shared with the original."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(document, (list, tuple)):
        copied = list(document)
        assert isinstance(key, int)
        copied[key] = with_value(document[key], rest, value)
        return copied
    entries = dict(document or {})
    entries[key] = with_value(entries.get(key), rest, value)
    return entries
