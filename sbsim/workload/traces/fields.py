"""What a request can say of itself in a trace, and what can be said of how it went: fields, and how a cell of each is read.

The names are those of `ContentRequest`. A reader gets a cell that says something (text of a csv, any value of jsonl and Parquet) and gives a
hashable value in base units, or raises ValueError with what is allowed. Knows no file and no row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from math import isfinite
from typing import Any

from sbsim.documents.faults import shown
from sbsim.records import CONTENT_TYPES, PRIORITIES
from sbsim.units import parse_duration, parse_money

Read = Callable[[Any], Hashable]

STYLE = "style_params."
"""Prefix of the fields that are one style parameter each."""

_MAX_COUNT = 10**12


def _text(cell: Any) -> str:
    if isinstance(cell, bool) or not isinstance(cell, (str, int)):
        raise ValueError(f"{shown(cell)} is not text")
    return str(cell).strip()


def _prompt(cell: Any) -> str:
    if not isinstance(cell, str):
        raise ValueError(f"{shown(cell)} is not text")
    return cell


def _number(cell: Any) -> float:
    try:
        if isinstance(cell, bool) or (isinstance(cell, str) and "_" in cell):
            raise ValueError
        value = float(cell)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{shown(cell)} is not a number; it must be >= 0") from None
    if not (isfinite(value) and value >= 0):
        raise ValueError(f"{shown(cell)} must be a finite number, 0 or more")
    return value


def _count(cell: Any) -> int:
    value = _number(cell)
    if value != int(value) or value > _MAX_COUNT:
        raise ValueError(f"{shown(cell)} must be a whole number from 0 to 10^12")
    return int(value)


def _duration(cell: Any) -> float:
    try:
        seconds = parse_duration(cell)
    except ValueError:
        raise ValueError(f'{shown(cell)} is not a duration; allowed: seconds, or text such as "8s" or "2min"') from None
    if seconds < 0:
        raise ValueError(f"{shown(cell)} must be >= 0 s")
    return seconds


def _money(cell: Any) -> float:
    try:
        value = parse_money(cell)
    except ValueError:
        raise ValueError(f'{shown(cell)} is not a price in dollars; allowed: a number, 0 or more, or text such as "$0.10"') from None
    if value < 0:
        raise ValueError(f"{shown(cell)} must be >= 0 dollars")
    return value


def _content_type(cell: Any) -> str:
    word = _text(cell).lower()
    if word not in CONTENT_TYPES:
        raise ValueError(f"{shown(cell)} is not one of {', '.join(CONTENT_TYPES)}")
    return word


def _priority(cell: Any) -> int:
    word = str(cell).strip().lower() if not isinstance(cell, bool) else ""
    value = PRIORITIES.get(word, {"1": 1, "2": 2, "3": 3, "1.0": 1, "2.0": 2, "3.0": 3}.get(word))
    if value is None:
        raise ValueError(f"{shown(cell)} is not 1 (urgent), 2 (normal), 3 (background) or one of these names")
    return value


def _flag(cell: Any) -> bool:
    flag = {"true": True, "1": True, "false": False, "0": False}.get(str(cell).strip().lower())
    if flag is None:
        raise ValueError(f"{shown(cell)} is not true or false")
    return flag


def _cached(cell: Any) -> bool:
    word = str(cell).strip().lower()
    return word in ("hit", "yes") if word in ("hit", "yes", "miss", "no") else _flag(cell)


STATUSES = ("ok", "moderated", "failed", "timed_out", "cancelled", "rate_limited")
"""How a recorded request can have ended; all but ok are what an `Outcome` or a price list's `billed` calls them."""
_STATUS_WORDS = {
    "ok": "ok success succeeded succeed successful complete completed done delivered true",
    "moderated": "moderated blocked content_filter content_filtered content_policy_violation refused rejected",
    "failed": "failed failure fail error errored expired incomplete false",
    "timed_out": "timed_out timeout timedout",
    "cancelled": "cancelled canceled aborted",
    "rate_limited": "rate_limited rate_limit throttled",
}
_STATUS_OF = {word: status for status, words in _STATUS_WORDS.items() for word in words.split()}


def _status(cell: Any) -> str:
    word = str(cell).strip().lower().replace("-", "_").replace(" ", "_").removesuffix(".0")
    status = _STATUS_OF.get(word)
    if status is None and word.isdecimal() and 100 <= int(word) <= 599:  # a code of HTTP
        code = int(word)
        status = "ok" if code < 400 else {408: "timed_out", 429: "rate_limited", 499: "cancelled", 504: "timed_out"}.get(code, "failed")
    if status is None:
        raise ValueError(f"{shown(cell)} does not say how the request ended; allowed: {', '.join(STATUSES)}, or a code of HTTP")
    return status


def _blocks(cell: Any) -> tuple[str, ...] | None:
    """Names of the blocks that a prompt consists of, from its beginning on."""
    cell = _unwritten(cell, "[")
    if not isinstance(cell, (list, tuple)) or any(isinstance(name, (bool, float)) or not isinstance(name, (int, str)) for name in cell):
        raise ValueError(f"{shown(cell)} is not a list of block numbers such as [0, 1, 2]")
    return tuple(str(name) for name in cell) or None


def style_value(cell: Any) -> Hashable:
    """A style parameter: a number where it is one (30 and 30.0 and "30" are the same), else text."""
    if isinstance(cell, (bool, int)):
        return cell
    if isinstance(cell, str):
        cell = cell.strip()
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return _text(cell)
    if not isfinite(value):
        return _text(cell)
    return int(value) if value == int(value) else value


def _style(cell: Any) -> tuple[tuple[str, Hashable], ...]:
    cell = _unwritten(cell, "{")
    if not isinstance(cell, Mapping):
        raise ValueError(f'{shown(cell)} is not an object such as {{"video_style": "corporate"}}; csv columns: style_params.NAME')
    return tuple(sorted((str(name), style_value(value)) for name, value in cell.items() if value is not None))


def _unwritten(cell: Any, opening: str) -> Any:
    """A cell of a csv file that holds JSON as what it stands for."""
    if isinstance(cell, str) and cell.lstrip().startswith(opening):
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            return cell
    return cell


def _inputs(cell: Any) -> tuple[str, ...]:
    """Digests of input media: a list, or text with spaces between."""
    cell = _unwritten(cell, "[")
    digests = cell.split() if isinstance(cell, str) else cell
    if not isinstance(digests, (list, tuple)) or not all(isinstance(digest, str) for digest in digests):
        raise ValueError(f"{shown(cell)} is not a list of digests")
    return tuple(digests)


FIELDS: Mapping[str, Read] = {
    "id": _text,
    "content_type": _content_type,
    "engine": _text,
    "resolution": _text,
    "duration": _duration,
    "style_params": _style,
    "units_in": _number,
    "units_out": _number,
    "max_units_out": _number,
    "n_images": _count,
    "input_s": _duration,
    "prompt": _prompt,
    "fingerprint": _text,
    "inputs": _inputs,
    "tenant": _text,
    "variant": _count,
    "seed": _count,
    "allow_reuse": _flag,
    "priority": _priority,
    "deadline_s": _duration,
    "job_id": _text,
    "estimated_cost": _money,
    "blocks": _blocks,
}
"""Every field but `arrived_at`, which `times` reads."""

OUTCOMES: Mapping[str, Read] = {"cost_usd": _money, "status": _status, "cached": _cached, "provider": _text}
"""What can be said of how a request went; `times` reads `started_at` and `finished_at`."""


def reader(field: str) -> Read:
    """How a cell of this field is read."""
    return style_value if field.startswith(STYLE) else FIELDS.get(field) or OUTCOMES[field]


def says_nothing(cell: Any, blanks: frozenset[str] = frozenset(("",))) -> bool:
    """Whether a cell leaves its field to the default: absent, blank, or not a number where a float stands for a missing value."""
    return cell is None or (isinstance(cell, str) and cell.strip() in blanks) or (isinstance(cell, float) and cell != cell)
