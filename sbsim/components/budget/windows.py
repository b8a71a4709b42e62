"""The windows of a budget: what was sent in them is booked, at what it can cost until its bill is known, and leaves with them.

Contract. `ready_at(nano, room, now)` is the first instant from `now` on at which `nano` fits beside what is booked, within `room`, if nothing else is
sent (inf: only a settlement can help, or nothing). A window that is ready stays ready until something is sent, so several are all ready at the latest
of their instants. Windows are half-open: what was sent at t is out of a rolling window at exactly t + width, and a calendar window begins at exactly
its reset. Instants never go back.

What is reserved and not settled when its window has passed keeps counting until it is settled: its call may still be running, and the provider may
charge it to the day on which it ends.
"""

from __future__ import annotations

from collections import deque
from math import floor, inf, nextafter


class Booking:
    """One call in one window, in nano-dollars: what is reserved while it is open, its bill after. `leaves_at` is when it falls out of the window."""

    __slots__ = ("is_open", "leaves_at", "nano")

    def __init__(self, nano: int, leaves_at: float) -> None:
        self.nano = nano
        self.leaves_at = leaves_at
        self.is_open = True


class RollingWindow:
    """(t - width, t] at every instant t.

    Attributes
    ----------
    spent_nano, reserved_nano : settled in the window, and open (in the window or overdue), as of the last question.
    """

    __slots__ = ("_booked", "_width_s", "reserved_nano", "spent_nano")

    def __init__(self, width_s: float) -> None:
        self._width_s = width_s
        self._booked: deque[Booking] = deque()  # oldest first
        self.spent_nano = 0
        self.reserved_nano = 0

    def ready_at(self, nano: int, room: int, now: float) -> float:
        """`now` if `nano` fits, else when enough has left the window."""
        booked = self._booked
        if booked and booked[0].leaves_at <= now:
            self._forget(now)
        over = self.spent_nano + self.reserved_nano + nano - room
        if over <= 0:
            return now
        if over <= self.spent_nano:
            for booking in booked:
                if not booking.is_open:
                    over -= booking.nano
                    if over <= 0:
                        return booking.leaves_at
        return inf

    def take(self, nano: int, now: float) -> Booking:
        """Reserve `nano` for a call that is sent now."""
        booking = Booking(nano, now + self._width_s)
        self._booked.append(booking)
        self.reserved_nano += nano
        return booking

    def settle(self, booking: Booking, bill_nano: int, now: float) -> None:
        """The bill takes the place of what was reserved."""
        self.reserved_nano -= booking.nano
        booking.is_open = False
        if booking.leaves_at > now:
            booking.nano = bill_nano
            self.spent_nano += bill_nano
        else:
            booking.nano = 0  # its window has passed

    def _forget(self, now: float) -> None:
        booked = self._booked
        while booked and booked[0].leaves_at <= now:
            booking = booked.popleft()
            if not booking.is_open:
                self.spent_nano -= booking.nano


class Calendar:
    """Windows [offset + k width, offset + (k + 1) width): when the one that holds the last instant began and ends.

    Parameters
    ----------
    width_s : seconds. offset_s : seconds from time 0 to a reset.
    """

    __slots__ = ("_offset_s", "_width_s", "ends_at", "starts_at")

    def __init__(self, width_s: float, offset_s: float) -> None:
        self._width_s = width_s
        self._offset_s = offset_s
        self.starts_at = self.ends_at = -inf

    def turn_to(self, now: float) -> None:
        """The window that holds `now` begins."""
        index = self._index(now)
        self.starts_at, self.ends_at = self._start(index), self._start(index + 1)

    def _index(self, at: float) -> int:
        return floor((at - self._offset_s) / self._width_s)

    def _start(self, index: int) -> float:
        """The first instant that the division assigns to window `index`: the product may round to just before it."""
        at = index * self._width_s + self._offset_s
        while self._index(at) < index:
            at = nextafter(at, inf)
        return at


class CalendarWindow:
    """The window of a calendar that holds the instant.

    Attributes
    ----------
    spent_nano, reserved_nano : settled in the window, and open (of this window or overdue), as of the last question.
    """

    __slots__ = ("_calendar", "reserved_nano", "spent_nano")

    def __init__(self, width_s: float, offset_s: float) -> None:
        self._calendar = Calendar(width_s, offset_s)
        self.spent_nano = 0
        self.reserved_nano = 0

    def ready_at(self, nano: int, room: int, now: float) -> float:
        """`now` if `nano` fits, else the next reset."""
        if now >= self._calendar.ends_at:
            self._begin(now)
        booked = self.reserved_nano + nano
        if self.spent_nano + booked <= room:
            return now
        return self._calendar.ends_at if booked <= room else inf

    def take(self, nano: int, now: float) -> Booking:
        """Reserve `nano` for a call that is sent now."""
        if now >= self._calendar.ends_at:
            self._begin(now)
        self.reserved_nano += nano
        return Booking(nano, self._calendar.ends_at)

    def settle(self, booking: Booking, bill_nano: int, now: float) -> None:
        """The bill takes the place of what was reserved."""
        if now >= self._calendar.ends_at:
            self._begin(now)
        self.reserved_nano -= booking.nano
        booking.is_open = False
        booking.nano = bill_nano
        if booking.leaves_at > now:
            self.spent_nano += bill_nano

    def _begin(self, now: float) -> None:
        self._calendar.turn_to(now)
        self.spent_nano = 0


class Pace:
    """Spending spread evenly over a calendar's windows: a call waits until the elapsed share has caught up with the booked share.

    What was sent in earlier windows counts nothing here, settled or not: it says nothing of how fast this one is spent.
    """

    __slots__ = ("_booked_nano", "_calendar", "_width_s")

    def __init__(self, width_s: float, offset_s: float) -> None:
        self._calendar = Calendar(width_s, offset_s)
        self._width_s = width_s
        self._booked_nano = 0

    def ready_at(self, room: int, now: float) -> float:
        """`now` if the elapsed share of the window is no less than the booked share of `room`, else when it will be."""
        if now >= self._calendar.ends_at:
            self._begin(now)
        if not room:
            return now  # nothing may be spent: a matter of limits, not of pace
        at = self._calendar.starts_at + self._width_s * self._booked_nano / room
        if at >= self._calendar.ends_at:
            return self._calendar.ends_at
        return at if at > now else now

    def take(self, nano: int, now: float) -> Booking:
        """`nano` is booked for a call that is sent now."""
        if now >= self._calendar.ends_at:
            self._begin(now)
        self._booked_nano += nano
        return Booking(nano, self._calendar.ends_at)

    def settle(self, booking: Booking, bill_nano: int, now: float) -> None:
        """The bill takes the place of what was booked."""
        if booking.leaves_at > now:
            self._booked_nano += bill_nano - booking.nano
        booking.is_open = False
        booking.nano = bill_nano

    def _begin(self, now: float) -> None:
        self._calendar.turn_to(now)
        self._booked_nano = 0
