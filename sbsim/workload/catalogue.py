"""What the contents of a traffic class are: how many, which a wish asks for, what providers need to know of each.

Owns the meaning of an *entry* (the number of a content within its class); knows no arrival and no price. Everything about a content is drawn by its
entry and its class's name, so that other classes, settings and pieces never shift it; without a catalogue an entry is the number of the wish that
asks for it.

Lookalikes are spread evenly over the ranks of popularity, so that their share is exact. A lookalike is an ordinary entry of the class (its
original) with one slot of the sentence exchanged, alike in everything else; which original, follows from counting: they take turns, in steps that
spread them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable
from itertools import repeat
from math import ceil, gcd

import numpy as np
from numpy.typing import NDArray

from sbsim.laws import Law
from sbsim.records import Facts
from sbsim.scenario.traffic import Catalogue, TrafficClass
from sbsim.seeds import Draws
from sbsim.workload.prompts import sentence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_GOLDEN = 0.6180339887498949
_SHARE_STEPS = 2**20
"""Shares of lookalikes are kept in whole steps of this size: entries up to 10^12 times it still fit 64 bits."""
_BLOCK = 64


def choose(shares: Iterable[float], u: Floats) -> Ints:
    """Index of the option that each uniform picks, options laid side by side in their order; shape of `u`."""
    edges = np.cumsum(np.fromiter(shares, dtype=np.float64))
    return np.minimum(np.searchsorted(edges / edges[-1], u, side="right"), edges.size - 1)


def draws_at(draws: Draws, purpose: str, serials: Ints) -> Floats:
    """Uniforms of any serials, shape of `serials`, without drawing what lies between far apart ones."""
    if not serials.size:
        return np.empty(0)
    low, high = int(serials.min()), int(serials.max())
    if high - low < 16 * serials.size + 4096:
        return draws.bulk(purpose, low, high - low + 1)[serials - low]
    blocks, block = np.unique(serials // _BLOCK, return_inverse=True)
    u = np.empty(serials.size)
    order = np.argsort(block, kind="stable")
    bounds = np.searchsorted(block[order], np.arange(blocks.size + 1))
    for k, start in enumerate((blocks * _BLOCK).tolist()):
        mine = order[bounds[k] : bounds[k + 1]]
        u[mine] = draws.bulk(purpose, start, _BLOCK)[serials[mine] - start]
    return u


def _coprime_near(step: int, n: int) -> int:
    """A number from `step` on without a divisor in common with n: its multiples, modulo n, are all different."""
    if n > 2**31:
        return 1  # products would not fit 64 bits
    step = max(step, 1)
    while gcd(step, n) != 1:
        step += 1
    return step


class ClassContents:
    """The contents of one class.

    Parameters
    ----------
    spec : the class. index, n_classes : its place among the classes, so that no two classes use the same sentence. share : its part of the catalogue.
    catalogue : None where every wish wants content of its own. draws : of the replication.

    Attributes
    ----------
    n : number of entries, or None without a catalogue.
    """

    def __init__(self, spec: TrafficClass, index: int, n_classes: int, share: float, catalogue: Catalogue | None, draws: Draws) -> None:
        self.spec = spec
        self.n = None if catalogue is None else max(1, ceil(catalogue.contents * share - 1e-9))
        self._catalogue = catalogue
        self._index = index
        self._n_classes = n_classes
        self._draws = draws
        steps = 0 if catalogue is None else round(catalogue.lookalikes * _SHARE_STEPS)
        self._steps = steps if self.n is not None and self.n > 1 else 0
        self._n_originals = 1 if self.n is None else self.n - (self.n - 1) * self._steps // _SHARE_STEPS
        self._turn = _coprime_near(round(self._n_originals * _GOLDEN), self._n_originals)
        self._first_turn = int(draws.one("content.lookalike", spec.name) * self._n_originals) if self._steps else 0

    def ranks(self, u: Floats) -> Ints:
        """Entries of the catalogue that wishes ask for, by popularity; shape of `u`."""
        assert self._catalogue is not None
        assert self.n is not None
        return self._catalogue.popularity.rank(u, self.n)

    def originals(self, entries: Ints) -> tuple[Ints, Ints]:
        """(original, exchange): for a lookalike the entry that it looks like and which exchange makes it differ; else itself and -1."""
        if not self._steps:
            return entries, np.full(entries.size, -1)
        n_before = np.maximum(entries - 1, 0) * self._steps // _SHARE_STEPS  # lookalikes among entries 0 .. entry - 1
        n_upto = entries * self._steps // _SHARE_STEPS
        mine = np.flatnonzero(n_upto > n_before)
        exchange, turn = np.divmod(n_before[mine], self._n_originals)
        originals, exchanges = entries.copy(), np.full(entries.size, -1)
        originals[mine] = self._entry_of((turn * self._turn + self._first_turn) % self._n_originals)
        exchanges[mine] = exchange
        return originals, exchanges

    def _entry_of(self, place: Ints) -> Ints:
        """Entry of the ordinary content number `place`, by bisection: up to entry e there are 1 + e - (e x steps) // S of them."""
        low = place.copy()
        high = np.full(place.size, (self.n or 1) - 1)
        while (low < high).any():
            middle = (low + high) // 2
            reached = middle - middle * self._steps // _SHARE_STEPS >= place
            high = np.where(reached, middle, high)
            low = np.where(reached, low, middle + 1)
        return low

    def facts(self, entries: Ints) -> list[Facts]:
        """What providers need to know of each entry."""
        spec = self.spec
        drawn_by, _ = self.originals(entries)
        most = spec.max_units_out
        units_out = self._quantity("units_out", spec.units_out, drawn_by)
        return list(
            map(
                Facts,
                repeat(spec.content_type),
                repeat(spec.engine),
                self._option("resolution", spec.resolution, drawn_by) if spec.resolution else repeat(None),
                self._quantity("duration", spec.duration, drawn_by).tolist() if spec.duration else repeat(0.0),
                self._styles(drawn_by),
                self._quantity("units_in", spec.units_in, drawn_by).tolist(),
                (units_out if most is None else np.minimum(units_out, most)).tolist(),
                repeat(most),
                repeat(spec.inputs.images),
                repeat(spec.inputs.seconds),
            )
        )

    def prompt(self, entry: int, wording: int) -> str:
        """The sentence that asks for an entry."""
        original, exchange = self.originals(np.array([entry]))
        return sentence(self.spec.content_type, int(original[0]) * self._n_classes + self._index, int(exchange[0]), wording)

    def inputs(self, entry: int) -> tuple[str, ...]:
        """Digests that stand for the input media of an entry."""
        original, _ = self.originals(np.array([entry]))
        names = (f"{self.spec.name}/{int(original[0])}/{k}" for k in range(self.spec.inputs.images))
        return tuple(f"blake2b:{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}" for name in names)

    def _draw(self, what: str, entries: Ints) -> Floats:
        return draws_at(self._draws, f"content.{what}:{self.spec.name}", entries)

    def _quantity(self, what: str, law: Law, entries: Ints) -> Floats:
        if law.low == law.high:
            return np.full(entries.size, law.low)
        # to the millionth: no law notices, and short decimals are priced faster than 17 digits (0.7 us a quantity against 3.3)
        return np.round(law.quantile(self._draw(what, entries)), 6)

    def _option(self, what: str, shares: dict[str, float], entries: Ints) -> list[str]:
        options = list(shares)
        if len(options) == 1:
            return options * entries.size
        return [options[k] for k in choose(shares.values(), self._draw(what, entries)).tolist()]

    def _styles(self, entries: Ints) -> Iterable[tuple[tuple[str, Hashable], ...]]:
        """(name, value) pairs in the order of their names."""
        if not self.spec.style_params:
            return repeat((), entries.size)
        columns = []
        for name, shares in sorted(self.spec.style_params.items()):
            pairs = [(name, value) for value in shares]
            if len(pairs) == 1:
                columns.append(pairs * entries.size)
            else:
                columns.append([pairs[k] for k in choose(shares.values(), self._draw(f"style.{name}", entries)).tolist()])
        return zip(*columns, strict=True)
