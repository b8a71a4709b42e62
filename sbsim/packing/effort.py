"""How much work a packing may take: deterministic units first, seconds only where a caller hands in a clock.

A unit is about a millisecond of one core of the 2020s, counted by what was asked of numpy and the solvers and never measured, so that the same
instance with the same units gives the same answer on every machine. This room reads no clock of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf


class Effort:
    """What is left of a budget of work.

    Parameters
    ----------
    units : units of work at most; inf for no such limit.
    clock, until : a clock and its reading (seconds) past which work stops; None and inf for no limit on time.

    Attributes
    ----------
    spent : units spent so far, also where there is no limit to them.
    is_timed_out : whether it was the clock that stopped something, which makes an answer depend on the machine.
    """

    def __init__(self, units: float = inf, clock: Callable[[], float] | None = None, until: float = inf) -> None:
        self.units = units
        self.spent = 0.0
        self.is_timed_out = False
        self._clock = clock
        self._until = until

    def spend(self, units: float) -> None:
        """Count work that was done."""
        self.spent += units
        if self.units < inf:
            self.units -= units

    @property
    def seconds_left(self) -> float:
        """Seconds until the clock stops the work; inf without a clock."""
        return inf if self._clock is None else self._until - self._clock()

    def is_over(self, units: float = 0.0) -> bool:
        """Whether so many further units are more than what is left; asked between two pieces of work."""
        if self.units <= units:
            return True
        if self.seconds_left <= 0.0:
            self.is_timed_out = True
            return True
        return False

    def part(self, share: float) -> Effort:
        """A budget of a share of what is left, of units and of seconds; what it spends is still to be charged here."""
        left = self.seconds_left
        until = self._until if self._clock is None else self._until - left * (1 - share)
        return Effort(self.units * share, self._clock, until)
