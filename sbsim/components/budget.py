"""A hard spending limit over one rolling window: a gate.

Contract. Whatever is in flight and however it ends, no half-open window (t - window, t] ever holds more than `limit_nano` of settled and reserved money;
non-urgent calls leave `reserve_urgent` of it alone. A call is booked in the window in which it is sent: its reservation (the most it can cost) is taken at
the sending and becomes its bill when it is settled. A reservation that is still open when its window has passed keeps counting until it is settled.
"""

from __future__ import annotations

from collections import deque
from math import inf


class Ticket:
    """One call's booking; `leaves_at` is when it falls out of the window."""

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
    """

    __slots__ = ("_booked", "common_nano", "limit_nano", "reserved_nano", "spent_nano", "window_s")

    def __init__(self, limit_nano: int, window_s: float, reserve_urgent: float = 0.0) -> None:
        self.limit_nano = limit_nano
        self.window_s = window_s
        self.common_nano = int(limit_nano * (1.0 - reserve_urgent))
        self.spent_nano = 0  # settled, in the window
        self.reserved_nano = 0  # open, in the window or overdue
        self._booked: deque[Ticket] = deque()

    def can_ever(self, nano: int, is_urgent: bool) -> bool:
        """Whether an empty window has room for `nano`."""
        return nano <= (self.limit_nano if is_urgent else self.common_nano)

    def ready_at(self, nano: int, is_urgent: bool, now: float) -> float:
        """`now` if `nano` fits, else when enough has left the window; inf where only a settlement can help, or nothing."""
        self._forget(now)
        limit = self.limit_nano if is_urgent else self.common_nano
        over = self.spent_nano + self.reserved_nano + nano - limit
        if over <= 0:
            return now
        for ticket in self._booked:
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
        """The call's bill is known."""
        self.reserved_nano -= ticket.nano
        ticket.is_open = False
        ticket.nano = bill_nano
        if ticket.leaves_at > now:
            self.spent_nano += bill_nano
        else:
            ticket.nano = 0  # its window has passed
        self._forget(now)

    def _forget(self, now: float) -> None:
        """Settled bookings whose window has passed leave; open ones stay until they are settled."""
        booked = self._booked
        while booked and booked[0].leaves_at <= now:
            ticket = booked[0]
            if ticket.is_open:
                self._forget_behind(now)
                return
            self.spent_nano -= ticket.nano
            booked.popleft()

    def _forget_behind(self, now: float) -> None:
        """The oldest booking is overdue and open: what left the window behind it is taken out one by one."""
        kept: deque[Ticket] = deque()
        for ticket in self._booked:
            if ticket.leaves_at <= now and not ticket.is_open:
                self.spent_nano -= ticket.nano
            else:
                kept.append(ticket)
        self._booked = kept
