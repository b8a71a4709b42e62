"""Files of instances: JSON (one object or a list), plain text, and the JSON of published bin packing instances with set-ups.

Reads numbers as the decimals that stand there. Knows nothing of traffic: a file of requests is read elsewhere (`sbsim.workload.pending`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sbsim.documents.faults import nearest, shown
from sbsim.errors import ScenarioError
from sbsim.packing.decimals import instance
from sbsim.packing.instances import Instance

KEYS = ("name", "capacity", "items", "max_items", "durations", "max_duration", "conflicts", "classes", "bin_cost", "setups")
IGNORED = ("best_known", "proven_optimal")
"""What published instances say of their answers."""


def read_instances(path: str) -> list[Instance]:
    """The instances in a file, in its order; one without a name is called after the file, with its number where there are several.

    Raises
    ------
    ScenarioError
        When the file cannot be read, or an instance means nothing: file, instance, item, given, allowed.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: byte {error.start} is not UTF-8; allowed: JSON, or plain text of numbers") from None
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror or error}; try the path of a file of instances") from None
    if text.lstrip()[:1] in ("{", "["):
        return _from_json(path, text)
    return [_from_plain(path, text)]


def _from_json(path: str, text: str) -> list[Instance]:
    try:
        document = json.loads(text, parse_float=Decimal, parse_constant=float, object_pairs_hook=_unrepeated)  # NaN is refused where it stands
    except json.JSONDecodeError as error:
        raise ScenarioError(f"{path}: line {error.lineno}, column {error.colno}: {error.msg}; allowed: JSON") from None
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ScenarioError(f"{path}: {error}; allowed: JSON of instances") from None
    stem = Path(path).stem
    if not isinstance(document, list):
        return [_from_entry(document, stem, path)]
    return [_from_entry(entry, f"{stem}-{k}", f"{path}: [{k}]") for k, entry in enumerate(document)]


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entry = dict(pairs)
    if len(entry) < len(pairs):
        names = [name for name, _ in pairs]
        raise ScenarioError(f"key {shown(next(name for name in names if names.count(name) > 1))} stands twice in one object; try removing one")
    return entry


def _from_entry(entry: Any, name: str, where: str) -> Instance:
    if not isinstance(entry, Mapping):
        raise ScenarioError(f'{where}: {shown(entry)} is no instance; try {{"capacity": 100, "items": [60, 40, 30]}}')
    for key in entry:
        if key not in KEYS and key not in IGNORED:
            raise ScenarioError(f"{where}: unknown key {shown(key)}; allowed: {', '.join(KEYS)}{nearest(key, KEYS)}")
    for key in ("capacity", "items"):
        if key not in entry:
            raise ScenarioError(f'{where}: no {key}; an instance needs capacity and items; try {{"capacity": 100, "items": [60, 40, 30]}}')
    given = {key: value for key, value in entry.items() if key in KEYS and key not in ("name", "items") and value is not None}
    name = entry.get("name") or name
    if not isinstance(name, str):
        raise ScenarioError(f'{where}: name: {shown(name)} is not text; try "monday"')
    sizes = entry["items"]
    if isinstance(sizes, list) and sizes and all(isinstance(item, list) for item in sizes):
        sizes, given["classes"], given["setups"] = _with_setups(entry, where)
    return instance(sizes, name=name, where=where, **given)


def _with_setups(entry: Mapping[str, Any], where: str) -> tuple[list[Any], list[Any], list[Any]]:
    """(sizes, classes, set-ups) of an instance as published: items are [class, weight], classes {setup_cost, setup_weight}."""
    classes = entry.get("classes")
    if not isinstance(classes, list) or not all(isinstance(each, Mapping) for each in classes):
        raise ScenarioError(
            f"{where}: classes: {shown(classes)} does not go with items of [class, weight]; try a list of {{setup_cost, setup_weight}}"
        )
    sizes, numbers = [], []
    for item, pair in enumerate(entry["items"]):
        if len(pair) != 2 or isinstance(pair[0], bool) or not isinstance(pair[0], int) or not 0 <= pair[0] < len(classes):
            raise ScenarioError(f"{where}: items[{item}]: {shown(pair)} is not [class, weight]; allowed: classes 0 to {len(classes) - 1}")
        numbers.append(pair[0])
        sizes.append(pair[1])
    return sizes, numbers, [{"cost": each.get("setup_cost", 0), "weight": each.get("setup_weight", 0)} for each in classes]


def _from_plain(path: str, text: str) -> Instance:
    """`n`, `capacity`, then one item a line."""
    words = text.split()
    numbers: list[Any] = []
    for k, word in enumerate(words):
        try:
            numbers.append(Decimal(word))
        except InvalidOperation:
            place = "n" if k == 0 else "capacity" if k == 1 else f"items[{k - 2}]"
            raise ScenarioError(f"{path}: {place}: {shown(word)} is not a number; allowed: n, capacity, then one item a line") from None
    if len(numbers) < 2 or not numbers[0].is_finite() or numbers[0] != len(numbers) - 2:
        said = f"{words[0]} items announced" if words else "nothing"
        raise ScenarioError(f"{path}: {said} and {max(0, len(numbers) - 2)} found; allowed: n, capacity, then n items, one a line")
    return instance(numbers[2:], numbers[1], name=Path(path).stem, where=path)
