"""Instances of batch formation as a user writes them, and judges of answers that know nothing of how those are found.

An instance is the JSON object of `sbsim pack`, numbers as they stand there; amounts are added up as fractions of the decimals that their text shows.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from sbsim.packing import Instance, instance

Plain = dict[str, Any]


def exact(number: Any) -> Fraction:
    """The number that its text shows."""
    return Fraction(str(number))


def instance_of(plain: Plain) -> Instance:
    """What `sbsim pack` makes of it."""
    return instance(plain["items"], plain["capacity"], **{key: value for key, value in plain.items() if key not in ("items", "capacity")})


def _setup(plain: Plain, name: Any) -> tuple[Fraction, Fraction]:
    """(cost, weight) of a class."""
    setups = plain.get("setups") or {}
    given = setups[name] if isinstance(setups, list) else setups.get(name, setups.get(str(name), 0))
    return (exact(given.get("cost", 0)), exact(given.get("weight", 0))) if isinstance(given, dict) else (exact(given), Fraction(0))


def faults(plain: Plain, batch: Sequence[int]) -> Iterator[str]:
    """Every limit that a batch breaks."""
    classes = {plain["classes"][item] for item in batch} if "classes" in plain else set()
    if sum(exact(plain["items"][item]) for item in batch) + sum(_setup(plain, c)[1] for c in classes) > exact(plain["capacity"]):
        yield f"{batch}: larger than the capacity"
    if len(batch) > plain.get("max_items", len(batch)):
        yield f"{batch}: more than max_items"
    if "durations" in plain and sum(exact(plain["durations"][item]) for item in batch) > exact(plain["max_duration"]):
        yield f"{batch}: longer than max_duration"
    for i, j in plain.get("conflicts", ()):
        if i in batch and j in batch:
            yield f"{batch}: {i} and {j} are in conflict"


def cost_of(plain: Plain, batches: Sequence[Sequence[int]]) -> Fraction:
    """What batches cost."""
    fee = exact(plain.get("bin_cost", 1))
    classes = plain.get("classes")
    return sum(
        (fee + sum(_setup(plain, c)[0] for c in {classes[item] for item in batch} if classes) if classes else fee for batch in batches), Fraction(0)
    )


def judge(plain: Plain, answer: Plain) -> None:
    """Fail unless an answer packs every item once, keeps every limit, costs what it says, and its bound, gap and status say the same of it."""
    assert sorted(item for batch in answer["batches"] for item in batch) == list(range(len(plain["items"])))
    assert [fault for batch in answer["batches"] for fault in faults(plain, batch)] == []
    assert float(cost_of(plain, answer["batches"])) == answer["cost"]
    assert answer["bound"] <= answer["cost"]
    assert answer["status"] == ("optimal" if answer["bound"] == answer["cost"] else "feasible")
    assert abs(answer["gap"] * answer["cost"] - (answer["cost"] - answer["bound"])) < 1e-9 * max(1, answer["cost"])


def cheapest(plain: Plain) -> Fraction:
    """The least cost of all partitions: every one that keeps the limits is looked at."""
    best: list[Fraction] = []

    def place(item: int, batches: list[list[int]]) -> None:
        if item == len(plain["items"]):
            cost = cost_of(plain, batches)
            if not best or cost < best[0]:
                best[:] = [cost]
            return
        for batch in batches:
            batch.append(item)
            if not any(faults(plain, batch)):
                place(item + 1, batches)
            batch.pop()
        place(item + 1, [*batches, [item]])

    place(0, [])
    return best[0]


def uniform(n: int, seed: int, low: int = 20, high: int = 100, capacity: int = 150, max_items: int | None = None) -> Plain:
    """Whole sizes of equal chance."""
    draw = random.Random(f"uniform {n} {seed} {low} {high}")
    plain: Plain = {"capacity": capacity, "items": [draw.randint(low, high) for _ in range(n)]}
    return plain if max_items is None else {**plain, "max_items": max_items}


def triplets(n: int, seed: int) -> Plain:
    """Threes that fill a batch of 1000 exactly (Falkenauer 1996), shuffled: n / 3 batches are the optimum."""
    draw = random.Random(f"triplets {n} {seed}")
    items = []
    for _ in range(n // 3):
        first = draw.randint(380, 490)
        second = draw.randint(250, (1000 - first) // 2)
        items += [first, second, 1000 - first - second]
    draw.shuffle(items)
    return {"capacity": 1000, "items": items}


def any_kind(draw: random.Random, most: int) -> Plain:
    """A small instance with a random choice of every feature."""
    n = draw.randint(1, most)
    scale = draw.choice([1, 1, 10, 0.1, 0.01])
    capacity = draw.choice([10, 30, 100])
    low = draw.choice([0, 1, capacity // 4])
    whole = [draw.randint(low, capacity) if draw.random() < 0.4 else draw.randint(0, capacity // 2) for _ in range(n)]
    plain: Plain = {"capacity": _scaled(capacity, scale), "items": [_scaled(size, scale) for size in whole]}
    if draw.random() < 0.4:
        plain["max_items"] = draw.randint(1, n)
    if draw.random() < 0.3:
        plain["durations"] = [draw.randint(0, 20) for _ in range(n)]
        plain["max_duration"] = draw.choice([20, 40])
    if draw.random() < 0.3:
        plain["conflicts"] = [[i, j] for i in range(n) for j in range(i) if draw.random() < 0.3]
    if draw.random() < 0.5:
        names = draw.choice([["a", "b", "c"], [0, 1]])
        plain["classes"] = [draw.choice(names) for _ in range(n)]
        weights = {name: min([capacity - size for size, c in zip(whole, plain["classes"], strict=True) if c == name], default=0) for name in names}
        plain["setups"] = {str(name): {"cost": draw.choice([0, 1, 2.5]), "weight": _scaled(draw.randint(0, weights[name]), scale)} for name in names}
        if draw.random() < 0.3:
            plain["setups"] = {str(name): draw.choice([0, 1, 4]) for name in names}
        plain["bin_cost"] = draw.choice([0, 1, 0.7, 10])
    return plain


def _scaled(number: int, scale: float) -> int | float:
    return number * int(scale) if scale >= 1 else float(f"{number * scale:.2f}")
