"""YAML for readers: plain values with comments beside them and above them.

What is written reads back (`yaml12`) as the values that were given. It knows no scenario: what to say is its callers' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sbsim.documents.yaml12 import read_scalar

_WIDTH = 150
_FLOW_WIDTH = 110
"""Collections that fit are written on one line."""
_LARGEST_IN_FULL = 1e15
"""Below this a whole float has the digits that its text shows."""
_BARE = re.compile(r"[A-Za-z0-9_$./][A-Za-z0-9_./@$+-]*\Z")
"""Text that needs no quotes anywhere in YAML, if it is not a number or a word that means something else."""


@dataclass(frozen=True)
class Noted:
    """A value with comments: `note` beside it (above where the line would be long), `above` in lines of their own ("" is an empty line)."""

    value: Any
    note: str = ""
    above: tuple[str, ...] = ()


def commented_yaml(document: Mapping[str, Any]) -> str:
    """A mapping (of mappings, lists, text, numbers, booleans, None, each as it is or as `Noted`) as YAML, keys in their order."""
    return "\n".join(_mapping(document)) + "\n"


def plain(document: Any) -> Any:
    """The values alone, without notes."""
    if isinstance(document, Noted):
        return plain(document.value)
    if isinstance(document, Mapping):
        return {key: plain(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [plain(value) for value in document]
    return document


def scalar(value: Any) -> str:
    """A single value as YAML writes it; text is quoted where it would be read as something else."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, float):
        text = format(Decimal(repr(value)), "f") if abs(value) < _LARGEST_IN_FULL else repr(value)
        return text.removesuffix(".0") if len(text) < 20 else repr(value)
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return text if _BARE.match(text) and _stays_text(text) else _quoted(text)


def _stays_text(text: str) -> bool:
    try:
        return bool(read_scalar(text) == text)
    except ValueError:
        return False


def _quoted(text: str) -> str:
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _printable(text: str) -> str:
    """A comment that no character of it can end."""
    return "".join(character if character.isprintable() else _code(character) for character in text)


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else _code(character)


def _code(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _mapping(entries: Mapping[Any, Any]) -> list[str]:
    lines: list[str] = []
    for key, value in entries.items():
        lines += _noted(f"{scalar(key)}:", value)
    return lines


def _sequence(values: Sequence[Any]) -> list[str]:
    lines: list[str] = []
    for value in values:
        lines += _noted("-", value)
    return lines


def _noted(head: str, given: Any) -> list[str]:
    """The lines of one entry, its comments included."""
    noted = given if isinstance(given, Noted) else Noted(given)
    body = _entry(head, noted.value)
    above = [f"# {_printable(line)}" if line else "" for line in noted.above]
    note = _printable(noted.note)
    if note:
        first = f"{body[0]}  # {note}"
        if len(first) <= _WIDTH:
            body[0] = first
        else:
            above += [f"# {line}" for line in wrapped(note)]
    return [*above, *body]


def _entry(head: str, value: Any) -> list[str]:
    flat = _flow(value)
    if flat is not None:
        return [f"{head} {flat}"]
    if head == "-":  # the first line of the block shares the dash's line
        block = _mapping(value) if isinstance(value, Mapping) else _sequence(value)
        first = next(k for k, line in enumerate(block) if line and not line.startswith("#"))
        return [*block[:first], f"- {block[first]}", *_indented(block[first + 1 :], "  ")]
    block = _mapping(value) if isinstance(value, Mapping) else _sequence(value)
    return [head, *_indented(block, "  ")]


def _indented(lines: Sequence[str], by: str) -> Iterator[str]:
    return (f"{by}{line}" if line else "" for line in lines)


def _flow(value: Any) -> str | None:
    """A value on one line; None where that would be long, hide a comment, or bury several mappings."""
    if isinstance(value, Noted):
        return None
    if isinstance(value, Mapping):
        parts = [(scalar(key), _flow(each)) for key, each in value.items()]
        is_nested = sum(isinstance(each, Mapping) for each in value.values()) > 1
        if is_nested or any(text is None for _, text in parts) or any(isinstance(each, list) and _holds_mappings(each) for each in value.values()):
            return None
        text = "{" + ", ".join(f"{key}: {each}" for key, each in parts) + "}"
    elif isinstance(value, list | tuple):
        texts = [_flow(each) for each in value]
        if any(each is None for each in texts) or _holds_mappings(value):
            return None
        text = "[" + ", ".join(str(each) for each in texts) + "]"
    else:
        return scalar(value)
    return text if len(text) <= _FLOW_WIDTH else None


def _holds_mappings(values: Sequence[Any]) -> bool:
    return any(isinstance(each, Mapping | Noted) for each in values)


def wrapped(text: str, width: int = _WIDTH - 10) -> list[str]:
    """A long comment in lines."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
