"""The budget: against a model that adds up everything ever booked, and under every interleaving of concurrent calls."""

from __future__ import annotations

from itertools import permutations, product
from math import inf

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sbsim.components.budget import Budget
from sbsim.errors import StateError

nanos = st.integers(0, 60)
quarters = st.integers(0, 30).map(lambda k: k / 4)


class AgainstTheBooks(RuleBasedStateMachine):
    """A call may go exactly when settled and open bookings of the last window, and overdue open ones, leave room; no window ever costs more."""

    @initialize(limit=st.integers(20, 100), window_s=st.sampled_from([2.0, 5.0]), reserve=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    def open(self, limit, window_s, reserve):
        self.budget = Budget(limit, window_s, reserve)
        self.limit, self.window_s = limit, window_s
        self.common = limit - round(limit * reserve)
        self.now = 0.0
        self.books, self.tickets = [], []  # of each call: [sent at, reserved, bill or None]; its ticket

    def counted(self, at, among=lambda booking: True):
        mine = [(sent_at, held, bill) for sent_at, held, bill in self.books if among((sent_at, held, bill))]
        return sum(held if bill is None else bill for sent_at, held, bill in mine if bill is None or sent_at + self.window_s > at)

    def model_says(self, nano, is_urgent):
        room = (self.limit if is_urgent else self.common) - nano
        turns = [self.now, *(sent_at + self.window_s for sent_at, _, _ in self.books)]
        return next((at for at in sorted(turns) if at >= self.now and self.counted(at) <= room), inf)

    @rule(dt=quarters)
    def advance(self, dt):
        self.now += dt

    @rule(nano=nanos, is_urgent=st.booleans(), waits=st.booleans())
    def ask(self, nano, is_urgent, waits):
        promised_at = self.budget.ready_at(nano, is_urgent, self.now)
        assert promised_at == self.model_says(nano, is_urgent)
        assert self.budget.can_ever(nano, is_urgent) == (nano <= (self.limit if is_urgent else self.common))
        if waits and promised_at < inf:
            self.now = promised_at
            assert self.budget.ready_at(nano, is_urgent, self.now) == self.now
        assert self.budget.spent_nano == self.counted(self.now, lambda b: b[2] is not None)
        assert self.budget.reserved_nano == self.counted(self.now, lambda b: b[2] is None)

    @rule(nano=nanos, is_urgent=st.booleans())
    def send_if_ready(self, nano, is_urgent):
        if self.budget.ready_at(nano, is_urgent, self.now) == self.now:
            self.books.append([self.now, nano, None])
            self.tickets.append(self.budget.take(nano, self.now))

    @precondition(lambda self: self.books)
    @rule(pick=st.integers(0, 99), share=st.floats(0, 1))
    def settle(self, pick, share):
        ticket, booking = self.tickets[pick % len(self.books)], self.books[pick % len(self.books)]
        if booking[2] is not None:
            with pytest.raises(StateError):
                self.budget.settle(ticket, 0, self.now)
            return
        booking[2] = int(booking[1] * share)
        self.budget.settle(ticket, booking[2], self.now)

    def teardown(self):
        for end, _, _ in getattr(self, "books", ()):
            window = sum(held if bill is None else bill for sent_at, held, bill in self.books if end - self.window_s < sent_at <= end)
            assert window <= self.limit


TestAgainstTheBooks = AgainstTheBooks.TestCase
TestAgainstTheBooks.settings = settings(max_examples=4 * settings().max_examples)


class CheckThenAct:
    """What many clients do: look at what is spent, send, and book the bill when it comes."""

    def __init__(self, limit: int, window_s: float, reserve: float) -> None:
        self.limit, self.common, self.spent = limit, limit - round(limit * reserve), 0

    def ready_at(self, nano: int, is_urgent: bool, now: float) -> float:
        return now if self.spent + nano <= (self.limit if is_urgent else self.common) else inf

    def take(self, nano: int, now: float) -> int:
        return nano

    def settle(self, ticket: int, bill: int, now: float) -> None:
        self.spent += bill


def interleavings(n):
    """Every order of n calls' two events, sending before answer."""
    return set(permutations([call for call in range(n) for _ in range(2)]))


def worst_case(gate, order, reserved, bills, urgent):
    """(most that was spent at any time, most that calls that are not urgent brought it to at their sending), all within one window."""
    tickets, spent, under_way, most, most_common = {}, 0, 0, 0, 0
    refused = set()
    for now, call in enumerate(order):
        if call in refused:
            continue
        if call not in tickets:
            if gate.ready_at(reserved[call], urgent[call], now) > now:
                refused.add(call)
                continue
            tickets[call] = gate.take(reserved[call], now)
            under_way += reserved[call]
            if not urgent[call]:
                most_common = max(most_common, spent + under_way)
        else:
            gate.settle(tickets[call], bills[call], now)
            under_way -= reserved[call]
            spent += bills[call]
        most = max(most, spent)
    return most, most_common


def overshoots(make) -> tuple[int, int]:
    """How many interleavings of three calls overshoot the hard limit of 10, and how many the 6 that are not kept for urgent calls."""
    over, over_common = 0, 0
    for order, reserved, urgent in product(interleavings(3), product((2, 5, 10), repeat=3), product((False, True), repeat=3)):
        for bills in (reserved, tuple(r // 2 for r in reserved)):
            most, most_common = worst_case(make(10, 100.0, 0.4), order, reserved, bills, urgent)
            over += most > 10
            over_common += most_common > 6
    return over, over_common


def test_a_hard_limit_survives_every_interleaving():
    """INV-6: with the most a call can cost reserved before it leaves, no order of sendings and answers overshoots, and the urgent reserve is kept."""
    assert overshoots(Budget) == (0, 0)


def test_check_then_act_is_found_out():
    """Looking first and booking the bill later overshoots as soon as two calls are in flight; the same enumeration shows it."""
    over, over_common = overshoots(CheckThenAct)
    assert over > 0
    assert over_common > 0


def test_an_unsettled_reservation_outlives_its_window():
    """A call whose bill is unknown keeps counting when its window has passed, and counts nothing once it is settled."""
    budget = Budget(10, 60.0)
    ticket = budget.take(8, 0.0)
    assert budget.ready_at(5, True, 100.0) == inf
    budget.settle(ticket, 8, 100.0)
    assert budget.ready_at(10, True, 100.0) == 100.0


def test_a_booking_leaves_at_exactly_its_instant():
    """The window is half-open, in floats too: what was sent at t is out at t + window, and in an ulp before."""
    for sent_at in (0.1, 0.7, 1e6 + 0.1):
        budget = Budget(10, 60.1)
        budget.settle(budget.take(10, sent_at), 10, sent_at)
        leaves_at = sent_at + 60.1
        assert budget.ready_at(1, True, sent_at + 1.0) == leaves_at
        assert budget.ready_at(1, True, leaves_at) == leaves_at
