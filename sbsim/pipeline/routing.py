"""Which lane should make a batch, as things are now, and when one that waits at its lane should be asked again.

It puts the router's question (`components.router`) to the lanes that could make the batch and are in health; it moves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from math import inf, nextafter

from sbsim.components.router import choose
from sbsim.pipeline.lane import Lane, Offered
from sbsim.pricing import kinds_of
from sbsim.records import Batch

SLOW = 1 << 40
"""Bit of a group's number: work that waits for a batch API."""
BARRED = 41
"""From this bit on a group's number says which lanes could never take its items, lane 0 first."""


class Routing:
    """The lanes and a policy.

    Attributes
    ----------
    chooses : whether there is anything to choose: several lanes, and a policy that looks at them.
    due_at : when a batch that waits at its lane should look for a faster one, or its deadline will be missed; inf: none.
    """

    def __init__(self, lanes: Sequence[Lane], policy: str) -> None:
        self.lanes = tuple(lanes)
        self.due_at = inf
        self._at_risk: list[tuple[float, int, Batch]] = []  # waiting batches by the last instant at which another lane could make it
        self.follow(policy)

    def follow(self, policy: str) -> None:
        """Another policy of `components.router`."""
        self._policy = policy
        self.chooses = len(self.lanes) > 1 and policy != "single"

    def choice(self, batch: Batch, lane: Lane, now: float) -> Lane:
        """The lane that should make the batch, which is at `lane`."""
        if lane.is_slow and _may_stay(batch, lane, now):
            return lane
        lanes = self._alternatives(batch)
        if len(lanes) == 1:
            return lanes[0]
        items = batch.unsent
        kinds = kinds_of(items)
        welcoming = [each for each in lanes if each.breaker.is_closed or each.breaker.ready_at(now) <= now] or lanes
        return self.lanes[choose(self._policy, [Offered(each, items, kinds, now) for each in welcoming], batch.deadline_at)]

    def watch(self, batch: Batch, now: float) -> None:
        """`batch` waits at its lane: note the last instant when another one could still meet its deadline, or the first when its batch API cannot."""
        lane = self.lanes[batch.lane]
        others = [other.service.expected_s for other in self._alternatives(batch) if other is not lane]
        if not others:
            return
        is_leisurely = lane.is_slow and batch.call is None
        at = nextafter(batch.deadline_at - lane.service.expected_s, inf) if is_leisurely else batch.deadline_at - min(others)
        if now < at < inf:
            heappush(self._at_risk, (at, batch.serial, batch))
            self.due_at = self._at_risk[0][0]

    def overdue(self, now: float) -> Batch | None:
        """The next batch whose time is up and that still waits; None: there is none."""
        at_risk, batch = self._at_risk, None
        while at_risk and now >= at_risk[0][0] and batch is None:
            late = heappop(at_risk)[2]
            if self.lanes[late.lane].queue.holds(late):
                batch = late
        self.due_at = at_risk[0][0] if at_risk else inf
        return batch

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _alternatives(self, batch: Batch) -> list[Lane]:
        """The lanes that could make the batch: those of its contents (no batch APIs where others exist) that no limit bars it from; else its own."""
        lane = self.lanes[batch.lane]
        if not batch.items or repeats_key(batch, lane):
            return [lane]  # nobody waits for it any more, or nobody else knows its key
        offers = batch.items[0].content.offers
        if len(offers) == 1 and not lane.is_slow:
            return [lane]
        lanes, barred = self.lanes, batch.group >> BARRED
        return [lanes[offer.lane] for offer in offers if not barred >> offer.lane & 1] or [lane]


def repeats_key(batch: Batch, lane: Lane) -> bool:
    """Whether the batch is sent again under the key of a call in doubt: the same body, to the provider that was sent it and knows keys."""
    before = batch.call
    return before is not None and before.is_key_in_doubt and before.lane == lane.index and batch.path != "" and lane.idempotency != "none"


def _may_stay(batch: Batch, lane: Lane, now: float) -> bool:
    """Whether work that can wait stays with this batch API: at the first try, while that is in health and expected to meet the deadline."""
    return batch.call is None and lane.breaker.ready_at(now) <= now <= batch.deadline_at - lane.service.expected_s
