"""What is to be packed: items in exact whole numbers, and the same items merged to types. Built and checked in `numbers`; knows no method.

An item has a size and, where the instance has them, a duration, a class, a charge and items it may not share a batch with. Limits of a batch: sum of
sizes (with what the set-ups of its classes take away) <= capacity, sum of durations <= max_duration, number of items <= max_items, no two in
conflict.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import gcd
from typing import NamedTuple

from sbsim.packing.tariff import Tariff


@dataclass(frozen=True)
class Instance:
    """Items to pack, every number whole (sizes, durations and money each in a unit of their own).

    Parameters
    ----------
    sizes, capacity : each size in [0, capacity].
    max_items : items in a batch at most; None for no such limit.
    durations, max_duration : as sizes and capacity; empty and 0 for no such limit.
    classes, setup_weights : class of each item, what each class takes of a batch's capacity; empty for one class without set-up.
    charges : what each item adds to its batch's cost before the tariff's tiers; empty for nothing.
    conflicts : for each item a bit mask of the items that it may not be with; empty for none.
    """

    sizes: tuple[int, ...]
    capacity: int
    max_items: int | None = None
    durations: tuple[int, ...] = ()
    max_duration: int = 0
    classes: tuple[int, ...] = ()
    setup_weights: tuple[int, ...] = (0,)
    charges: tuple[int, ...] = ()
    conflicts: tuple[int, ...] = ()
    tariff: Tariff = field(default_factory=Tariff)
    name: str | None = None

    @property
    def n_items(self) -> int:
        """How many items there are."""
        return len(self.sizes)

    def class_of(self, item: int) -> int:
        """The class of an item; 0 where the instance has no classes."""
        return self.classes[item] if self.classes else 0

    def cost(self, batches: Iterable[Sequence[int]]) -> int:
        """What these batches (item indices) cost together, in the tariff's unit."""
        tariff, total = self.tariff, 0
        for batch in batches:
            setups = sum(tariff.setups[c] for c in {self.class_of(i) for i in batch})
            total += tariff.cost(len(batch), setups, sum(self.charges[i] for i in batch) if self.charges else 0)
        return total

    @cached_property
    def types(self) -> Types:
        """The items merged to types, dimensions that cannot bind left out."""
        return _merged(self)


class Dimension(NamedTuple):
    """One additive limit: what each type takes of it, the capacity, and what the set-up of each class takes."""

    weights: tuple[int, ...]
    capacity: int
    setup_weights: tuple[int, ...]


@dataclass(frozen=True)
class Types:
    """Items that are equal in everything that counts, merged: type t stands for `counts[t]` items, those of `members[t]`.

    `dimensions` holds only limits that can bind: sizes, durations, number of items (each weighs 1). `most_items` bounds the items of any batch,
    binding or not. Types are ordered by class, then by falling weights. `constant` is what every packing pays; no batch's cost includes it.
    """

    members: tuple[tuple[int, ...], ...]
    dimensions: tuple[Dimension, ...]
    classes: tuple[int, ...]
    charges: tuple[int, ...]
    conflicts: tuple[int, ...]  # bit masks over types; empty for none
    most_items: int
    tariff: Tariff
    constant: int

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """How many items each type has."""
        return tuple(len(members) for members in self.members)

    @property
    def n(self) -> int:
        """How many types there are."""
        return len(self.members)

    @cached_property
    def n_items(self) -> int:
        """How many items there are."""
        return sum(self.counts)

    @cached_property
    def n_classes(self) -> int:
        """How many classes there are, used or not."""
        return len(self.tariff.setups)

    @cached_property
    def kind(self) -> Hashable:
        """Equal for types that are packed alike, whatever items they stand for."""
        return self.counts, self.dimensions, self.classes, self.charges, self.conflicts, self.most_items, self.tariff, self.constant

    @cached_property
    def parts(self) -> list[tuple[int, ...]]:
        """The types in parts between which conflicts forbid every meeting: what is packed of one has nothing to do with the others."""
        if not self.conflicts:
            return [tuple(range(self.n))]
        left, parts = (1 << self.n) - 1, []
        while left:
            part = border = left & -left
            while border:
                t = border.bit_length() - 1
                meets = left & ~self.conflicts[t] & ~part
                part |= meets
                border = border & ~(1 << t) | meets
            left &= ~part
            parts.append(tuple(t for t in range(self.n) if part >> t & 1))
        return parts

    def only(self, mine: Sequence[int]) -> Types:
        """Some of the types (ascending), numbered from 0, without the constant."""
        conflicts = _between_types([self.conflicts[t] for t in range(self.n)], mine) if self.conflicts else ()
        return Types(
            members=tuple(self.members[t] for t in mine),
            dimensions=tuple(dimension._replace(weights=tuple(dimension.weights[t] for t in mine)) for dimension in self.dimensions),
            classes=tuple(self.classes[t] for t in mine),
            charges=tuple(self.charges[t] for t in mine),
            conflicts=conflicts if any(conflicts) else (),
            most_items=self.most_items,
            tariff=self.tariff,
            constant=0,
        )

    @cached_property
    def by_class(self) -> dict[int, range]:
        """The types of each class that has items."""
        return {c: range(self.classes.index(c), self.classes.index(c) + self.classes.count(c)) for c in sorted(set(self.classes))}

    @cached_property
    def has_setups(self) -> bool:
        """Whether the class of an item makes a difference."""
        return any(self.tariff.setups) or any(any(dimension.setup_weights) for dimension in self.dimensions)

    @cached_property
    def is_monotone(self) -> bool:
        """Whether a batch never costs more for lacking an item."""
        return len(self.tariff.tiers) == 1

    @cached_property
    def is_plain(self) -> bool:
        """Whether every batch costs the same, so that all that counts is their number."""
        return not any(self.tariff.setups) and not any(self.charges)

    def is_count(self, d: int) -> bool:
        """Whether dimension `d` limits no more than the number of items."""
        dimension = self.dimensions[d]
        return dimension.capacity == self.most_items and all(w == 1 for w in dimension.weights) and not any(dimension.setup_weights)

    @cached_property
    def n_sums(self) -> int:
        """How many dimensions are more than a limit on the number of items."""
        return sum(not self.is_count(d) for d in range(len(self.dimensions)))

    def classes_of(self, pattern: Pattern) -> set[int]:
        """The classes that a batch of this pattern pays a set-up for."""
        return {self.classes[t] for t, _ in pattern}

    def cost(self, pattern: Pattern) -> int:
        """What a batch of this pattern costs, in the tariff's unit."""
        n = setups = charges = 0
        last = -1
        for t, k in pattern:
            n += k
            charges += k * self.charges[t]
            if self.classes[t] != last:  # types are ordered by class, patterns by type
                last = self.classes[t]
                setups += self.tariff.setups[last]
        return self.tariff.cost(n, setups, charges)

    def fits(self, pattern: Pattern) -> bool:
        """Whether a batch of this pattern keeps every limit."""
        if sum(k for _, k in pattern) > self.most_items:
            return False
        used = self.classes_of(pattern)
        for dimension in self.dimensions:
            if sum(k * dimension.weights[t] for t, k in pattern) + sum(dimension.setup_weights[c] for c in used) > dimension.capacity:
                return False
        if not self.conflicts:
            return True
        mask = sum(1 << t for t, _ in pattern)
        return not any(self.conflicts[t] & mask for t, _ in pattern)

    def batches(self, patterns: Iterable[Pattern]) -> list[list[int]]:
        """Patterns that use up every type exactly, as lists of item indices: ascending within a batch, batches by their first item."""
        left = [list(reversed(members)) for members in self.members]
        batches = [sorted(left[t].pop() for t, k in pattern for _ in range(k)) for pattern in patterns]
        assert not any(left)
        return sorted(batches)


Pattern = tuple[tuple[int, int], ...]
"""What a batch holds: (type, how many of it), ascending in type, every number > 0."""


def _merged(instance: Instance) -> Types:
    tariff = instance.tariff
    dimensions = _binding(instance)
    has_classes = any(tariff.setups) or any(any(dimension.setup_weights) for dimension in dimensions)
    classes = instance.classes if has_classes and instance.classes else (0,) * instance.n_items
    has_charges = any(instance.charges) and (len(tariff.tiers) > 1 or tariff.minimum > tariff.fee)
    charges = instance.charges if has_charges else (0,) * instance.n_items
    conflicts = instance.conflicts or (0,) * instance.n_items
    kinds: dict[tuple[object, ...], list[int]] = {}
    for item in range(instance.n_items):
        kind = (classes[item], tuple(-dimension.weights[item] for dimension in dimensions), -charges[item], conflicts[item])
        kinds.setdefault(kind, []).append(item)
    members = tuple(tuple(items) for _, items in sorted(kinds.items()))
    firsts = [items[0] for items in members]
    return Types(
        members=members,
        dimensions=tuple(dimension._replace(weights=tuple(dimension.weights[i] for i in firsts)) for dimension in dimensions),
        classes=tuple(classes[i] for i in firsts),
        charges=tuple(charges[i] for i in firsts),
        conflicts=_between_types(conflicts, firsts) if any(conflicts) else (),
        most_items=instance.n_items if instance.max_items is None else min(instance.max_items, instance.n_items),
        tariff=tariff,
        constant=0 if has_charges else tariff.tiers[0][1] * sum(instance.charges),
    )


def _binding(instance: Instance) -> list[Dimension]:
    """Every limit that some items within `max_items` could break, its weights (one for each item) in the largest unit in which they are whole."""
    nothing = (0,) * len(instance.setup_weights)
    limits = [Dimension(instance.sizes, instance.capacity, instance.setup_weights)]
    if instance.durations:
        limits.append(Dimension(instance.durations, instance.max_duration, nothing))
    most = instance.n_items if instance.max_items is None else instance.max_items
    used = set(instance.classes) or {0}
    binding = []
    for weights, capacity, setups in limits:
        worst = sum(sorted(weights, reverse=True)[:most]) + sum(sorted((setups[c] for c in used), reverse=True)[:most])
        if worst > capacity:
            unit = gcd(*weights, *setups)
            binding.append(Dimension(tuple(w // unit for w in weights), capacity // unit, tuple(w // unit for w in setups)))
    if most < instance.n_items:
        binding.append(Dimension((1,) * instance.n_items, most, nothing))
    return binding


def _between_types(conflicts: Sequence[int], firsts: Sequence[int]) -> tuple[int, ...]:
    """Conflicts as bit masks over types: items of one type conflict with the same items, so the first speaks for all (and none with its own type)."""
    n = len(conflicts)
    spoken = [n - 1 - item for item in reversed(firsts)]  # places of the first items in a mask that is written out
    known: dict[int, int] = {}
    for item in firsts:
        mask = conflicts[item]
        if mask not in known:
            written = f"{mask:0{n}b}"
            known[mask] = int("".join([written[place] for place in spoken]), 2)
    return tuple(known[conflicts[item]] for item in firsts)
