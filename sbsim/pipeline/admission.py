"""Where a request goes, and whether it can go anywhere: which lanes could ever make it, and which of them its waiting is reckoned with.

It decides nothing about when, and it takes nothing on: where a batch goes is decided when it is ready (`pipeline.dispatch`).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from sbsim.config import Config
from sbsim.pipeline.dispatch import Dispatcher
from sbsim.pipeline.lane import Lane
from sbsim.pipeline.routing import BARRED, SLOW
from sbsim.records import URGENT, Content, Item, Request

KINDS_KEPT = 8192
"""Kinds of content that the door remembers: a live batcher meets new ones without end."""


class Open(NamedTuple):
    """What is open to a kind of content: real-time lanes in the order of preference, batch APIs that it might wait for, the bits of its group that
    say which lanes could never make it, and why the last of these could not."""

    lanes: tuple[Lane, ...]
    slow_lanes: tuple[Lane, ...]
    bits: int
    reason: str


class Admission:
    """The door.

    Attributes
    ----------
    has_door : whether some limit or the budget could turn a content away for good; otherwise nothing need be asked of a content with one lane.
    first_lane : by kind of content, the lane that `place` names for it as long as that is in health, where this is all there is to ask; the pipeline
        looks here itself, since a call for every request costs as much as the look.
    """

    def __init__(self, dispatcher: Dispatcher, config: Config) -> None:
        self._dispatcher = dispatcher
        self._lanes = dispatcher.lanes
        self.follow(config)

    def follow(self, config: Config) -> None:
        """Other settings, and the dispatcher's budget as it is now."""
        self._is_fastest = config.routing.policy == "fastest"
        self._is_single = config.routing.policy == "single"
        self._may_wait = config.routing.batch_lane == "slack"
        self.first_lane: dict[Hashable, Lane] = {}
        self._open_to: dict[Hashable, Open] = {}  # by kind of content
        self.has_door = self._dispatcher.budget is not None or any(lane.limiter.has_size_limits for lane in self._lanes)

    def place(self, request: Request, now: float) -> tuple[Lane, int] | str:
        """The lane that the request's waiting is reckoned with, and its group; or why no lane could ever make it.

        A batch API where the request can wait for it (its expected turnaround and the group's own waiting before the deadline), else the first lane
        in health that the policy would take, all queues aside: where the batch goes is decided when it is ready.
        """
        content = request.content
        lanes, slow_lanes, bits, reason = self._open_to.get(content.kind) or self._meet(content)
        group = content.group | bits
        for lane in slow_lanes:
            done_at = now + self._dispatcher.builder.max_wait_s + lane.backlog_s() + lane.service.expected_s
            if done_at <= request.deadline_at and lane.breaker.ready_at(now) <= now:
                return lane, group | SLOW
        if not lanes:
            return reason
        healthy = [lane for lane in lanes if lane.breaker.is_closed] or lanes
        return (min(healthy, key=_service_s) if self._is_fastest else healthy[0]), group

    def is_spent(self, item: Item, lane: Lane, now: float) -> bool:
        """Whether some window of the budget has no room for a call of this item alone."""
        budget = self._dispatcher.budget
        if budget is None:
            return False
        cost, is_urgent = self._dispatcher.cost(lane, (item,), now), item.urgency == URGENT
        if budget.ready_at(cost, is_urgent, now) <= now or not budget.hold(cost, is_urgent, now):
            return False
        self._dispatcher.n_held_by_budget += 1
        return True

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _meet(self, content: Content) -> Open:
        """What is open to contents of this kind; said once for all of them."""
        barred, reason = 0, ""
        offers = (*content.offers, *content.slow_offers)
        for offer in offers if self.has_door else ():
            why = self._refuses(content, self._lanes[offer.lane], offer.most_nano)
            if why is not None:
                barred |= 1 << offer.lane
                reason = why
        lanes, slow_lanes = (
            tuple(self._lanes[offer.lane] for offer in some if not barred >> offer.lane & 1) for some in (content.offers, content.slow_offers)
        )
        if self._is_single and lanes:
            lanes = (min(lanes, key=lambda lane: lane.index),)
        if len(self._open_to) >= KINDS_KEPT:
            self._open_to.clear()
            self.first_lane.clear()
        found = Open(lanes, slow_lanes if self._may_wait else (), barred << BARRED if content.only_lane < 0 else 0, reason)
        self._open_to[content.kind] = found
        if found.lanes and not (found.slow_lanes or found.bits or self._is_fastest):
            self.first_lane[content.kind] = found.lanes[0]
        return found

    def _refuses(self, content: Content, lane: Lane, most_nano: int | None) -> str | None:
        """Why this content can never be sent on this lane, if so."""
        if lane.limiter.has_size_limits and not lane.can_ever(content):
            return "too_large"
        if self._dispatcher.budget is not None and self._dispatcher.budget.needs_bound and most_nano is None:
            return "no_bound"
        return None


def _service_s(lane: Lane) -> float:
    return lane.service.expected_s
