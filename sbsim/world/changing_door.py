"""A door whose limits change at known instants. What passed the old one still counts at the new: nobody is let in anew because a rule was written."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from sbsim.records import Item
from sbsim.scenario import Limit
from sbsim.world.door import Door
from sbsim.world.job import Job


class ChangingDoor:
    """The doors of successive terms behind one. The one in force decides; those to come note who passes, and who is inside.

    Parameters
    ----------
    limits : (instant from which they hold, limits), in order; the first from 0 on.
    """

    def __init__(self, limits: Sequence[tuple[float, Sequence[Limit]]]) -> None:
        self._starts = [at for at, _ in limits]
        self._doors = [Door(each) for _, each in limits]
        self._n_waited = 0

    @property
    def n_waited(self) -> int:
        """Calls that waited in a queue of the provider."""
        return self._n_waited + self._doors[0].n_waited

    def ready_at(self, items: Sequence[Item], now: float) -> float:
        return self._in_force(now).ready_at(items, now)

    def enter(self, items: Sequence[Item], now: float) -> tuple[float, float]:
        passes_at, starts_at = self._in_force(now).enter(items, now)
        for door in self._doors[1:]:
            door.note(items, now, passes_at, starts_at)
        return passes_at, starts_at

    def poll(self, now: float) -> float:
        at = self._in_force(now).poll(now)
        if at != inf:
            for door in self._doors[1:]:
                door.note(None, now, at, 0.0)
        return at

    def hold(self, until: float) -> None:
        for door in self._doors:
            door.hold(until)

    def hold_job(self, job: Job, until: float) -> None:
        for door in self._doors:
            door.hold_job(job, until)

    def leave(self, job: Job, at: float) -> None:
        for door in self._doors:
            door.leave(job, at)

    def stop(self, job: Job | None, until: float, at: float, starts_at: float) -> None:
        for door in self._doors:
            door.stop(job, until, at, starts_at)

    def _in_force(self, now: float) -> Door:
        while len(self._starts) > 1 and now >= self._starts[1]:
            self._n_waited += self._doors[0].n_waited
            del self._starts[0], self._doors[0]
        return self._doors[0]
