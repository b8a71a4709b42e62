"""A packer that remembers: instances with the same types in the same numbers are packed once.

What a simulation hands over thousands of times (a few hundred pending items of a handful of kinds) recurs, whatever the items are called. Memory is
bounded: the answer that was not asked for the longest is forgotten. Deterministic: no clock, only units of effort.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from sbsim.packing.effort import Effort
from sbsim.packing.instances import Instance
from sbsim.packing.ladder import Climb, Method, Packed, finished, solve

MOST_LOOKS = 800
"""Looks from which on no further greedy packing is made: about a millisecond."""


class Packer:
    """Packs instances within the same effort each.

    Parameters
    ----------
    units : of effort for an instance that was not seen before; 0 for bounds and greedy packings alone.
    method : how far up the ladder. most_remembered : answers kept at most.

    Attributes
    ----------
    n_packed, n_remembered, n_climbed : instances packed; those answered from memory; those for which more than bounds and greedy packings was
        tried.
    """

    def __init__(self, units: float = 0.0, method: Method = "auto", most_remembered: int = 4096) -> None:
        self.n_packed = self.n_remembered = self.n_climbed = 0
        self._units = units
        self._method: Method = method
        self._most = most_remembered
        self._known: OrderedDict[Hashable, Climb] = OrderedDict()

    def afford(self, units: float) -> None:
        """Other effort for instances that come from now on; what is remembered stays."""
        self._units = units

    def pack(self, instance: Instance, *, may_climb: bool = True) -> Packed:
        """Pack it, or give its items the places of those of an instance like it.

        `may_climb=False` makes do with bounds and greedy packings where nothing better is remembered; they are not remembered in their turn, unless
        proven to be the best there is.
        """
        self.n_packed += 1
        kind = instance.types.kind
        climb = self._known.pop(kind, None)
        if climb is None:
            climb = solve(instance.types, Effort(self._units if may_climb else 0.0), self._method if may_climb else "greedy", MOST_LOOKS)
            self.n_climbed += climb.is_higher
            if not may_climb and climb.bound < climb.cost:
                return finished(instance, climb)
            if len(self._known) >= self._most:
                self._known.popitem(last=False)
        else:
            self.n_remembered += 1
        self._known[kind] = climb
        return finished(instance, climb)
