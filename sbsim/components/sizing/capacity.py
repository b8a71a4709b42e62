"""As many as it takes to use the free slots: batches when it is busy, none when it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import ceil, inf
from typing import Protocol

from sbsim.components.sizing.sizing import FixedSize
from sbsim.records import Batch, Item


class Gate(Protocol):
    """How many calls may be in flight, and how many are."""

    concurrency: float
    n_in_flight: int


class Slots(Protocol):
    """A lane's slots, and the ready batches that wait for one."""

    @property
    def limiter(self) -> Gate: ...

    @property
    def queue(self) -> Iterable[Batch]: ...

    @property
    def max_part(self) -> float: ...

    def opens_at(self, now: float) -> float: ...


class CapacitySize(FixedSize):
    """What waits over the free slots of the lane, rounded up; without a free slot, or while no call may leave, as many as a call takes.

    What waits are the items of the lane's ready batches and open groups, and the one that opens the group. So work spreads over what would stand idle
    (a call of one is sent at once while there is a slot for it), and shares calls as soon as it would wait anyway: when a slot becomes free, the most
    pressing open group takes it as it is. A lane without a limit on concurrency has a slot for whatever its windows and its pacing let go.

    Parameters
    ----------
    lanes : by number. groups : all open groups, asked when a group opens.
    """

    fills_slots = True

    def __init__(self, lanes: Sequence[Slots], groups: Callable[[], Iterable[Batch]]) -> None:
        self._lanes = lanes
        self._groups = groups

    def size(self, item: Item, most: int) -> int:
        lane = self._lanes[item.lane]
        most = int(min(most, max(lane.max_part, 1)))
        free = lane.limiter.concurrency - lane.limiter.n_in_flight
        if free <= 0 or lane.opens_at(item.opened_at) > item.opened_at:
            return most
        if free == inf:
            return 1
        waiting, enough = 1, most * free
        for n_items in self._waiting(item.lane, lane):
            waiting += n_items
            if waiting >= enough:  # a long queue need not be counted to its end
                return most
        return ceil(waiting / free)

    def _waiting(self, number: int, lane: Slots) -> Iterator[int]:
        for batch in self._groups():
            if batch.lane == number:
                yield len(batch.items)
        for batch in lane.queue:
            yield len(batch.items) if batch.parts is None else sum(map(len, batch.parts))
