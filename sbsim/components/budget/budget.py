"""A gate over all windows of a budget: they hold together, all or nothing.

Contract. A call is booked in the windows in which it is sent: an amount is reserved at the sending, and its bill takes the place of that when it is
settled. So nobody checks first and pays later: what is in flight is counted, and concurrent calls cannot overshoot.

- A hard window reserves the most that a call can cost, and takes no call without a most. Whatever is in flight and however it ends, the bills of the
  calls sent in it never exceed its limit, as long as no bill is higher than the most.
- A soft window reserves a quantile of the call's cost (`likely`), so it may be exceeded, in a share of cases that the quantile sets.
- A call that is not urgent leaves at least `reserve_urgent` of every limit free when it goes.
- Paced, a call that is not urgent also waits until the elapsed share of every window has caught up with the booked share of what such calls may use.
  A rolling window has no beginning: it is paced over the stretches of its length from time 0.

It knows no prices: whoever sends says what a call can cost, and what it did cost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from sbsim.components.budget.likely import Cost, LikelyCost
from sbsim.components.budget.windows import Booking, CalendarWindow, Pace, RollingWindow
from sbsim.errors import StateError

MEMORY = 100_000
"""Calls that are remembered at most for windows that come later, as long as a window of today counts them."""


class Allowance(NamedTuple):
    """What may be spent in a window: nano-dollars in seconds.

    `offset_s` is when a calendar window resets, in seconds from time 0 (any of its resets); None: the window rolls.
    """

    limit_nano: int
    window_s: float
    is_hard: bool = True
    offset_s: float | None = None


class Account:
    """One allowance and the window that counts against it.

    Attributes
    ----------
    common_nano : up to where calls that are not urgent may fill the window.
    exhausted_at, n_held : the first instant at which it held a call back (inf: never), and how often it did.
    """

    __slots__ = ("common_nano", "exhausted_at", "is_hard", "limit_nano", "n_held", "pace", "window")

    def __init__(self, allowance: Allowance, reserve_urgent: float, is_paced: bool) -> None:
        limit_nano, window_s, is_hard, offset_s = allowance
        self.limit_nano = limit_nano
        self.common_nano = limit_nano - round(limit_nano * reserve_urgent)
        self.is_hard = is_hard
        self.window: RollingWindow | CalendarWindow = RollingWindow(window_s) if offset_s is None else CalendarWindow(window_s, offset_s)
        self.pace = Pace(window_s, offset_s or 0.0) if is_paced else None
        self.exhausted_at = inf
        self.n_held = 0


class Ticket:
    """A call's bookings, one per window that counts it. `bill_nano` is its bill once it is settled."""

    __slots__ = ("bill_nano", "bookings", "cost", "is_open", "sent_at")

    def __init__(self, cost: Cost, bookings: list[Booking], sent_at: float) -> None:
        self.cost = cost
        self.bookings = bookings
        self.sent_at = sent_at
        self.bill_nano = 0
        self.is_open = True


class Budget:
    """Allowances that hold together.

    Parameters
    ----------
    allowances : one or more. reserve_urgent : share of every limit kept for urgent calls, 0 to 1.
    reserve_quantile : quantile of a call's cost that soft windows reserve, 0 to 1.
    is_paced : whether work that is not urgent is spread over every window.

    Attributes
    ----------
    accounts : one per allowance, in their order. needs_bound : whether a call without a most is never taken (some window is hard).
    """

    __slots__ = ("_books", "_is_soft", "_kept_s", "_likely", "_tickets", "accounts", "needs_bound")

    def __init__(
        self, allowances: Sequence[Allowance], *, reserve_urgent: float = 0.0, reserve_quantile: float = 1.0, is_paced: bool = False
    ) -> None:
        self._tickets: deque[Ticket] = deque()  # in order of sending: what some window still counts
        self._likely = LikelyCost(reserve_quantile)
        self._keep(allowances, reserve_urgent, is_paced)

    def configure(self, allowances: Sequence[Allowance], *, reserve_urgent: float, reserve_quantile: float, is_paced: bool) -> None:
        """Other allowances from now on; they count what was booked before as if they had always held, as far as it is remembered.

        What is remembered is what the windows before still counted: a longer window does not know what came before them. An open call without a most
        counts in a hard window at its list price.
        """
        self._likely = LikelyCost(reserve_quantile, self._likely)
        self._keep(allowances, reserve_urgent, is_paced)
        for ticket in self._tickets:
            hard, soft = self._amounts(ticket.cost)
            if ticket.cost.most_nano is None:
                hard = ticket.cost.list_nano
            ticket.bookings = [window.take(hard if is_hard else soft, ticket.sent_at) for window, is_hard in self._books]
            if not ticket.is_open:
                for (window, _), booking in zip(self._books, ticket.bookings, strict=True):
                    window.settle(booking, ticket.bill_nano, ticket.sent_at)

    def can_ever(self, cost: Cost, is_urgent: bool) -> bool:
        """Whether empty windows have room for such a call, by what is known of it now."""
        if self.needs_bound and cost.most_nano is None:
            return False
        hard, soft = self._amounts(cost)
        return all((hard if account.is_hard else soft) <= (account.limit_nano if is_urgent else account.common_nano) for account in self.accounts)

    def ready_at(self, cost: Cost, is_urgent: bool, now: float) -> float:
        """`now` if the call may go, else when enough has left the windows; inf where only a settlement can help, or nothing."""
        most = cost.most_nano
        if most is None:
            if self.needs_bound:
                return inf
            most = 0
        soft = self._likely.nano(cost) if self._is_soft else 0
        at = now
        for account in self.accounts:
            room = account.limit_nano if is_urgent else account.common_nano
            ready_at = account.window.ready_at(most if account.is_hard else soft, room, now)
            if ready_at > at:
                at = ready_at
            if account.pace is not None and not is_urgent:
                ready_at = account.pace.ready_at(room, now)
                if ready_at > at:
                    at = ready_at
        return at

    def hold(self, cost: Cost, is_urgent: bool, now: float) -> bool:
        """A call that wanted to go was not ready: note the windows that had no room for it; False: none, it is only paced."""
        hard, soft = self._amounts(cost)
        is_short = False
        for account in self.accounts:
            room = account.limit_nano if is_urgent else account.common_nano
            if account.window.ready_at(hard if account.is_hard else soft, room, now) > now:
                is_short = True
                account.n_held += 1
                if now < account.exhausted_at:
                    account.exhausted_at = now
        return is_short

    def take(self, cost: Cost, now: float) -> Ticket:
        """Reserve for a call that is sent now. Raises StateError when a hard window meets a call without a most."""
        if self.needs_bound and cost.most_nano is None:
            raise StateError("a hard budget met a call whose cost nothing bounds; ask ready_at first")
        most = cost.most_nano or 0
        soft = self._likely.nano(cost) if self._is_soft else 0
        bookings: list[Booking] = []
        for window, is_hard in self._books:
            bookings.append(window.take(most if is_hard else soft, now))
        ticket = Ticket(cost, bookings, now)
        tickets = self._tickets
        while tickets and not tickets[0].is_open and (tickets[0].sent_at + self._kept_s <= now or len(tickets) >= MEMORY):
            tickets.popleft()
        tickets.append(ticket)
        return ticket

    def settle(self, ticket: Ticket, bill_nano: int, now: float) -> None:
        """The call's bill is known. Raises StateError when it was before."""
        self.release(ticket, now, bill_nano)
        if self._is_soft:
            self._likely.add(ticket.cost, bill_nano)

    def release(self, ticket: Ticket, now: float, bill_nano: int = 0) -> None:
        """The call was never sent, or its bill says nothing of others: what was reserved is given back. Raises StateError the second time."""
        if not ticket.is_open:
            raise StateError(f"a booking of {ticket.cost} is settled twice; a call has one bill")
        ticket.is_open = False
        ticket.bill_nano = bill_nano
        books = self._books
        for k, booking in enumerate(ticket.bookings):  # `zip(strict)` costs more than all the rest
            books[k][0].settle(booking, bill_nano, now)

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _keep(self, allowances: Sequence[Allowance], reserve_urgent: float, is_paced: bool) -> None:
        """These allowances, with empty windows."""
        self._kept_s = max(allowance.window_s for allowance in allowances)
        self.accounts = tuple(Account(allowance, reserve_urgent, is_paced) for allowance in allowances)
        self.needs_bound = any(account.is_hard for account in self.accounts)
        self._is_soft = any(not account.is_hard for account in self.accounts)
        self._books: list[tuple[RollingWindow | CalendarWindow | Pace, bool]] = []  # all that counts calls, and whether it counts the most
        for account in self.accounts:
            self._books.append((account.window, account.is_hard))
            if account.pace is not None:
                self._books.append((account.pace, account.is_hard))

    def _amounts(self, cost: Cost) -> tuple[int, int]:
        """Nano-dollars that hard and soft windows reserve."""
        most = cost.most_nano
        return (0 if most is None else most), self._likely.nano(cost) if self._is_soft else 0
