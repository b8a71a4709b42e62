"""Where a request goes, and whether it can go anywhere: which lanes could ever make it, and which of them its waiting is reckoned with.

It decides nothing about when, and it takes nothing on: where a batch goes is decided when it is ready (`pipeline.dispatch`).
"""

from __future__ import annotations

from collections.abc import Hashable

from sbsim.config import Config
from sbsim.pipeline.dispatch import BARRED, SLOW, Dispatcher
from sbsim.pipeline.lane import Lane
from sbsim.records import URGENT, Content, Item, Request


class Admission:
    """The door.

    Attributes
    ----------
    has_door : whether some limit or the budget could turn a content away for good; otherwise nothing need be asked of a content with one lane.
    """

    def __init__(self, dispatcher: Dispatcher, config: Config) -> None:
        self._dispatcher = dispatcher
        self._lanes = dispatcher.lanes
        self.follow(config)

    def follow(self, config: Config) -> None:
        """Other settings, and the dispatcher's budget as it is now."""
        self._routing = config.routing.policy
        self._may_wait = config.routing.batch_lane == "slack"
        self._barred_of: dict[Hashable, tuple[int, str]] = {}  # by kind of content
        self.has_door = self._dispatcher.budget is not None or any(lane.limiter.has_size_limits for lane in self._lanes)

    def place(self, request: Request, now: float) -> tuple[Lane, int] | str:
        """The lane that the request's waiting is reckoned with, and its group; or why no lane could ever make it."""
        content = request.content
        if content.only_lane < 0:
            return self._choice(request, now)
        lane = self._lanes[content.only_lane]
        return self._refuses(content, lane, content.offers[0].most_nano) or (lane, content.group)

    def is_spent(self, item: Item, lane: Lane, now: float) -> bool:
        """Whether some window of the budget has no room for a call of this item alone."""
        budget = self._dispatcher.budget
        if budget is None:
            return False
        cost, is_urgent = self._dispatcher.cost(lane, (item,), now), item.urgency == URGENT
        if budget.ready_at(cost, is_urgent, now) <= now:
            return False
        budget.hold(cost, is_urgent, now)
        self._dispatcher.n_held_by_budget += 1
        return True

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _choice(self, request: Request, now: float) -> tuple[Lane, int] | str:
        """The lane that the request's waiting is reckoned with, and its group; or why no lane could ever make it.

        A batch API where the request can wait for it (its expected turnaround and the group's own waiting before the deadline), else the first lane
        in health that the policy would take, all queues aside: where the batch goes is decided when it is ready.
        """
        content = request.content
        barred, reason = 0, ""
        if self.has_door:
            known = self._barred_of.get(content.kind)
            if known is None:
                known = self._barred_of[content.kind] = self._barred(content)
            barred, reason = known
        group = content.group | barred << BARRED
        if self._may_wait:
            for offer in content.slow_offers:
                lane = self._lanes[offer.lane]
                done_at = now + self._dispatcher.builder.max_wait_s + lane.backlog_s() + lane.service.expected_s
                if done_at <= request.deadline_at and lane.breaker.ready_at(now) <= now and not barred >> offer.lane & 1:
                    return lane, group | SLOW
        if self._routing in ("cheapest", "balanced"):  # the usual case without a list
            first = None
            for offer in content.offers:
                lane = self._lanes[offer.lane]
                if not barred >> offer.lane & 1:
                    if lane.breaker.is_closed:
                        return lane, group
                    first = first or lane
            return reason if first is None else (first, group)
        lanes = [self._lanes[offer.lane] for offer in content.offers if not barred >> offer.lane & 1]
        if not lanes:
            return reason
        if self._routing == "single":
            return min(lanes, key=lambda lane: lane.index), group
        lanes = [lane for lane in lanes if lane.breaker.is_closed] or lanes
        return min(lanes, key=lambda lane: lane.service.expected_s), group

    def _barred(self, content: Content) -> tuple[int, str]:
        """The lanes that could never make this content, a bit for each, and why the last of them could not."""
        barred, reason = 0, ""
        for offer in (*content.offers, *content.slow_offers):
            why = self._refuses(content, self._lanes[offer.lane], offer.most_nano)
            if why is not None:
                barred |= 1 << offer.lane
                reason = why
        return barred, reason

    def _refuses(self, content: Content, lane: Lane, most_nano: int | None) -> str | None:
        """Why this content can never be sent on this lane, if so."""
        if lane.limiter.has_size_limits and not lane.can_ever(content):
            return "too_large"
        if self._dispatcher.budget is not None and self._dispatcher.budget.needs_bound and most_nano is None:
            return "no_bound"
        return None
