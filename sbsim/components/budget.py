"""A hard spending limit over one rolling window: a gate.

Contract. Whatever is in flight and however it ends, the calls sent in any half-open window (t - window, t] never cost more than `limit_nano`
together, as long as no bill is higher than what was reserved for it. A call that is not urgent leaves at least `reserve_urgent` of the limit free
when it goes.

A call is booked in the window in which it is sent: what it can cost at most is reserved at the sending, and its bill takes the place of that when it
is settled. So nobody checks first and pays later: what is in flight is counted in full, and concurrent calls cannot overshoot. A reservation that is
still open when its window has passed keeps counting until it is settled: its call may still be running, and nobody knows what it will cost.

It counts whole nano-dollars and knows no prices: whoever sends says what a call can cost, and what it did cost.
"""

from __future__ import annotations

from collections import deque
from math import inf

from sbsim.errors import StateError


class Ticket:
    """One call's booking, in nano-dollars: what is reserved while it is open, its bill after. `leaves_at` is when it falls out of the window."""

    __slots__ = ("is_open", "leaves_at", "nano")

    def __init__(self, nano: int, leaves_at: float) -> None:
        self.nano = nano
        self.leaves_at = leaves_at
        self.is_open = True


class Budget:
    """Whole nano-dollars in one rolling window.

    Parameters
    ----------
    limit_nano : nano-dollars. window_s : seconds. reserve_urgent : share of the limit kept for urgent calls, 0 to 1.

    Attributes
    ----------
    spent_nano, reserved_nano : settled in the window, and open (in the window or overdue), as of the last question.
    common_nano : nano-dollars up to which calls that are not urgent may fill the window.
    """

    __slots__ = ("_booked", "common_nano", "limit_nano", "reserved_nano", "spent_nano", "window_s")

    def __init__(self, limit_nano: int, window_s: float, reserve_urgent: float = 0.0) -> None:
        self.limit_nano = limit_nano
        self.window_s = window_s
        self.common_nano = limit_nano - round(limit_nano * reserve_urgent)
        self.spent_nano = 0
        self.reserved_nano = 0
        self._booked: deque[Ticket] = deque()  # oldest first

    def can_ever(self, nano: int, is_urgent: bool) -> bool:
        """Whether an empty window has room for `nano`."""
        return nano <= (self.limit_nano if is_urgent else self.common_nano)

    def ready_at(self, nano: int, is_urgent: bool, now: float) -> float:
        """`now` if `nano` fits, else when enough has left the window; inf where only a settlement can help, or nothing."""
        booked = self._booked
        if booked and booked[0].leaves_at <= now:
            self._forget(now)
        over = self.spent_nano + self.reserved_nano + nano - (self.limit_nano if is_urgent else self.common_nano)
        if over <= 0:
            return now
        for ticket in booked:
            if not ticket.is_open:
                over -= ticket.nano
                if over <= 0:
                    return ticket.leaves_at
        return inf

    def take(self, nano: int, now: float) -> Ticket:
        """Reserve `nano` for a call that is sent now."""
        ticket = Ticket(nano, now + self.window_s)
        self._booked.append(ticket)
        self.reserved_nano += nano
        return ticket

    def settle(self, ticket: Ticket, bill_nano: int, now: float) -> None:
        """The call's bill is known. Raises StateError when it was before."""
        if not ticket.is_open:
            raise StateError(f"a booking of {ticket.nano} nano-dollars is settled twice; a call has one bill")
        self.reserved_nano -= ticket.nano
        ticket.is_open = False
        ticket.nano = bill_nano
        if ticket.leaves_at > now:
            self.spent_nano += bill_nano
        else:
            ticket.nano = 0  # its window has passed

    def _forget(self, now: float) -> None:
        """Bookings whose window has passed leave; what is reserved for an open one counts until it is settled."""
        booked = self._booked
        while booked and booked[0].leaves_at <= now:
            ticket = booked.popleft()
            if not ticket.is_open:
                self.spent_nano -= ticket.nano
