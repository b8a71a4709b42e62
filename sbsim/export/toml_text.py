"""Plain values as TOML 1.0. TOML has no null: a setting says "none" instead, anything else leaves the key out, which means the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_SETTINGS = "config"
"""Key of the settings within a deployable file."""


def toml_text(document: Mapping[str, Any]) -> str:
    """`document` as TOML; keys become text."""
    return "\n".join(_table(document, ())).lstrip("\n") + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Lines of a table: its values first, as TOML wants it, then the tables within."""
    for key, value in table.items():
        if not isinstance(value, Mapping) and not _is_array_of_tables(value) and not _is_left_out(value, path):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in table.items():
        below = (*path, str(key))
        if isinstance(value, Mapping):
            yield from ("", f"[{_dotted(below)}]")
            yield from _table(value, below)
        elif _is_array_of_tables(value):
            for each in value:
                yield from ("", f"[[{_dotted(below)}]]")
                yield from _table(each, below)


def _is_left_out(value: Any, path: tuple[str, ...]) -> bool:
    return value is None and path[:1] != (_SETTINGS,)


def _is_array_of_tables(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(each, Mapping) for each in value)


def _value(value: Any) -> str:
    if value is None:
        return '"none"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(each) for each in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_key(key)} = {_value(each)}' for key, each in value.items() if each is not None)}}}"
    return repr(value)


def _key(key: Any) -> str:
    text = str(key)
    return text if text and set(text) <= _BARE else json.dumps(text, ensure_ascii=False)


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(map(_key, path))
