"""YAML text to plain values by the rules of YAML 1.2's core schema, with the place of every entry.

Only `true` and `false` are booleans and only decimal numbers are numbers: `off`, `1:30`, `010` and dates stay text, `1e6` is a number. What hides a
value from its reader is refused: duplicate keys, anchors, aliases, merge keys and tags; so is what no hand writes: more than 1 MiB, nesting over 20.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from sbsim.documents.origin import Origins, Path, path_text
from sbsim.errors import ScenarioError

MAX_BYTES = 2**20
MAX_DEPTH = 20
_TOO_DEEP = f"nested more than {MAX_DEPTH} deep; nothing here needs that, try fewer brackets"
_LONGEST_INTEGER = 300
"""Digits that a float can still hold; longer ones are read as a float, and refused as not finite."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml reads about 8 times as fast; only its events are used
_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def read_yaml(text: str | bytes, source: str) -> tuple[Any, Origins]:
    """The plain value (dict, list, str, int, float, bool, None) that `text` holds, and where each of its entries stands.

    Parameters
    ----------
    text : YAML of one document. source : its name in messages, such as the file's path.

    Raises
    ------
    ScenarioError
        With file, line and column, when the text is not YAML or holds what is refused here.
    """
    raw = text.encode() if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        raise ScenarioError(f"{source}: {len(raw)} bytes; at most {MAX_BYTES} (1 MiB) are read; try a `path` to the data instead")
    try:
        decoded = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{source}: not UTF-8 text (byte {error.start}); try saving it as UTF-8") from None
    composer = _Composer(source)
    try:
        return composer.document(yaml.parse(decoded, Loader=_Loader)), composer.origins
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        if "nesting" in (error.problem or ""):  # libyaml looks ahead, and gives up by itself at 1,000
            raise ScenarioError(f"{where}: {_TOO_DEEP}") from None
        raise ScenarioError(f"{where}: not YAML: {error.problem or error.context}; try quoting the text or checking the indentation") from None
    except yaml.YAMLError as error:  # a control character
        raise ScenarioError(f"{source}: not YAML: {str(error).splitlines()[0]}; try saving it as UTF-8 text without them") from None


def read_scalar(text: str) -> str | int | float | bool | None:
    """What a plain (unquoted) scalar means. Raises ValueError for numbers that are not finite."""
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.match(text) and len(text) < _LONGEST_INTEGER:
        return int(text)
    if _FLOAT.match(text):
        value = float(text)
        if math.isinf(value):
            raise ValueError(f"{text[:30]} is not a finite number; `none` means no such limit; try a number")
        return value
    if _NOT_FINITE.match(text):
        raise ValueError(f"{text} is not a finite number; `none` means no such limit; try a number")
    return None if _NULL.match(text) else text


class _Composer:
    """Builds values from the parser's events; `origins` collects the places as it goes."""

    def __init__(self, source: str) -> None:
        self.origins = Origins(source)
        self._source = source

    def document(self, events: Iterator[Any]) -> Any:
        value: Any = None
        n_documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                n_documents += 1
                if n_documents > 1:
                    raise self._refusal(event, (), "a second document begins here; one file holds one; try a file of its own")
            elif isinstance(event, yaml.NodeEvent):
                value = self._node(event, events, ())
        return value

    def _node(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        if isinstance(event, yaml.AliasEvent):
            raise self._refusal(event, path, f"the alias *{event.anchor} is not read; try writing the value out")
        if event.anchor is not None:
            raise self._refusal(event, path, f"the anchor &{event.anchor} is not read; try writing the value out where it is wanted")
        if event.tag is not None and event.tag != "!":
            raise self._refusal(event, path, f"the tag {event.tag} is not read; try the bare value")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if len(path) >= MAX_DEPTH:
            raise self._refusal(event, path, _TOO_DEEP)
        return self._mapping(events, path) if isinstance(event, yaml.MappingStartEvent) else self._sequence(events, path)

    def _sequence(self, events: Iterator[Any], path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            here = (*path, len(items))
            self.origins.mark(here, event.start_mark)
            items.append(self._node(event, events, here))
        return items

    def _mapping(self, events: Iterator[Any], path: Path) -> dict[Any, Any]:
        entries: dict[Any, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._refusal(event, path, "a key must be text or a number; try quoting it")
            key = self._node(event, events, path)
            if key == "<<" and event.implicit[0]:
                raise self._refusal(event, path, "the merge key << is not read; try writing the entries out")
            if key is None or isinstance(key, bool):
                raise self._refusal(event, path, f"a key must be text or a number, not {event.value or 'nothing'}; try quoting it")
            here = (*path, key)
            if key in entries:
                first = self.origins.place(here)
                raise self._refusal(event, here, f"given twice, first at {first}; try removing one")
            self.origins.mark(here, event.start_mark)
            entries[key] = self._node(next(events), events, here)
        return entries

    def _scalar(self, event: Any, path: Path) -> Any:
        text: str = event.value
        if not event.implicit[0]:  # quoted or a block: text as it stands
            return text
        try:
            return read_scalar(text)
        except ValueError as error:
            raise self._refusal(event, path, str(error)) from None

    def _refusal(self, event: Any, path: Path, message: str) -> ScenarioError:
        where = f"{self._source}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"
        return ScenarioError(f"{where}: {path_text(path)}: {message}" if path else f"{where}: {message}")
