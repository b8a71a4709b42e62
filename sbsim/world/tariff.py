"""What a provider charges while one price holds: the invoice lines of contents, the bills by them, the plan."""

from __future__ import annotations

from collections.abc import Hashable

from sbsim.records import Content
from sbsim.scenario import Price, Result
from sbsim.world.latency import ServiceTime
from sbsim.world.ledger import Ledger, Line
from sbsim.world.plan import PlanAccount


class Ware:
    """What a provider knows of a content that it was asked for: the time it takes, its invoice line, the bytes of its result."""

    __slots__ = ("item_s", "line", "n_bytes")

    def __init__(self, item_s: float, line: Line, n_bytes: float) -> None:
        self.item_s = item_s
        self.line = line
        self.n_bytes = n_bytes


class Tariff:
    """One price, with all that was billed by it.

    Parameters
    ----------
    since : the instant from which it holds, seconds. price : the list. result : what comes back. service : how long contents take.
    """

    __slots__ = ("_plan", "_result", "_service", "ledger", "since", "wares")

    def __init__(self, since: float, price: Price, result: Result, service: ServiceTime) -> None:
        self.since = since
        self.ledger = Ledger(price)
        self.wares: dict[Hashable, Ware] = {}  # by `Content.kind`
        self._result = result
        self._service = service
        self._plan = None if price.plan is None else PlanAccount(price.plan, since)

    def learn(self, content: Content) -> Ware:
        """A content that is asked for the first time at this price."""
        facts = content.facts
        n_bytes = self._result.n_bytes(facts.duration_s)
        ware = self.wares[content.kind] = Ware(self._service.item_s(facts), self.ledger.line(facts), n_bytes)
        return ware

    def book(self, sent_at: float, nano: int) -> None:
        """A call sent then is charged so much."""
        self.ledger.nano += nano
        if self._plan is not None:
            self._plan.book(sent_at, nano)

    def plan_nano(self, until: float, study_ends_at: float) -> int:
        """What the plan adds to the bills, if this price holds until then."""
        return 0 if self._plan is None else self._plan.due(until, study_ends_at)
